"""What is kept of scores once papers have left the ranking, on both kinds of database."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import col, select

from digest.core.trend import TrendScore
from digest.store.engine import reading, writing
from digest.store.scores import KEPT, store_scores
from digest.store.tables import Paper, PaperStanding, Score, Yardstick
from digest.store.unions import unite_rows
from tests.conftest import NOW

DAY = timedelta(days=1)
MIGRATION = import_module("digest.store.migrations.versions.0007_keep_where_papers_stood")


def run(engine: Engine, as_of: datetime, percentiles: dict[int, float], *, simulated: bool = False) -> None:
    """Store scores as a run of that instant does."""
    with writing(engine) as session:
        for paper_id in percentiles:
            if session.get(Paper, paper_id) is None:
                session.add(
                    Paper(id=paper_id, slug=f"p{paper_id}", title="T", title_key=f"t{paper_id}", first_seen_at=NOW)
                )
        session.flush()
        scores = [
            TrendScore(paper_id, 0.5, percentile, (), "", simulated=simulated)
            for paper_id, percentile in percentiles.items()
        ]
        store_scores(session, as_of, scores)


def kept(engine: Engine) -> dict[int, tuple[float, datetime, float, datetime]]:
    """Return what is kept, by paper."""
    with reading(engine) as session:
        return {
            row.paper_id: (row.best_percentile, row.best_at, row.last_percentile, row.as_of)
            for row in session.exec(select(PaperStanding))
        }


def test_the_best_and_the_last_percentile_outlive_the_scores(engine: Engine) -> None:
    run(engine, NOW, {1: 60.0, 2: 10.0})
    run(engine, NOW + DAY, {1: 97.0, 2: 5.0})
    run(engine, NOW + 2 * DAY, {1: 30.0})
    run(engine, NOW + 2 * DAY + KEPT, {2: 50.0})
    with reading(engine) as session:
        assert {score.paper_id for score in session.exec(select(Score))} == {1, 2}
        assert session.exec(select(Score).where(col(Score.as_of) < NOW + 2 * DAY)).all() == []
    assert kept(engine) == {
        1: (97.0, NOW + DAY, 30.0, NOW + 2 * DAY),
        2: (50.0, NOW + 2 * DAY + KEPT, 50.0, NOW + 2 * DAY + KEPT),
    }


def test_a_run_that_comes_late_or_twice_changes_no_later_standing(engine: Engine) -> None:
    run(engine, NOW, {1: 60.0})
    run(engine, NOW - DAY, {1: 80.0})
    run(engine, NOW, {1: 60.0})
    assert kept(engine) == {1: (80.0, NOW - DAY, 60.0, NOW)}


def test_a_best_that_was_made_up_says_so(engine: Engine) -> None:
    run(engine, NOW, {1: 60.0, 2: 90.0})
    run(engine, NOW + DAY, {1: 70.0, 2: 70.0}, simulated=True)
    with reading(engine) as session:
        assert {row.paper_id: row.simulated for row in session.exec(select(PaperStanding))} == {1: True, 2: False}


def test_the_mean_of_the_best_is_measured_by_every_run(engine: Engine) -> None:
    run(engine, NOW, {})
    with reading(engine) as session:
        assert session.exec(select(Yardstick)).all() == []
    run(engine, NOW, {1: 60.0, 2: 10.0})
    run(engine, NOW + DAY, {2: 30.0})
    with reading(engine) as session:
        (mean,) = session.exec(select(Yardstick)).all()
        assert (mean.name, mean.value, mean.papers, mean.as_of) == ("best_percentile", 45.0, 2, NOW + DAY)


def test_two_papers_that_are_one_keep_one_standing(engine: Engine) -> None:
    run(engine, NOW, {1: 60.0, 2: 10.0, 3: 20.0})
    with writing(engine) as session:
        session.add(Paper(id=4, slug="p4", title="T", title_key="t4", first_seen_at=NOW))
        session.flush()
        unite_rows(session, 1, 2)
        unite_rows(session, 4, 3)
    assert {paper_id: found[0] for paper_id, found in kept(engine).items()} == {1: 60.0, 4: 20.0}


def test_upgrading_takes_over_what_the_stored_scores_say(engine: Engine) -> None:
    run(engine, NOW, {1: 60.0, 2: 10.0})
    run(engine, NOW + DAY, {1: 40.0})
    before = kept(engine)
    with writing(engine) as session:
        for table in ("paper_standing", "yardstick", "paper_credit"):
            session.connection().execute(text(f"DROP TABLE {table}"))
        with Operations.context(MigrationContext.configure(session.connection())):
            MIGRATION.upgrade()
    assert kept(engine) == before
    with reading(engine) as session:
        assert [mean.value for mean in session.exec(select(Yardstick))] == [35.0]
