"""A reader who lets mail come again lifts what bounces brought about, and nothing that came between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from digest.errors import TokenInvalid
from digest.flows.rights import mail_again, standing_of
from digest.store.engine import writing
from digest.store.subscribers import lift, suppress
from tests.post import FROZEN_AT, TOKENS, add_reader

NOW = FROZEN_AT + timedelta(hours=2)
ANN = "ann@readers.test"


def ban(engine: Engine, reason: str) -> None:
    """Ban the reader for this reason alone."""
    hashes = TOKENS.address_hashes(ANN)
    with writing(engine) as session:
        lift(session, hashes)
        suppress(session, ANN, hashes, reason, NOW)


def test_a_ban_of_another_cause_that_comes_between_look_and_deed_stays(engine: Engine) -> None:
    own = TOKENS.sign("preferences", {"s": add_reader(engine, ANN)})
    ban(engine, "hard 5.1.1")
    ended: list[object] = []

    def complain(connection: object, _record: object) -> None:
        ended.append(connection)
        if len(ended) == 1:  # as soon as the first transaction is over, a complaint comes in
            ban(engine, "complaint")

    event.listen(engine.pool, "checkin", complain)
    mail_again(engine, TOKENS, own, now=NOW)
    standing = standing_of(engine, TOKENS, own, now=NOW)
    assert standing.banned_since is not None
    assert not standing.liftable
    with pytest.raises(TokenInvalid, match="complaint"):
        mail_again(engine, TOKENS, own, now=NOW)
