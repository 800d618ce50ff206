"""The command line: one module per group of commands."""

from digest.cli.main import main

__all__ = ["main"]
