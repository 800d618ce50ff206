"""SMTP URLs: read strictly, never a password in the clear or in a message."""

from __future__ import annotations

import pytest

from digest.errors import ConfigError
from digest.mail.relay_url import Security, is_loopback, parse_relay_url


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Security.NEVER),
        ("smtp://localhost", "localhost", 25, Security.NEVER),
        ("smtp://[::1]:25", "::1", 25, Security.NEVER),
        ("smtp://relay.example", "relay.example", 25, Security.REQUIRE),
        ("smtp://relay.example?starttls=if-offered", "relay.example", 25, Security.IF_OFFERED),
        ("smtp://relay.example:1025/?starttls=never", "relay.example", 1025, Security.NEVER),
        ("smtp://u:p@127.0.0.1", "127.0.0.1", 25, Security.REQUIRE),
        ("smtp+starttls://u:p@relay.example", "relay.example", 587, Security.REQUIRE),
        ("smtps://u:p@relay.example", "relay.example", 465, Security.IMPLICIT),
    ],
)
def test_a_url_says_where_and_how(url: str, host: str, port: int, security: Security) -> None:
    address = parse_relay_url(url)
    assert (address.host, address.port, address.security) == (host, port, security)


def test_user_and_password_are_percent_decoded_and_never_shown() -> None:
    address = parse_relay_url("smtps://ada%40x.example:p%2Fs%3As%40@relay.example")
    assert (address.user, address.password) == ("ada@x.example", "p/s:s@")
    assert "p/s" not in repr(address) + address.where


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://relay.example",
        "smtp://",
        "smtp://relay.example:99999",
        "smtp://relay.example:x",
        "smtp://relay.example/path",
        "smtp://relay.example?starttls=maybe",
        "smtp://relay.example?unknown=1",
        "smtp://relay.example?nonsense",
        "smtps://relay.example?starttls=never",
        "smtp+starttls://relay.example?starttls=if-offered",
        "smtps://relay.example?ca=/nowhere/ca.pem",
        "smtps://secret-user@relay.example",
        "smtps://:secret@relay.example",
        "smtps://u:sécret@relay.example",
        "smtp://u:secret@relay.example?starttls=never",
        "smtp://u:secret@127.0.0.1?starttls=never",
        "smtp://u:secret@relay.example?starttls=if-offered",
        "smtp://u:secret[@relay.example",
    ],
)
def test_anything_else_is_refused_without_repeating_the_password(url: str) -> None:  # checklist 35
    with pytest.raises(ConfigError) as refusal:
        parse_relay_url(url)
    assert "secret" not in str(refusal.value)
    assert "SMTP URL" in str(refusal.value) or "contradicts" in str(refusal.value)


def test_only_loopback_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "localhost.evil.example", "")))
