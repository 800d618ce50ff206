"""`digest subscribers` and `digest invite` as an operator uses them."""

from __future__ import annotations

import json
import resource
import stat
import time
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from digest.cli.main import app
from digest.errors import ConfigError, NotFound, RefusedInput
from digest.flows.ban_list import ban
from digest.store.engine import open_engine
from digest.store.schema import upgrade
from digest.tokens import Tokens, token_hash
from tests.conftest import NOW

SECRET = "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY"
SOURCE = ("--source", "signed up at the lab's meeting")


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", SECRET)
    monkeypatch.setenv("DIGEST_ALLOW_TEST_ADDRESSES", "true")
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


def run(*arguments: str, given: str = "", group: str = "subscribers") -> Result:
    return CliRunner().invoke(app, [group, *arguments], input=given)


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found


def test_an_import_states_where_consent_came_from_and_every_line_is_judged_by_itself(installation: str) -> None:
    engine = open_engine(installation)
    ban(engine, Tokens([SECRET]), "banned@reader.test", "complaint", now=NOW)
    engine.dispose()
    given = (
        "\ufeffEmail,categories,hour,timezone,cadence,papers,confirmed_at,ip,nickname\r\n"
        "ada@reader.test,cs.LG math.OC,7,Europe/Berlin,weekly,12,2025-03-01T10:00:00+02:00,192.0.2.7,Ada\r\n"
        "\r\n"
        "BO@Reader.Test\r\n"
        "ada@reader.test,,,,,,,,\r\n"
        "not an address,,,,,,,,\r\n"
        "cy@reader.test,cs.LG,25,,,,,,\r\n"
        "di@reader.test,,,Mars/Olympus,,,,,\r\n"
        "ed@reader.test,,,,,,yesterday,,\r\n"
        "flo@reader.test,,,,,,,300.1.1.1,\r\n"
        '"gus@reader.test,,,,,,,,\r\n'
        "banned@reader.test,,,,,,,,\r\n"
        "hal@reader.test,,,,,4,,,\r\n"
        "ivy@reader.test,,,,,,,,,,,\r\n"
        "'-jo@reader.test\r\n"
    )
    done = run("import", "-", *SOURCE, given=given)
    assert done.exit_code == 1
    assert done.stdout == "3 new, 1 known already, 1 banned, 8 refused\n"
    named = {int(line.split(":")[0].removeprefix("line ")): line for line in done.stderr.splitlines() if "line" in line}
    assert sorted(named) == [6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert "hour from 0 to 23" in named[7]
    assert "banned" in named[12]
    assert "'nickname' is not known" in done.stderr
    stored = rows(
        installation,
        "SELECT address, state, hour, timezone, cadence, paper_count, categories, confirmed_at FROM subscription"
        " JOIN subscriber ON subscriber.id = subscriber_id ORDER BY subscriber.id",
    )
    assert stored[0] == (
        "ada@reader.test", "confirmed", 7, "Europe/Berlin", "weekly", 12, '["cs.LG", "math.OC"]',
        "2025-03-01 08:00:00.000000",
    )  # fmt: skip
    assert [row[:3] for row in stored[1:]] == [("BO@reader.test", "confirmed", 8), ("-jo@reader.test", "confirmed", 8)]
    consents = rows(installation, "SELECT action, source, ip FROM consent ORDER BY id")
    assert consents[0] == ("import", SOURCE[1], "192.0.2.7")
    assert len(consents) == 3
    assert rows(installation, "SELECT count(*) FROM delivery") == [(0,)]
    (audit,) = rows(installation, "SELECT detail FROM audit_entry WHERE action = 'import readers'")
    assert SOURCE[1] in str(audit[0])
    again = run("import", "-", *SOURCE, given=given)
    assert again.stdout == "0 new, 4 known already, 1 banned, 8 refused\n"


def test_without_a_source_everybody_is_asked_and_nobody_gets_a_digest_before(installation: str) -> None:
    given = "address\nada@reader.test\nbo@reader.test\n"
    refused = run("import", "-", given=given)
    assert isinstance(refused.exception, ConfigError)
    assert run("import", "-", "--confirm", given=given).stdout == "2 new, 0 known already, 0 banned, 0 refused\n"
    assert rows(installation, "SELECT DISTINCT state, confirmed_at FROM subscription") == [("pending", None)]
    assert rows(installation, "SELECT kind, state FROM delivery") == [("confirmation", "pending")] * 2
    assert rows(installation, "SELECT DISTINCT action FROM consent") == [("request",)]


def test_who_left_is_not_brought_back_by_an_import(installation: str) -> None:  # checklist 80
    run("import", "-", *SOURCE, given="address\nada@reader.test\n")
    engine = open_engine(installation)
    with engine.begin() as connection:
        connection.execute(text("UPDATE subscription SET state = 'unsubscribed'"))
    engine.dispose()
    for how in (SOURCE, ("--confirm",)):
        assert run("import", "-", *how, given="address\nADA@reader.test\n").stdout.startswith("0 new, 1 known")
    assert rows(installation, "SELECT state FROM subscription") == [("unsubscribed",)]


def test_a_dry_run_writes_nothing_and_rejects_go_to_a_file_of_their_own(installation: str, tmp_path: Path) -> None:
    before = rows(installation, "SELECT count(*) FROM audit_entry")
    given = "address,hour\nada@reader.test,7\nbo@reader.test,late\n=cmd()@x,1\n"
    done = run("import", "-", *SOURCE, "--dry-run", "--rejects", "out.csv", given=given)
    assert done.stdout == "1 would be new, 0 known already, 0 banned, 2 refused\n"
    assert rows(installation, "SELECT count(*) FROM subscriber") == [(0,)]
    assert rows(installation, "SELECT count(*) FROM audit_entry") == before
    written = (tmp_path / "out.csv").read_text().splitlines()
    assert written[0] == "line,why,text"
    assert written[1].startswith("3,")
    assert written[2].endswith('"\'=cmd()@x,1"')
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600
    assert isinstance(run("import", "-", *SOURCE, "--rejects", "out.csv", given=given).exception, ConfigError)


@pytest.mark.parametrize("head", ["name,hour\n", "address,hour,address\n", '"address\n', "a@b.test\n", "\n", "\xff\n"])
def test_a_file_without_a_clear_header_is_refused_whole(installation: str, head: str) -> None:
    done = CliRunner().invoke(
        app, ["subscribers", "import", "-", *SOURCE], input=head.encode("latin-1") + b"a@b.test\n"
    )
    assert isinstance(done.exception, RefusedInput)
    assert rows(installation, "SELECT count(*) FROM subscriber") == [(0,)]


@pytest.mark.timeout(300)
def test_a_hundred_thousand_lines_are_taken_in_well_under_a_minute_with_flat_memory(tmp_path: Path) -> None:
    lines = [f"r{n}@lab{n % 300}.org,cs.LG,{n % 24},Asia/Tokyo,daily,10,2025-03-01,192.0.2.1" for n in range(100_000)]
    head = "address,categories,hour,timezone,cadence,papers,confirmed_at,ip"
    (tmp_path / "few.csv").write_text("\n".join([head, *(f"x{line}" for line in lines[:10_000])]))
    (tmp_path / "many.csv").write_text("\n".join([head, *lines]))
    assert run("import", "few.csv", *SOURCE).stdout.startswith("10000 new")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert run("import", "many.csv", *SOURCE).stdout.startswith("100000 new")
    assert time.process_time() - began < 40
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 12 * 1024  # KB, of a file of 6 MB


def test_readers_are_listed_shown_exported_and_erased_and_that_is_audited(installation: str, tmp_path: Path) -> None:
    run("import", "-", "--confirm", given="address\nada@reader.test\nbo@reader.test\n")
    listed = run("list", "--state", "pending").stdout
    assert "bo@reader.test" in listed
    assert listed.endswith("2 pending\n")
    assert [one["address"] for one in json.loads(run("list", "--json").stdout)] == ["bo@reader.test", "ada@reader.test"]
    shown = run("show", "ADA@reader.test").stdout
    assert "ada@reader.test: pending, daily at 08:00 (UTC)" in shown
    assert "request  from import" in shown
    assert "2026-11, form: One mail a day" in shown
    assert "1 confirmation, pending" in shown
    assert json.loads(run("show", "ada@reader.test", "--json").stdout)["mail"] == {"confirmation, pending": 1}
    assert json.loads(run("export", "ada@reader.test").stdout)["address"] == "ada@reader.test"
    run("export", "ada@reader.test", "ada.json")
    assert stat.S_IMODE((tmp_path / "ada.json").stat().st_mode) == 0o600
    assert isinstance(run("export", "ada@reader.test", "ada.json").exception, ConfigError)
    assert run("erase", "ada@reader.test", given="n\n").exit_code == 1
    assert len(json.loads(run("list", "--json").stdout)) == 2
    assert "1 deliveries are nobody's now" in run("erase", "ada@reader.test", "--yes").stdout
    assert [one["address"] for one in json.loads(run("list", "--json").stdout)] == ["bo@reader.test"]
    for command in ("show", "export", "erase"):
        assert isinstance(run(command, "ada@reader.test").exception, NotFound)
    told = rows(installation, "SELECT action, target FROM audit_entry ORDER BY id")
    assert [action for action, _target in told] == ["import readers", "export reader", "export reader", "erase"]
    assert "ada" not in str(told)


def test_what_is_due_to_be_forgotten_is_told_first_and_then_done(installation: str) -> None:
    given = "address,confirmed_at,ip\nada@reader.test,2024-01-01,192.0.2.7\nbo@reader.test,2024-01-01,192.0.2.8\n"
    run("import", "-", *SOURCE, given=given)
    engine = open_engine(installation)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE subscription SET state = 'unsubscribed', unsubscribed_at = '2024-02-01' WHERE subscriber_id = 1"
            )
        )
    engine.dispose()
    told = "0 who never confirmed and 1 who left would be erased, 2 IP addresses would be shortened\n"
    assert run("retain", "--dry-run").stdout == told
    assert run("retain", "--dry-run").stdout == told
    assert run("retain").stdout == "0 who never confirmed and 1 who left erased, 1 IP addresses shortened\n"
    assert rows(installation, "SELECT ip FROM consent") == [("192.0.2.0/24",)]


def test_invitations_are_printed_once_and_stored_as_hashes(installation: str) -> None:
    links = run("--count", "3", "--uses", "2", "--days", "7", group="invite").stdout.split()
    tokens = [link.rpartition("/")[2] for link in links]
    assert len({*tokens}) == 3
    assert all(
        link.startswith("http://127.0.0.1:8000/invitation/") and len(link.rpartition("/")[2]) >= 22 for link in links
    )
    stored = rows(installation, "SELECT token_hash, most_uses, uses FROM invitation ORDER BY id")
    assert stored == [(token_hash(token), 2, 0) for token in tokens]
