"""Sender Policy Framework (RFC 7208): what a domain's record says of an address, and how many look-ups it costs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST_LOOKUPS = 10  # section 4.6.4: a receiver gives up beyond, and then nothing is proven
MOST_VOID = 2
_STOP_AT = 40  # look-ups of ours; a record that needs more is wrong by any count
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_TERM = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(?:([:=])([^/\s]*))?((?:/\d{1,3}){0,2}(?://\d{1,3})?)$")


class Names(Protocol):
    """Look-ups in the DNS: empty where a name has nothing, SourceUnavailable where nobody answers."""

    def txt(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined from its strings."""

    def addresses(self, name: str) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name."""

    def mx(self, name: str) -> list[str]:
        """Return the mail hosts of a name, by preference."""


@dataclass
class SpfView:
    """What was seen on a walk through a record and all it includes; `unsure` names what no walk can follow."""

    records: list[str] = field(default_factory=list)
    lookups: int = 0
    void: int = 0
    faults: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    default: str = "neutral"  # what the record itself says of everybody else


def spf_records(names: Names, domain: str) -> list[str]:
    """Return the records of a domain that are SPF's."""
    return [one for one in names.txt(domain) if one.lower() == "v=spf1" or one.lower().startswith("v=spf1 ")]


def look_through(names: Names, domain: str, address: IpAddress | None) -> tuple[SpfView, str]:
    """Walk through a domain's record to its end, counting every look-up, and judge one address.

    The result is "pass", "fail", "softfail", "neutral", "none" or "permerror"; without an address it is "neutral".
    """
    view = SpfView(records=spf_records(names, domain))
    if not view.records:
        return view, "none"
    if len(view.records) > 1:
        view.faults.append(f"there are {len(view.records)} SPF records where there may be one (section 4.5)")
        return view, "permerror"
    result = _Walk(names, address, view).judge(domain, view.records[0], top=True)
    if view.lookups > MOST_LOOKUPS:
        view.faults.append(f"it takes {view.lookups} look-ups where {MOST_LOOKUPS} are allowed (section 4.6.4)")
    if view.void > MOST_VOID:
        view.faults.append(f"{view.void} of its look-ups find nothing, where {MOST_VOID} may (section 4.6.4)")
    return view, "permerror" if view.faults else result


class _Walk:
    def __init__(self, names: Names, address: IpAddress | None, view: SpfView) -> None:
        self._names = names
        self._address = address
        self._view = view

    def judge(self, domain: str, record: str, *, top: bool = False) -> str:
        """Return what a record says of the address; walks on after a match, so that everything is counted."""
        result, redirect = "", ""
        for word in record.split()[1:]:
            found = _TERM.fullmatch(word)
            if found is None:
                self._view.faults.append(f"it holds {word[:60]!r}, which means nothing")
                continue
            sign, name, mark, value, cidr = found.groups()
            if mark == "=":
                redirect = value if name.lower() == "redirect" else redirect
                continue
            matched = self._matches(name.lower(), value or domain, cidr, word)
            if name.lower() == "all" and top:
                self._view.default = _RESULTS[sign or "+"]
            if matched and not result:
                result = _RESULTS[sign or "+"]
        if redirect and not re.search(r"(?:^|\s)[+?~-]?all(?:\s|$)", record, re.IGNORECASE):
            said = self._include(redirect, top=top)
            result = result or said
        return result or "neutral"

    def _matches(self, name: str, value: str, cidr: str, word: str) -> bool:
        width4, _, width6 = cidr.partition("//")
        match name:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._within(value, cidr.lstrip("/"), word)
            case "include":
                return self._include(value) == "pass"
            case "a" | "mx":
                found = self._counted(self._names.addresses if name == "a" else self._names.mx, value)
                if name == "mx":
                    found = [one for host in found[:10] for one in self._names.addresses(host)]
                return any(self._within(one, width6 if ":" in one else width4.strip("/"), word) for one in found)
            case "ptr" | "exists":
                self._view.lookups += 1
                self._view.unsure.append(word)
            case _:
                self._view.faults.append(f"it holds {word[:60]!r}, which means nothing")
        return False

    def _include(self, domain: str, *, top: bool = False) -> str:
        if "%" in domain:
            self._view.lookups += 1
            self._view.unsure.append(domain)
            return "neutral"
        found = [one for one in self._counted(self._names.txt, domain) if one.lower().startswith("v=spf1")]
        if len(found) != 1:
            if self._view.lookups <= _STOP_AT:
                self._view.faults.append(f"it includes {domain[:80]}, which has {len(found)} SPF records")
            return "permerror"
        return self.judge(domain, found[0], top=top)

    def _counted(self, ask: Callable[[str], list[str]], name: str) -> list[str]:
        self._view.lookups += 1
        if "%" in name:
            self._view.unsure.append(name)
            return []
        if self._view.lookups > _STOP_AT:
            return []
        found = ask(name)
        self._view.void += not found
        return found

    def _within(self, network: str, width: str, word: str) -> bool:
        try:
            covered = ipaddress.ip_network(f"{network}/{width}" if width else network, strict=False)
        except ValueError:
            self._view.faults.append(f"it holds {word[:60]!r}, which is no network")
            return False
        return self._address is not None and self._address in covered
