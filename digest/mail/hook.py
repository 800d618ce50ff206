"""Feedback that a provider or a script of the operator's posts: signed JSON, one event for each recipient.

The signature is `v1=` and the HMAC-SHA256, in hexadecimal, of the timestamp, a full stop and the body.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from digest.core.bounce import ReportKind
from digest.errors import RefusedInput, SignatureRefused
from digest.mail.inbound import Inbound
from digest.mail.plain_json import Document, an_object, document, instant, words
from digest.mail.report import ADDRESS, ENHANCED, Report

WINDOW = timedelta(
    minutes=5
)  # how far the timestamp may be from our clock: what is recorded meanwhile cannot be sent later
_MOST_EVENTS = 500
_KINDS = (ReportKind.HARD, ReportKind.SOFT, ReportKind.COMPLAINT, ReportKind.UNSUBSCRIBE)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def hook_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body sent at a timestamp (seconds since 1970, in decimal)."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def check_hook(secrets: Sequence[str], timestamp: str, signature: str, body: bytes, *, now: datetime) -> None:
    """Raise SignatureRefused unless the body was signed with one of the secrets, within five minutes of now."""
    genuine = False
    for secret in secrets:
        expected = hook_signature(secret, timestamp[:20], body)
        genuine |= hmac.compare_digest(expected.encode(), signature[:100].encode("utf-8", "replace"))
    if not genuine or not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureRefused("the signature does not fit; sign the timestamp, a full stop and the body as sent")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > WINDOW:
        raise SignatureRefused("the timestamp is more than five minutes from this server's clock")


def read_hook(body: bytes) -> list[Inbound]:
    """Read the events of a body; raises RefusedInput, naming the first that cannot be read, and then none counts."""
    whole = document(body, "the body")
    events = whole.get("events")
    if not isinstance(events, list) or not 1 <= len(events) <= _MOST_EVENTS:
        raise RefusedInput(f"the body needs a list `events` of 1 to {_MOST_EVENTS} objects")
    return [_event(an_object(one, f"events[{place}]"), f"events[{place}]") for place, one in enumerate(events)]


def _event(fields: Document, where: str) -> Inbound:
    identity, kind, recipient = words(fields, "id"), words(fields, "kind"), words(fields, "recipient")
    if not identity:
        raise RefusedInput(f"{where} needs an `id` that is its own, so that it counts once")
    if kind not in _KINDS:
        raise RefusedInput(f"{where}: `kind` must be one of {', '.join(_KINDS)}")
    if not ADDRESS.fullmatch(recipient):
        raise RefusedInput(f"{where}: `recipient` is not a mail address")
    status = words(fields, "status")
    if status and not ENHANCED.fullmatch(status):
        raise RefusedInput(f"{where}: `status` is not an enhanced status code such as 5.1.1")
    return Inbound(
        reports=(Report(kind=ReportKind(kind), recipient=recipient, status=status, reason=words(fields, "reason")),),
        identity=f"hook:{identity}",
        addressed_to=(),
        returned_to=tuple(filter(None, [words(fields, "return_path")])),
        mentioned_ids=tuple(filter(None, [words(fields, "message_id")])),
        proven=True,
        at=instant(fields, "at"),
    )
