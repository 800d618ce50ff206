"""`digest inbound` and `digest dkim-key` as a mail server and an operator use them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import Result
from typer.testing import CliRunner

from digest.cli.main import app
from digest.config import Settings
from digest.errors import ConfigError, RefusedInput
from digest.wiring import Services
from tests.mail.imap_server import PASSWORD, USER, Post, serving
from tests.mail.returned import arf, dsn, failed, plain
from tests.mail.servers import certificate


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/digest.db")
    monkeypatch.setenv("DIGEST_SECRET_KEY", "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY")


def run(*arguments: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_a_dry_run_prints_a_list_and_needs_no_database(tmp_path: Path) -> None:  # checklist 71
    shown = run("inbound", "--dry-run", "--json", given=dsn(failed() + "\n\n" + failed("rfc822; b@x.test", "4.2.2")))
    assert shown.exit_code == 0
    assert json.loads(shown.stdout) == [
        {"kind": "hard", "recipient": "ada@reader.test", "status": "5.1.1", "reason": "550 5.1.1 no"},
        {"kind": "soft", "recipient": "b@x.test", "status": "4.2.2", "reason": "550 4.2.2 no"},
    ]
    assert not (tmp_path / "digest.db").exists()


def test_every_kind_is_printed_by_its_name() -> None:
    away = plain("Out of office", "Away", sender="ada@reader.test")
    leave = plain("unsubscribe", "", sender="ada@reader.test")
    for message, kind in (
        (arf(), "complaint"),
        (away, "auto-reply"),
        (leave, "unsubscribe"),
        (b"hello", "not-a-bounce"),
    ):
        [one] = json.loads(run("inbound", "--dry-run", "--json", given=message).stdout)
        assert one["kind"] == kind


def test_taking_in_a_report_prints_one_line_for_each_recipient() -> None:  # checklist 72
    first, again = (run("inbound", given=dsn(failed())) for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == "hard 5.1.1 ada@reader.test: none (matches no delivery)\n"
    assert again.stdout == "hard 5.1.1 ada@reader.test: seen before (matches no delivery)\n"


def test_nothing_on_standard_input_is_a_clear_error() -> None:
    assert isinstance(run("inbound", "--dry-run").exception, RefusedInput)


def test_a_key_is_made_and_its_record_printed(tmp_path: Path) -> None:  # checklist 29
    asked = ("dkim-key", "--selector", "s1", "--domain", "firstlight.test", "--out", str(tmp_path / "key.pem"))
    shown = run(*asked, "--ed25519")
    assert shown.exit_code == 0
    assert shown.stdout.startswith('s1._domainkey.firstlight.test. IN TXT "v=DKIM1; k=ed25519; p=')
    assert isinstance(run(*asked).exception, ConfigError)


def test_a_key_that_is_set_signs_what_is_sent(tmp_path: Path) -> None:  # checklist 31
    key = tmp_path / "key.pem"
    run("dkim-key", "--selector", "s1", "--domain", "firstlight.test", "--out", str(key))
    wired = Services(Settings(dkim_key_file=key, dkim_selector="s1", mail_from="digest@firstlight.test"))
    assert wired.courier.sign is not None
    assert b"d=firstlight.test;" in wired.courier.sign(b"From: digest@firstlight.test\r\n\r\nbody\r\n")
    assert Services(Settings()).courier.sign is None
    with pytest.raises(ConfigError, match="go together"):
        _ = Services(Settings(dkim_selector="s1")).courier


def test_a_mailbox_is_read_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run("inbound", "--imap").exception, ConfigError)
    assert isinstance(run("inbound", "--imap", "--dry-run").exception, ConfigError)
    context, trusted = certificate(tmp_path)
    post = Post()
    post.add(dsn(failed()), b"\r\n")
    with serving(post, context) as port:
        address = f"127.0.0.1:{port}/INBOX?ca={trusted}"
        monkeypatch.setenv("DIGEST_IMAP_URL", f"imaps://{USER}:{quote(PASSWORD, safe='')}@{address}")
        read = run("inbound", "--imap")
    assert read.stdout.endswith("1 messages, 1 hard, 1 set aside\n")
    assert "message 2 is set aside: the message is empty" in read.output
