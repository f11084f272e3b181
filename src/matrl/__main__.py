"""``python -m matrl``: the command line."""

from matrl.cli import main

if __name__ == "__main__":
    main()
