"""Addresses that name what they stand for: variable envelope return paths, and the one that unsubscribes."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from digest.errors import MessageRefused
from digest.tokens import Tokens

_LONGEST_LOCAL = 64  # octets (RFC 5321 section 4.5.3.1.1)
_TAGGED = re.compile(r"[^\s@<>]{1,64}\+([bu])-([0-9]{1,19})-([a-z2-7]{26})@", re.IGNORECASE)


def verp_address(tokens: Tokens, mail_from: str, delivery_id: int) -> str:
    """Return the MAIL FROM of one delivery: `digest+b-42-signature@domain`.

    What comes back to it is about that delivery, and nobody can make up another's. All in lower case, since
    some relays fold it. Raises MessageRefused where the local part would grow over 64 octets.
    """
    return _tagged(tokens, mail_from, "b", delivery_id)


def leave_address(tokens: Tokens, mail_from: str, subscriber_id: int) -> str:
    """Return the address to which a mail unsubscribes one reader, for List-Unsubscribe (RFC 2369)."""
    return _tagged(tokens, mail_from, "u", subscriber_id)


def delivery_behind(tokens: Tokens, addresses: Iterable[str]) -> int | None:
    """Return the delivery whose return path is among the addresses, or None where none is genuine."""
    return _behind(tokens, addresses, "b")


def reader_behind(tokens: Tokens, addresses: Iterable[str]) -> int | None:
    """Return the subscriber whose unsubscribe address is among the addresses, or None where none is genuine."""
    return _behind(tokens, addresses, "u")


def _tagged(tokens: Tokens, mail_from: str, tag: str, number: int) -> str:
    local, _, domain = mail_from.rpartition("@")
    mark = tokens.marks(f"verp.{tag}", str(number))[0]
    tagged = f"{local}+{tag}-{number}-{mark}"
    if not local or len(tagged.encode()) > _LONGEST_LOCAL:
        raise MessageRefused(f"{mail_from!r}: too long for a return path of its own; use a shorter name before the @")
    return f"{tagged}@{domain}"


def _behind(tokens: Tokens, addresses: Iterable[str], tag: str) -> int | None:
    for address in addresses:
        found = _TAGGED.match(address[:400])
        if found and found[1].lower() == tag:
            claimed = found[3].lower().encode()
            genuine = tokens.marks(f"verp.{tag}", str(int(found[2])))
            if any(hmac.compare_digest(claimed, mark.encode()) for mark in genuine):
                return int(found[2])
    return None
