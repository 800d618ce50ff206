"""DKIM signatures (RFC 6376, 8301, 8463): relaxed header, simple body, RSA-2048 or Ed25519."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from digest.errors import ConfigError, MessageRefused
from digest.mail.message import Sound, ascii_address

Key = RSAPrivateKey | Ed25519PrivateKey

_BITS = 2048  # RFC 8301: 1024 is too weak, and more than 2048 need not be verified
_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-help",
    b"list-owner",
    b"precedence",
    b"auto-submitted",
    b"feedback-id",
    b"mime-version",
    b"content-type",
)
# Signed once more than they occur, so that nobody can add a second one (RFC 6376 section 8.15).
_OVERSIGNED = (b"from", b"to", b"subject", b"date", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n")
_BLANKS = re.compile(rb"[ \t]+")
_STRING = 255  # octets in one string of a TXT record


class Signer:
    """Signs messages for one domain and selector; `domain` must align with From (RFC 7489 section 3.1)."""

    def __init__(self, key: Key, *, domain: str, selector: str) -> None:
        if isinstance(key, RSAPrivateKey) and key.key_size < _BITS:
            raise ConfigError(f"a DKIM key of {key.key_size} bits is too weak; make one with: digest dkim-key")
        self._key = key
        algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
        self._opening = (
            f"v=1; a={algorithm}; c=relaxed/simple;\r\n d={_domain(domain)};\r\n s={_selector(selector)};\r\n"
        ).encode()

    @property
    def record(self) -> str:
        """The text of the DNS record that verifiers need."""
        return public_record(self._key)

    def __call__(self, message: bytes) -> bytes:
        """Return the message with its signature on top; the same message always gets the same one (RSA, Ed25519).

        `message` has CRLF and a blank line after its header. Raises MessageRefused for one without From.
        """
        end = message.find(b"\r\n\r\n")
        end = len(message) if end < 0 else end
        fields = [(name.lower(), value) for name, value in _FIELD.findall(message[:end] + b"\r\n")]
        names = [name for name, _value in fields]
        if names.count(b"from") != 1:
            raise MessageRefused("a message needs exactly one From to be signed")
        signed = [name for name in _SIGNED for _each in range(names.count(name))]
        signed += _OVERSIGNED
        listed = b":\r\n  ".join([b":".join(signed[start : start + 5]) for start in range(0, len(signed), 5)])
        value = b" %s h=%s;\r\n bh=%s;\r\n b=" % (self._opening, listed, body_hash(memoryview(message)[end + 4 :]))
        covered = b"".join([_relaxed(name, text) for name, text in _chosen(fields, signed)])
        covered += _relaxed(b"dkim-signature", value)[:-2]
        signature = base64.b64encode(self._sign(covered))
        folded = b"\r\n  ".join([signature[start : start + 72] for start in range(0, len(signature), 72)])
        whole = b"DKIM-Signature:" + value + folded + b"\r\n" + message
        return Sound(whole) if isinstance(message, Sound) else whole

    def _sign(self, covered: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(covered, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(covered).digest())  # RFC 8463 section 3


def body_hash(body: bytes | memoryview) -> bytes:
    """Hash a body in simple canonical form: one CRLF at its end, however many it has (RFC 6376 section 3.4.3)."""
    end = len(body)
    while body[end - 2 : end] == b"\r\n" and end >= 2:
        end -= 2
    whole = hashlib.sha256(memoryview(body)[:end])
    whole.update(b"\r\n")
    return base64.b64encode(whole.digest())


def _chosen(fields: Sequence[tuple[bytes, bytes]], signed: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Take the fields in the order signed, of several the lowest first; those that are not there count as nothing."""
    left: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        left.setdefault(name, []).append(value)
    return [(name, left[name].pop()) for name in signed if left.get(name)]


def _relaxed(name: bytes, value: bytes) -> bytes:
    """One field in relaxed canonical form (RFC 6376 section 3.4.2)."""
    return name + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t") + b"\r\n"


def _domain(domain: str) -> str:
    try:
        return ascii_address(f"x@{domain}").partition("@")[2].lower()
    except MessageRefused as error:
        raise ConfigError(f"{domain[:80]!r} is not a domain") from error


def _selector(selector: str) -> str:
    if len(selector) > 190 or not _SELECTOR.fullmatch(selector):
        raise ConfigError(f"{selector[:80]!r} is not a DKIM selector; use letters, digits and hyphens, such as 2026a")
    return selector


def signer_from(path: Path, *, domain: str, selector: str) -> Signer:
    """Read a private key (PEM) and make a signer; raises ConfigError, naming the file, where it is of no use."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"DIGEST_DKIM_KEY_FILE {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error) as error:
        raise ConfigError(f"DIGEST_DKIM_KEY_FILE {path} holds no private key in PEM without a password") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError(f"DIGEST_DKIM_KEY_FILE {path}: DKIM knows RSA and Ed25519 keys only")
    return Signer(key, domain=domain, selector=selector)


def make_key(out: Path, *, selector: str, domain: str, ed25519: bool = False) -> str:
    """Write a new private key that only its owner can read, and return the DNS record of its public half.

    Raises ConfigError if the file is there already: a key in use must not be lost.
    """
    where = f"{_selector(selector)}._domainkey.{_domain(domain)}."
    key: Key = Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, _BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{out} is there already; name another file") from error
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return f"{where} IN TXT {txt_strings(public_record(key))}"


def public_record(key: Key) -> str:
    """Return the text of the DNS record under which verifiers find a key's public half."""
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def txt_strings(record: str) -> str:
    """Write a record as a zone file does: in quoted strings of at most 255 octets."""
    parts = [f'"{record[start : start + _STRING]}"' for start in range(0, len(record), _STRING)]
    return parts[0] if len(parts) == 1 else f"( {' '.join(parts)} )"
