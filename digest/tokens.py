"""Signed links and keyed hashes: what lets a reader act without a password, and a ban outlive an address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from digest.errors import ConfigError, TokenInvalid

_LONGEST = 1_000  # no token of ours comes near; longer ones are not worth a signature check
_SIGNED_AT = "at"
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

    def sign(self, purpose: str, payload: Mapping[str, str | int], *, at: datetime | None = None) -> str:
        """Sign a payload for one purpose; the same arguments always give the same URL-safe token."""
        signed: dict[str, str | int] = dict(payload)
        if at is not None:
            signed[_SIGNED_AT] = int(at.timestamp())
        token: str = self._serializer(purpose).dumps(signed)
        return token

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
        keys = (
            hmac.digest(secret.encode(), f"firstlight.mark.{purpose}".encode(), "sha256") for secret in self._secrets
        )
        return tuple(base64.b32encode(hmac.digest(key, text.encode(), "sha256")).decode().lower()[:26] for key in keys)

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeSerializer(
                list(reversed(self._secrets)),  # itsdangerous wants the newest last
                salt=f"firstlight.{purpose}",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return self._serializers[purpose]


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
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address.strip()).casefold())


def address_hash(secret: str, address: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hexadecimal) under which a ban on an address is kept.

    Keyed, because the addresses of the world are few enough to try them all against a plain hash.
    """
    key = hmac.digest(secret.encode(), b"firstlight.address", "sha256")
    return hmac.new(key, address_key(address).encode(), hashlib.sha256).hexdigest()
