"""Lets `python -m digest` do what `digest` does, and `digest` end quietly at any moment."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, also while it is still loading."""
    # Our products of matrices are small: shared out to threads they take twice the processor (docs/tailoring.md).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from digest.cli.main import main as run  # noqa: PLC0415  # loading is the longest part of a short command

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
