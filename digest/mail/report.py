"""What a message that came back says: one report for each recipient it speaks of."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from digest.core.bounce import ReportKind

_LONGEST = 300
ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
SMTP_CODE = re.compile(r"(?<![\d.\w-])([45])\d\d(?=[\s-])")
ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"'@\x00-\x1f\x7f]{1,64}@(?:[\w-]{1,63}\.){1,9}[\w-]{2,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is said of one recipient; `status` is an enhanced status code (RFC 3463), or empty."""

    kind: ReportKind
    recipient: str = ""
    status: str = ""
    reason: str = ""

    def as_plain(self) -> dict[str, str]:
        """Return the report as plain values."""
        return {"kind": str(self.kind), "recipient": self.recipient, "status": self.status, "reason": self.reason}


def one_line(text: str) -> str:
    """Return text for a log or terminal: one line without control characters, at most 300 characters."""
    spaced = " ".join(text[: _LONGEST * 4].split())
    return "".join(mark for mark in spaced if unicodedata.category(mark)[0] != "C")[:_LONGEST]


def status_in(*texts: str) -> str:
    """Find the first status in texts: an enhanced code, else the class of an SMTP reply as x.0.0, else nothing."""
    for text in texts:
        if found := ENHANCED.search(text):
            return found[1]
    for text in texts:
        if code := SMTP_CODE.search(text + " "):
            return f"{code[1]}.0.0"
    return ""


def merged(reports: list[Report]) -> list[Report]:
    """Keep one report for each recipient: the gravest, in the order of first mention."""
    kept: dict[str, Report] = {}
    for report in reports:
        known = kept.get(report.recipient.casefold())
        if known is None or (report.kind is ReportKind.HARD and known.kind is not ReportKind.HARD):
            kept[report.recipient.casefold()] = report
    return list(kept.values())
