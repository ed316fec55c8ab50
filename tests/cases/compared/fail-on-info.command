compare --fail-on info --pool web after.log before.log
