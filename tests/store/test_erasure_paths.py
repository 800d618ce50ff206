"""Erasing a reader finds everything that names their addresses by an index, however much there is of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, text

from digest.flows.erasure import erase
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading, writing
from digest.store.schema import upgrade
from digest.store.tables import AddressChange, BounceEvent, Suppression
from tests.post import FROZEN_AT, TOKENS, add_reader

ANN = "Ann@Readers.test"
MANY = 3_000


@pytest.fixture
def upgraded(database_url: str) -> Iterator[Engine]:
    """A database as the migrations build it, with thousands of reports, bans and changes of others in it."""
    engine = open_engine(database_url)
    upgrade(engine)
    other = add_reader(engine, "other@readers.test")
    with writing(engine) as session:
        rows: dict[type[Any], list[dict[str, Any]]] = {
            BounceEvent: [
                {
                    "event_key": f"{number}",
                    "kind": "soft",
                    "action": "score",
                    "recipient": f"r{number}@Readers.test",
                    "received_at": FROZEN_AT,
                }
                for number in range(MANY)
            ],
            Suppression: [
                {"address_hash": f"{number}", "address": f"r{number}@x.test", "reason": "hard", "created_at": FROZEN_AT}
                for number in range(MANY)
            ],
            AddressChange: [
                {
                    "subscriber_id": other,
                    "old_address": "other@readers.test",
                    "new_address": f"r{number}@x.test",
                    "asked_at": FROZEN_AT,
                }
                for number in range(MANY)
            ],
        }
        for model, some in rows.items():
            session.connection().execute(insert(table_of(model)), some)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    yield engine
    engine.dispose()


def test_what_names_an_address_is_found_by_index(upgraded: Engine) -> None:
    reader = add_reader(upgraded, ANN)
    ran: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        if statement.startswith(("UPDATE bounce_event", "UPDATE suppression", "DELETE FROM address_change")):
            ran.append((statement, values))

    event.listen(upgraded, "before_cursor_execute", note)
    erase(upgraded, TOKENS, [reader], actor="test", now=FROZEN_AT)
    event.remove(upgraded, "before_cursor_execute", note)
    assert len(ran) == 4  # changes of others to the address, and the reader's own
    on_sqlite = upgraded.dialect.name == "sqlite"
    for statement, values in ran:
        with upgraded.connect() as connection:
            explained = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explained + statement, values))
        assert "ix_" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "SCAN " not in plan, plan


def test_reports_and_bans_on_any_spelling_of_the_address_are_forgotten(upgraded: Engine) -> None:
    reader = add_reader(upgraded, "Änn@readers.test")
    with writing(upgraded) as session:
        for number, spelt in enumerate(("Änn@READERS.test", "Änn@readers.test")):
            session.add(
                BounceEvent(
                    event_key=f"own{number}", kind="hard", action="none", recipient=spelt, received_at=FROZEN_AT
                )
            )
            session.add(Suppression(address_hash=f"own{number}", address=spelt, reason="hard", created_at=FROZEN_AT))
    erase(upgraded, TOKENS, [reader], actor="test", now=FROZEN_AT)
    with reading(upgraded) as session:
        for table, column in (("bounce_event", "recipient"), ("suppression", "address")):
            counted = text(f"SELECT count(*) FROM {table} WHERE lower({column}) LIKE '%nn@readers.test'")
            assert session.connection().scalar(counted) == 0, table
