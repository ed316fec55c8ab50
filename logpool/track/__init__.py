"""Events -> lifecycles: the fold, and the reset sequence."""
