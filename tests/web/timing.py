"""Can a stranger with a clock tell whose addresses are known? POST /subscribe timed for every standing of an address.

python -m tests.web.timing [--n 500] [--url postgresql://...] [--pace 0]

Addresses of every standing are entered in turn, in a new order each round, so that what the machine does meanwhile
meets all alike. Two tests compare each standing with the unknown ones: Kolmogorov-Smirnov (any difference of the
distributions) and Mann-Whitney (one is larger). How much they would see is shown by a standing that does not exist:
`slowed` addresses are unknown ones whose answer is held back 5 ms, and they must be found.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from fastapi.testclient import TestClient
from scipy import stats
from sqlalchemy import Engine

from digest.config import Settings
from digest.core.subscription import SubscriptionState
from digest.store.engine import writing
from digest.store.schema import upgrade
from digest.store.subscribers import suppress
from digest.store.tables import Subscriber, Subscription
from digest.tokens import Tokens
from digest.web.app import create_app
from digest.wiring import Services

STANDINGS = ("unknown", "unknown too", "confirmed", "pending", "unsubscribed", "suppressed", "slowed")
SLOWED = 0.005  # seconds
_SECRET = "bS0m9Xq2Lr7Yt4Wv8Kc1Zd6Hf3Gj5Np0"
_START = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


@dataclass
class _Clock:
    now: datetime = _START

    def __call__(self) -> datetime:
        return self.now


def address(standing: str, number: int) -> str:
    """An address of its own, as long as any other, whose domain is met once."""
    return f"reader{number:05}@{STANDINGS.index(standing)}-{number:05}.example.org"


def furnish(engine: Engine, tokens: Tokens, n: int) -> None:
    """Store what makes addresses known."""
    states = {name: SubscriptionState(name) for name in ("confirmed", "pending", "unsubscribed")}
    with writing(engine) as session:
        for (standing, state), number in itertools.product(states.items(), range(n)):
            one = address(standing, number)
            reader = Subscriber(address=one, address_key=one, created_at=_START - timedelta(days=9))
            session.add(reader)
            session.flush()
            session.add(Subscription(subscriber_id=reader.id or 0, state=state))
    with writing(engine) as session:
        for number in range(n):
            one = address("suppressed", number)
            suppress(session, one, tokens.address_hashes(one), "complaint", _START - timedelta(days=9))


@contextmanager
def served(url: str, n: int, pace: float | None) -> Iterator[tuple[Services, _Clock, TestClient]]:
    """A site whose database knows n addresses of each standing."""
    clock = _Clock()
    settings = Settings(_env_file=None, database_url=url, secret_key=[_SECRET])  # type: ignore[call-arg]  # it takes it
    services = Services(settings, clock=clock)
    upgrade(services.engine)
    furnish(services.engine, services.tokens, n)
    app = create_app(services)
    if pace is not None:
        app.state.site.pace.seconds = pace
    with TestClient(app, follow_redirects=False) as browser:
        yield services, clock, browser
    services.engine.dispose()


def measure(url: str, n: int, *, pace: float | None = None, seed: int = 1) -> dict[str, list[float]]:
    """Time n addresses of each standing, interleaved, in seconds."""
    drawn = random.Random(seed)  # an order, not a secret
    taken: dict[str, list[float]] = {standing: [] for standing in STANDINGS}
    with served(url, n, pace) as (services, clock, browser):
        for number in range(-20, n):  # the first ones only warm up
            order = list(STANDINGS)
            drawn.shuffle(order)
            for standing in order:
                clock.now += timedelta(hours=1)  # no limit is near
                shown = int(clock.now.timestamp() * 1000) - 5_000
                stamp = services.tokens.sign("form-stamp", {"shown_at": shown})
                one = address(standing, number) if number >= 0 else f"w{number}@{STANDINGS.index(standing)}.example.net"
                begun = time.perf_counter()
                answer = browser.post("/subscribe", data={"address": one, "stamp": stamp})
                if standing == "slowed":
                    time.sleep(SLOWED)
                spent = time.perf_counter() - begun
                if answer.status_code != 303:
                    raise AssertionError(f"{answer.status_code} for {one}")
                if number >= 0:
                    taken[standing].append(spent)
    return taken


def compared(taken: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    """Return for each standing how likely times as different from the unknown ones are by chance, by both tests."""
    unknown: Sequence[float] = taken["unknown"]
    return {
        standing: (
            float(stats.ks_2samp(unknown, times).pvalue),
            float(stats.mannwhitneyu(unknown, times, alternative="two-sided").pvalue),
        )
        for standing, times in taken.items()
        if standing != "unknown"
    }


def main() -> None:
    """Measure and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--n", type=int, default=500)
    asked.add_argument("--url", default="", help="an empty database; without it a SQLite file that is thrown away")
    asked.add_argument("--pace", type=float, help="seconds that every answer takes at least; 0 shows what is hidden")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{Path(folder)}/timing.db"
        taken = measure(url, given.n, pace=given.pace)
    found = compared(taken)
    print(f"{'standing':<14}{'median ms':>11}{'p90 ms':>9}{'KS p':>12}{'Mann-Whitney p':>17}")
    for standing, times in taken.items():
        ks, mw = found.get(standing, (1.0, 1.0))
        p90 = sorted(times)[int(len(times) * 0.9)]
        print(f"{standing:<14}{median(times) * 1000:>11.2f}{p90 * 1000:>9.2f}{ks:>12.3g}{mw:>17.3g}")


if __name__ == "__main__":
    main()
