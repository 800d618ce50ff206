"""How fast the real engine sends, beside the limit of the machine and what others do: `make bench-send`.

python benchmarks/send.py [--deliveries 20000] [--only sqlite,postgres,...] [--out FILE]

All send messages of one size to one `smtp-sink` in the same run: `smtp-source` (no database, no messages of its own:
the limit), Firstlight on SQLite and PostgreSQL, plain and with DKIM (RSA-2048), Firstlight over a relay 20 ms away,
Django's mail over one connection, and django-post_office. Others are installed into a throw-away environment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.engine import make_url

from digest.core.issue import Issue
from digest.core.tailor import Preferences, tailor
from digest.flows.letters import digest_letter, inert_links
from digest.invented import invented_card
from digest.rehearsal import Plan
from digest.wiring import Services

HERE = Path(__file__).resolve().parent
OTHERS = ("Django==5.2.19", "django-post_office==3.12.0")
POSTGRES = os.environ.get("BENCH_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
NEEDED = "smtp-sink and smtp-source are not there: they come with Postfix (apt-get install postfix)"
SESSIONS = (2, 4, 8, 16, 32)


def main() -> None:
    """Run everything that was asked for and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--deliveries", type=int, default=20_000)
    asked.add_argument("--far", type=int, default=10_000, help="deliveries over the relay 20 ms away")
    asked.add_argument("--others", type=int, default=4_000, help="messages for each of the others")
    asked.add_argument("--only", default="", help="comma-separated: sqlite, postgres, far, django, post_office")
    asked.add_argument("--out", type=Path, help="where the figures go as JSON")
    given = asked.parse_args()
    only = {word for word in given.only.split(",") if word}
    tools = [
        shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in ("smtp-sink", "smtp-source")
    ]
    if None in tools:
        sys.exit(NEEDED)
    sink, source = map(str, tools)
    size = message_size()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; messages of {size:,} bytes", flush=True)
    with tempfile.TemporaryDirectory() as folder, sinking(sink) as port:
        limit = best_source(source, port, size, given.deliveries)
        rows: list[dict[str, Any]] = [limit]
        show(limit, limit)

        def measure(name: str, what: Callable[[], dict[str, Any]]) -> None:
            if not only or name.split(maxsplit=1)[0] in only:
                rows.append({"what": name, "load": os.getloadavg()[0], **what()})
                show(rows[-1], limit)

        smtp = f"smtp://127.0.0.1:{port}"
        lite = f"sqlite:///{folder}/bench.db"
        measure("sqlite", lambda: firstlight(given.deliveries, smtp, lite))
        measure("sqlite dkim", lambda: firstlight(given.deliveries, smtp, lite, "--dkim"))
        with postgres() as url:
            if url:
                measure("postgres", lambda: firstlight(given.deliveries, smtp, url))
                measure("postgres dkim", lambda: firstlight(given.deliveries, smtp, url, "--dkim"))
        with far_away(port) as far:
            measure("far 20 ms", lambda: firstlight(given.far, f"smtp://127.0.0.1:{far}", lite))
        if not only or only & {"django", "post_office"}:
            python = environment(Path(folder))
            measure("django", lambda: other(python, "django", port, given.others, size))
            measure("post_office", lambda: other(python, "post_office", port, given.others, size))
        again = source_rate(source, port, size, given.deliveries, limit["sessions"])
        print(f"smtp-source once more, at the end: {again:,.0f} a second")
        limit["at_the_end"] = again
    django = next((row["per_second"] for row in rows if row["what"] == "django"), None)
    for row in rows:
        row["of_smtp_source"] = round(row["per_second"] / limit["per_second"], 3)
        row["of_django"] = round(row["per_second"] / django, 2) if django else None
    table(rows)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def message_size() -> int:
    """The size of one invented reader's message, as it is sent."""
    plan = Plan(deliveries=1, smtp="smtp://127.0.0.1:1", database="sqlite://")
    courier = Services(plan.settings()).courier
    now = datetime.now(UTC)
    issue = Issue(issued_on=now.date(), cut_off=now, cards=tuple(invented_card(n, now) for n in range(1, 11)))
    edition = tailor(issue, Preferences(categories=tuple(card.primary_category for card in issue.cards)))
    links = inert_links(courier.base_url)
    letter = digest_letter(courier, edition, links, recipient="reader-1@rehearsal.invalid", identity="size", at=now)
    return len(letter.message)


