"""An admin gets in by a mailed link that works once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.roles import Role
from digest.errors import TokenInvalid, TokenSpent
from digest.flows.deliver import deliver_due
from digest.flows.sign_in import request_sign_in, session_admin, shown_sign_in_token, sign_in, sign_out
from digest.store.engine import reading
from digest.store.tables import AdminSession, AuditEntry
from tests import post
from tests.post import FROZEN_AT as NOW
from tests.post import TOKENS, Sink, at_clock

BOSS = "Boss@example.test"


def audit(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(row.actor, row.action) for row in session.exec(select(AuditEntry).order_by(AuditEntry.id))]


def test_an_admin_signs_in_once_and_stays_for_twelve_hours(engine: Engine) -> None:  # checklist 57, 69
    request_sign_in(engine, "boss@EXAMPLE.test", [BOSS], now=NOW)
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW))
    token = post.link_in(sink.message_to(BOSS), "/admin/sign-in")
    cookie = sign_in(engine, TOKENS, token, now=NOW)
    assert session_admin(engine, cookie, [BOSS], now=NOW + timedelta(hours=11)) == (BOSS, Role.OWNER)
    assert session_admin(engine, cookie, [BOSS], now=NOW + timedelta(hours=12)) is None
    assert session_admin(engine, "guess", [BOSS], now=NOW) is None
    with reading(engine) as session:
        assert cookie not in session.exec(select(AdminSession)).one().token_hash
    with pytest.raises(TokenSpent):
        sign_in(engine, TOKENS, token, now=NOW)
    sign_out(engine, cookie, now=NOW)
    assert session_admin(engine, cookie, [BOSS], now=NOW) is None
    assert [action for _actor, action in audit(engine)] == ["sign-in link mailed", "signed in", "signed out"]


def test_nobody_else_is_mailed_and_nobody_is_flooded(engine: Engine) -> None:
    request_sign_in(engine, "stranger@example.test", [BOSS], now=NOW)
    assert post.deliveries(engine) == []
    assert audit(engine) == [("unknown", "sign-in link refused")]
    for _ in range(8):
        request_sign_in(engine, BOSS, [BOSS], now=NOW)
    assert len(post.deliveries(engine)) == 5


def test_a_sign_in_link_lasts_an_hour(engine: Engine) -> None:
    token = shown_sign_in_token(engine, TOKENS, BOSS, now=NOW)
    with pytest.raises(TokenInvalid, match="expired"):
        sign_in(engine, TOKENS, token, now=NOW + timedelta(hours=1, minutes=1))
    assert session_admin(engine, sign_in(engine, TOKENS, token, now=NOW), [BOSS], now=NOW) == (BOSS, Role.OWNER)


def test_a_link_shown_on_the_screen_is_not_mailed_as_well(engine: Engine) -> None:
    shown_sign_in_token(engine, TOKENS, BOSS, now=NOW)
    sink = Sink()
    assert deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW)).total == 0
    assert sink.sent == []
