"""Files from outside, read only when their size and kind allow it."""

from __future__ import annotations

import stat
from pathlib import Path

from digest.errors import RefusedInput

MAX_FILE = 64 * 1024 * 1024  # bytes of one recorded response


def read_bounded(path: Path, limit: int = MAX_FILE) -> bytes:
    """Read a regular file of 1 to `limit` bytes; raises RefusedInput before reading anything else."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RefusedInput(f"{path} is not a regular file; name one recorded response")
        if status.st_size > limit:
            raise RefusedInput(f"{path} holds {status.st_size:,} bytes; at most {limit:,} are read. Split it")
        with path.open("rb") as opened:
            body = opened.read(limit + 1)
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise RefusedInput(f"{str(path)!r} cannot be read: {error}") from error
    if not body:
        raise RefusedInput(f"{path} is empty; a recorded response is never empty. Record it again")
    if len(body) > limit:
        raise RefusedInput(f"{path} grew beyond {limit:,} bytes while it was read")
    return body
