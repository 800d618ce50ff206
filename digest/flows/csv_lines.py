"""Lines of CSV from outside, each by itself: cells, addresses, instants; ValueError says what is wrong."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from email_validator import SPECIAL_USE_DOMAIN_NAMES

from digest.flows.subscribe import readable_address

_LONGEST = 4_000  # bytes of a line
# What is so plain that asking the validator, at 20,000 a second, would only cost time.
_PLAIN = re.compile(
    r"(?=.{1,64}@)[a-z0-9_][\w+-]*(?:\.[\w+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}", re.I | re.ASCII
)
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)
FORMULA = "=+-@\t'"


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not taken, and why."""

    number: int
    why: str


def cells_of(raw: bytes, *, first: bool) -> list[str]:
    """Split a line; a quotation mark that is not closed spoils no line but its own."""
    if len(raw) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} bytes")
    try:
        text = raw.decode("utf-8-sig" if first else "utf-8").strip("\r\n")
        return [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except csv.Error as error:
        raise ValueError(f"it is not CSV: {error}") from error


def bare(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from reading a cell as a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA else cell


def address_of(typed: str, *, special_use: bool) -> str:
    """Return an address with its domain in lower case; raises AddressRefused. The plainest are known at a glance."""
    if not _is_plain(typed) or (not special_use and f".{typed.rpartition('@')[2].lower()}".endswith(_SPECIAL)):
        typed = readable_address(typed, special_use=special_use)
    local, _, domain = typed.rpartition("@")
    return f"{local}@{domain.lower()}"


def _is_plain(address: str) -> bool:
    return len(address) <= 200 and "xn--" not in address.lower() and _PLAIN.fullmatch(address) is not None


def instant_of(text: str, now: datetime) -> datetime:
    """Return the instant that is written, or `now` where none is, or a later one."""
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is not an instant such as 2026-05-20T06:00:00Z") from error
    return min(at, now)
