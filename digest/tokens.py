"""Signed links and keyed hashes: what lets a reader act without a password, and a ban outlive an address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product

from itsdangerous import BadData, URLSafeSerializer

from digest.errors import ConfigError, TokenInvalid

_LONGEST = 1_000  # no token of ours comes near; longer ones are not worth a signature check
_SIGNED_AT = "at"
_compact = json.JSONEncoder(separators=(",", ":")).encode
_NEVER_COMPRESSED = 16  # octets: zlib makes no shorter text of so few
_SKEW = timedelta(minutes=5)  # how far apart the clocks of two processes may be


class Tokens:
    """Sign and verify the tokens in links: HMAC-SHA256, bound to one purpose, from rotatable secrets.

    `secrets` are newest first: the first signs, all of them verify. A token never expires by itself;
    one that must expire is signed with `at` and verified with `max_age`.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ConfigError("DIGEST_SECRET_KEY is empty; set it to a long random text")
        self._secrets = tuple(secrets)
        self._serializers: dict[str, URLSafeSerializer] = {}
        # Begun once for each key, and copied: to begin anew takes longer than all the rest.
        self._link_macs: dict[str, hmac.HMAC] = {}
        self._mark_macs: dict[str, list[hmac.HMAC]] = {}

    def sign(self, purpose: str, payload: Mapping[str, str | int], *, at: datetime | None = None) -> str:
        """Sign a payload for one purpose; the same arguments always give the same URL-safe token."""
        signed: dict[str, str | int] = dict(payload)
        if at is not None:
            signed[_SIGNED_AT] = int(at.timestamp())
        words = _compact(signed).encode()
        if len(words) <= _NEVER_COMPRESSED:  # what the serializer does, without its detours: a run signs thousands
            return self._signed(purpose, base64.urlsafe_b64encode(words).rstrip(b"="))
        token: str = self._serializer(purpose).dumps(signed)
        return token

    def sign_each(self, purposes: Sequence[str], payload: Mapping[str, str | int]) -> list[str]:
        """Sign one payload for several purposes, as `sign` does for each."""
        words = _compact(payload).encode()
        if len(words) > _NEVER_COMPRESSED:
            return [self.sign(purpose, payload) for purpose in purposes]
        body = base64.urlsafe_b64encode(words).rstrip(b"=")
        return [self._signed(purpose, body) for purpose in purposes]

    def _signed(self, purpose: str, body: bytes) -> str:
        mac = self._link_macs.get(purpose)
        if mac is None:
            signer = self._serializer(purpose).make_signer(self._serializer(purpose).salt)
            mac = self._link_macs[purpose] = hmac.new(signer.derive_key(), digestmod="sha256")
        signature = base64.urlsafe_b64encode(_finished(mac, body)).rstrip(b"=")
        return f"{body.decode()}.{signature.decode()}"

    def verify(
        self, purpose: str, token: str, *, now: datetime, max_age: timedelta | None = None
    ) -> dict[str, str | int]:
        """Return the payload of a token signed for `purpose`, without its time.

        Raises TokenInvalid if it is forged or made for another purpose; with `max_age` also if it is
        older than that, from the future, or carries no time.
        """
        if len(token) > _LONGEST:
            raise TokenInvalid("this link is not one of ours; copy it whole from the mail")
        try:
            payload = self._serializer(purpose).loads(token)
        except BadData as error:
            raise TokenInvalid("this link is damaged or not one of ours; copy it whole from the mail") from error
        if not isinstance(payload, dict):
            raise TokenInvalid("this link is not one of ours; copy it whole from the mail")
        signed_at = payload.pop(_SIGNED_AT, None)
        if max_age is not None:
            if not isinstance(signed_at, int):
                raise TokenInvalid("this link carries no time; ask for a new one")
            age = now - datetime.fromtimestamp(signed_at, UTC)
            if age > max_age or age < -_SKEW:
                raise TokenInvalid("this link has expired; ask for a new one")
        return payload

    def address_hashes(self, address: str) -> tuple[str, ...]:
        """Return the keyed hashes of an address, one for each secret, newest first.

        The first is the one to store; all must be looked up, so that a ban survives a rotation.
        """
        return tuple(address_hash(secret, address) for secret in self._secrets)

    def key_names(self) -> tuple[str, ...]:
        """Return a short name of each secret, newest first: tells whether a hash can be one of ours, and no more."""
        return tuple(
            hmac.digest(secret.encode(), b"firstlight.key-name", "sha256")[:6].hex() for secret in self._secrets
        )

    def marks(self, purpose: str, text: str) -> tuple[str, ...]:
        """Return short signatures of a text, one for each secret, newest first: 130 bits in lower-case base32.

        For places where a token of `sign` is too long or may lose its capitals, such as the local part of
        an address. Compare with `hmac.compare_digest`.
        """
        macs = self._mark_macs.get(purpose)
        if macs is None:
            salt = f"firstlight.mark.{purpose}".encode()
            keys = [hmac.digest(secret.encode(), salt, "sha256") for secret in self._secrets]
            macs = self._mark_macs[purpose] = [hmac.new(key, digestmod="sha256") for key in keys]
        return tuple([_base32(_finished(mac, text.encode())) for mac in macs])

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeSerializer(
                list(reversed(self._secrets)),  # itsdangerous wants the newest last
                salt=f"firstlight.{purpose}",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return self._serializers[purpose]


def _finished(mac: hmac.HMAC, message: bytes) -> bytes:
    own = mac.copy()
    own.update(message)
    return own.digest()


_PAIRS = [
    a + b
    for a, b in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)  # ten bits of base32 (RFC 4648 section 6)
]


def _base32(digest: bytes) -> str:
    """The first 130 bits in lower-case base32."""
    bits = int.from_bytes(digest[:17], "big") >> 6
    return "".join([_PAIRS[(bits >> shift) & 1023] for shift in range(120, -1, -10)])


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal: what is stored in its place.

    A plain hash suffices for random tokens of 256 bits; for an address use `address_hash`.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def spent_key(purpose: str, delivery_id: int) -> str:
    """Return the hash under which the use of a one-time link is recorded.

    It is made from what the link stands for, not from its text: base64 has several spellings of the
    same signature, and a repeated mail carries a second link for the same request.
    """
    return token_hash(f"{purpose}:{delivery_id}")


def address_key(address: str) -> str:
    """Return the form under which an address is known: NFC, case-folded, without outer blanks."""
    if address.isascii():
        return address.strip().casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address.strip()).casefold())


def address_hash(secret: str, address: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hexadecimal) under which a ban on an address is kept.

    Keyed, because the addresses of the world are few enough to try them all against a plain hash.
    """
    return hmac.digest(_address_key_of(secret), address_key(address).encode(), "sha256").hex()


@lru_cache(maxsize=16)
def _address_key_of(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"firstlight.address", "sha256")
