"""Runs the command line as `python -m cli`, which is what ./sitebooks does."""

from cli.main import main

main()
