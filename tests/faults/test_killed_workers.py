"""A worker that is killed anywhere sends nothing twice and loses nothing silently.

The oracle (docs/, delivery): the sink has each message at most once; what is accepted is in the sink; what the sink
lacks is in a state that says so; the states add up to the audience.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.core.delivery import DeliveryState
from digest.flows.deliver import deliver_due, materialise, sweep
from digest.mail.message import Envelope
from digest.store import audience
from digest.store.engine import open_engine, reading
from tests import post
from tests.faults.children import WARM
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)
AUDIENCE = 12
SAYS_SO = {"unknown", "failed", "suppressed", "expired", "skipped"}


def killed_at(url: str, log: Path, point: str, nth: int) -> None:
    """Work in a child process until the nth time `point` is reached, and die there."""
    seen: Counter[str] = Counter()

    def reach(name: str) -> None:
        seen[name] += 1
        if name == point and seen[name] == nth:
            post.die(name)

    def after_dot(_envelope: Envelope) -> None:
        reach("dot")

    def checkpoint(name: str) -> None:
        if name != "dot":  # the sink says itself when it has a message
            reach(name)

    sink = Sink(log=log, after_dot=after_dot)
    deliver_due(open_engine(url), post.courier(sink), worker="doomed", clock=at_clock(SLOT), checkpoint=checkpoint)


def work(url: str, log: Path, at: datetime, limit: int) -> None:
    """Send until nothing is due."""
    engine = open_engine(url)
    while deliver_due(engine, post.courier(Sink(log=log)), worker="sound", clock=at_clock(at), limit=limit).total:
        pass


def run(target: Callable[..., None], *arguments: object) -> int | None:
    child = WARM.Process(target=target, args=arguments)
    child.start()
    child.join(60)
    return child.exitcode


def check(engine: Engine, log: Path, issue: int) -> Counter[str]:
    """Hold the oracle against what the sink took and what the database says."""
    taken = Counter(line.split()[1] for line in log.read_text().splitlines()) if log.exists() else Counter()
    assert set(taken.values()) <= {1}, "a message was taken twice"
    rows = post.deliveries(engine, kind="digest")
    assert {row.message_id for row in rows if row.state == "accepted"} <= set(taken)
    assert all(row.state in SAYS_SO for row in rows if row.message_id not in taken)
    with reading(engine) as session:
        tally = audience.tally(session, issue)
    assert tally.total == AUDIENCE
    assert tally.unsettled == 0
    return Counter(row.state for row in rows)


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("claimed", 1),
        *((point, nth) for point in ("intended", "dot", "answered", "settled") for nth in (1, 5, AUDIENCE)),
    ],
)
def test_a_killed_worker_leaves_at_most_one_in_doubt(
    engine: Engine, database_url: str, tmp_path: Path, point: str, nth: int
) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(AUDIENCE)])
    issue = add_issue(engine)
    assert materialise(engine, issue, now=FROZEN_AT, until=UNTIL) == AUDIENCE
    log = tmp_path / "sink.log"
    assert run(killed_at, database_url, log, point, nth) == -9
    # At once, nothing may be taken from the worker that might still live ...
    sweep(engine, now=SLOT)
    before = len(log.read_text().splitlines()) if log.exists() else 0
    deliver_due(engine, post.courier(Sink(log=log)), worker="next", clock=at_clock(SLOT))
    assert (len(log.read_text().splitlines()) if log.exists() else 0) == before
    # ... and once its leases have ended, another carries on.
    later = SLOT + timedelta(minutes=20)
    sweep(engine, now=later)
    deliver_due(engine, post.courier(Sink(log=log)), worker="next", clock=at_clock(later))
    sweep(engine, now=later)
    states = check(engine, log, issue)
    in_doubt = 0 if point == "claimed" or (point == "settled" and nth == AUDIENCE) else 1
    # The commit that settles one message carries the intent of the next, so killing there leaves that one in doubt.
    assert states["unknown"] == in_doubt
    assert states["accepted"] == AUDIENCE - in_doubt


def test_a_relay_that_dies_with_the_worker_loses_nobody(engine: Engine, database_url: str, tmp_path: Path) -> None:
    """Kill one worker after another, each at another point, until all is settled."""
    add_readers(engine, [f"r{n}@example.test" for n in range(AUDIENCE)])
    issue = add_issue(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    log = tmp_path / "sink.log"
    for point, nth in (("intended", 2), ("dot", 2), ("answered", 3)):
        assert run(killed_at, database_url, log, point, nth) == -9
        sweep(engine, now=SLOT + timedelta(minutes=20))
    run(work, database_url, log, SLOT, 5)
    sweep(engine, now=SLOT + timedelta(minutes=20))
    states = check(engine, log, issue)
    assert states["unknown"] == 3
    assert states["accepted"] == AUDIENCE - 3


def test_processes_side_by_side_mail_nobody_twice(engine: Engine, database_url: str, tmp_path: Path) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(AUDIENCE)])
    issue = add_issue(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    log = tmp_path / "sink.log"
    children = [WARM.Process(target=work, args=(database_url, log, SLOT, 2)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert check(engine, log, issue) == {"accepted": AUDIENCE}
    assert post.deliveries(engine)[0].state == DeliveryState.ACCEPTED
