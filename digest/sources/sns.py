"""Amazon SNS over HTTPS: whether a message is SNS's own, and the visit that confirms a subscription.

The signature covers some fields as lines of name and value; its certificate is fetched from the region's own host,
which is the whole of the proof: nothing is fetched from anywhere else.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from digest.core.sns_topic import sns_host
from digest.errors import RefusedInput, SignatureRefused, SourceUnavailable

NOTIFICATION, CONFIRMATION, FAREWELL = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    FAREWELL: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_OPTIONAL = "Subject"
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
_LARGEST_CERTIFICATE = 64 * 1024  # bytes
_OLDEST = timedelta(days=1)  # SNS gives up within an hour; an older message is a recorded one
_SKEW = timedelta(minutes=10)
_KEPT = timedelta(hours=12)
_MOST_KEPT = 16
_MOST_FETCHES = 30  # an hour: forged messages must not make us ask for certificates without end


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message that was proven to be SNS's."""

    kind: str
    message_id: str
    topic: str
    message: str
    subscribe_url: str
    token: str


class SnsDoor:
    """Lets messages of the named topics in, and nothing else; keeps the certificates it has fetched."""

    def __init__(self, client: httpx.Client, topics: Collection[str], *, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._topics = frozenset(topics)
        self._clock = clock
        self._kept: dict[str, tuple[datetime, RSAPublicKey]] = {}
        self._fetched: deque[datetime] = deque(maxlen=_MOST_FETCHES)
        self._lock = threading.Lock()

    def admit(self, body: bytes) -> SnsMessage:
        """Return the message of a body if it is SNS's and of a topic of ours.

        Raises RefusedInput for what is no SNS message, SignatureRefused for one that is not proven, SourceUnavailable
        where its certificate cannot be fetched now.
        """
        fields = _fields(body)
        kind, topic = fields.get("Type", ""), fields.get("TopicArn", "")
        if kind not in _SIGNED:
            raise RefusedInput("this is no SNS message; raw message delivery must be off, since it is not signed")
        if topic not in self._topics:
            raise SignatureRefused("the topic is not in DIGEST_SNS_TOPICS")
        host = sns_host(topic)
        self._check_age(fields.get("Timestamp", ""))
        key = self._key(fields.get("SigningCertURL", ""), host)
        _verify(key, fields, kind)
        return SnsMessage(
            kind=kind,
            message_id=fields["MessageId"],
            topic=topic,
            message=fields["Message"],
            subscribe_url=fields.get("SubscribeURL", ""),
            token=fields.get("Token", ""),
        )

    def confirm(self, message: SnsMessage) -> None:
        """Visit the address that confirms a subscription, on the host of the topic's region and nowhere else.

        Raises SignatureRefused for another address, SourceUnavailable where the visit fails.
        """
        parts = _pinned(message.subscribe_url, sns_host(message.topic))
        asked = parse_qs(parts.query)
        expected = {"Action": ["ConfirmSubscription"], "TopicArn": [message.topic], "Token": [message.token]}
        if parts.path not in {"", "/"} or any(asked.get(name) != value for name, value in expected.items()):
            raise SignatureRefused("the address to visit does not confirm this subscription")
        self._get(message.subscribe_url, "the confirmation")

    def _check_age(self, timestamp: str) -> None:
        try:
            at = datetime.fromisoformat(timestamp)
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RefusedInput("the message's Timestamp is no instant") from error
        if not -_SKEW <= self._clock() - at <= _OLDEST:
            raise SignatureRefused("the message is more than a day old, or from the future")

    def _key(self, url: str, host: str) -> RSAPublicKey:
        parts = _pinned(url, host)
        if parts.query or not _CERTIFICATE_PATH.fullmatch(parts.path):
            raise SignatureRefused("the certificate's address is not one of SNS's")
        now = self._clock()
        with self._lock:
            kept = self._kept.get(url)
            if kept is not None and now - kept[0] < _KEPT:
                return kept[1]
            if len(self._fetched) == _MOST_FETCHES and now - self._fetched[0] < timedelta(hours=1):
                raise SourceUnavailable("too many certificates were asked for within the hour")
            self._fetched.append(now)
            key = _public_key(self._get(url, "the certificate"), now)
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[url] = (now, key)
            return key

    def _get(self, url: str, what: str) -> bytes:
        try:
            with self._client.stream("GET", url, follow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise SourceUnavailable(f"SNS answered {answer.status_code} when asked for {what}")
                body = b""
                for chunk in answer.iter_bytes(8192):
                    body += chunk
                    if len(body) > _LARGEST_CERTIFICATE:
                        raise SourceUnavailable(f"SNS answered with too much when asked for {what}")
                return body
        except httpx.HTTPError as error:
            raise SourceUnavailable(f"SNS could not be asked for {what}: {type(error).__name__}") from error


def _fields(body: bytes) -> dict[str, str]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedInput("the body is not JSON") from error
    if not isinstance(read, dict):
        raise RefusedInput("the body is not a JSON object")
    return {name: value for name, value in read.items() if isinstance(value, str)}


class _Parts:
    """The parts of an address on the pinned host that are still to be judged."""

    def __init__(self, path: str, query: str) -> None:
        self.path = path
        self.query = query


def _pinned(url: str, host: str) -> _Parts:
    """Return the parts of an https address on exactly this host; raises SignatureRefused for every other."""
    plain = url.isascii() and url.isprintable() and not {" ", "\\"} & set(url)
    if not plain or not url.startswith((f"https://{host}/", f"https://{host}?")):
        raise SignatureRefused(f"an address in the message is not on https://{host}")
    parts = urlsplit(url)
    return _Parts(parts.path, parts.query)


def _public_key(pem: bytes, now: datetime) -> RSAPublicKey:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except ValueError as error:
        raise SignatureRefused("what SNS serves as a certificate is none") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise SignatureRefused("the certificate's key is not RSA with at least 2048 bits")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SignatureRefused("the certificate is not valid now")
    return key


def _verify(key: RSAPublicKey, fields: dict[str, str], kind: str) -> None:
    names = [name for name in _SIGNED[kind] if name in fields]
    if set(_SIGNED[kind]) - set(names) - {_OPTIONAL}:
        raise RefusedInput("the message lacks a field that SNS signs")
    covered = "".join(f"{name}\n{fields[name]}\n" for name in names).encode("utf-8", "surrogatepass")
    version = fields.get("SignatureVersion", "")
    if version not in {"1", "2"}:
        raise SignatureRefused("the SignatureVersion is neither 1 nor 2")
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # version 1 is SNS's default
    try:
        signature = base64.b64decode(fields.get("Signature", ""), validate=True)
        key.verify(signature, covered, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SignatureRefused("the signature does not fit the message") from error
