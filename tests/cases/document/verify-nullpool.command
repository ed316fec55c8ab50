verify ../../../samples/document-nullpool.log
