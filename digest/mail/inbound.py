"""Read a message that came back: status report, complaint, automatic reply, wish to leave, or none of these."""

from __future__ import annotations

import email
import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import getaddresses

from flufl.bounce import all_failures

from digest.core.bounce import ReportKind
from digest.errors import RefusedInput
from digest.mail import bounce_words as words
from digest.mail.arf import addressees, complaints_in
from digest.mail.dsn import reports_in, status_texts
from digest.mail.pieces import LARGEST_MESSAGE, Piece, pieces_of
from digest.mail.report import ADDRESS, ENHANCED, Report, merged, one_line, status_in

_FOR_DETECTORS = 512 * 1024  # bytes shown to flufl.bounce; what it looks for stands at the top
_MOST_ADDRESSES = 50
_MESSAGE_ID = re.compile(
    rb"^(?:Message-ID|In-Reply-To|References|Original-Message-ID)[ \t]*:\s*([^\r\n]{3,2000})", re.I | re.M
)
_IN_BRACKETS = re.compile(rb"<[!-;=?-~]{3,300}>")
_TO_US = (
    "to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "cc",
    "apparently-to",
)

logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())
logging.getLogger("flufl.bounce").propagate = False  # it logs the detectors' own failures, with a traceback


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that came in: its reports, and what it can be matched by.

    `identity` tells the same message delivered twice; `addressed_to` are the outer header's addresses, where
    the one it was sent to stands first if it is known; `mentioned_ids` are the Message-IDs of what it returns.
    `proven` says that its sender was authenticated, so that it may be matched by address alone; `at` is when it
    happened, where that is known for certain.
    """

    reports: tuple[Report, ...]
    identity: str
    addressed_to: tuple[str, ...]
    returned_to: tuple[str, ...]
    mentioned_ids: tuple[str, ...]
    proven: bool = False
    at: datetime | None = None


def read_inbound(message: bytes, *, envelope_to: str = "") -> Inbound:
    """Read a message; raises RefusedInput if it is empty or larger than 32 MiB, and never anything else."""
    if not message.strip():
        raise RefusedInput("the message is empty; give one message, with its header, on standard input")
    if len(message) > LARGEST_MESSAGE:
        raise RefusedInput(f"the message is larger than {LARGEST_MESSAGE // 2**20} MiB; no report on our mail is")
    pieces = pieces_of(message)
    head = pieces[0]
    own_id = head.first("message-id").strip()
    identity = own_id or hashlib.sha256(message).hexdigest()
    addressed = [envelope_to, *(value for name in _TO_US for value in _addresses(head, name))]
    return Inbound(
        reports=tuple(_reports(pieces, message)),
        identity=identity[:500],
        addressed_to=tuple(dict.fromkeys(filter(None, addressed))),
        returned_to=tuple(
            dict.fromkeys(one for piece in pieces[1:] if piece.returned for one in _addresses(piece, "return-path"))
        ),
        mentioned_ids=_mentioned_ids(message, own_id),
    )


def _reports(pieces: Sequence[Piece], message: bytes) -> list[Report]:
    head = pieces[0]
    automatic = _automatic(head)
    texts = status_texts(pieces, automatic=automatic, daemon=_by_daemon(head))
    found = [report for text in texts for report in reports_in(text)]
    if found:
        return merged([_named(report, pieces) for report in found])
    if found := complaints_in(pieces):
        return found
    if (leaving := _leaving(pieces)) is not None:
        return [leaving]
    if not _away(head):
        if automatic and (found := _free_form(pieces, message)):
            return found
        if not _answered(head):
            return [Report(kind=ReportKind.NOT_A_BOUNCE, reason=one_line(head.first("subject")))]
    return [Report(kind=ReportKind.AUTO_REPLY, recipient=_author(head), reason=one_line(head.first("subject")))]


def _answered(head: Piece) -> bool:
    """Decide whether a message is marked as an automatic reply, or is a receipt (RFC 3834, 8098)."""
    receipt = "disposition" in head.parameters.get("report-type", "").lower()
    return receipt or _submitted(head).startswith("auto-replied")


def _named(report: Report, pieces: Sequence[Piece]) -> Report:
    """Give a report without a recipient the one that the returned message was for, if there is just one."""
    if report.recipient:
        return report
    failed = _addresses(pieces[0], "x-failed-recipients") or addressees(pieces)
    recipient = failed[0] if len(failed) == 1 else ""
    return Report(kind=report.kind, recipient=recipient, status=report.status, reason=report.reason)


def _automatic(head: Piece) -> bool:
    """Decide whether a message looks as if a mail system wrote it about another message."""
    return _by_daemon(head) or _bounce_subject(head)


def _by_daemon(head: Piece) -> bool:
    return bool(
        "x-failed-recipients" in head.fields
        or (head.content_type == "multipart/report" and "feedback" not in head.parameters.get("report-type", ""))
        or head.first("return-path").strip().startswith("<>")
        or words.DAEMON.search(head.first("from") or head.first("sender"))
    )


def _bounce_subject(head: Piece) -> bool:
    subject = head.first("subject")[:500]
    return not words.FORWARDED.match(subject) and words.BOUNCE_SUBJECT.search(subject) is not None


def _submitted(head: Piece) -> str:
    return head.first("auto-submitted").strip().lower()


def _away(head: Piece) -> bool:
    """Decide whether a person's mailbox answered by itself (RFC 3834, and what was there before it)."""
    if any(name in head.fields for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation")):
        return True
    if "vacation" in (head.first("x-apple-action") + _submitted(head)).lower():
        return True
    if head.first("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    from_daemon = words.DAEMON.search(head.first("from")) is not None
    if words.AWAY_SUBJECT.search(head.first("subject")[:500]) and not _bounce_subject(head):
        return True
    return "x-auto-response-suppress" in head.fields and not from_daemon and "x-failed-recipients" not in head.fields


def _leaving(pieces: Sequence[Piece]) -> Report | None:
    """Recognise a mail that a List-Unsubscribe link or a reader sent, asking to leave and nothing else."""
    head = pieces[0]
    if words.DAEMON.search(head.first("from")) or head.content_type == "multipart/report":
        return None
    subject = head.first("subject").strip()[:500]
    asked = words.LEAVE_SUBJECT.fullmatch(subject)
    if not asked and not subject:
        asked = words.LEAVE_SUBJECT.fullmatch(_own_words(pieces).strip()[:100])
    return Report(kind=ReportKind.UNSUBSCRIBE, recipient=_author(head), reason=one_line(subject)) if asked else None


def _author(head: Piece) -> str:
    return next(iter(_addresses(head, "from")), "")


def _addresses(piece: Piece, name: str) -> list[str]:
    values = [value[:4000] for value in piece.fields.get(name, [])[:20]]
    return [one_line(address) for _name, address in getaddresses(values) if "@" in address][:_MOST_ADDRESSES]


def _own_words(pieces: Sequence[Piece]) -> str:
    """Return what the outer message says in plain text, or else its HTML without tags, above what it returns."""
    outer = [piece for piece in pieces if not piece.returned]
    plain = [piece.text for piece in outer if piece.content_type == "text/plain"]
    plain = plain or [
        re.sub(r"<(?:style|script)\b.{0,5000}?</|<[^<>]{0,2000}>", " ", piece.text[:100_000], flags=re.DOTALL)
        for piece in outer
        if piece.content_type == "text/html"
    ]
    text = "\n".join(plain)[:200_000].replace("\xa0", " ")
    cut = words.RETURNED_BELOW.search(text)
    return text[: cut.start()] if cut else text


def _free_form(pieces: Sequence[Piece], message: bytes) -> list[Report]:
    """Read a bounce without status fields: by flufl.bounce's detectors first, then by the words used everywhere."""
    head = pieces[0]
    text = _own_words(pieces)
    later, never = _detected(message, head, text)
    named = _addresses(head, "x-failed-recipients")
    if named:
        delayed = bool(words.DELAYED.search(head.first("subject"))) or bool(later)
        later, never = (named, []) if delayed else ([], named)
    if not later and not never:
        if _answered(head) and "mailer-daemon" not in head.first("from").lower():
            return []  # an automatic reply in words that nobody knows must not count against a reader
        telling = _bounce_subject(head) or words.DAEMON.search(head.first("from")) or len(addressees(pieces)) == 1
        said = head.first("subject") + "\n" + text
        if not telling or not (words.FAILED.search(said) or (_by_daemon(head) and words.DELAYED.search(said))):
            return []
        found = _addresses_in(text, head) or addressees(pieces)[:1] or _quoted_addressee(pieces)
        delayed = bool(words.DELAYED.search(head.first("subject") + "\n" + text[:2000]))
        delayed = delayed and not status_in(text).startswith("5")
        later, never = (found, []) if delayed else ([], found)
        if not found:
            return [_worded("", text, delayed=delayed)]
    return merged(
        [_worded(one, text, delayed=False) for one in never] + [_worded(one, text, delayed=True) for one in later]
    )


def _worded(recipient: str, text: str, *, delayed: bool) -> Report:
    """Make a report from what the text says near an address: a 4.x code makes it soft, a word on delay too."""
    at = text.casefold().find(recipient.casefold()) if recipient else -1
    near = text[max(0, at) :][:1500] if at >= 0 else text[:4000]
    status = _status_near(near) or (_status_near(text[:20_000]) if at >= 0 else "")
    soft = delayed or status.startswith("4")
    said = next((line for line in near.split("\n") if status and (status in line or status[0] + "5" in line)), "")
    kind = ReportKind.SOFT if soft else ReportKind.HARD
    return Report(kind=kind, recipient=recipient, status=status, reason=one_line(said or near))


def _status_near(text: str) -> str:
    found = [code for code in ENHANCED.findall(text) if code[0] != "2"]
    return str(found[0]) if found else status_in(re.sub(ENHANCED, " ", text))


def _detected(message: bytes, head: Piece, text: str) -> tuple[list[str], list[str]]:
    """Ask flufl.bounce, first about the message as it came, then about its decoded words alone."""
    subject = one_line(head.first("subject")).encode("ascii", "replace").decode()
    sender = one_line(head.first("from")).encode("ascii", "replace").decode()
    simple = f"From: {sender}\nSubject: {subject}\n\n{text}"
    deep = message.count(b"multipart/", 0, _FOR_DETECTORS) + message.count(b"message/", 0, _FOR_DETECTORS) > 40
    for source in ("" if deep else message[:_FOR_DETECTORS].decode("latin-1"), simple):
        try:
            later, never = all_failures(email.message_from_string(source))
        except Exception:  # noqa: BLE001, S112  # its detectors raise all kinds of things on broken mail
            continue
        sure = [_sane(found) for found in never]
        waiting = [_sane(found) for found in later]
        if any(sure) or any(waiting):
            return _about(text, waiting), _about(text, sure)
    return [], []


def _about(text: str, found: Sequence[str]) -> list[str]:
    """Keep the addresses that the text names, in its order: the others stand in the returned message."""
    named = [(text.find(one), one) for one in found if one]
    return [one for _place, one in sorted([pair for pair in named if pair[0] >= 0] or named)]


def _sane(found: bytes) -> str:
    address = found.decode("latin-1").strip(" <>\t.,;:\"'")
    return address if ADDRESS.fullmatch(address) else ""


def _addresses_in(text: str, head: Piece) -> list[str]:
    """Find the addresses that the text is about: those that begin a line, or else the first one at all."""
    ours = {address.casefold() for name in ("to", "from", "sender") for address in _addresses(head, name)}
    about: list[str] = []
    others: list[str] = []
    for line in text.split("\n")[:400]:
        if words.NOT_ABOUT.search(line):
            continue
        for found in ADDRESS.finditer(line[:1000]):
            address = found[0].strip(".'")
            if address.casefold() not in ours:
                (about if words.ABOUT.fullmatch(line[: found.start()]) else others).append(address)
    return list(dict.fromkeys(about))[:_MOST_ADDRESSES] or others[:1]


def _quoted_addressee(pieces: Sequence[Piece]) -> list[str]:
    """Return whom the message was for that is quoted in the text itself, by its To field."""
    for piece in pieces:
        text = piece.text[:200_000] if piece.content_type == "text/plain" and not piece.returned else ""
        cut = words.RETURNED_BELOW.search(text)
        if cut and (found := re.search(r"^To:([^\n]{3,500})", text[cut.start() :], re.MULTILINE)):
            return [match[0] for match in ADDRESS.finditer(found[1])][:1]
    return []


def _mentioned_ids(message: bytes, own_id: str) -> tuple[str, ...]:
    found = [
        one.decode("ascii")
        for line in _MESSAGE_ID.finditer(message, 0, 4 * 2**20)
        for one in _IN_BRACKETS.findall(line[1])
    ]
    return tuple(one for one in dict.fromkeys(found) if one != own_id)[:50]
