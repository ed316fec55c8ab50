verify --format json input.log
