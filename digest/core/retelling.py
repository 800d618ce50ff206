"""Evidence told in another language: what scores and frozen issues hold is English, made from few patterns.

They are read back to their parts and said anew. Whatever does not follow the patterns is shown as it is stored.
"""

from __future__ import annotations

import re
from functools import lru_cache

from digest.core.language import SOURCE, Language, mark, mark_count

_UNIT = re.compile(r"(?<=\d) (?=(?:h|%)(?!\w))")

# The nouns of core/signals.py: as they are, and made up.
_NOUNS = {
    "upvote": (
        mark_count("%(num)s upvote", "%(num)s upvotes"),
        mark_count("%(num)s simulated upvote", "%(num)s simulated upvotes"),
    ),
    "comment": (
        mark_count("%(num)s comment", "%(num)s comments"),
        mark_count("%(num)s simulated comment", "%(num)s simulated comments"),
    ),
    "star": (
        mark_count("%(num)s star", "%(num)s stars"),
        mark_count("%(num)s simulated star", "%(num)s simulated stars"),
    ),
    "point on Hacker News": (
        mark_count("%(num)s point on Hacker News", "%(num)s points on Hacker News"),
        mark_count("%(num)s simulated point on Hacker News", "%(num)s simulated points on Hacker News"),
    ),
    "comment on Hacker News": (
        mark_count("%(num)s comment on Hacker News", "%(num)s comments on Hacker News"),
        mark_count("%(num)s simulated comment on Hacker News", "%(num)s simulated comments on Hacker News"),
    ),
    "citation": (
        mark_count("%(num)s citation", "%(num)s citations"),
        mark_count("%(num)s simulated citation", "%(num)s simulated citations"),
    ),
}
_PACES = {
    "Gaining fast": mark("Gaining fast: %(movement)s"),
    "Gaining": mark("Gaining: %(movement)s"),
    "Noticed": mark("Noticed: %(movement)s"),
}
# What is true of a paper before any signal speaks (core/evidence.py), as far as no number is in it.
_GROUNDS = frozenset(
    {
        mark("no day of listing known"),
        mark("listed today"),
        mark("listed yesterday"),
        mark("where every paper starts"),
        mark("code is available"),
        mark("listed more than once"),
    }
)
_SENTENCE = re.compile(
    r"(?P<pace>Gaining fast|Gaining|Noticed): (?P<movement>.+?)(?P<mixed>, with simulated signals)?"
    r"(?:, more than (?P<below>\d{1,3}) % of (?P<group>\S+|all papers) this week)?\.",
    re.ASCII,
)
_UNSEEN = re.compile(r"(?P<grounds>.+); no votes, stars or comments seen yet\.")
_PLACE = re.compile(r"(?P<made_up>simulated )?place (?P<place>\d{1,9}) of (?P<of>\d{1,9}) on the day's page", re.ASCII)
_AMOUNT = re.compile(
    r"(?P<sign>\+?)(?P<number>\d[\d,]{,18}) (?P<made_up>simulated )?(?P<noun>upvote|comment|star|point|citation)s?"
    r"(?P<where> on Hacker News)?(?: (?P<listed>since it was listed)| in (?P<span>under 1 h|\d{1,6} h|\d{1,6} days))?",
    re.ASCII,
)
_DAYS_AGO = re.compile(r"listed (\d[\d,]{,9}) days ago", re.ASCII)
_CATEGORIES = re.compile(r"in (\d{1,4}) categories", re.ASCII)
_TITLE = re.compile(r"“([^”]+)”(?: and “([^”]+)”)? in the title")

# Why a paper is there for a reader, as editions say it.
_REASONS = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"By (.+), whom you follow", mark("By %(what)s, whom you follow")),
        (r"From (.+), which you follow", mark("From %(what)s, which you follow")),
        (r"(A) new version of a paper you saved", mark("A new version of a paper you saved")),
        (r"On (.+), which you follow", mark("On %(what)s, which you follow")),
        (r"On (.+), which you look for", mark("On %(what)s, which you look for")),
        (r"Close to papers you liked: (.+)", mark("Close to papers you liked: %(what)s")),
        (r"(Close) to papers you liked", mark("Close to papers you liked")),
        (r"You follow (.+)", mark("You follow %(what)s")),
        (r"(Outside) your usual", mark("Outside your usual")),
    )
]


