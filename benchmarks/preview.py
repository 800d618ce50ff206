"""How long the desk takes to show tomorrow's mail: `python benchmarks/preview.py [--url URL] [--papers N]`.

Fills an empty database (a new SQLite file, or the one of --url) set by set: papers at a thousand a day, ten
observations for each of the newest, readers each with categories of their own, one in three with keywords. Then scores,
as the worker does every hour, and asks the real application for the desk's page and the frame in it, as a browser does,
for everybody, a category and a reader: first with nothing remembered, then again, then after something was observed and
after an edit. Prints wall and processor milliseconds of this process; on PostgreSQL the server's own time is in the
wall's alone. `--frozen` has the issue frozen; `--unscored` shows what it costs where no scores are kept.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient
from sqlalchemy import insert
from sqlmodel import SQLModel

from digest.config import Settings
from digest.core.edits import EditKind, edit_of
from digest.flows import editing
from digest.flows.compose import freeze
from digest.flows.score import score
from digest.flows.sign_in import shown_sign_in_token
from digest.store.dialects import table_of
from digest.store.engine import writing
from digest.store.schema import upgrade
from digest.store.tables import InterestRow, ObservationRow, Paper, Subscriber, Subscription
from digest.web.app import create_app
from digest.wiring import Services

NOW = datetime(2026, 5, 20, 18, tzinfo=UTC)
TOMORROW = NOW.date() + timedelta(days=1)
ADMIN = "editor@firstlight.test"
CATEGORIES = [
    f"{group}.{name}" for group in ("cs", "math", "stat", "physics") for name in ("AA", "BB", "CC", "DD", "EE")
]
SIGNALS = ("hf_upvotes", "github_stars", "hf_comments", "hf_page_rank", "citations")
WORDS = [
    a + b + c for a in "bcdfghjklmnprstvwz" for b in ("ama", "eno", "iru", "olo") for c in ("ra", "ten", "sis", "ple")
]


def main() -> None:
    """Fill a database and look at tomorrow's mail."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--papers", type=int, default=75_000)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=10, help="observations of a paper in the window")
    parser.add_argument("--fresh", type=int, default=32_000, help="papers with observations, ending with the newest")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--unscored", action="store_true")
    parser.add_argument("--filled", action="store_true", help="the database of --url is filled already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, and its types do not say so
            database_url=given.url or f"sqlite:///{folder}/preview.db",
            secret_key=["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-look"],
            admins=[ADMIN],
            base_url="http://testserver",
            mail_from="digest@firstlight.test",
            postal_address="1 Probe Road",
            allow_test_addresses=True,
        )
        clock = Ticking()
        services = Services(settings, clock=clock)
        upgrade(services.engine)
        began = time.perf_counter()
        for model, rows in made_up(given.papers, given.readers, given.each, given.fresh) if not given.filled else ():
            store(services, model, rows)
        if not given.unscored:
            scoring, spent = time.perf_counter(), time.process_time()
            score(services.engine, NOW - timedelta(minutes=20))
            wall, processor = time.perf_counter() - scoring, time.process_time() - spent
            print(f"scored in {wall:.1f} s, processor {processor:.1f} s", flush=True)
        if given.frozen:
            freeze(services.engine, TOMORROW, NOW, now=NOW)
        analyse(services)
        kind = services.engine.dialect.name
        print(
            f"{kind}: {given.papers:,} papers, {given.readers:,} readers; {time.perf_counter() - began:.0f} s to fill"
        )
        measure(services, clock, given.rounds)
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
        services.engine.dispose()


