"""One line of a file of readers: its address, wishes and consent, read with every doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from digest.core.preferences import Choices, chosen
from digest.errors import AddressRefused, PreferencesRefused, RefusedInput
from digest.flows.csv_lines import Refused, address_of, bare, cells_of, instant_of

COLUMNS = ("address", "categories", "hour", "timezone", "cadence", "weekday", "papers", "confirmed_at", "ip")
_NAMES = {"email": "address", "e-mail": "address", "email address": "address", "time zone": "timezone"}


@dataclass(frozen=True, slots=True)
class ReaderLine:
    """A line that is taken: who, what they want, and when and from where they agreed."""

    number: int
    address: str
    choices: Choices
    agreed_at: datetime
    ip: str


class ReaderLines:
    """Reads line by line. The first names the columns, in any order; `ignored` are those that are not known here."""

    def __init__(self, *, now: datetime, special_use: bool = False) -> None:
        self._now = now
        self._special_use = special_use
        self._columns: list[str] = []
        self.ignored: list[str] = []

    def read(self, number: int, raw: bytes) -> ReaderLine | Refused | None:
        """Read a line; None for the header and for empty lines. Raises RefusedInput for a file without a header."""
        if not self._columns:
            self._head(raw)
            return None
        try:
            cells = cells_of(raw, first=False)
            if not any(cells):
                return None
            if len(cells) > len(self._columns):
                raise ValueError(f"it has {len(cells)} fields where there are {len(self._columns)} columns")
            return self._line(number, dict(zip(self._columns, map(bare, cells), strict=False)))
        except (AddressRefused, PreferencesRefused, ValueError) as error:
            return Refused(number, str(error))

    def _head(self, raw: bytes) -> None:
        try:
            names = [_NAMES.get(cell.lower(), cell.lower()) for cell in cells_of(raw, first=True)]
        except ValueError as error:
            raise RefusedInput(f"the first line must name the columns, but {error}") from error
        if "address" not in names:
            raise RefusedInput(f"the first line must name the columns: address, and any of {_listed(COLUMNS[1:])}")
        if twice := sorted({name for name in names if name in COLUMNS and names.count(name) > 1}):
            raise RefusedInput(f"the first line names a column twice: {_listed(twice)}")
        self._columns = names
        self.ignored = [name for name in names if name not in COLUMNS]

    def _line(self, number: int, fields: dict[str, str]) -> ReaderLine:
        if not fields.get("address"):
            raise ValueError("it has no address")
        address = address_of(fields["address"], special_use=self._special_use)
        choices = chosen(
            categories=fields.get("categories", "").replace(";", " ").replace("|", " ").split(),
            hour=_whole(fields, "hour", 8),
            weekday=_whole(fields, "weekday", 0),
            paper_count=_whole(fields, "papers", 10),
            timezone=fields.get("timezone") or "UTC",
            cadence=fields.get("cadence") or "daily",
        )
        ip = fields.get("ip", "")
        if ip:
            ip = str(ip_address(ip))  # its own words name what is none
        return ReaderLine(number, address, choices, instant_of(fields.get("confirmed_at", ""), self._now), ip)


def _whole(fields: dict[str, str], name: str, otherwise: int) -> int:
    text = fields.get(name, "")
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise ValueError(f"its {name} is {text[:20]!r}, which is no whole number")
    return int(text)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
