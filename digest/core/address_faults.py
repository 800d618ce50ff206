"""What is wrong with what was typed for a mail address, in words of ours that every language has."""

from __future__ import annotations

from digest.core.language import mark

# What email-validator says, by words that only this fault has there; the first that fits counts. Its own words are
# English, and not for readers: "a display name and angle brackets".
_FAULTS = (
    (("must have an @-sign", "instead of a regular at-sign"), mark("a mail address has an @ in it; this one has none")),
    (("something before the @-sign",), mark("the name before the @ is missing")),
    (("something after the @-sign",), mark("the domain after the @ is missing")),
    (
        ("display name", "angle bracket", "anything after the email address", "close quote", "quoting the part"),
        mark("type the bare address alone, without a name, quotes or brackets around it"),
    ),
    (("in brackets", "bracketed ip", "address literal"), mark("the part after the @ must be a domain, not a number")),
    (("too long", "so many characters"), mark("this address is too long for any mail server")),
    (("should have a period", "top-level domain"), mark("the domain after the @ lacks its end, such as .org")),
    (("period", "hyphen", "two dashes"), mark("dots or hyphens stand where none may in a mail address")),
    (("special-use", "reserved"), mark("no mail can be sent to this domain; it is kept for tests or private networks")),
    (
        ("before the @-sign",),
        mark("something before the @ cannot be in a mail address, such as a space or a comma"),
    ),
    (
        ("after the @-sign", "idna"),
        mark("something after the @ cannot be in a domain, such as a space, a comma or a second @"),
    ),
)
_UNREADABLE = mark("this does not look like a mail address; check it letter by letter")


def address_fault(said: str) -> str:
    """Return our words, to be said in a reader's language, for what email-validator `said` of an address."""
    folded = said.casefold()
    return next((ours for theirs, ours in _FAULTS if any(one in folded for one in theirs)), _UNREADABLE)
