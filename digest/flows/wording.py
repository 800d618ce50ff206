"""The words that a version of the consent stands for, so that they can be shown long after they have changed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache

from digest.core.language import SOURCE
from digest.files import templates_folder

_VERSION = re.compile(r"\d{4}-\d{2}[a-z]?(?:\.[a-z]{2,3}(?:-[A-Za-z]{2,8})*)?")


def name_of(version: str, language: str) -> str:
    """Return the name of a version in a language, as `2026-11.de`; the English one bears the version's own."""
    return version if language in ("", SOURCE) else f"{version}.{language}"


@cache
def words_of(name: str) -> Mapping[str, str]:
    """Return what form, mail, page, button and way out said; empty for a version or language that is not kept."""
    file = templates_folder() / "consent" / f"{name}.toml"
    if not _VERSION.fullmatch(name) or not file.is_file():
        return {}
    kept = tomllib.loads(file.read_text("utf-8"))
    return {place: " ".join(str(words).split()) for place, words in kept.items()}
