"""A small Amazon SNS for tests: its own key and certificate, messages signed with it, and the host that serves both."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-west-1:123456789012:feedback"
HOST = "sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
_SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}


@dataclass
class Amazon:
    """Signs messages and answers the requests for its certificate and its confirmations."""

    now: datetime
    bits: int = 2048
    valid: timedelta = timedelta(days=300)
    asked: list[str] = field(default_factory=list)
    answer: Callable[[httpx.Request], httpx.Response] | None = None

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(65537, self.bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(self.now - timedelta(days=30))
        signed = made.not_valid_after(self.now + self.valid).sign(self.key, hashes.SHA256())
        self.pem = signed.public_bytes(serialization.Encoding.PEM)

    def client(self) -> httpx.Client:
        """A client whose network is this and nothing else."""
        return httpx.Client(transport=httpx.MockTransport(self._serve))

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.answer is not None:
            return self.answer(request)
        if str(request.url) == CERTIFICATE:
            return httpx.Response(200, content=self.pem)
        if request.url.params.get("Action") == "ConfirmSubscription":
            return httpx.Response(200, text="<ConfirmSubscriptionResponse/>")
        return httpx.Response(404)

    def message(self, kind: str = "Notification", *, version: str = "1", **changes: str) -> dict[str, str]:
        """A signed message; `changes` are fields as they are signed."""
        fields = {
            "Type": kind,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": "{}",
            "Timestamp": self.now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
        }
        if kind != "Notification":
            fields["Token"] = "2336412f37"
            fields["SubscribeURL"] = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
        fields |= changes
        covered = "".join(f"{name}\n{fields[name]}\n" for name in _SIGNED[kind] if name in fields).encode()
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
        fields["Signature"] = base64.b64encode(self.key.sign(covered, padding.PKCS1v15(), algorithm)).decode()
        return fields

    def notify(self, said: dict[str, Any], *, version: str = "1", **changes: str) -> bytes:
        """A signed notification of what SES says."""
        return json.dumps(self.message(version=version, Message=json.dumps(said), **changes)).encode()


def ses_bounce(
    recipient: str, *, kind: str = "Permanent", status: str = "5.1.1", source: str = "x@y.test", at: str = ""
) -> dict[str, Any]:
    """A bounce in the words of SES."""
    one = {"emailAddress": recipient, "action": "failed", "status": status, "diagnosticCode": f"smtp; 550 {status} no"}
    bounce = {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": [one], "timestamp": at}
    return {"notificationType": "Bounce", "bounce": bounce, "mail": {"source": source, "messageId": "0102-ses"}}


def ses_complaint(recipient: str, *, kind: str = "abuse") -> dict[str, Any]:
    """A complaint in the words of SES, as event publishing tells it."""
    complaint = {"complainedRecipients": [{"emailAddress": recipient}], "complaintFeedbackType": kind}
    return {"eventType": "Complaint", "complaint": complaint, "mail": {"source": "x@y.test"}}
