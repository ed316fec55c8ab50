compare --fail-on worse,error --pool web before.log after.log
