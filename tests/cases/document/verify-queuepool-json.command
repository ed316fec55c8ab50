verify --format json ../../../samples/document-queuepool.log
