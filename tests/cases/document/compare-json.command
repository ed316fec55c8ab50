compare --format json ../../../samples/document-queuepool.log ../../../samples/document-nullpool.log
