"""``python -m logpool``."""

from logpool.cli import entry

if __name__ == "__main__":
    entry()
