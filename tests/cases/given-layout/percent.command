verify --layout '%(asctime)s | %(levelname)-8s | %(process)d | %(name)s: %(message)s' input.log
