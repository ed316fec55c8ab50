compare before.log after.log
