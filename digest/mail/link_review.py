"""Links of a mail, judged by their form: nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
_LOCAL = frozenset({"localhost", "localhost.localdomain"})
_LOCAL_ENDS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_SHOWN = 60
Judged = tuple[str, str, bool]  # what is wrong, what to do, whether it is grave


def review_links(links: Sequence[str], base_url: str, *, local: bool = False) -> Iterator[Judged]:
    """Say what is wrong with links, each kind of fault once; a `local` site may be on this machine."""
    own = urlsplit(base_url)
    first: dict[tuple[str, str, bool], str] = {}
    count: dict[tuple[str, str, bool], int] = {}
    for link in links:
        if link.startswith("mailto:"):
            continue
        if fault := _fault(link, own, local):
            first.setdefault(fault, link)
            count[fault] = count.get(fault, 0) + 1
    for fault, link in first.items():
        words, remedy, grave = fault
        number = "A link" if count[fault] == 1 else f"{count[fault]} links"
        shown = f" ({link[:_SHOWN]}{'…' if len(link) > _SHOWN else ''})" if link else ""
        yield f"{number} {words}{shown}.", remedy, grave


def _fault(link: str, own: SplitResult, local: bool) -> Judged | None:
    parts = _read(link)
    host = (parts.hostname or "").rstrip(".") if parts else ""
    if parts is None:
        return "that cannot be read as an address", "Correct it where it comes from.", True
    if parts.scheme not in ("http", "https") or not host:
        return "that lead nowhere from a mailbox", "Write the whole address, with http or https.", True
    if host == own.hostname:
        return _own_fault(parts, own, local)
    return _outside_fault(parts, host)


def _outside_fault(parts: SplitResult, host: str) -> Judged | None:
    if _is_local(host):
        return "to this machine or network, which readers cannot reach", "Correct the address.", True
    if parts.scheme != "https":
        return "over http, which some mail programs warn of", "Use https where the site has it.", False
    return None


def _read(link: str) -> SplitResult | None:
    """Take an address apart; None for an empty one, one with a space, or what is none."""
    if not link or _SPACE.search(link):
        return None
    try:
        parts = urlsplit(link)
        _host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def _own_fault(parts: SplitResult, own: SplitResult, local: bool) -> Judged | None:
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
        return "to our host under another scheme or port", "Set DIGEST_BASE_URL to what readers use.", True
    if local:
        return None
    if _is_local(own.hostname or ""):
        return "to our own site at an address of this machine", "Set DIGEST_BASE_URL to the public address.", True
    if parts.scheme != "https":
        return "to our own site over http", "Serve it by https, and set DIGEST_BASE_URL.", True
    return None


def _is_local(host: str) -> bool:
    if host in _LOCAL or host.endswith(_LOCAL_ENDS) or ("." not in host and ":" not in host):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
