"""Complaints: abuse feedback reports (RFC 5965), and the one large provider's that has a form of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import getaddresses

from digest.core.bounce import ReportKind
from digest.mail.pieces import Piece, split_head
from digest.mail.report import ADDRESS, Report, merged, one_line

_FIELDS = re.compile(r"^Feedback-Type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_KINDS = {
    "opt-out": ReportKind.UNSUBSCRIBE,
    "opt-out-list": ReportKind.UNSUBSCRIBE,
    "not-spam": ReportKind.NOT_A_BOUNCE,
    "auth-failure": ReportKind.NOT_A_BOUNCE,  # about our DNS records (RFC 6591), not about a reader's wish
    "dmarc": ReportKind.NOT_A_BOUNCE,
}
_PROVIDER_FIELD = "x-hmxmroriginalrecipient"


def complaints_in(pieces: Sequence[Piece]) -> list[Report]:
    """Read a feedback report: one complaint, opt-out or remark for each recipient; empty if it is none."""
    outer = [piece for piece in pieces if not piece.returned and not piece.content_type.startswith("multipart/")]
    typed = [piece for piece in outer if piece.content_type == "message/feedback-report"]
    if not typed and pieces[0].content_type == "multipart/report":
        typed = [piece for piece in outer if _FIELDS.search(piece.text)]
    for piece in typed:
        fields, _rest = split_head(piece.text.strip().encode())
        kind_said = (fields.get("feedback-type") or [""])[0].strip().lower()
        kind = _KINDS.get(kind_said, ReportKind.COMPLAINT)
        named = [*fields.get("original-rcpt-to", []), *fields.get("removal-recipient", [])]
        recipients = _addresses(named) or addressees(pieces)
        about = one_line(" ".join(filter(None, (kind_said or "feedback", *fields.get("user-agent", [])[:1]))))
        return merged([Report(kind=kind, recipient=one, reason=about) for one in recipients or [""]])
    for piece in pieces:
        if piece.depth and _PROVIDER_FIELD in piece.fields:
            recipients = _addresses(piece.fields[_PROVIDER_FIELD])
            return [Report(kind=ReportKind.COMPLAINT, recipient=one, reason="abuse") for one in recipients or [""]]
    return []


def addressees(pieces: Sequence[Piece]) -> list[str]:
    """Return whom the returned message was for, as far as its header tells."""
    for piece in returned_heads(pieces):
        for name in (_PROVIDER_FIELD, "to", "x-original-to", "delivered-to"):
            if found := _addresses(piece.get(name, [])):
                return found
    return []


def returned_heads(pieces: Sequence[Piece]) -> list[dict[str, list[str]]]:
    """Return the headers of the returned message, whole or as `text/rfc822-headers`, the outermost first."""
    heads = []
    for piece in pieces:
        if piece.content_type in ("text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers"):
            heads.append(split_head(piece.text.lstrip("\n").encode())[0])
        elif piece.returned and piece.fields:
            heads.append(piece.fields)
    return heads


def _addresses(values: Sequence[str]) -> list[str]:
    cut = [value[:2000] for value in values[:50]]
    found = [address for _name, address in getaddresses(cut) if "@" in address]
    found = found or [match[0] for value in cut for match in ADDRESS.finditer(value)]
    return [one_line(address.strip("<> ")) for address in dict.fromkeys(found)][:50]
