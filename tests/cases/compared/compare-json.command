compare --format json before.log after.log
