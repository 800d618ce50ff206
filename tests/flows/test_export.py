"""Seeing everything: each table that speaks of readers, each of its columns, in one JSON of a documented shape."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel

from digest.errors import NotFound
from digest.flows.export import LEFT_OUT, _plain, export
from digest.flows.wording import words_of
from digest.store.erasure import references
from digest.store.holdings import HELD
from tests import post
from tests.flows.everything import ADDRESS, NEW, OLD, add_everything
from tests.post import FROZEN_AT, TOKENS

NOW = FROZEN_AT + timedelta(hours=2)
ROOT = Path(__file__).resolve().parents[2]
# Tables with a column that could name a person, and why they are not in a reader's export.
NOT_OF_READERS = {
    "suppression": "exported as bans, found by the keyed hash of the addresses",
    "admin_session": "an admin's",
    "brake_event": "that an admin let issues go",
    "admin": "who sits at the desk; an admin is no reader by that",
    "issue_edit": "what editors did to an issue, under their own addresses",
    "audit_entry": "what admins did; of a reader it holds the beginning of a keyed hash at most",
    "limit_use": "keyed hashes, for an hour",
    "spent_token": "hashes of links that were used",
    "invitation": "hashes of links; nobody's until it is used, and then not recorded whose",
    "mailbox_aside": "what could not be read in the operator's mailbox, by number",
}
_PERSONAL = ("subscriber", "address", "recipient", "actor", "ip", "email", "token_hash", "reader")


def exported(engine: Engine, reader: int) -> dict[str, Any]:
    return dict(json.loads(export(engine, TOKENS, reader, base_url="https://firstlight.test", now=NOW)))


def test_every_table_that_speaks_of_readers_is_exported_or_says_why_not() -> None:  # checklist 63
    speaks = {
        name
        for name, table in SQLModel.metadata.tables.items()
        if any(column.name == word or word in column.name.split("_") for column in table.columns for word in _PERSONAL)
    }
    assert speaks - HELD.keys() - NOT_OF_READERS.keys() == set()
    assert {table.name for table, _column in references()} <= HELD.keys()
    for name, (model, column) in HELD.items():
        assert column in SQLModel.metadata.tables[name].columns
        assert model.__tablename__ == name


def test_every_column_of_theirs_is_in_the_export(engine: Engine) -> None:  # checklist 63
    own = add_everything(engine)
    text = export(engine, TOKENS, own, base_url="https://firstlight.test", now=NOW)
    with engine.connect() as connection:
        for name, (_model, column) in HELD.items():
            table = SQLModel.metadata.tables[name]
            rows = list(connection.execute(table.select().where(table.c[column] == own)).mappings())
            assert rows, name
            for held in table.columns:
                if (
                    held.name in LEFT_OUT
                    or (held.name == "id" and name != "subscriber")
                    or held.name
                    in (
                        "words",
                        "weights",
                    )
                ):
                    continue
                for row in rows:
                    value = row[held.name]
                    written = value if isinstance(value, str) else json.dumps(value, default=_plain).strip('"[]{}')
                    assert f'"{held.name}"' in text or name == "subscriber", (name, held.name)
                    for part in written.split(", "):
                        assert part in text, (name, held.name, part)


def test_the_export_has_the_documented_shape(engine: Engine) -> None:  # checklist 63
    own = add_everything(engine)
    told = exported(engine, own)
    assert (told["format"], told["version"], told["address"], told["number"]) == ("firstlight.reader", 1, ADDRESS, own)
    assert told["exported_at"] == "2026-05-20T06:00:00Z"
    assert told["subscription"]["timezone"] == "Asia/Kathmandu"
    assert told["consents"][0]["source"] == "quokka page"
    assert told["consents"][0]["language"] == "de"
    assert told["wordings"] == {"2026-11.de": dict(words_of("2026-11.de"))}
    assert "ein Klick beendet es" in told["wordings"]["2026-11.de"]["form"]
    assert (told["address_changes"][0]["old_address"], told["address_changes"][0]["new_address"]) == (OLD, NEW)
    assert told["reactions"][0]["paper"] == {"title": "Paper 2", "url": "https://firstlight.test/papers/paper-2"}
    assert told["taste"][0]["hashed_words"] == [[5, 0.5], [4_000_000_001, -0.25]]
    assert [paper["title"] for paper in told["deliveries"][0]["papers"]] == ["Paper 1", "Paper 3"]
    assert {(ban["address"], ban["reason"]) for ban in told["bans"]} == {(ADDRESS, "hard 5.1.1"), (OLD, "hard 5.1.1")}
    documented = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    assert [name for name in told if f"| `{name}` |" not in documented] == []


def test_nothing_of_another_reader_is_in_it(engine: Engine) -> None:
    own = add_everything(engine)
    other = post.add_reader(engine, "other@example.test", categories=["math.CO"])
    text = export(engine, TOKENS, other, base_url="", now=NOW)
    assert "wilhelmina" not in text.lower()
    assert "other@example.test" not in json.dumps(exported(engine, own))
    with pytest.raises(NotFound):
        exported(engine, 99_999)
