"""`digest doctor` from end to end, on an installation that is well and on one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.errors import ConfigError
from digest.mail.dkim import signer_from
from tests.dns_server import serving
from tests.mail.servers import ScriptedServer

IP = "93.184.216.34"


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": f"sqlite:///{tmp_path}/digest.db",
        "SECRET_KEY": "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY",
        "MAIL_FROM": "digest@list.example.org",
        "POSTAL_ADDRESS": "1 Road",
        "CONTACT": "ops@example.org",
        "ADMINS": "ops@example.org",
        "VERP": "true",
    }.items():
        monkeypatch.setenv(f"DIGEST_{name}", value)


def test_an_installation_that_is_well_passes_every_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    run(app, ["dkim-key", "--selector", "s1", "--domain", "list.example.org", "--out", "key.pem"])
    monkeypatch.setenv("DIGEST_DKIM_KEY_FILE", "key.pem")
    monkeypatch.setenv("DIGEST_DKIM_SELECTOR", "s1")
    record = signer_from(tmp_path / "key.pem", domain="list.example.org", selector="s1").record
    zone = {
        ("list.example.org", "TXT"): [f'"v=spf1 ip4:{IP} -all"'],
        ("list.example.org", "MX"): ["10 mail.example.org."],
        ("s1._domainkey.list.example.org", "TXT"): [f'"{record[:255]}" "{record[255:]}"'],
        ("_dmarc.list.example.org", "TXT"): ['"v=DMARC1; p=quarantine"'],
        ("34.216.184.93.in-addr.arpa", "PTR"): ["mail.example.org."],
        ("mail.example.org", "A"): [IP],
    }
    run(app, ["db", "upgrade"])
    with serving(zone) as port, ScriptedServer() as relay:
        monkeypatch.setenv("DIGEST_SMTP_URL", relay.url)
        shown = run(app, ["doctor", "--dns", f"127.0.0.1:{port}", "--ip", IP, "--ntp", "", "--json"])
    found = {one["check"]: one for one in json.loads(shown.stdout)}
    assert shown.exit_code == 0
    assert {name for name, one in found.items() if one["health"] != "ok"} == {"clock", "base URL"}


def test_what_must_be_mended_is_said_with_the_way_and_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SECRET_KEY", "changeme")
    monkeypatch.setenv("DIGEST_SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("DIGEST_BROKER_URL", "redis://127.0.0.1:1/0")
    with serving({}) as port:
        shown = CliRunner().invoke(app, ["doctor", "--dns", f"127.0.0.1:{port}", "--ntp", ""])
    assert shown.exit_code == 1
    failed = [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("FAILURE")]
    assert failed == ["secret", "database", "broker", "relay", "SPF", "DKIM", "DMARC", "bounce"]
    assert shown.stdout.count("-> ") >= len(failed)


@pytest.mark.parametrize("wrong", [["--ip", "mail.example.org"], ["--dns", "127.0.0.1:x"]])
def test_an_option_that_cannot_be_used_is_named(wrong: list[str]) -> None:
    refused = CliRunner().invoke(app, ["doctor", *wrong]).exception
    assert isinstance(refused, ConfigError)
    assert wrong[0] in str(refused)


def test_without_a_sender_nothing_is_looked_up_and_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGEST_MAIL_FROM")
    with serving({}) as port:
        shown = CliRunner().invoke(app, ["doctor", "--dns", f"127.0.0.1:{port}", "--ntp", "", "--json"])
    found = {one["check"]: one for one in json.loads(shown.stdout)}
    assert shown.exit_code == 1
    assert found["settings"]["health"] == "failure"
    for check in ("settings", "SPF", "DKIM", "DMARC", "PTR", "bounce address"):
        assert "set DIGEST_MAIL_FROM" in found[check]["remedy"], check
    assert "localhost.localdomain" not in shown.stdout
