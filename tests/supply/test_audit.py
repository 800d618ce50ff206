"""An audit that could not be made is never taken for one that found nothing."""

from __future__ import annotations

import pytest

from tests.supply.audit import FAULTS, NOT_ASKED, NOTHING_KNOWN, verdict

# As pip-audit prints them.
CLEAN = "No known vulnerabilities found"
FOUND = """Found 1 known vulnerability in 1 package
Name   Version ID                  Fix Versions
------ ------- ------------------- ------------
jinja2 3.1.2   GHSA-h5c8-rqwp-cp95 3.1.3"""
UNKNOWN = """Name Skip Reason
---- ------------------------------------------------------------------------------
anyio Dependency not found on PyPI and could not be audited: anyio (4.16.0)
attrs Dependency not found on PyPI and could not be audited: attrs (26.1.0)

No known vulnerabilities found"""
AWAY = (
    "ERROR:pip_audit._cli:requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443): "
    "Max retries exceeded with url: /pypi/jinja2/3.1.6/json"
)


@pytest.mark.parametrize(
    ("status", "shown", "expected", "word"),
    [
        (0, CLEAN, NOTHING_KNOWN, "no fault"),
        (0, UNKNOWN, NOT_ASKED, "of 2 packages"),
        (1, FOUND, FAULTS, "raise the versions"),
        (1, AWAY, NOT_ASKED, "cannot be reached"),
        (1, "Traceback (most recent call last):", NOT_ASKED, "itself failed"),
        (2, "usage: pip-audit", NOT_ASKED, "itself failed"),
    ],
)
def test_each_ending_has_its_own_status_and_words(status: int, shown: str, expected: int, word: str) -> None:
    judged, words = verdict(status, shown)
    assert judged == expected
    assert word in words
