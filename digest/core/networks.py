"""Networks that a visitor's address lies in: what a limit counts by, and what a record keeps of it later."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def network_of(ip: str) -> str:
    """Name the network that a limit counts by: the IPv4 address, the IPv6 /64, or `unknown`.

    An IPv6 address counts as its /64, since one household or attacker holds all of it.
    """
    address = _read(ip)
    if address is None:
        return "unknown"
    return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))


def neighbourhood_of(ip: str) -> str:
    """Name the wider network: the IPv4 /24, the IPv6 /48, or `unknown`; a limit on it is wider, too."""
    address = _read(ip)
    if address is None:
        return "unknown"
    return str(ip_network((address, 24 if isinstance(address, IPv4Address) else 48), strict=False))


def shortened(ip: str) -> str:
    """Return what a record of consent keeps of an address in the long run: its neighbourhood, or nothing."""
    return "" if _read(ip) is None else neighbourhood_of(ip)


def _read(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
