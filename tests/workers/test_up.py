"""`digest up` as a real process on SQLite: one command serves, mails and ends in order."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from digest.core.capture import RunStatus
from digest.mail.local_inbox import LocalInbox, stored_messages
from digest.store.engine import open_engine, writing
from digest.store.runs import begin_run, finish_run
from digest.store.schema import upgrade

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
ROOT = Path(__file__).resolve().parents[2]


def until_logged(folder: Path, event: str) -> None:
    """Wait for an event in the log of what runs in a folder."""
    deadline = time.monotonic() + 30
    while f'"event": "{event}"' not in (folder / "log").read_text():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)


def environment(**settings: str) -> dict[str, str]:
    """The environment of an installation that reads no category."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    own = {"DIGEST_SECRET_KEY": SECRET, "DIGEST_MAIL_FROM": "digest@example.org", "DIGEST_CATEGORIES": ""}
    return inherited | own | settings | {"PYTHONPATH": str(ROOT)}


def make_database(folder: Path) -> None:
    """Make a current database in which the one source left was just read, so that nobody outside is asked."""
    engine = open_engine(f"sqlite:///{folder}/var/digest.db")
    upgrade(engine)
    now = datetime.now(UTC)
    with writing(engine) as session:
        finish_run(session, begin_run(session, "hf", "daily", "a test", now=now), RunStatus.OK, "", now=now)
    engine.dispose()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a current database, for what refuses to start on it."""
    folder = tmp_path_factory.mktemp("installed")
    make_database(folder)
    return folder


@contextmanager
def running(folder: Path, command: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a serving command on a port of its own choice; gives the process and the address it serves at."""
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "digest", command, "--port", "0"],
            cwd=folder,
            env=environment(**settings),
            stderr=errors,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while not (found := re.search(r'"listening": "([^"]+)"', log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield process, f"http://{found[1]}"
        finally:
            if process.poll() is None:
                process.kill()
    assert "Traceback" not in log.read_text()


def subscribe(client: httpx.Client, address: str) -> None:
    stamp = re.search(r'name="stamp" value="([^"]+)"', client.get("/subscribe").text)
    assert stamp is not None
    time.sleep(2.1)  # the form's time trap
    answer = client.post("/subscribe", data={"address": address, "stamp": stamp[1]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/check-your-mail")


def wait_for_mail(outbox: Path, recipient: str) -> None:
    deadline = time.monotonic() + 20  # well before the tick that would find it anyway
    while recipient not in {message.recipient for message in stored_messages(outbox)}:
        assert time.monotonic() < deadline, "no mail came"
        time.sleep(0.1)


@pytest.mark.timeout(180)
def test_the_demo_serves_and_mails_whoever_subscribes_until_ctrl_c(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "digest", "demo", "--port", str(port)]
    shown = tmp_path / "shown"
    with (
        shown.open("w") as stream,
        subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=stream, stderr=stream) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        deadline = time.monotonic() + 90
        while "Ctrl-C ends the demo" not in shown.read_text():
            assert process.poll() is None, shown.read_text()
            assert time.monotonic() < deadline, shown.read_text()
            time.sleep(0.1)
        assert client.get("/readyz").status_code == 200
        subscribe(client, "new@example.org")
        wait_for_mail(tmp_path / "var" / "demo" / "outbox", "new@example.org")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert "Traceback" not in shown.read_text()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_sends_a_confirmation_and_ends_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    make_database(tmp_path)
    outbox = tmp_path / "outbox"
    with (
        LocalInbox(outbox) as inbox,
        running(tmp_path, "up", DIGEST_SMTP_URL=inbox.url) as (process, address),
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
    ):
        assert client.get("/readyz").json()["status"] == "ready"
        subscribe(client, "ada@example.org")
        wait_for_mail(outbox, "ada@example.org")
        process.send_signal(number)
        assert process.wait(45) == 0
    assert [message.recipient for message in stored_messages(outbox)] == ["ada@example.org"]


def test_a_port_in_use_is_refused_in_one_line_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finished = subprocess.run(
            [sys.executable, "-m", "digest", "up", "--port", str(taken.getsockname()[1])],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert "name another one with --port" in line
    assert not (tmp_path / "var" / "digest.db").exists()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"DIGEST_SECRET_KEY": "a" * 64}, "DIGEST_SECRET_KEY is weak"),
        ({"DIGEST_SMTP_URL": "smtp://name:hidden@relay.example.org?starttls=never"}, "unencrypted"),
    ],
)
@pytest.mark.parametrize("command", ["up", "web", "worker", "scheduler"])
def test_no_process_starts_unfit_to_sign_or_to_send(
    command: str, settings: dict[str, str], complaint: str, installed: Path
) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "digest", command],
        cwd=installed,
        env=environment(DIGEST_BROKER_URL="redis://127.0.0.1:9/0") | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert complaint in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "hidden" not in finished.stderr


def test_a_site_alone_says_where_it_listens_and_ends_with_status_0(tmp_path: Path) -> None:
    make_database(tmp_path)
    with running(tmp_path, "web") as (process, address):
        assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        until_logged(tmp_path, "desk ready")
        process.terminate()
        assert process.wait(30) == 0
    first = json.loads((tmp_path / "log").read_text().splitlines()[0])
    assert first["event"] == "serving"