@lru_cache(maxsize=4_000)  # most reasons are those of many readers
def reason_retold(words: str, say: Language) -> str:
    """Tell in a language why a paper is there for a reader; English that follows no pattern stays."""
    if say.tag != SOURCE:
        for pattern, said in _REASONS:
            found = pattern.fullmatch(words)
            if found is not None:
                return say(said, what=found[1])
    return words


def retold(words: str, say: Language) -> str:
    """Tell evidence, or what a part of a score rests on, in a language; English that follows no pattern stays."""
    if say.tag == SOURCE or not words:
        return words
    return told_anew(words, say) or words


def unbroken(words: str) -> str:
    """Keep numbers on one line with their units: `24 h`, `85 %`."""
    return _UNIT.sub("\u00a0", words)


def told_anew(words: str, say: Language) -> str:
    """Tell it anew; empty where its patterns are not known."""
    return _sentence(words, say) or _part(words, say)


def _sentence(words: str, say: Language) -> str:
    unseen = _UNSEEN.fullmatch(words)
    if unseen is not None:
        grounds = _grounds(unseen["grounds"][:1].lower() + unseen["grounds"][1:], say)
        said = grounds[:1].upper() + grounds[1:]
        return say("%(grounds)s; no votes, stars or comments seen yet.", grounds=said) if said else ""
    read = _SENTENCE.fullmatch(words)
    movement = _movement(read["movement"], say) if read is not None else ""
    if read is None or not movement:
        return ""
    said = say(_PACES[read["pace"]], movement=movement)
    if read["mixed"]:
        said = say("%(said)s, with simulated signals", said=said)
    if read["below"] is None:
        return f"{said}."
    below = int(read["below"])
    if read["group"] == "all papers":
        return say("%(said)s, more than %(below)s %% of all papers this week.", said=said, below=below)
    return say("%(said)s, more than %(below)s %% of %(group)s this week.", said=said, below=below, group=read["group"])


def _part(words: str, say: Language) -> str:
    """Say what a part of a score rests on: a movement, a ground, or the words of the title."""
    title = _TITLE.fullmatch(words)
    if title is None:
        return _movement(words, say) or _grounds(words, say)
    if title[2] is None:
        return say("“%(word)s” in the title", word=title[1])
    return say("“%(word)s” and “%(other)s” in the title", word=title[1], other=title[2])


def _movement(words: str, say: Language) -> str:
    place = _PLACE.fullmatch(words)
    if place is not None:
        if place["made_up"]:
            return say("simulated place %(place)s of %(of)s on the day's page", place=place["place"], of=place["of"])
        return say("place %(place)s of %(of)s on the day's page", place=place["place"], of=place["of"])
    amount = _AMOUNT.fullmatch(words)
    if amount is None or amount["noun"] + (amount["where"] or "") not in _NOUNS:
        return ""
    number = int(amount["number"].replace(",", ""))
    one, many = _NOUNS[amount["noun"] + (amount["where"] or "")][bool(amount["made_up"])]
    gained = say.count(one, many, number, num=f"{amount['sign']}{say.number(number)}")
    if amount["listed"]:
        return say("%(gained)s since it was listed", gained=gained)
    return _within(amount["span"], gained, say) if amount["span"] else gained


def _within(span: str, gained: str, say: Language) -> str:
    number, _, unit = span.partition(" ")
    if unit == "h":
        return say.count("%(gained)s in %(num)s h", "%(gained)s in %(num)s h", int(number), gained=gained)
    if unit == "days":
        return say.count("%(gained)s in %(num)s day", "%(gained)s in %(num)s days", int(number), gained=gained)
    return say("%(gained)s in under 1 h", gained=gained)


def _grounds(words: str, say: Language) -> str:
    said = [_ground(one, say) for one in words.split(", ")]
    return ", ".join(said) if all(said) else ""


def _ground(words: str, say: Language) -> str:
    if words in _GROUNDS:
        return say(words)
    ago, categories = _DAYS_AGO.fullmatch(words), _CATEGORIES.fullmatch(words)
    if ago is not None:
        days = int(ago[1].replace(",", ""))
        return say.count("listed %(num)s day ago", "listed %(num)s days ago", days)
    return say.count("in %(num)s category", "in %(num)s categories", int(categories[1])) if categories else ""
