verify input.log
