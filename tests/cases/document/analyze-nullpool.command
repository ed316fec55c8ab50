analyze ../../../samples/document-nullpool.log
