compare ../../../samples/document-queuepool.log ../../../samples/document-nullpool.log
