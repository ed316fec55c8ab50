compare --fail-on worse before.log before.log