@contextmanager
def sinking(sink: str) -> Iterator[int]:
    """Run smtp-sink on a free port."""
    port = free_port()
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([sink, *as_nobody, f"127.0.0.1:{port}", "1024"], stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def far_away(port: int) -> Iterator[int]:
    """Put 10 ms in each direction between us and a port."""
    far = free_port()
    with subprocess.Popen([sys.executable, str(HERE / "delay.py"), str(far), str(port), "--ms", "10"]) as process:
        wait_for(far)
        try:
            yield far
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def source_rate(source: str, port: int, size: int, messages: int, sessions: int) -> float:
    """Messages a second of smtp-source over reused connections."""
    command = [source, "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size)]
    command += ["-f", "digest@example.org", "-t", "reader@rehearsal.invalid", f"127.0.0.1:{port}"]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return messages / (time.perf_counter() - began)


def best_source(source: str, port: int, size: int, messages: int) -> dict[str, Any]:
    """Find the number of sessions with which smtp-source is fastest, and measure it with that."""
    probe = max(messages // 5, 500)
    rates = {sessions: source_rate(source, port, size, probe, sessions) for sessions in SESSIONS}
    sessions = max(rates, key=lambda each: rates[each])
    rate = max(source_rate(source, port, size, messages, sessions), rates[sessions])
    return {"what": "smtp-source", "per_second": rate, "sessions": sessions, "load": os.getloadavg()[0]}


def firstlight(deliveries: int, smtp: str, database: str, *options: str) -> dict[str, Any]:
    """Run `digest bench send`, and hold it to having sent everything."""
    command = [sys.executable, "-m", "digest", "bench", "send", "--deliveries", str(deliveries), "--json"]
    command += ["--smtp", smtp, "--database", database, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    told: dict[str, Any] = json.loads(done.stdout)
    if told["states"] != {"accepted": deliveries}:
        sys.exit(f"not everything was sent: {told}")
    return told


@contextmanager
def postgres() -> Iterator[str]:
    """Make a database of our own, or none where there is no server."""
    admin = sqlalchemy.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"firstlight_bench_{os.getpid()}"
    try:
        with admin.connect() as connection:
            if connection.exec_driver_sql("SHOW synchronous_commit").scalar() != "on":
                sys.exit("PostgreSQL has synchronous_commit off: figures without crash safety say nothing")
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sqlalchemy.exc.OperationalError:
        print("PostgreSQL is not there; name one with BENCH_POSTGRES_URL")
        yield ""
        return
    try:
        yield make_url(POSTGRES).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


def environment(folder: Path) -> Path:
    """Make a throw-away environment with what we compare with."""
    venv.create(folder / "others", with_pip=True)
    python = folder / "others" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *OTHERS], check=True)
    return python


def other(python: Path, who: str, port: int, messages: int, size: int) -> dict[str, Any]:
    """Run one of the others on the same task."""
    command = [str(python), str(HERE / "send_django.py"), who, str(port), str(messages), str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return {"per_second": messages / told["seconds"], "bytes": told["bytes"]}


def show(row: dict[str, Any], limit: dict[str, Any]) -> None:
    """Print one figure as soon as it is there."""
    of_limit = row["per_second"] / limit["per_second"]
    memory = f", {row['rss_mb']:.0f} MB" if "rss_mb" in row else ""
    print(f"{row['what']:16}{row['per_second']:9,.0f}/s  {of_limit:5.2f} of smtp-source{memory}", flush=True)


def table(rows: list[dict[str, Any]]) -> None:
    """Print the table for the documents."""
    print("\n| what | a second | of smtp-source | of Django's mail | MB | load before |\n|---|---|---|---|---|---|")
    for row in rows:
        django = f"{row['of_django']:.1f}" if row["of_django"] else ""
        memory = f"{row['rss_mb']:.0f}" if "rss_mb" in row else ""
        print(
            f"| {row['what']} | {row['per_second']:,.0f} | {row['of_smtp_source']:.2f} | {django} | {memory} "
            f"| {row['load']:.1f} |"
        )


if __name__ == "__main__":
    main()
