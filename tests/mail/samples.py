"""Invented papers and editions for the tests of mail; no paper of these names was ever listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from digest.core import alarms
from digest.core.alarm import Rule
from digest.core.issue import Card
from digest.core.tailor import Edition, Pick
from digest.core.why import Why, WhyKind
from digest.files import templates_folder
from digest.mail.render import ReaderLinks, Renderer, Sender

BASE_URL = "https://firstlight.example"
SENDER = Sender(
    name="Firstlight",
    address="digest@firstlight.example",
    postal_address="12 Example Street, 10115 Berlin, Germany",
    contact="hello@firstlight.example",
)
LINKS = ReaderLinks(
    unsubscribe=f"{BASE_URL}/u/eyJyIjo0Mn0.c2lnbmF0dXJlLW9mLXRoZS1saW5r",
    preferences=f"{BASE_URL}/preferences/eyJyIjo0Mn0.c2lnbmF0dXJlLW9mLXRoZS1saW5r",
    web=f"{BASE_URL}/editions/eyJkIjo0Mn0.c2lnbmF0dXJlLW9mLXRoZS1saW5r",
    react=f"{BASE_URL}/r/eyJzIjo0Mn0.c2lnbmF0dXJlLW9mLXRoZS1saW5r",
)
DAY = date(2026, 5, 20)

_SUMMARY = (
    "The authors show that a small change to the training loop removes most of the cost, and explain when it does "
    "not. Experiments cover three model sizes and two kinds of data."
)
_PAPERS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...], float | None, str], ...] = (
    (
        "Layerwise Riccati Updates for Geometry-Aware Optimization",
        "cs.LG",
        ("Ines Okafor", "Pavel Lindqvist", "Mei Tanaka", "Joao Duarte"),
        ("Aarhus", "Kyoto"),
        99.6,
        "+38 upvotes in 6 h",
    ),
    (
        "How Little Memory Does a Recurrent Net Need? Lower Bounds from Counting",
        "cs.LG",
        ("Tomasz Wieczorek", "Aditi Rao"),
        ("Warsaw",),
        97.2,
        "first on today's page, seen for 9 h",
    ),
    (
        "Patchwork: Reusing Frozen Vision Encoders across Sensors",
        "cs.CV",
        ("Leila Haddad", "Oskar Berg", "Min-ji Seo"),
        ("Oslo", "KAIST"),
        94.0,
        "+120 stars in a day",
    ),
    (
        "A Census of Duplicate Sentences in Open Corpora",
        "cs.CL",
        ("Ruth Abelman",),
        (),
        88.8,
        "+11 upvotes and 4 comments in 12 h",
    ),
    (
        "Spectral Gaps and Slow Mixing in Diffusion Samplers",
        "stat.ML",
        ("Hugo Castellanos", "Yara Nasser"),
        ("Santiago",),
        81.5,
        "discussed at length (64 comments)",
    ),
    ("Calibrating Reward Models with Held-Out Disagreement", "cs.AI", ("Nora Feld", "Kofi Mensah"), (), 77.0, ""),
    ("Small Tables, Large Claims: Auditing Benchmarks of Tabular Learning", "cs.LG", ("Ben Sorkin",), (), 64.1, ""),
    ("Sorting Robots by Touch", "cs.RO", ("Giulia Moretti", "Sam Whitfield"), ("Pisa",), 42.0, "+3 upvotes in 6 h"),
    ("On the Stability of Loss Landscapes under Label Noise", "cs.LG", ("Ewa Zielinska",), (), 12.3, ""),
    ("Notes on Wavelets for Irregular Graphs", "math.NA", ("Dimitri Pappas", "Ana Kovac"), (), None, ""),
)
RIGHT_TO_LEFT_TITLE = "מודלים קטנים לשפות עם מעט נתונים: סקירה קצרה"
LONG_TITLE = (
    "Toward a Unified, Provably Convergent and Practically Useful Account of Adaptive Step Sizes, Momentum, Weight "
    "Decay and Gradient Clipping for Very Deep Networks Trained on Heterogeneous Accelerators with Unreliable "
    "Interconnects and Supercalifragilisticexpialidocious-Non-Euclidean-Preconditioners"
)


def card(place: int = 1, **changes: object) -> Card:
    """One of ten invented papers, with the changes asked for."""
    title, category, authors, labs, percentile, evidence = _PAPERS[(place - 1) % len(_PAPERS)]
    number = f"2605.{1000 + place:05d}"
    fields: dict[str, object] = {
        "paper_id": place,
        "rank": place,
        "title": title,
        "path": f"/papers/{number}",
        "arxiv_id": number,
        "primary_category": category,
        "categories": (category,),
        "authors": authors,
        "labs": labs,
        "listed_on": date(2026, 5, 19),
        "has_code": place % 3 == 1,
        "code_url": f"https://github.com/example/paper-{place}" if place % 3 == 1 else "",
        "discussion_url": f"https://huggingface.co/papers/{number}" if place % 2 else "",
        "percentile": percentile,
        "evidence": evidence,
        "summary": _SUMMARY,
    }
    return Card(**{**fields, **changes})  # type: ignore[arg-type]  # a test changes what it likes


def edition(*cards: Card, note: str = "", topics: tuple[str, ...] = ("cs.LG", "stat.ML")) -> Edition:
    """An edition of these papers, in this order; each is here because of its category, where it has one."""
    picks = tuple(
        Pick(place, each, Why(WhyKind.CATEGORY, (each.primary_category,)) if each.primary_category in topics else None)
        for place, each in enumerate(cards, start=1)
    )
    return Edition(issued_on=DAY, picks=picks, topics=topics, note=note)


def ten() -> Edition:
    """An ordinary edition: ten papers."""
    return edition(*(card(place) for place in range(1, 11)))


def renderer() -> Renderer:
    """A renderer over the real templates."""
    return Renderer(templates_folder(), BASE_URL, SENDER)


def told(rule: Rule, subject: str = "", details: str = "", *, over: bool = False) -> dict[str, Any]:
    """An alarm as a notice has it."""
    return {
        "alarm": f"{rule.name}:{subject}" if subject else rule.name,
        "severity": rule.severity.value,
        "title": rule.title % {"subject": subject} if subject else rule.title,
        "details": details,
        "since": "2026-05-20T02:13:00+00:00",
        "over_at": "2026-05-20T05:40:00+00:00" if over else None,
        "what_to_do": "" if over else rule.doing,
        "link": f"{BASE_URL}{rule.page}",
    }


def notice(*began: dict[str, Any], over: Sequence[dict[str, Any]] = (), kind: str = "alarm") -> dict[str, Any]:
    """A notice of alarms that began, and of those that are over."""
    return {
        "kind": kind,
        "site": SENDER.name,
        "desk": f"{BASE_URL}/admin/",
        "at": "2026-05-20T06:00:00+00:00",
        "alarms": list(began),
        "over": list(over),
        "left_out": 0,
    }


NOTICES = {
    "alert": notice(
        told(alarms.RELAY_GONE, details="The relay at mx.example.org port 587 refuses connections."),
        told(alarms.ISSUE_MISSING, details="There is no issue of 2026-05-20; the newest is of 2026-05-19."),
        told(
            alarms.SOURCE_LATE, "arxiv-rss", "cs.LG, cs.CL; last read well at 19 May 05:00 UTC. The feed is of 18 May."
        ),
        over=[told(alarms.SCORES_STALE, over=True)],
    ),
    "alert-over": notice(over=[told(alarms.BRAKED, over=True)], kind="over"),
    "alert-trial": notice(kind="trial"),
    "alert-hostile": notice(
        told(alarms.SOURCE_FAILED, "<b>&", f"<script>alert(1)</script> {'x' * 300} {RIGHT_TO_LEFT_TITLE}"),
        *(told(alarms.SOURCE_FAILED, f"source-{number}", "503 " * 90) for number in range(19)),
    ),
}
