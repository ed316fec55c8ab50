compare --fail-on worse before.log after.log
