verify ../../../samples/document-queuepool.log
