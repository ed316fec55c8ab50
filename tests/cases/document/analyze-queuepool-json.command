analyze --format json ../../../samples/document-queuepool.log
