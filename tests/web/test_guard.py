"""How often, how fast and from where a form may be sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.core.networks import network_of
from digest.tokens import Tokens
from digest.web.guard import RateLimit, TimeTrap, crosses_sites
from tests.conftest import NOW

TOKENS = Tokens(["a secret that is long enough for tests"])


def test_a_network_may_do_something_so_often_and_again_once_the_window_has_passed() -> None:
    limit = RateLimit(2, timedelta(hours=1))
    assert limit.allows("192.0.2.1", NOW)
    assert limit.allows("192.0.2.1", NOW)
    assert not limit.allows("192.0.2.1", NOW + timedelta(minutes=59))
    assert limit.allows("192.0.2.2", NOW)
    assert limit.allows("192.0.2.1", NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_ipv6_address_counts_as_its_64(ip: str, network: str) -> None:
    # checklist 48
    assert network_of(ip) == network


def test_the_limit_forgets_the_oldest_networks_before_it_grows_without_bound() -> None:
    limit = RateLimit(1, timedelta(hours=1))
    for number in range(20_010):
        limit.allows(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", NOW)
    assert len(limit._seen) <= 20_001


def test_the_time_trap_springs_on_the_hasty_the_stale_and_the_forged() -> None:
    # checklist 50
    trap = TimeTrap(TOKENS)
    stamp = trap.stamp(NOW)
    assert not trap.springs(stamp, NOW + timedelta(seconds=2))
    assert not trap.springs(stamp, NOW + timedelta(hours=23))
    assert trap.springs(stamp, NOW + timedelta(seconds=1))
    assert trap.springs(stamp, NOW + timedelta(days=2))
    assert trap.springs(stamp, NOW - timedelta(days=2))
    assert trap.springs(stamp + "x", NOW + timedelta(seconds=3))
    assert trap.springs("", NOW)
    assert trap.springs(TOKENS.sign("unsubscribe", {"shown_at": 0}), NOW)
    assert trap.springs(TOKENS.sign("form-stamp", {"other": 0}), NOW)


@pytest.mark.parametrize(
    ("headers", "crosses"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "null"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "https://digest.example"}, False),
        ({"origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"}, False),
        ({"origin": "https://evil.example", "host": "digest.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://digest.example.evil.example"}, True),
        ({}, False),
    ],
)
def test_a_request_of_another_sites_page_is_told_apart(headers: dict[str, str], crosses: bool) -> None:
    assert crosses_sites(headers, "https://digest.example") is crosses
