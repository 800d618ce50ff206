"""Accounts at the desk: made and removed at once, owners by the settings, passwords beside links."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.roles import Role
from digest.errors import NotFound, PasswordRefused
from digest.flows.admins import appoint, dismiss, listed, role_of, set_password
from digest.flows.sign_in import session_admin, shown_sign_in_token, sign_in, sign_in_by_password
from digest.store.engine import reading
from digest.store.tables import AuditEntry
from tests.post import FROZEN_AT as NOW
from tests.post import TOKENS

BOSS = "boss@example.test"
EVE = "Eve@example.test"
PASSWORD = "four calm herons"


def test_a_role_includes_those_below_it() -> None:
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_an_account_has_its_role_at_once_and_is_out_at_once(engine: Engine) -> None:
    appoint(engine, EVE, Role.VIEWER, actor=BOSS, now=NOW)
    token = shown_sign_in_token(engine, TOKENS, EVE, now=NOW)
    cookie = sign_in(engine, TOKENS, token, now=NOW)
    assert session_admin(engine, cookie, [BOSS], now=NOW) == (EVE, Role.VIEWER)
    appoint(engine, EVE.lower(), Role.EDITOR, actor=BOSS, now=NOW + timedelta(minutes=1))
    assert session_admin(engine, cookie, [BOSS], now=NOW) == (EVE, Role.EDITOR)
    assert [(one.role, one.created_by) for one in listed(engine)] == [(Role.EDITOR, BOSS)]
    dismiss(engine, "EVE@example.test", actor=BOSS, now=NOW)
    assert session_admin(engine, cookie, [BOSS], now=NOW) is None
    with pytest.raises(NotFound, match="has no account"):
        dismiss(engine, EVE, actor=BOSS, now=NOW)


def test_an_address_of_the_settings_is_an_owner_whatever_an_account_says(engine: Engine) -> None:
    appoint(engine, BOSS, Role.VIEWER, actor=BOSS, now=NOW)
    with reading(engine) as session:
        assert role_of(session, BOSS.upper(), [BOSS]) is Role.OWNER
        assert role_of(session, BOSS, []) is Role.VIEWER
        assert role_of(session, "stranger@example.test", [BOSS]) is None


def test_a_password_opens_a_session_and_a_wrong_one_is_written_down(engine: Engine) -> None:
    appoint(engine, EVE, Role.EDITOR, actor=BOSS, now=NOW)
    assert sign_in_by_password(engine, EVE, PASSWORD, now=NOW) is None
    set_password(engine, EVE, PASSWORD, actor=BOSS, now=NOW)
    cookie = sign_in_by_password(engine, EVE.lower(), PASSWORD, now=NOW)
    assert cookie is not None
    assert session_admin(engine, cookie, [], now=NOW) == (EVE, Role.EDITOR)
    for address, wrong in ((EVE, PASSWORD + "s"), (EVE, ""), ("nobody@example.test", PASSWORD)):
        assert sign_in_by_password(engine, address, wrong, now=NOW) is None
    set_password(engine, EVE, "", actor=BOSS, now=NOW)
    assert sign_in_by_password(engine, EVE, PASSWORD, now=NOW) is None
    assert sign_in_by_password(engine, EVE, "", now=NOW) is None
    with reading(engine) as session:
        rows = session.exec(select(AuditEntry)).all()
    assert [row.action for row in rows].count("password refused") == 6
    assert not any(PASSWORD in f"{row.detail}{row.target}" for row in rows)


@pytest.mark.parametrize("weak", ["short", "a" * 12, "x" * 201])
def test_a_weak_password_is_refused_with_what_one_needs(engine: Engine, weak: str) -> None:
    appoint(engine, EVE, Role.EDITOR, actor=BOSS, now=NOW)
    with pytest.raises(PasswordRefused):
        set_password(engine, EVE, weak, actor=BOSS, now=NOW)
    with pytest.raises(NotFound, match="digest admin create"):
        set_password(engine, "stranger@example.test", PASSWORD, actor=BOSS, now=NOW)
