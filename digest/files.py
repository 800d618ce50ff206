"""Where the files that travel with the code are: in the wheel beside this module, in a checkout at its root."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def templates_folder() -> Path:
    """The folder that holds `mail/` and `web/` templates."""
    return _find("templates")


def seeds_folder() -> Path:
    """The folder that holds the facts the demo starts from."""
    return _find("seeds")


def _find(name: str) -> Path:
    packaged = _HERE / name
    return packaged if packaged.is_dir() else _HERE.parent / name
