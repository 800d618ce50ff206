"""Look-ups in the DNS: what a name has, nothing, or nobody answers."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.name
import dns.resolver
import dns.reversename
from dns.rdatatype import RdataType

from digest.errors import SourceUnavailable

_LIFETIME = 6.0  # seconds for one question, all servers and repetitions together


class Dns:
    """Asks the system's name servers, or the one that is given as address and port."""

    def __init__(self, server: str = "", port: int = 53) -> None:
        try:
            self._resolver = dns.resolver.Resolver(configure=not server)
        except dns.exception.DNSException as error:
            raise SourceUnavailable("this machine names no DNS server") from error
        if server:
            self._resolver.nameservers = [server]
            self._resolver.port = port
        self._resolver.lifetime = _LIFETIME

    def txt(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined from its strings."""
        found = self._ask(name, RdataType.TXT)
        return [b"".join(one.strings).decode("utf-8", "replace") for one in found]

    def addresses(self, name: str) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name."""
        return [one.address for kind in (RdataType.A, RdataType.AAAA) for one in self._ask(name, kind)]

    def mx(self, name: str) -> list[str]:
        """Return the mail hosts of a name, by preference; an empty name is the null MX (RFC 7505)."""
        found = sorted(self._ask(name, RdataType.MX), key=lambda one: int(one.preference))
        return [str(one.exchange).rstrip(".") for one in found]

    def names_of(self, address: str) -> list[str]:
        """Return the names that an address says it has (PTR)."""
        found = self._ask(dns.reversename.from_address(address), RdataType.PTR)
        return [str(one.target).rstrip(".") for one in found]

    def _ask(self, name: str | dns.name.Name, kind: RdataType) -> list[Any]:
        try:
            asked = dns.name.from_text(name) if isinstance(name, str) else name
            answer = self._resolver.resolve(asked, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise SourceUnavailable(f"no DNS server answers about {name}: {type(error).__name__}") from error
        return list(answer.rrset or [])
