verify --format json ../../../samples/document-nullpool.log
