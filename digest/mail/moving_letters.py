"""The words of the two letters about a change of address; neither names any address."""

from __future__ import annotations

from dataclasses import dataclass

from digest.core.language import Language
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


def new_address(name: str, say: Language) -> LetterWords:
    """Ask at the new address whether the digest may come there."""
    name = one_line(name)
    return LetterWords(
        subject=say("Move your %(name)s digest here?", name=name),
        preheader=say("One step is left: confirm on the page behind the link."),
        heading=say("Move your digest here?"),
        opening=say(
            "A reader of %(name)s, a daily mail of research papers, asked to receive it at this address instead of "
            "another one. If that was you, open this page and press the button there.",
            name=name,
        ),
        button=say("Move my digest here"),
        closing=say(
            "The link works once and for three days. If it was not you, do nothing: without a confirmation nothing "
            "changes, and nothing more is sent here."
        ),
    )


def moved(name: str, say: Language) -> LetterWords:
    """Tell the old address that the digest goes elsewhere from now on, and how to object."""
    name = one_line(name)
    return LetterWords(
        subject=say("Your %(name)s digest goes to another address now", name=name),
        preheader=say("If you did not ask for it, you can undo it."),
        heading=say("Your digest goes to another address now"),
        opening=say(
            "The %(name)s digest that came to this address was moved to another one, which confirmed it. If you asked "
            "for that, you need not do anything.",
            name=name,
        ),
        button=say("Undo it, I did not ask for this"),
        closing=say(
            "The link works once and for 30 days. It brings the digest back here, and keeps it from being moved again "
            "for as long."
        ),
    )
