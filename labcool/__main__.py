"""``python -m labcool``: the command line."""

from labcool.cli import main

if __name__ == "__main__":
    main()
