analyze --format json input.log
