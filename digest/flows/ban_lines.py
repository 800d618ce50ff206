"""One line of a file of bans: read with every doubt, written so that it can be read again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.errors import AddressRefused
from digest.flows.csv_lines import FORMULA, Refused, address_of, bare, cells_of, instant_of
from digest.store.suppressions import Ban
from digest.tokens import Tokens

_LONGEST_REASON = 200
_HASH = re.compile(r"[0-9a-f]{64}")
_NAMES = {
    "hash": "hash",
    "address_hash": "hash",
    "keys": "keys",
    "address": "address",
    "email": "address",
    "e-mail": "address",
    "email address": "address",
    "emailaddress": "address",
    "reason": "reason",
    "since": "since",
    "created_at": "since",
    "lastupdatetime": "since",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is taken: the ban, and every hash under which it may be kept already."""

    ban: Ban
    hashes: Sequence[str]


class Reader:
    """Reads line by line; the first may name the columns, else each line begins with an address.

    Every line stands for itself: a quotation mark that is not closed spoils no line but its own.
    """

    def __init__(self, tokens: Tokens, *, reason: str, now: datetime) -> None:
        self._tokens = tokens
        self._own = frozenset(tokens.key_names())
        self._reason = reason
        self._now = now
        self._columns: list[str] = ["address", "reason", "since"]

    def read(self, number: int, raw: bytes) -> Line | Refused | None:
        """Read a line; None for the header and for empty lines."""
        try:
            cells = cells_of(raw, first=number == 1)
            if not any(cells):
                return None
            if number == 1 and (columns := _header(cells)):
                self._columns = columns
                return None
            if len(cells) > len(self._columns):
                raise ValueError(f"it has {len(cells)} fields where there are {len(self._columns)} columns")
            return self._line(dict(zip(self._columns, map(bare, cells), strict=False)))
        except (AddressRefused, ValueError) as error:
            return Refused(number, str(error))

    def _line(self, fields: dict[str, str]) -> Line:
        reason = fields.get("reason", "") or self._reason
        if len(reason) > _LONGEST_REASON or not reason.isprintable():
            raise ValueError(f"its reason is longer than {_LONGEST_REASON} characters, or not one line of text")
        since = instant_of(fields.get("since", ""), self._now)
        typed, known_hash = fields.get("address", ""), fields.get("hash", "").lower()
        if typed:
            address = address_of(typed, special_use=True)
            hashes = self._tokens.address_hashes(address)
            return Line(Ban(hashes[0], address, reason, since), hashes)
        if not _HASH.fullmatch(known_hash):
            raise ValueError("it has neither an address nor a hash of 64 hexadecimal digits")
        names = set(fields.get("keys", "").split())
        if not names or not names <= self._own:
            raise ValueError(
                "its hash was made with a secret that is not here; put the old secret behind the new one in "
                "DIGEST_SECRET_KEY, or export with addresses"
            )
        return Line(Ban(known_hash, None, reason, since), (known_hash,))


def _header(cells: Sequence[str]) -> list[str]:
    names = [_NAMES.get(cell.lower(), cell.lower()) for cell in cells]
    return names if {"address", "hash"} & set(names) and not any("@" in cell for cell in cells) else []


def written(ban: Ban, key_names: str) -> str:
    """Write a ban as a line of a file, without its line break."""
    out = io.StringIO()
    cells = [ban.address_hash, key_names, ban.address or "", ban.reason, ban.since.isoformat()]
    csv.writer(out, lineterminator="").writerow(
        [f"'{cell}" if cell[:1] in FORMULA and cell else cell for cell in cells]
    )
    return out.getvalue()
