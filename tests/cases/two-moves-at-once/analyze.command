analyze input.log