class Ticking:
    """A clock that moves on by four seconds at each look at the page."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


def measure(services: Services, clock: Ticking, rounds: int) -> None:
    """Time each way of looking."""
    browser = TestClient(create_app(services), base_url="http://testserver", follow_redirects=False)
    token = shown_sign_in_token(services.engine, services.tokens, ADMIN, now=NOW)
    browser.post(f"/admin/sign-in/{token}")
    reader = "r77@d77.example"
    looks = {"everybody": "", "a category": "?category=cs.BB", "a reader": f"?reader={reader}"}
    for name, query in looks.items():
        timed(f"{name}, first look", lambda query=query: look(browser, query), 1, clock)
        timed(f"{name}, again", lambda query=query: look(browser, query), rounds, clock)
        timed(f"{name}, the frame alone", lambda query=query: frame(browser, query), rounds, clock)

    def observed() -> None:
        one = {"paper_id": 5, "signal": "hf_upvotes", "source": "hf", "at": clock.now, "value": 5.0, "coverage": ""}
        store(services, ObservationRow, [one])

    def edited() -> None:
        edit = edit_of(EditKind.NOTE, words=f"At {clock.now}")
        editing.make_edit(services.engine, TOMORROW, edit, actor=ADMIN, now=clock.now)

    timed("after a new observation", lambda: look(browser, ""), rounds, clock, observed)
    if "frozen" not in browser.get("/admin/").text:
        timed("after an edit", lambda: look(browser, ""), rounds, clock, edited)
    clock.now += timedelta(hours=1)
    timed("an hour later", lambda: look(browser, ""), 1, clock)


def look(browser: TestClient, query: str) -> None:
    """Open the page and what its frame holds."""
    page = browser.get(f"/admin/{query}")
    assert page.status_code == 200, page.text[:500]
    found = re.search(r'src="(/admin/preview.html[^"]*)"', page.text)
    assert found is not None
    assert browser.get(found[1].replace("&amp;", "&")).status_code == 200


def frame(browser: TestClient, query: str) -> None:
    """Open what the frame holds."""
    assert browser.get(f"/admin/preview.html{query}").status_code == 200


def timed(
    what: str, do: Callable[[], None], rounds: int, clock: Ticking, before: Callable[[], None] | None = None
) -> None:
    """Print the median and the 95th percentile of the wall's time, and the processor's median."""
    walls, processors = [], []
    for _ in range(rounds):
        clock.now += timedelta(seconds=4)
        if before is not None:
            before()
        wall, processor = time.perf_counter(), time.process_time()
        do()
        walls.append((time.perf_counter() - wall) * 1e3)
        processors.append((time.process_time() - processor) * 1e3)
    walls.sort()
    late = walls[min(int(len(walls) * 0.95), len(walls) - 1)]
    print(
        f"{what:28s} p50 {statistics.median(walls):7.0f} ms, p95 {late:7.0f} ms, "
        f"processor {statistics.median(processors):7.0f} ms",
        flush=True,
    )


def made_up(
    papers: int, readers: int, each: int, seen: int
) -> Iterator[tuple[type[SQLModel], list[dict[str, object]]]]:
    """Make rows, table by table, the same at every run."""
    chance = random.Random(20)
    for start in range(1, papers + 1, 5_000):
        yield Paper, [paper(number, papers, chance) for number in range(start, min(start + 5_000, papers + 1))]
    fresh = range(max(1, papers - seen), papers + 1)
    for start in range(fresh.start, fresh.stop, 2_000):
        some = range(start, min(start + 2_000, fresh.stop))
        yield ObservationRow, [row for number in some for row in observations(number, each, chance)]
    for start in range(1, readers + 1, 5_000):
        some = range(start, min(start + 5_000, readers + 1))
        addresses = {number: f"r{number}@d{number % 500}.example" for number in some}
        yield (
            Subscriber,
            [
                {"id": number, "address": address, "address_key": address, "created_at": NOW, "link_generation": 0}
                for number, address in addresses.items()
            ],
        )
        yield Subscription, [subscription(number, chance) for number in some]
        yield InterestRow, [row for number in some if number % 3 == 0 for row in interests(number, chance)]


def paper(number: int, papers: int, chance: random.Random) -> dict[str, object]:
    """A paper with an abstract, listed a thousand a day."""
    title = " ".join(chance.choices(WORDS, k=9))
    listed_on = NOW.date() - timedelta(days=(papers - number) // 1_000)
    return Paper(
        id=number,
        slug=f"paper-{number}",
        arxiv_id=f"26{1 + number // 90_000:02d}.{number % 90_000:05d}",
        title=title.capitalize(),
        title_key=title,
        abstract=" ".join(chance.choices(WORDS, k=120)),
        authors=[f"{chance.choice(WORDS).title()} {chance.choice(WORDS).title()}" for _ in range(4)],
        primary_category=chance.choice(CATEGORIES),
        categories=[chance.choice(CATEGORIES)],
        listed_on=listed_on,
        first_seen_at=datetime(listed_on.year, listed_on.month, listed_on.day, tzinfo=UTC),
    ).model_dump()


def observations(number: int, each: int, chance: random.Random) -> Iterator[dict[str, object]]:
    """What was seen of a paper."""
    for nth in range(each):
        at = NOW - timedelta(hours=chance.uniform(0, 240))
        row = {"paper_id": number, "signal": SIGNALS[nth % len(SIGNALS)], "source": "hf", "at": at, "coverage": ""}
        yield row | {"value": float(chance.randrange(1, 200))}


def subscription(number: int, chance: random.Random) -> dict[str, object]:
    """What a reader wants."""
    return Subscription(
        subscriber_id=number,
        state="confirmed",
        hour=6 + number % 4,
        categories=chance.sample(CATEGORIES, k=2),
        confirmed_at=NOW - timedelta(days=9),
    ).model_dump()


def interests(number: int, chance: random.Random) -> Iterator[dict[str, object]]:
    """Three keywords."""
    for word in chance.sample(WORDS, k=3):
        yield {"subscriber_id": number, "kind": "keyword", "key": word, "words": word, "created_at": NOW}


def store(services: Services, model: type[SQLModel], rows: list[dict[str, object]]) -> None:
    """Insert many rows."""
    with writing(services.engine) as session:
        session.connection().execute(insert(table_of(model)), rows)
    if services.engine.dialect.name == "postgresql" and "id" in table_of(model).c and rows and "id" in rows[0]:
        name = table_of(model).name
        with services.engine.begin() as connection:
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
            )


def analyse(services: Services) -> None:
    """Let the database count what it has."""
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


if __name__ == "__main__":
    main()
