"""Words of a mail that filters hold against it, or that mail lists cut: the subject's form, and an editor's phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LONGEST_SUBJECT = 90  # characters; a phone shows about 40, a wide window about 80
_SHOUTED = 0.7  # of the letters
_FEWEST_LETTERS = 10  # below which an abbreviation fills a subject
_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_REPLY = re.compile(r"^\s*(re|fwd?|aw|wg)\s*:", re.IGNORECASE)
_RUN = re.compile(r"[!?]{2,}|\${2,}")
# What the common filters weigh; each as whole words, in any case.
_PHRASES = (
    "act now", "apply now", "as seen on", "best price", "buy now", "call now", "cash bonus", "click below",
    "click here", "congratulations", "dear friend", "do it today", "don't delete", "double your", "earn money",
    "exclusive deal", "extra income", "for free", "free access", "free gift", "free money", "free trial",
    "get it now", "guaranteed", "hurry", "limited offer", "limited time", "lowest price", "make money", "miracle",
    "money back", "no obligation", "once in a lifetime", "order now", "risk free", "risk-free",
    "satisfaction guaranteed", "special offer", "special promotion", "this is not spam", "urgent",
    "while supplies last", "winner", "you have been selected", "100% free",
)  # fmt: skip
_DISLIKED = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(one) for one in _PHRASES) + r")(?!\w)", re.IGNORECASE)


def review_words(subject: str, said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a subject, and with an editor's own words, each with what to do."""
    yield from _subject(subject)
    phrases = dict.fromkeys(found.lower() for text in said for found in _DISLIKED.findall(text))
    if phrases:
        named = ", ".join(f"“{one}”" for one in list(phrases)[:5])
        yield f"Filters dislike {named} in the editor's words.", "Say it more plainly."
    for text in said:
        if text != subject and (text.count("!") > 2 or _RUN.search(text)):
            yield "The editor's words have several exclamation or question marks.", "One is enough."
            break


def _subject(subject: str) -> Iterator[tuple[str, str]]:
    letters = [mark for mark in subject if mark.isalpha()]
    if not subject.strip():
        yield "The subject is empty.", "Write one under “A note, another subject”."
        return
    if len(letters) >= _FEWEST_LETTERS and sum(mark.isupper() for mark in letters) / len(letters) > _SHOUTED:
        yield "The subject is in capitals, which filters and readers take for shouting.", "Write it in small letters."
    if subject.count("!") > 1 or _RUN.search(subject):
        yield "The subject has several exclamation, question or dollar marks.", "One is enough."
    if len(subject) > _LONGEST_SUBJECT:
        yield (
            f"The subject has {len(subject)} characters; mail lists show 40 to 80.",
            "Put what matters first, or shorten it.",
        )
    if _EMOJI.search(subject):
        yield "The subject has an emoji, which some lists show as a box.", "Leave it out."
    if _REPLY.search(subject):
        yield "The subject begins like an answer or a forwarded mail, which nobody wrote.", "Begin it otherwise."
