analyze --pool web input.log
