"""What is too much for Python: every byte of a log, and every event. Compiled, and run without the interpreter's lock.

It knows bytes, texts and numbers, and little of pools: what to look for, where times stand and what a text means is
told in Python, once for each distinct text.
"""
