"""The languages that Firstlight speaks: English, and every one with a catalogue in `digest/locale/`."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from digest.core.language import ENGLISH, SOURCE, Language, accepted

DOMAIN = "firstlight"
FOLDER = Path(__file__).resolve().parent / "locale"


@cache
def offered() -> tuple[str, ...]:
    """The tags of the languages that there are, English first."""
    return (SOURCE, *sorted(catalogue.parts[-3] for catalogue in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))


@cache
def language(tag: str) -> Language:
    """Return the language of an offered tag, its catalogue read once; any other tag is English."""
    if tag == SOURCE or tag not in offered():
        return ENGLISH
    return Language(tag, _catalogue(FOLDER / tag / "LC_MESSAGES" / f"{DOMAIN}.po"))


def _catalogue(path: Path) -> NullTranslations:
    """Read a catalogue; what is fuzzy or empty stays English."""
    # Only a process that meets a reader of another language loads these.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


class Languages:
    """The languages of one site, whose own is `default`."""

    def __init__(self, default: str = SOURCE) -> None:
        self.default = default

    def of(self, tag: str) -> Language:
        """Return the language of a tag; the site's own where it is empty or no longer offered."""
        return language(tag if tag in offered() else self.default)

    def for_visitor(self, accept_language: str) -> Language:
        """Return the language that a browser asks for, or the site's own."""
        return language(self.asked_for(accept_language) or self.default)

    def asked_for(self, accept_language: str) -> str:
        """Return the tag of the offered language that a browser asks for; empty if it asks for none of them."""
        return accepted(accept_language, offered())
