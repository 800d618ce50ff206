"""Being forgotten: nothing names a reader any more, the counts balance, and no worker stumbles over it."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from digest.core.delivery import DeliveryState, Tally
from digest.errors import NotFound, TokenInvalid
from digest.flows.audience import materialise, resend_unknown, sweep
from digest.flows.deliver import deliver_due
from digest.flows.erasure import erase, erase_address
from digest.flows.rights import erase_own, standing_of
from digest.flows.subscribe import confirm, preferences_of, request, unsubscribe
from digest.mail.message import Envelope
from digest.mail.smtp import Reply, Verdict
from digest.store import audience
from digest.store.engine import reading, writing
from digest.store.erasure import references
from digest.store.subscribers import suppressed
from tests import post
from tests.flows.everything import ADDRESS, NEEDLES, NEW, OLD, add_everything
from tests.post import FROZEN_AT, TOKENS, UNTIL, Sink, add_issue, add_reader, at_clock

NOW = FROZEN_AT + timedelta(hours=2)
ANN = "ann@example.test"


def every_value(engine: Engine) -> dict[str, list[object]]:
    """Every value of every column, in lower case where it is text."""
    found: dict[str, list[object]] = {}
    with engine.connect() as connection:
        for name, table in SQLModel.metadata.tables.items():
            for row in connection.execute(table.select()):
                for column, value in row._mapping.items():
                    found.setdefault(f"{name}.{column}", []).append(value)
    return found


def test_nothing_of_a_reader_is_left_but_keyed_hashes_and_counts(engine: Engine) -> None:  # checklist 64
    own = add_everything(engine)
    before = every_value(engine)
    assert all(any(needle in str(values).lower() for values in before.values()) for needle in NEEDLES)
    erased = erase_address(engine, TOKENS, ADDRESS.lower(), actor="command line", now=NOW)
    assert (erased.readers, erased.deliveries) == (1, 2)
    after = every_value(engine)
    told = [
        (column, needle)
        for column, values in after.items()
        for needle in NEEDLES
        if needle in str(values).lower() or needle.encode() in b"".join(v for v in values if isinstance(v, bytes))
    ]
    assert told == []
    for table, column in references():
        assert own not in after.get(f"{table.name}.{column.name}", []), table.name
    assert own not in after["bounce_event.subscriber_id"]
    with reading(engine) as session:
        hashes = [one for address in (ADDRESS, OLD) for one in TOKENS.address_hashes(address)]
        assert suppressed(session, hashes) == set(hashes)
        assert not suppressed(session, TOKENS.address_hashes(NEW))
    assert after["suppression.address"] == [None, None]
    assert [(row.kind, row.state, row.paper_ids) for row in post.deliveries(engine)] == [
        ("digest", "accepted", []),
        ("new address", "accepted", []),
    ]
    with pytest.raises(NotFound, match="nobody is known"):
        erase_address(engine, TOKENS, ADDRESS, actor="command line", now=NOW)


def test_the_file_of_the_database_holds_nothing_of_them_once_it_is_vacuumed(
    sqlite_engine: Engine, tmp_path: Path
) -> None:  # checklist 64
    own = add_everything(sqlite_engine)
    file = tmp_path / "digest.db"
    erase(sqlite_engine, TOKENS, [own], actor="test", now=NOW)
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(one.read_bytes() for one in tmp_path.glob("digest.db*")).lower()
    assert file.stat().st_size > 10_000
    assert [needle for needle in NEEDLES if needle.encode() in kept] == []


def test_a_reader_without_a_ban_leaves_no_ban_and_may_come_back_as_a_stranger(engine: Engine) -> None:
    own = add_everything(engine, banned=False)
    erase_own(engine, TOKENS, TOKENS.sign("preferences", {"s": own}), now=NOW)
    assert "suppression.address_hash" not in every_value(engine)
    request(engine, TOKENS, ADDRESS, now=NOW, ip="", source="site", special_use=True)
    (fresh,) = post.deliveries(engine, kind="confirmation")
    assert fresh.subscriber_id not in (None, own)


def test_old_links_answer_calmly(engine: Engine) -> None:
    request(engine, TOKENS, ANN, now=NOW, ip="", source="site", special_use=True)
    links = {purpose: TOKENS.sign(purpose, {"s": 1}) for purpose in ("preferences", "unsubscribe")}
    confirming = TOKENS.sign("confirm", {"s": 1, "d": 1}, at=NOW)
    for _twice in range(2):
        erase_own(engine, TOKENS, links["preferences"], now=NOW)
    unsubscribe(engine, TOKENS, links["unsubscribe"], now=NOW, ip="", source="one-click")
    for look in (standing_of, preferences_of):
        with pytest.raises(NotFound):
            look(engine, TOKENS, links["preferences"], now=NOW)
    with pytest.raises(TokenInvalid, match="withdrawn"):
        confirm(engine, TOKENS, confirming, now=NOW, ip="")
    assert "consent.id" not in every_value(engine)


@pytest.mark.parametrize("state", ["pending", "claimed", "sending", "deferred"])
def test_the_counts_of_an_issue_balance_whatever_its_deliveries_are_doing(engine: Engine, state: str) -> None:
    readers = post.add_readers(engine, [ANN, "bo@example.test", "cy@example.test"])
    issue = add_issue(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        session.connection().execute(text("UPDATE delivery SET state = :s, fence = 3"), {"s": state})
    erase(engine, TOKENS, readers[:1], actor="test", now=NOW)
    with reading(engine) as session:
        tally: Tally = audience.tally(session, issue)
    gone = DeliveryState.UNKNOWN if state == "sending" else DeliveryState.SKIPPED
    assert dict(tally.counts) == {gone: 1, DeliveryState(state): 2}
    (row,) = [row for row in post.deliveries(engine) if row.subscriber_id is None]
    assert (row.reason, row.fence, row.address) == ("the reader was erased", 4, "")
    assert resend_unknown(engine, [row.id or 0], now=NOW) == 0


@pytest.mark.parametrize("point", ["claimed", "intended", "dot", "answered"])
def test_who_is_erased_while_a_worker_holds_their_digest_stops_nobody(engine: Engine, point: str) -> None:
    """At every step of a worker's: no crash, no words of the relay kept, at most the mail that was under way."""
    readers = post.add_readers(engine, [f"r{number}@example.test" for number in range(4)])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    reached: Counter[str] = Counter()

    def checkpoint(name: str) -> None:
        reached[name] += 1
        if name == point and reached[name] == 1:
            erase(engine, TOKENS, readers[:1], actor="test", now=NOW)

    def answer(envelope: Envelope) -> Reply:
        return Reply(verdict=Verdict.REJECTED, code=550, text=f"5.1.1 no such user {envelope.rcpt_to}")

    sink = Sink(answer=answer)
    tally = deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW), checkpoint=checkpoint)
    assert tally.total + tally.lost == 4
    assert tally.trouble == ""
    assert "r0@example.test" not in str(every_value(engine))
    with reading(engine) as session:
        assert len(suppressed(session, TOKENS.address_hashes("r0@example.test"))) == 0
    assert deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW)).total == 0
    sweep(engine, now=NOW + timedelta(hours=1))
    states = Counter(row.state for row in post.deliveries(engine))
    assert states[DeliveryState.FAILED] == 3
    assert sum(states.values()) == 4


