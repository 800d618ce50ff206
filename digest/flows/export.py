"""Everything held about a reader as one JSON object; docs/privacy.md describes its shape."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine

from digest.core.language import mark
from digest.errors import NotFound
from digest.flows.wording import name_of, words_of
from digest.store.engine import reading
from digest.store.erasure import addresses_of
from digest.store.holdings import Holdings, Named, Row, holdings_of
from digest.tokens import Tokens

FORMAT, VERSION = "firstlight.reader", 1

# What is left out, and why; a test holds every other column to be in the export.
LEFT_OUT = {
    "address_key": "the address once more, as it is compared",
    "link_generation": "how often the address has changed, which the changes themselves say",
    "subscriber_id": "the number of the reader, which stands in their links; it is in the export once",
    "claimed_by": "which worker holds a delivery, for minutes",
    "lease_until": "until when it does",
    "fence": "how often it was held",
    "expires_at": "until when a delivery would have been worth sending",
    "issue_id": "the number of an issue; its date is there",
    "paper_id": "the number of a paper; its title and address are there",
    "paper_ids": "as above",
    "letter_id": "the number of the delivery whose link confirms",
    "notice_id": "the number of the delivery whose link objects",
    "event_key": "a hash by which a report counts once",
    "address_hash": "the keyed hash of the address, which is there",
    "key": "an interest once more, as it is compared",
}


def export(engine: Engine, tokens: Tokens, subscriber_id: int, *, base_url: str, now: datetime) -> str:
    """Return the export of a reader as JSON text; raises NotFound for somebody who was erased."""
    with reading(engine) as session:
        addresses = addresses_of(session, [subscriber_id])
        hashes = [one for address in addresses for one in tokens.address_hashes(address)]
        held = holdings_of(session, subscriber_id, hashes)
    if held is None:
        raise NotFound(mark("nothing is held about this reader any more"))
    return json.dumps(arranged(held, base_url, now), ensure_ascii=False, indent=2, default=_plain) + "\n"


def arranged(held: Holdings, base_url: str, now: datetime) -> dict[str, Any]:
    """Arrange what is held in the shape of the export."""
    (reader,) = held.rows["subscriber"]
    subscription = held.rows["subscription"][0] if held.rows["subscription"] else {}
    consents = held.rows["consent"]
    papers = {paper: _paper(named, base_url) for paper, named in held.papers.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": now,
        "number": reader["id"],
        "address": reader["address"],
        "known_since": reader["created_at"],
        "subscription": _without(subscription, ()),
        "consents": [_without(row, ("id",)) for row in consents],
        "wordings": _wordings(consents),
        "address_changes": [_without(row, ("id",)) for row in held.rows["address_change"]],
        "interests": [_without(row, ()) for row in held.rows["interest"]],
        "reactions": [{"paper": papers.get(row["paper_id"]), **_without(row, ())} for row in held.rows["reaction"]],
        "taste": [_taste(row) for row in held.rows["taste"]],
        "deliveries": [
            {**_without(row, ()), "papers": [papers[one] for one in row["paper_ids"] if one in papers]}
            for row in held.rows["delivery"]
        ],
        "test_letters": [_without(row, ("delivery_id",)) for row in held.rows["specimen_letter"]],
        "bounces": [_without(row, ("id",)) for row in held.rows["bounce_event"]],
        "bans": [_without(row, ()) for row in held.bans],
    }


def _wordings(consents: Sequence[Row]) -> dict[str, Mapping[str, str]]:
    names = {name_of(row["wording"], row["language"]) for row in consents if row["wording"]}
    return {name: words_of(name) for name in sorted(names)}


def _without(row: Row, more: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in LEFT_OUT and name not in more}


def _paper(named: Named, base_url: str) -> Mapping[str, str]:
    return {"title": named.title, "url": f"{base_url}{named.path}"}


def _taste(row: Row) -> dict[str, Any]:
    count = len(row["words"]) // 4
    places = struct.unpack(f"<{count}I", row["words"])
    weights = struct.unpack(f"<{count}f", row["weights"])
    learned = [[place, round(weight, 6)] for place, weight in zip(places, weights, strict=True)]
    return {**_without(row, ("words", "weights")), "hashed_words": learned}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an export")
