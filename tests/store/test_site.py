"""The queries of the pages and of the desk, on both kinds of database."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine

from digest.store import desk, site
from digest.store.engine import reading, writing
from digest.store.tables import Delivery, IngestRun, Paper, RejectedRecord, Score
from tests.conftest import NOW
from tests.post import add_issue, add_reader


def test_issues_are_listed_newest_first_and_the_newest_leads(engine: Engine) -> None:
    add_issue(engine, papers=3)
    add_issue(engine, issued_on=date(2026, 5, 21), papers=2, first=10)
    with reading(engine) as session:
        assert site.issue_lines(session) == [
            site.IssueLine(date(2026, 5, 21), 2, "Paper 10"),
            site.IssueLine(date(2026, 5, 20), 3, "Paper 1"),
        ]
        front = site.issue_front(session)
        assert front is not None
        assert [card.title for card in front.cards] == ["Paper 10", "Paper 11"]
        assert site.issue_front(session, date(2026, 5, 1)) is None


def test_the_latest_scores_lead_with_the_highest(engine: Engine) -> None:
    with writing(engine) as session:
        for number in (1, 2):
            session.add(Paper(id=number, slug=f"p{number}", title=f"T{number}", title_key="t", first_seen_at=NOW))
        session.flush()
        session.add(Score(paper_id=1, as_of=NOW, value=0.2))
        session.add(Score(paper_id=2, as_of=NOW, value=0.9))
        session.add(Score(paper_id=1, as_of=NOW - timedelta(hours=1), value=1.0))
    with reading(engine) as session:
        front = site.score_front(session)
        assert front is not None
        assert [(card.rank, card.title) for card in front.cards] == [(1, "T2"), (2, "T1")]


def test_deliveries_are_tallied_and_their_troubles_listed_with_the_address(engine: Engine) -> None:
    issue_id = add_issue(engine, papers=1)
    reader = add_reader(engine, "ada@readers.test")
    columns = {"due_at": NOW, "expires_at": NOW, "created_at": NOW}
    with writing(engine) as session:
        session.add(Delivery(kind="digest", state="failed", issue_id=issue_id, subscriber_id=reader, **columns))
        session.add(Delivery(kind="sign-in", state="unknown", address="ed@firstlight.test", **columns))
        session.add(Delivery(kind="sign-in", state="accepted", address="ed@firstlight.test", **columns))
    with reading(engine) as session:
        tallies = desk.issue_tallies(session)
        assert [(tally.issued_on, tally.kind, tally.counts, tally.total) for tally in tallies] == [
            (date(2026, 5, 20), "digest", {"failed": 1}, 1),
            (None, "sign-in", {"unknown": 1, "accepted": 1}, 2),
        ]
        assert [(trouble.address, trouble.issued_on) for trouble in desk.troubles(session)] == [
            ("ed@firstlight.test", None),
            ("ada@readers.test", date(2026, 5, 20)),
        ]


def test_records_set_aside_name_their_run(engine: Engine) -> None:
    with writing(engine) as session:
        run = IngestRun(source="hf", scope="daily", started_at=NOW)
        session.add(run)
        session.flush()
        session.add(RejectedRecord(run_id=run.id or 0, position="entry 7", reason="no title"))
    with reading(engine) as session:
        assert desk.set_aside(session) == [desk.SetAside("hf", "daily", NOW, "entry 7", "no title", "")]
