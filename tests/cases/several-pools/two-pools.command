verify --pool NullPool --pool shop.db.TracedPool input.log
