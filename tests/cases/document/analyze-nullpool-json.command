analyze --format json ../../../samples/document-nullpool.log
