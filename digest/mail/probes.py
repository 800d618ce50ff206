"""Editions that nobody is sent: between them they take every branch of the digest's templates."""

from __future__ import annotations

from datetime import date

from digest.core.issue import Card
from digest.core.tailor import Edition, Pick
from digest.core.why import Why, WhyKind

URL = "https://digest.invalid/x"
FULL = Card(
    paper_id=0,
    rank=1,
    title="Probe",
    path="/papers/probe",
    arxiv_id="2605.00001",
    primary_category="cs.LG",
    authors=("A. Author", "B. Author", "C. Author", "D. Author"),
    labs=("Laboratory",),
    listed_on=date(2026, 1, 1),
    code_url=URL,
    discussion_url=URL,
    percentile=50.0,
    evidence="+1 upvote in 6 h",
    summary="A summary.",
    simulated=True,
    novelty=99.0,
)
BARE = Card(paper_id=1, rank=2, title="", path="/")

_DAY = date(2026, 1, 1)
_WHY = Why(WhyKind.CATEGORY, ("cs.LG",))
_TOPICS = ("LG", "CL", "CV", "AI", "NE", "RO", "IR", "CR", "SE", "DC", "HC", "MA")  # enough to need two lines of text
EVERYTHING = Edition(
    issued_on=_DAY,
    picks=tuple(Pick(place, FULL if place % 2 else BARE, _WHY) for place in range(1, 12)),
    topics=tuple(f"cs.{word}" for word in _TOPICS),
    note="A note.",
)
LITTLE = Edition(issued_on=_DAY, picks=(Pick(1, BARE),))
NOTHING = Edition(issued_on=_DAY, picks=())
