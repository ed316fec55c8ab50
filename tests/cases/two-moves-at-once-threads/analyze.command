analyze --layout '%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s' input.log