def test_who_is_erased_before_the_intent_is_not_mailed(engine: Engine) -> None:
    (own,) = post.add_readers(engine, [ANN])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    sink = Sink()

    def checkpoint(name: str) -> None:
        if name == "claimed":
            erase(engine, TOKENS, [own], actor="test", now=NOW)

    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW), checkpoint=checkpoint)
    assert sink.sent == []


def test_erasing_while_an_issue_is_queued_fails_neither(engine: Engine) -> None:
    readers = post.add_readers(engine, [f"r{number}@example.test" for number in range(60)])
    failures: list[BaseException] = []

    def go(act: object) -> None:
        try:
            act()  # type: ignore[operator]  # a function without arguments
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    def erase_all() -> None:
        for reader in readers[:30]:
            erase(engine, TOKENS, [reader], actor="test", now=NOW)

    def queue_all() -> None:
        for day in range(8):
            at = FROZEN_AT + timedelta(days=day)
            issue = add_issue(engine, issued_on=at.date(), frozen_at=at, papers=2)
            materialise(engine, issue, now=at, until=at + timedelta(days=1), immediately=True)

    threads = [threading.Thread(target=go, args=[act]) for act in (erase_all, queue_all)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert {row.subscriber_id for row in post.deliveries(engine)} <= {*readers[30:], None}
    assert "r0@example.test" not in str(every_value(engine))


def test_a_move_to_the_address_of_somebody_who_is_erased_leaves_no_trace_of_it(engine: Engine) -> None:
    from digest.flows.moving import ask_to_move

    other, own = add_reader(engine, "other@example.test"), add_reader(engine, ANN)
    ask_to_move(engine, TOKENS, other, ANN, now=NOW, ip="", special_use=True)
    erase(engine, TOKENS, [own], actor="test", now=NOW)
    assert ANN not in str(every_value(engine))
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW))
    assert sink.sent == []
