"""The rehearsal of sending: its figures, its states, and the databases it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digest.store.engine import open_engine
from digest.store.schema import upgrade
from tests import post
from tests.mail.servers import CountingSink


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-m", "digest", "bench", "send", "--json", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.timeout(180)
def test_everybody_invented_is_mailed_once_ten_papers_of_their_own_choice(database_url: str) -> None:
    with CountingSink() as sink:
        for options in ([], ["--dkim", "--workers", "1"]):  # the second empties what the first has left
            done = bench("--deliveries", "60", "--smtp", sink.url, "--database", database_url, *options)
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert list(told) == ["deliveries", "seconds", "per_second", "rss_mb", "states"]
            assert told["states"] == {"accepted": 60}
            assert told["deliveries"] == 60
            assert told["per_second"] == pytest.approx(60 / told["seconds"], rel=0.01)
            assert 40 < told["rss_mb"] < 300
        sink.settle()
    assert sorted(sink.taken.values()) == [2] * 60  # the same readers, so the same messages, each run
    engine = open_engine(database_url)
    chosen = [row.paper_ids for row in post.deliveries(engine)]
    engine.dispose()
    assert {len(papers) for papers in chosen} == {10}
    assert len({tuple(papers) for papers in chosen}) > 50


def test_a_database_with_real_readers_is_refused_and_left_as_it_is(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    post.add_reader(engine, "ann@example.test")
    done = bench("--deliveries", "5", "--smtp", "smtp://127.0.0.1:1", "--database", sqlite_url)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert post.subscription(engine, 1).state == "confirmed"
    engine.dispose()


def test_a_relay_that_is_not_there_is_one_clear_line(sqlite_url: str) -> None:
    done = bench("--deliveries", "5", "--smtp", "smtp://127.0.0.1:1", "--database", sqlite_url, "--workers", "1")
    assert done.returncode == 1
    assert "the rehearsal stopped: the relay 127.0.0.1:1 cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
