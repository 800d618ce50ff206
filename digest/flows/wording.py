"""The words that a version of the consent stands for, so that they can be shown long after they have changed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache

from digest.files import templates_folder

_VERSION = re.compile(r"\d{4}-\d{2}[a-z]?")


@cache
def words_of(version: str) -> Mapping[str, str]:
    """Return what form, mail, page, button and way out said; empty for a version that is not kept."""
    file = templates_folder() / "consent" / f"{version}.toml"
    if not _VERSION.fullmatch(version) or not file.is_file():
        return {}
    kept = tomllib.loads(file.read_text("utf-8"))
    return {place: " ".join(str(words).split()) for place, words in kept.items()}
