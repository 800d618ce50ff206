"""A database that fails in the middle of a run loses no outcome and mails nobody twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from digest.flows.deliver import deliver_due, materialise, sweep
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)


class DiskFull(Exception):
    """What the nth commit meets."""


@pytest.mark.parametrize("nth", range(1, 7))
def test_a_commit_that_fails_leaves_every_message_accounted_for(engine: Engine, nth: int) -> None:  # checklist 91
    add_readers(engine, [f"r{n}@example.test" for n in range(5)])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    sink = Sink()
    commits = 0

    def fail(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == nth:
            raise DiskFull

    event.listen(engine, "commit", fail)
    with pytest.raises(DiskFull):
        deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(SLOT))
    event.remove(engine, "commit", fail)
    # What was accepted is recorded although its first commit failed, and the rest is free again.
    rows = post.deliveries(engine)
    assert sorted(row.state for row in rows if row.state != "pending") == ["accepted"] * len(sink.sent)
    sweep(engine, now=SLOT)
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(SLOT))
    assert sorted(sink.recipients) == [f"r{n}@example.test" for n in range(5)]
