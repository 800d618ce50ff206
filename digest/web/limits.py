"""How often something may be posted: by network, address and domain, counted in SQL under keyed hashes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine

from digest.core.networks import neighbourhood_of, network_of
from digest.core.sign_up import (
    ADDRESS,
    POSTS,
    SUBSCRIBE,
    SUBSCRIBE_AROUND,
    Limit,
    SignUp,
    domain_limit,
    domain_of,
)
from digest.store.engine import writing
from digest.store.limits import use
from digest.tokens import Tokens, address_key

# Mail programs of large providers unsubscribe many readers from few addresses, and webhooks are signed.
_NEVER_LIMITED = ("/unsubscribe/", "/hooks/")


class Limits:
    """Counts uses; a key is a keyed hash, so that nobody reads an address or a network out of the table."""

    def __init__(self, engine: Engine, tokens: Tokens, sign_up: SignUp) -> None:
        self._engine = engine
        self._tokens = tokens
        self._sign_up = sign_up

    def wait(self, now: datetime, *counted: tuple[Limit, str]) -> int:
        """Use each limit once for what it counts; return the seconds to wait where one is used up, else 0."""
        keys = [(self._key(limit, of), limit) for limit, of in counted]
        with writing(self._engine) as session:
            waiting = use(session, keys, now)
        return math.ceil(waiting.total_seconds()) if waiting else 0

    def wait_to_post(self, path: str, ip: str, now: datetime) -> int:
        """Count a POST of any kind."""
        return 0 if path.startswith(_NEVER_LIMITED) else self.wait(now, (POSTS, network_of(ip)))

    def wait_to_subscribe(self, ip: str, typed: str, now: datetime) -> int:
        """Count an address that was typed: by where it came from, by itself, and by its domain.

        The same whatever is known of it. What is no address counts where it came from.
        """
        counted = [(SUBSCRIBE, network_of(ip)), (SUBSCRIBE_AROUND, neighbourhood_of(ip))]
        return self.wait(now, *counted, *self._by_address(typed))

    def _by_address(self, typed: str) -> Iterable[tuple[Limit, str]]:
        key = address_key(typed[:1000])
        domain = domain_of(key)
        return [(ADDRESS, key), (domain_limit(domain, self._sign_up), domain)]

    def _key(self, limit: Limit, of: str) -> str:
        return self._tokens.marks("limit", f"{limit.name}\n{of}")[0]
