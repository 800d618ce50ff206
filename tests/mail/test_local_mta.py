"""Handing over to a mail server of this machine, by its socket or as a program: the same engine, the same promises."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digest.errors import ConfigError, RelayUnavailable
from digest.mail.dial import dial
from digest.mail.parcel import Answered
from digest.mail.relay_url import Security, parse_relay_url
from digest.mail.smtp import Relay
from tests.mail.test_relay import send_all

MTA = Path(__file__).with_name("small_mta.py")


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """Where the server keeps what it takes."""
    folder = tmp_path / "taken"
    folder.mkdir()
    return folder


@contextmanager
def listening(path: Path, taken: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, MTA, taken, path]) as process:
        end = time.monotonic() + 20
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        try:
            yield
        finally:
            process.kill()


def program(folder: Path, taken: Path, *, words: str = "") -> Path:
    """Make what is started like sendmail."""
    made = folder / "sendmail"
    made.write_text(words or f'#!/bin/sh\nexec "{sys.executable}" "{MTA}" "{taken}" "$@"\n', "utf-8")
    made.chmod(0o755)
    return made


def bodies(taken: Path) -> list[str]:
    found = "".join(kept.read_text("utf-8") for kept in taken.iterdir())
    return sorted(line for line in found.splitlines() if line.startswith("body"))


def test_many_messages_go_through_a_socket(tmp_path: Path, taken: Path) -> None:
    path = tmp_path / "smtp"
    with listening(path, taken), Relay(f"smtp+unix://{path}", helo="here.example", connections=4) as relay:
        ended = send_all(relay, list(range(40)))
    assert all(isinstance(news, Answered) and news.reply.code == 250 for news in ended.values())
    assert bodies(taken) == sorted(f"body {key}" for key in range(40))


def test_many_messages_go_through_programs_which_end_with_their_sessions(tmp_path: Path, taken: Path) -> None:
    with Relay(f"sendmail://{program(tmp_path, taken)}", helo="here.example", connections=3) as relay:
        ended = send_all(relay, list(range(12)))
    assert all(isinstance(news, Answered) and news.reply.code == 250 for news in ended.values())
    assert bodies(taken) == sorted(f"body {key}" for key in range(12))
    running = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert str(taken) not in running


@pytest.mark.parametrize("words", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho no such thing\n"])
def test_a_program_that_speaks_no_smtp_is_a_relay_that_cannot_be_used(tmp_path: Path, taken: Path, words: str) -> None:
    made = program(tmp_path, taken, words=words)
    with pytest.raises(RelayUnavailable, match="sendmail cannot be used"):
        dial(parse_relay_url(f"sendmail://{made}"), helo="here.example", timeout=5)


@pytest.mark.parametrize("scheme", ["smtp+unix", "sendmail"])
def test_what_is_not_there_is_named(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(RelayUnavailable, match=r"nothing-here cannot be used"):
        dial(parse_relay_url(f"{scheme}://{tmp_path}/nothing-here"), helo="here.example", timeout=5)


def test_a_local_relay_is_read_from_its_url() -> None:
    address = parse_relay_url("sendmail:///usr/sbin/sendmail")
    assert (address.where, address.security, address.is_here) == ("/usr/sbin/sendmail", Security.NEVER, True)
    assert parse_relay_url("smtp+unix:///run/my%20mta").path == "/run/my mta"


@pytest.mark.parametrize(
    "url",
    [
        "sendmail://",
        "sendmail:///",
        "sendmail://host/x",
        "smtp+unix://a:b@/x",
        "smtp+unix:///x?starttls=never",
        "smtp+unix:///a%00b",
    ],
)
def test_other_forms_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="three slashes"):
        parse_relay_url(url)
