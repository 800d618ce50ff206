"""Links from outside, let through only when a browser may follow them safely."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_MAX_URL = 2_000
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f\"'<>\\^`{|}\ud800-\udfff]")


def web_url(text: str) -> str:
    """Return an http or https URL with a host, or an empty string for anything else."""
    url = text.strip()
    if not url or len(url) > _MAX_URL or _UNSAFE.search(url):
        return ""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and host and "@" not in parts.netloc else ""
