"""Keep forms from being abused: how often, how fast, and from where a form may be sent."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from digest.core.networks import network_of
from digest.errors import TokenInvalid
from digest.tokens import Tokens

_MAX_KEYS = 20_000


class RateLimit:
    """At most `limit` events within `window` for each network; kept in this process only.

    For what only reads: a GET must not write. What posts is counted in SQL (web/limits.py).
    """

    def __init__(self, limit: int, window: timedelta) -> None:
        self._limit = limit
        self._window = window
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, ip: str, now: datetime) -> bool:
        """Count one event and say whether it is within the limit."""
        key = network_of(ip)
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while times and times[0] <= now - self._window:
                times.popleft()
            while len(self._seen) > _MAX_KEYS:
                self._seen.popitem(last=False)
            if len(times) >= self._limit:
                return False
            times.append(now)
            return True

    def left(self, ip: str, now: datetime) -> tuple[int, int]:
        """Return how many more events are within the limit now, and in how many seconds there will be one more."""
        with self._lock:
            times = [at for at in self._seen.get(network_of(ip), ()) if at > now - self._window]
        wait = (times[0] + self._window - now).total_seconds() if times else 0.0
        return max(self._limit - len(times), 0), math.ceil(max(wait, 0.0))


class TimeTrap:
    """A signed stamp in a form: nobody reads a page and types an address within `least`."""

    def __init__(self, tokens: Tokens, *, least: timedelta = timedelta(seconds=2)) -> None:
        self._tokens = tokens
        self._least = least

    def stamp(self, now: datetime) -> str:
        """Make the stamp for a form that is shown now."""
        return self._tokens.sign("form-stamp", {"shown_at": int(now.timestamp() * 1000)})

    def springs(self, stamp: str, now: datetime) -> bool:
        """Say whether the stamp is forged, from another day, or too young."""
        try:
            payload = self._tokens.verify("form-stamp", stamp, now=now)
            shown_at = int(payload["shown_at"])
        except (TokenInvalid, KeyError, ValueError):
            return True
        age = timedelta(milliseconds=int(now.timestamp() * 1000) - shown_at)
        return not self._least <= age <= timedelta(days=1)


def crosses_sites(headers: Mapping[str, str], base_url: str) -> bool:
    """Say whether a request was sent by another site's page (Fetch Metadata first, then Origin).

    A page under `Referrer-Policy: no-referrer` sends `Origin: null`, so Origin decides only where a browser
    sends no Fetch Metadata. A request with neither header does not come from a browser's form.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    sent, own = urlsplit(origin), urlsplit(base_url)
    own_host = headers.get("host", "")
    return not (sent.scheme in ("http", "https") and sent.netloc and sent.netloc in (own.netloc, own_host))
