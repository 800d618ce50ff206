"""The process that sends stays small."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Engine

from digest.core.issue import Card, Issue
from digest.core.tailor import Edition
from digest.flows.audience import materialise
from digest.flows.deliver import deliver_due
from digest.flows.lately import Lately
from digest.mail.fragments import Rendered
from tests import post
from tests.post import FROZEN_AT, UNTIL, PlainRenderer, Sink, add_issue, add_reader, at_clock


def test_sending_loads_neither_the_learning_nor_the_web() -> None:
    code = (
        "import sys, digest.flows.deliver, digest.flows.subscribe, digest.mail.render\n"
        "print(sorted({'sklearn', 'numpy', 'fastapi', 'starlette', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cutting_and_sending_load_numpy_and_no_more(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", categories=["cs.LG"])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    url = engine.url.render_as_string(hide_password=False)
    code = (
        "import sys; from datetime import timedelta\n"
        "from digest.flows.deliver import deliver_due; from digest.store.engine import open_engine\n"
        "from tests import post\n"
        f"sink = post.Sink(); at = post.at_clock(post.FROZEN_AT + timedelta(hours=2)); engine = open_engine({url!r})\n"
        "deliver_due(engine, post.courier(sink), worker='w', clock=at)\n"
        "print(sink.recipients, sorted({'sklearn', 'scipy', 'numpy', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['ann@example.test'] ['numpy']"


def test_every_run_of_a_process_sends_the_same_cards(sqlite_engine: Engine) -> None:
    """Rows are rendered once for each card, and known by its identity: new cards in each run would fill the memory."""
    for name in ("ann", "ben"):
        add_reader(sqlite_engine, f"{name}@example.test")
    materialise(sqlite_engine, add_issue(sqlite_engine), now=FROZEN_AT, until=UNTIL)
    printed: list[tuple[Card, ...]] = []

    class Noting(PlainRenderer):
        def digest(self, edition: Edition, *given: Any, **more: Any) -> Rendered:
            printed.append(tuple(pick.card for pick in edition.picks))
            return super().digest(edition, *given, **more)

    courier = post.courier(Sink(), Noting())
    for _run in range(2):
        deliver_due(
            sqlite_engine, courier, worker="w", clock=at_clock(FROZEN_AT + timedelta(hours=2)), limit=1, chunk=1
        )
    every = [card for cards in printed for card in cards]
    assert len(printed) >= 4  # each run proves its issue and makes one letter
    assert len(set(map(id, every))) == len({card.paper_id for card in every})


def test_an_issue_that_has_changed_is_not_taken_for_the_one_that_was_known() -> None:
    def issue(day: int, title: str = "A") -> Issue:
        card = Card(paper_id=1, rank=1, title=title, path="/papers/1")
        return Issue(issued_on=date(2026, 5, day), cut_off=FROZEN_AT, cards=(card,))

    lately = Lately()
    first = lately.same(issue(1))
    assert lately.same(issue(1)) is first
    changed = lately.same(issue(1, "B"))
    assert changed.cards[0].title == "B"
    for day in range(2, 18):
        lately.same(issue(day))
    assert lately.same(issue(1, "B")) is not changed  # forgotten: sixteen later ones were sent since
