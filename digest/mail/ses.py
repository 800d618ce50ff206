"""What Amazon SES says of a message: bounce, complaint, delivery, delay; by notification or by event publishing."""

from __future__ import annotations

from digest.core.bounce import ReportKind
from digest.mail.inbound import Inbound
from digest.mail.plain_json import Document, document, instant, objects, words
from digest.mail.report import ENHANCED, Report, one_line

# A permanent bounce without a status: these say that the address is refused, the others leave it open.
_REFUSED_ADDRESS = frozenset({"NoEmail", "Suppressed", "OnAccountSuppressionList"})
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure"})


def read_ses(message: str, identity: str) -> Inbound | None:
    """Read the `Message` of an SES notification; None for an event that says nothing about a recipient.

    `identity` makes it count once. Raises RefusedInput for what is no SES notification.
    """
    whole = document(message, "the notification")
    kind = words(whole, "notificationType") or words(whole, "eventType")
    about = whole.get({"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower()))
    if not isinstance(about, dict):
        return None
    match kind:
        case "Bounce":
            reports = [_bounce(about, one) for one in objects(about, "bouncedRecipients")]
        case "Complaint":
            reports = [_complaint(about, one) for one in objects(about, "complainedRecipients")]
        case "Delivery":
            reports = [_delivered(about, one) for one in _strings(about, "recipients")]
        case "DeliveryDelay":
            reports = [_delayed(about, one) for one in objects(about, "delayedRecipients")]
        case _:
            return None
    mail = whole.get("mail")
    mail = mail if isinstance(mail, dict) else {}
    return Inbound(
        reports=tuple(reports),
        identity=identity,
        addressed_to=(),
        returned_to=tuple(filter(None, [words(mail, "source")])),  # the envelope's MAIL FROM, signed with VERP
        mentioned_ids=_own_ids(mail),
        proven=True,
        at=instant(about, "timestamp"),
    )


def _bounce(about: Document, one: Document) -> Report:
    permanent = words(about, "bounceType") == "Permanent"
    said = words(one, "status")
    status = said if ENHANCED.fullmatch(said) else ""
    if permanent and not status:
        status = "5.1.1" if words(about, "bounceSubType") in _REFUSED_ADDRESS else "5.0.0"
    reason = words(one, "diagnosticCode") or f"{words(about, 'bounceType')} {words(about, 'bounceSubType')}"
    kind = ReportKind.HARD if permanent else ReportKind.SOFT
    return Report(kind=kind, recipient=words(one, "emailAddress"), status=status, reason=one_line(reason))


def _complaint(about: Document, one: Document) -> Report:
    said = words(about, "complaintFeedbackType") or "abuse"
    kind = ReportKind.NOT_A_BOUNCE if said in _NO_COMPLAINT else ReportKind.COMPLAINT
    return Report(kind=kind, recipient=words(one, "emailAddress"), reason=said)


def _delivered(about: Document, recipient: str) -> Report:
    return Report(kind=ReportKind.NOT_A_BOUNCE, recipient=recipient, reason=words(about, "smtpResponse") or "delivered")


def _delayed(about: Document, one: Document) -> Report:
    said = words(one, "status")
    status = said if ENHANCED.fullmatch(said) else ""
    reason = words(one, "diagnosticCode") or words(about, "delayType")
    return Report(kind=ReportKind.SOFT, recipient=words(one, "emailAddress"), status=status, reason=reason)


def _strings(fields: Document, name: str) -> list[str]:
    value = fields.get(name)
    return [one_line(one) for one in value[:500] if isinstance(one, str)] if isinstance(value, list) else []


def _own_ids(mail: Document) -> tuple[str, ...]:
    """Return the Message-ID that we gave, if SES was asked to include the headers; its own is another."""
    common = mail.get("commonHeaders")
    found = [words(common, "messageId")] if isinstance(common, dict) else []
    found += [words(one, "value") for one in objects(mail, "headers") if words(one, "name").lower() == "message-id"]
    return tuple(dict.fromkeys(filter(None, found)))
