"""What is wrong with what was typed for a mail address, in words of ours that every language has."""

from __future__ import annotations

from typing import NamedTuple

from digest.core.language import mark


class Fault(NamedTuple):
    """What is wrong with an address: in our words, and in the words by which email-validator's are known."""

    theirs: tuple[str, ...]
    words: str


# What email-validator says, by words that only this fault has there; the first that fits counts. Its own words are
# English, and not for readers: "a display name and angle brackets".
_FAULTS = (
    Fault(
        ("must have an @-sign", "instead of a regular at-sign"),
        mark("a mail address has an @ in it; this one has none"),
    ),
    Fault(("something before the @-sign",), mark("the name before the @ is missing")),
    Fault(("something after the @-sign",), mark("the domain after the @ is missing")),
    Fault(
        ("display name", "angle bracket", "anything after the email address", "close quote", "quoting the part"),
        mark("type the bare address alone, without a name, quotes or brackets around it"),
    ),
    Fault(
        ("in brackets", "bracketed ip", "address literal"),
        mark("the part after the @ must be a domain, not a number"),
    ),
    Fault(("too long", "so many characters"), mark("this address is too long for any mail server")),
    Fault(("should have a period", "top-level domain"), mark("the domain after the @ lacks its end, such as .org")),
    Fault(("period", "hyphen", "two dashes"), mark("dots or hyphens stand where none may in a mail address")),
    Fault(
        ("special-use", "reserved"),
        mark("no mail can be sent to this domain; it is kept for tests or private networks"),
    ),
    Fault(
        ("before the @-sign",),
        mark("something before the @ cannot be in a mail address, such as a space or a comma"),
    ),
    Fault(
        ("after the @-sign", "idna"),
        mark("something after the @ cannot be in a domain, such as a space, a comma or a second @"),
    ),
)
_UNREADABLE = Fault((), mark("this does not look like a mail address; check it letter by letter"))


def address_fault(said: str) -> Fault:
    """Return what is wrong, to be said in a reader's language, for what email-validator `said` of an address."""
    folded = said.casefold()
    return next((one for one in _FAULTS if any(words in folded for words in one.theirs)), _UNREADABLE)
