"""The words of the two letters about a change of address; neither names any address."""

from __future__ import annotations

from dataclasses import dataclass

from digest.mail.wording import one_line


@dataclass(frozen=True, slots=True)
class LetterWords:
    """What a letter says around its one link."""

    subject: str
    preheader: str
    heading: str
    opening: str
    button: str
    closing: str


def new_address(name: str) -> LetterWords:
    """Ask at the new address whether the digest may come there."""
    name = one_line(name)
    return LetterWords(
        subject=f"Move your {name} digest here?",
        preheader="One step is left: confirm on the page behind the link.",
        heading="Move your digest here?",
        opening=f"A reader of {name}, a daily mail of research papers, asked to receive it at this address instead of "
        "another one. If that was you, open this page and press the button there.",
        button="Move my digest here",
        closing="The link works once and for three days. If it was not you, do nothing: without a confirmation "
        "nothing changes, and nothing more is sent here.",
    )


def moved(name: str) -> LetterWords:
    """Tell the old address that the digest goes elsewhere from now on, and how to object."""
    name = one_line(name)
    return LetterWords(
        subject=f"Your {name} digest goes to another address now",
        preheader="If you did not ask for it, you can undo it.",
        heading="Your digest goes to another address now",
        opening=f"The {name} digest that came to this address was moved to another one, which confirmed it. If you "
        "asked for that, you need not do anything.",
        button="Undo it, I did not ask for this",
        closing="The link works once and for 30 days. It brings the digest back here, and keeps it from being "
        "moved again for as long.",
    )
