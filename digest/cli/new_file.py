"""A file of ours that holds addresses: never over another one, and for its owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from digest.errors import ConfigError


def new_file(file: Path) -> TextIO:
    """Make a file that only its owner can read; raises ConfigError where one is there already."""
    try:
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError as error:
        raise ConfigError(f"{file} is there already; name another file") from error
