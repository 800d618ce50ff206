"""Links can be trusted, bound to one purpose, rotated; addresses leave only keyed hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from digest.errors import ConfigError, TokenInvalid
from digest.tokens import Tokens, address_hash, address_key, spent_key, token_hash

NOW = datetime(2026, 5, 20, tzinfo=UTC)
TOKENS = Tokens(["a secret for tests"])


def test_a_token_gives_back_what_was_signed_and_is_always_the_same() -> None:
    token = TOKENS.sign("unsubscribe", {"s": 12})
    assert token == TOKENS.sign("unsubscribe", {"s": 12})
    assert TOKENS.verify("unsubscribe", token, now=NOW + timedelta(days=9000)) == {"s": 12}  # checklist 58


def test_a_token_serves_one_purpose_only() -> None:  # checklist 56
    token = TOKENS.sign("unsubscribe", {"s": 12})
    for purpose in ("preferences", "confirm", "sign-in", ""):
        with pytest.raises(TokenInvalid):
            TOKENS.verify(purpose, token, now=NOW)


def test_a_token_outlives_a_rotation_but_not_the_loss_of_its_secret() -> None:
    token = TOKENS.sign("unsubscribe", {"s": 12})
    rotated = Tokens(["a newer secret", "a secret for tests"])
    assert rotated.verify("unsubscribe", token, now=NOW) == {"s": 12}
    assert rotated.sign("unsubscribe", {"s": 12}) != token
    with pytest.raises(TokenInvalid):
        Tokens(["a newer secret"]).verify("unsubscribe", token, now=NOW)
    with pytest.raises(TokenInvalid):
        TOKENS.verify("unsubscribe", rotated.sign("unsubscribe", {"s": 12}), now=NOW)


def test_a_token_with_a_time_expires() -> None:
    token = TOKENS.sign("confirm", {"s": 1}, at=NOW)
    days = timedelta(days=3)
    assert TOKENS.verify("confirm", token, now=NOW + days, max_age=days) == {"s": 1}
    with pytest.raises(TokenInvalid, match="expired"):
        TOKENS.verify("confirm", token, now=NOW + days + timedelta(seconds=1), max_age=days)
    with pytest.raises(TokenInvalid, match="expired"):
        TOKENS.verify("confirm", token, now=NOW - timedelta(hours=1), max_age=days)
    with pytest.raises(TokenInvalid, match="no time"):
        TOKENS.verify("confirm", TOKENS.sign("confirm", {"s": 1}), now=NOW, max_age=days)


@given(st.text(max_size=60) | st.just("x" * 100_000))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        TOKENS.verify("unsubscribe", text, now=NOW)


def test_every_changed_character_is_noticed_or_changes_nothing() -> None:
    token = TOKENS.sign("unsubscribe", {"s": 12})
    for place in range(len(token)):
        for other in "Aa0-_.":
            try:
                payload = TOKENS.verify("unsubscribe", token[:place] + other + token[place + 1 :], now=NOW)
            except TokenInvalid:
                continue
            assert payload == {"s": 12}  # base64 has several spellings of the last few bits


def test_no_secret_is_refused() -> None:
    for secrets in ([], [""], ["good", ""]):
        with pytest.raises(ConfigError):
            Tokens(secrets)


def test_addresses_hash_alike_in_every_spelling_and_differently_under_every_key() -> None:
    assert address_key(" Jörg@EXAMPLE.test") == address_key("jo\u0308rg@example.test")
    assert address_hash("k", "Ann@Example.Test") == address_hash("k", "ann@example.test")
    assert address_hash("k", "ann@example.test") != address_hash("other", "ann@example.test")
    assert TOKENS.address_hashes("ann@example.test") == (address_hash("a secret for tests", "ann@example.test"),)


def test_a_spent_link_is_known_by_what_it_stood_for() -> None:
    assert spent_key("confirm", 1) != spent_key("sign-in", 1)
    assert len(token_hash("x")) == 64


@given(st.integers(0, 2**63))
def test_short_tokens_are_those_of_itsdangerous_to_the_letter(number: int) -> None:
    # Links of mails sent long ago must stay good, and what signs them quickly must not differ from what reads them.
    tokens = Tokens(["a newer secret", "an older secret"])
    serializer = URLSafeSerializer(
        ["an older secret", "a newer secret"],
        salt="firstlight.unsubscribe",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
    assert tokens.sign("unsubscribe", {"s": number}) == serializer.dumps({"s": number})


@given(st.text(max_size=40))
def test_marks_are_the_base32_of_a_keyed_hash(text: str) -> None:
    key = hmac.digest(b"a secret", b"firstlight.mark.verp.b", "sha256")
    whole = base64.b32encode(hmac.digest(key, text.encode(), "sha256")).decode().lower()
    assert Tokens(["a secret"]).marks("verp.b", text) == (whole[:26],)
