"""Lets `python -m digest` do what `digest` does."""

from digest.cli import main

main()
