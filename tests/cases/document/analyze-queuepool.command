analyze ../../../samples/document-queuepool.log
