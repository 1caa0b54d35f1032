"""Runs the command line as `python -m cli`, which is what ./sitebooks does."""

from cli.main import main

if __name__ == "__main__":
    main()
