"""Signatures verify with an independent verifier, and with nothing changed only."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from digest.core.delivery import DeliveryKind
from digest.errors import ConfigError, MessageRefused
from digest.mail.dkim import Key, Signer, make_key, public_record, signer_from, txt_strings
from digest.mail.fragments import Rendered
from digest.mail.message import message_bytes
from digest.mail.render import Sender
from tests.mail import samples

KEYS: dict[str, Key] = {"rsa": generate_private_key(65537, 2048), "ed25519": Ed25519PrivateKey.generate()}
SIGNERS = {name: Signer(key, domain="firstlight.test", selector="s1") for name, key in KEYS.items()}
SENDER = Sender(
    name="Firstlight", address="digest@firstlight.test", postal_address="1 Road", contact="ops@firstlight.test"
)


def dns(key: Key) -> Callable[..., bytes]:
    def look_up(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.firstlight.test."
        return public_record(key).encode()

    return look_up


def verifies(message: bytes, kind: str) -> bool:
    try:
        return bool(dkim.verify(message, dnsfunc=dns(KEYS[kind])))
    except dkim.DKIMException:
        return False


def built(subject: str = "Today", text: str = "Papers.", html: str = "<p>Papers.</p>") -> bytes:
    return message_bytes(
        Rendered(subject=subject, html=html, text=text),
        sender=SENDER,
        recipient="ada@reader.test",
        message_id="<1@firstlight.test>",
        date=datetime(2026, 5, 20, 6, tzinfo=UTC),
        kind=DeliveryKind.DIGEST,
        list_id="digest.firstlight.test",
        unsubscribe_url="https://firstlight.test/unsubscribe/abc",
        unsubscribe_mailto="digest+u-1-abc@firstlight.test",
    )


@pytest.mark.parametrize("kind", KEYS)
def test_an_independent_verifier_agrees(kind: str) -> None:  # checklist 29
    signed = SIGNERS[kind](built())
    assert verifies(signed, kind)
    assert signed == SIGNERS[kind](built())
    assert max(len(line) for line in signed.split(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)
bodies = st.lists(st.one_of(lines, st.sampled_from(["", ".", "..", "From x", " ", "\t", "=20", "a" * 1500]))).map(
    "\n".join
)


@pytest.mark.parametrize("kind", KEYS)
@settings(max_examples=40, deadline=None)
@given(subject=lines, text=bodies, html=bodies, data=st.data())
def test_hostile_text_verifies_and_one_changed_byte_does_not(
    kind: str, subject: str, text: str, html: str, data: st.DataObject
) -> None:  # checklist 29
    assume(text or html)
    message = built(subject, text, html)
    signed = SIGNERS[kind](message)
    assert verifies(signed, kind)
    body = len(signed) - len(message.partition(b"\r\n\r\n")[2])
    at = data.draw(st.integers(body, len(signed) - 1))
    changed = bytes([(signed[at] + data.draw(st.integers(1, 255))) % 256])
    altered = signed[:at] + changed + signed[at + 1 :]
    assume(altered.rstrip(b"\r\n") != signed.rstrip(b"\r\n"))
    assert not verifies(altered, kind)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("plain", [False, True])
def test_a_digest_joined_from_pieces_verifies_and_with_one_changed_byte_does_not(kind: str, plain: bool) -> None:
    # checklist 29
    cards = [samples.card(n, title=title) for n, title in enumerate((samples.RIGHT_TO_LEFT_TITLE, "🚀 " * 90, "."), 1)]
    rendered = samples.renderer().digest(samples.edition(*cards), samples.LINKS, plain=plain)
    message = message_bytes(
        rendered,
        sender=SENDER,
        recipient="ada@reader.test",
        message_id="<1@firstlight.test>",
        date=datetime(2026, 5, 20, 6, tzinfo=UTC),
        kind=DeliveryKind.DIGEST,
        unsubscribe_url=samples.LINKS.unsubscribe,
    )
    signed = SIGNERS[kind](message)
    assert verifies(signed, kind)
    body = signed.index(b"\r\n\r\n") + 4
    for at in range(body, len(signed) - 2, (len(signed) - body) // 40):
        assert not verifies(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :], kind)


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "Date", "List-Unsubscribe", "List-Unsubscribe-Post", "Reply-To"]
)
def test_fields_are_covered_and_cannot_be_added_again(name: str) -> None:  # checklist 14, 30
    signed = SIGNERS["rsa"](built())
    assert not verifies(f"{name}: x@evil.test\r\n".encode() + signed, "rsa")
    assert not verifies(re.sub(rf"\r\n{name}: *(\r\n )?".encode(), rf"\r\n{name}: x".encode(), signed, count=1), "rsa")


def test_the_signature_is_for_the_domain_of_from() -> None:  # checklist 31
    field = SIGNERS["rsa"](built()).partition(b"\r\nFrom:")[0]
    assert b" d=firstlight.test;" in field
    assert b" s=s1;" in field
    assert b"a=rsa-sha256; c=relaxed/simple" in field
    covered = re.search(rb"h=([^;]*);", field)
    assert covered is not None
    assert re.sub(rb"\s", b"", covered[1]).split(b":").count(b"from") == 2
    abroad = Signer(KEYS["ed25519"], domain="bücher.test", selector="s1")(built())
    assert b"d=xn--bcher-kva.test" in abroad


def test_trailing_blank_lines_do_not_matter() -> None:
    for end in (b"", b"\r\n", b"\r\n\r\n\r\n", b" \r\n"):
        assert verifies(SIGNERS["ed25519"](b"From: a@firstlight.test\r\n\r\nbody" + end), "ed25519")
    assert verifies(SIGNERS["ed25519"](b"From: a@firstlight.test\r\nSubject: x\r\n\ty \r\n z\r\n\r\n"), "ed25519")


def test_a_message_without_from_is_refused() -> None:
    with pytest.raises(MessageRefused, match="exactly one From"):
        SIGNERS["rsa"](b"Subject: x\r\n\r\nbody\r\n")


@pytest.mark.parametrize("ed25519", [False, True])
def test_a_new_key_is_private_signs_and_is_never_overwritten(tmp_path: Path, ed25519: bool) -> None:
    out = tmp_path / "dkim.pem"
    record = make_key(out, selector="2026a", domain="firstlight.test", ed25519=ed25519)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert record.startswith("2026a._domainkey.firstlight.test. IN TXT ")
    strings = re.findall(r'"([^"]*)"', record)
    assert all(len(one) <= 255 for one in strings)
    assert len(strings) == (1 if ed25519 else 2)
    signed = signer_from(out, domain="firstlight.test", selector="2026a")(built())
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: "".join(strings).encode())
    before = out.read_bytes()
    with pytest.raises(ConfigError, match="there already"):
        make_key(out, selector="2026a", domain="firstlight.test")
    assert out.read_bytes() == before


def test_weak_broken_and_missing_keys_are_refused(tmp_path: Path) -> None:  # checklist 29
    with pytest.raises(ConfigError, match="1024 bits"):
        Signer(generate_private_key(65537, 1024), domain="firstlight.test", selector="s1")
    with pytest.raises(ConfigError, match="cannot be read"):
        signer_from(tmp_path / "none.pem", domain="firstlight.test", selector="s1")
    (tmp_path / "broken.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(ConfigError, match="no private key"):
        signer_from(tmp_path / "broken.pem", domain="firstlight.test", selector="s1")
    for selector in ("", "a b", "a;b", "-a", "ä"):
        with pytest.raises(ConfigError, match="selector"):
            Signer(KEYS["rsa"], domain="firstlight.test", selector=selector)


def test_records_are_split_at_255_octets() -> None:
    assert txt_strings("a" * 255) == f'"{"a" * 255}"'
    assert txt_strings("a" * 256) == f'( "{"a" * 255}" "a" )'
