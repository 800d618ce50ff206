"""Delivery status notifications (RFC 3464, 6533), read recipient by recipient and forgivingly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.core.bounce import ReportKind
from digest.mail.pieces import Piece
from digest.mail.report import ENHANCED, Report, merged, one_line, status_in

_MOST_RECIPIENTS = 500
_FIELD = re.compile(r"([A-Za-z][A-Za-z-]{2,60})[ \t]*:(.*)")
_NAMED = re.compile(r"^(?:Final|Original)-Recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ACTED = re.compile(r"^(?:Action|Status)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_TYPED = re.compile(r"\s*[A-Za-z][\w/.-]*\s*;(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
_ABOUT_RECIPIENT = frozenset({*_RECIPIENT_FIELDS, "action", "status"})
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")

Block = dict[str, str]


def status_texts(pieces: Sequence[Piece], *, automatic: bool, daemon: bool) -> list[str]:
    """Return the texts that hold delivery status fields.

    In an automatic message also those that only look like it, since gateways relabel them; in one by a
    mail system also those of reports that it wraps.
    """
    outer = [piece for piece in pieces if not piece.returned]
    texts = [text for piece in outer if piece.content_type in _STATUS_TYPES if (text := piece.text).strip()]
    if automatic and not any(_ACTED.search(text) for text in texts):
        leaves = [piece for piece in outer if not piece.content_type.startswith("multipart/")]
        texts = [text for piece in leaves if _NAMED.search(text := piece.text) and _ACTED.search(text)] or texts
    if daemon:
        texts += [piece.text for piece in pieces if piece.returned and piece.content_type in _STATUS_TYPES]
    return texts


def reports_in(text: str) -> list[Report]:
    """Read delivery status fields: one report for each recipient named."""
    reports = []
    for block in _recipient_blocks(text):
        if any(name in block for name in ("action", "status", "diagnostic-code")):
            reports.append(_report(block))
        if len(reports) >= _MOST_RECIPIENTS:
            break
    return merged(reports)


def _blocks(text: str) -> Iterator[Block]:
    """Yield the groups of fields; an empty line ends one, and so does a second recipient."""
    block: Block = {}
    last = ""
    for line in text.split("\n"):
        if not line.strip():
            if block:
                yield block
            block, last = {}, ""
        elif line[0] in " \t" and last:
            block[last] += " " + line.strip()
        elif found := _FIELD.fullmatch(line.rstrip()):
            last = found[1].lower()
            if last in block and last in _ABOUT_RECIPIENT:
                yield block
                block = {}
            block[last] = found[2].strip()
        else:
            last = ""
    if block:
        yield block


def _recipient_blocks(text: str) -> Iterator[Block]:
    """Yield the groups about a recipient, joined where an empty line tore one apart."""
    pending: Block = {}
    for block in _blocks(text):
        if _ABOUT_RECIPIENT.isdisjoint(block):
            continue
        if pending and _recipient(pending) and not _recipient(block) and "action" not in pending:
            pending |= block
        elif pending and not _recipient(pending) and "final-recipient" in block and "action" not in block:
            pending = pending | block
        else:
            if pending:
                yield pending
            pending = dict(block)
    if pending:
        yield pending


def _recipient(block: Block) -> str:
    for name in _RECIPIENT_FIELDS:
        value = block.get(name, "")
        typed = _TYPED.fullmatch(value)
        value = (typed[1] if typed else value).strip()
        value = _ESCAPED.sub(_character, value)
        if found := re.fullmatch(r"[^<]*<\s*([^<>]+?)\s*>[^>]*", value):
            value = found[1]
        elif "@" in value and not value.startswith("/"):
            value = re.sub(r"\s+\([^()]*\)$", "", value)
        if value:
            return one_line(value)
    return ""


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else found[0]


def _report(block: Block) -> Report:
    action = block.get("action", "").lower()
    diagnostic = re.sub(r"^\s*[\w-]+\s*;\s*", "", block.get("diagnostic-code", ""))
    said = block.get("status", "")
    found = ENHANCED.search(said)
    status = found[1] if found else status_in(said, diagnostic)
    kind = _kind(action, status)
    remark = said[found.end() :].strip(" ()") if found else said
    return Report(
        kind=kind, recipient=_recipient(block), status=status, reason=one_line(diagnostic or remark or action)
    )


def _kind(action: str, status: str) -> ReportKind:
    if action.startswith(("deliver", "relay", "expand")):
        return ReportKind.NOT_A_BOUNCE
    if action.startswith(("delay", "expire", "defer")):
        return ReportKind.SOFT
    if action.startswith(("fail", "error", "undeliver")):
        return ReportKind.SOFT if status.startswith(("4", "2")) else ReportKind.HARD
    match status[:1]:
        case "5":
            return ReportKind.HARD
        case "4":
            return ReportKind.SOFT
    return ReportKind.NOT_A_BOUNCE
