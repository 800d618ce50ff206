"""A paper as the mail templates show it: every outside string cleaned, clipped, or left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from markupsafe import escape as markup

from digest.core.issue import Card
from digest.core.language import ENGLISH, Language
from digest.core.links import web_url
from digest.core.retelling import retold, unbroken
from digest.mail.fragments import Reason
from digest.mail.quoted import piece
from digest.mail.wording import URL_LENGTH, clip, one_line, wrap

BAR_WIDTH = 168  # pixels; what the 100th percentile fills
NO_BREAK = "\u00a0"
INDENT = "    "  # of a paper in the text part
_SHORT = 56
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9][\w:;,./()+-]*(?: [\w:;,./()+-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # there are two, told apart by identity: a fast key
class Room:
    """How much of each field is shown, in characters; where `in_bytes`, in bytes of escaped HTML."""

    title: int = 300
    summary: int = 320
    evidence: int = 200
    authors: int = 160
    labs: int = 120
    why: int = 120
    url: int = 600
    in_bytes: bool = False

    def clip(self, text: str, limit: int) -> str:
        """Clean and clip one field."""
        line = one_line(text)
        if not self.in_bytes:
            return clip(line, limit)
        cost = 0
        for place, mark in enumerate(line):
            cost += len(escape(mark).encode())
            if cost > limit - 3:  # an ellipsis is three bytes
                return clip(line, place)
        return line

    def url_or_nothing(self, text: str) -> str:
        """Keep an http or https URL that fits."""
        url = web_url(text, limit=URL_LENGTH)
        return url if len(escape(url)) <= self.url else ""


ROOMY = Room()
# For thirty long papers; where even these do not fit, the last of them are cut off.
TIGHT = Room(title=240, summary=160, evidence=120, authors=140, labs=60, why=60, url=140, in_bytes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A labelled link."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a template shows of one paper; an empty field is not shown.

    `apart` says that its words are unlike those of earlier papers, `label` that `why` sets it apart from the others of
    the mail. `bar` is in pixels of BAR_WIDTH. `gaining` is False where the evidence is only the paper's standing.
    `badge` is True where it rests on simulated signals and its own words do not say so. `react` is what the links
    begin with by which the reader says what they make of it.
    """

    language: Language
    place: int
    title: str
    url: str
    category: str
    has_code: bool
    apart: bool
    label: bool
    authors: str
    labs: str
    listed: str
    evidence: str
    gaining: bool
    badge: bool
    bar: int | None
    summary: str
    why: str
    links: tuple[Link, ...]
    react: str

    @property
    def byline(self) -> str:
        """Authors, labs and date; a line may break after a dot between them, not before it."""
        say = self.language
        authors = self.authors or say("Authors not known yet")
        return f"{NO_BREAK}· ".join(filter(None, (authors, self.labs, self.listed)))


def entry_of(  # noqa: PLR0917  # a paper, where it stands, and what is the reader's own beside it
    place: int,
    card: Card,
    base_url: str,
    room: Room = ROOMY,
    why: str = "",
    react: str = "",
    label: bool = False,
    *,
    say: Language = ENGLISH,
) -> Entry:
    """Lay out one paper of an edition within the room there is; `why` has been laid out already."""
    bar = None if card.percentile is None else round(min(max(card.percentile, 0.0), 100.0) / 100 * BAR_WIDTH)
    evidence = room.clip(_evidence(card, say), room.evidence)
    evidence = unbroken(evidence[:1].upper() + evidence[1:])
    return Entry(
        language=say,
        place=place,
        title=room.clip(card.title, room.title) or say("(untitled)"),
        url=room.url_or_nothing(base_url + card.path) or base_url,
        category=clip(one_line(card.primary_category), 24),
        has_code=card.has_code or bool(card.code_url),
        apart=card.stands_apart,
        label=label and bool(why),
        authors=room.clip(_authors(card, say), room.authors),
        labs=room.clip(", ".join(card.labs), room.labs),
        listed=say.date(card.listed_on).replace(" ", NO_BREAK) if card.listed_on else "",
        evidence=evidence,
        gaining=bool(one_line(card.evidence)),
        # Where its own words say so, unless that was cut off.
        badge=card.simulated and bool(evidence) and ("simulated" not in card.evidence or evidence.endswith("…")),
        bar=bar,
        summary=room.clip(card.summary, room.summary),
        why=why,
        links=tuple(
            Link(label=label, url=url)
            for label, url in (
                ("arXiv", room.url_or_nothing(card.abs_url)),
                ("PDF", room.url_or_nothing(card.pdf_url)),
                (say("Code"), room.url_or_nothing(card.code_url)),
                (say("Discussion"), room.url_or_nothing(card.discussion_url)),
            )
            if url
        ),
        react=f"{react}/{card.paper_id}" if react else "",
    )


@lru_cache(maxsize=4_000)
def reason_of(why: str, room: Room = ROOMY) -> Reason:
    """Lay out and encode why a paper is there for a reader; most reasons are those of many readers."""
    if len(why) <= _SHORT and _PLAIN_WORDS.fullmatch(why):
        plain = f"{why}=\r\n".encode()  # what follows comes to the same, in five times the time
        return Reason(why, plain, plain, len(why))
    words = room.clip(why, room.why)
    escaped = str(markup(words))
    wrapped = wrap(words, INDENT).removeprefix(INDENT)
    html = piece(escaped)
    return Reason(words, html, html if wrapped == escaped else piece(wrapped), len(escaped.encode()))


def _authors(card: Card, say: Language) -> str:
    shown = [clip(one_line(name), 60) for name in card.authors[:3]]
    more = len(card.authors) > 3 or not card.authors_complete
    names = ", ".join(filter(None, shown))
    return say("%(names)s et al.", names=names) if shown and more else names


def _evidence(card: Card, say: Language) -> str:
    """The evidence with the percentile in words, once: the bar alone says nothing to a screen reader."""
    if card.percentile is None or "percentile" in card.evidence or "%" in card.evidence:
        return retold(card.evidence, say)
    # Not "in" its category: a category of few papers is compared with all, and only the evidence knows which it was.
    standing = say("percentile %(percentile)s", percentile=say.number(int(card.percentile * 10 + 1e-6) / 10, 1))
    evidence = retold(card.evidence, say)
    return f"{evidence.rstrip('. ')}; {standing}" if evidence else f"{standing[:1].upper()}{standing[1:]}"
