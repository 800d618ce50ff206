"""Links from outside, let through only when a browser may follow them safely."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_MAX_URL = 2_000
# Spaces and controls of every kind, marks that turn the direction of text, and what would end an attribute.
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff\"'<>\\^`{|}]")


def web_url(text: str, *, limit: int = _MAX_URL) -> str:
    """Return an http or https URL with a host and no more than `limit` characters, or an empty string."""
    url = text.strip()
    if not url or len(url) > limit or _UNSAFE.search(url):
        return ""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and host and "@" not in parts.netloc else ""
