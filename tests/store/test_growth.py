"""What a reader costs to queue, and a chunk to claim and look up, does not grow with the audience."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest.flows.audience import materialise
from digest.store.addressees import already_sent, readers_of
from digest.store.deliveries import Place, claim
from digest.store.engine import reading, writing
from tests import post
from tests.faults import stage
from tests.post import FROZEN_AT, UNTIL

SMALL, LARGE = 150, 1_500
CHUNK = 50
SLOT = UNTIL - timedelta(seconds=1)


def effort(engine: Engine, work: Callable[[], object]) -> int:
    """Count the steps of SQLite's machine, in hundreds, or the rows that PostgreSQL has read of the deliveries."""
    if engine.dialect.name == "postgresql":
        before = _rows_read(engine)
        work()
        return _rows_read(engine) - before
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with engine.connect() as connection:
        driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(step, 100)
    try:
        work()
    finally:
        driver.set_progress_handler(None, 0)
    return steps


def _rows_read(engine: Engine) -> int:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        connection.commit()
        found = connection.exec_driver_sql(
            "SELECT (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE relname = 'delivery')"
            " + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'delivery')"
        )
        return int(found.scalar_one())


def furnished(engine: Engine, readers: int) -> int:
    stage.furnish(engine, readers)
    return post.add_issue(engine)


@pytest.mark.parametrize("immediately", [False, True])
def test_queueing_a_reader_costs_the_same_in_a_large_audience(
    engine: Engine, other: Engine, *, immediately: bool
) -> None:
    cost = {}
    for database, readers in ((engine, SMALL), (other, LARGE)):
        issue = furnished(database, readers)

        def queue(database: Engine = database, issue: int = issue) -> None:
            materialise(database, issue, now=FROZEN_AT, until=UNTIL, immediately=immediately)

        cost[readers] = effort(database, queue) / readers
        assert len(post.deliveries(database)) == readers
    assert cost[LARGE] < 2 * cost[SMALL] + 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL reads so small a table whole
def test_a_chunk_costs_the_same_to_claim_and_look_up_whatever_was_sent_and_waits(engine: Engine, other: Engine) -> None:
    cost = {}
    for database, readers in ((engine, SMALL), (other, LARGE)):
        materialise(database, furnished(database, readers), now=FROZEN_AT, until=UNTIL, immediately=True)
        with writing(database) as session:
            sent = claim(session, worker="w", now=SLOT, limit=readers // 2)
            session.connection().exec_driver_sql(
                f"UPDATE delivery SET state = 'accepted' WHERE id <= {max(one.id for one in sent)}"
            )
        last = Place(sent[-1].due_at, sent[-1].id)

        def work(database: Engine = database, last: Place = last) -> None:
            with writing(database) as session:
                claims = claim(session, worker="w", now=SLOT, limit=CHUNK, past=last)
            assert len(claims) == CHUNK
            with reading(database) as session:
                assert len(readers_of(session, claims)) == CHUNK
                already_sent(session, claims, since=FROZEN_AT.date())

        cost[readers] = effort(database, work)
    assert cost[LARGE] < 1.5 * cost[SMALL] + CHUNK
