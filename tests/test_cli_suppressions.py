"""`digest suppressions` as an operator uses it: by hand, from a file, and to move house."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from digest.cli.main import app
from digest.core.bounce import BounceAction
from digest.core.delivery import DeliveryState
from digest.errors import AddressRefused, ConfigError
from digest.flows.ban_lines import Line, Reader, written
from digest.flows.bounce import receive
from digest.flows.csv_lines import Refused
from digest.flows.deliver import deliver_due, materialise
from digest.mail.verp import verp_address
from digest.store.engine import open_engine, writing
from digest.store.suppressions import Ban
from digest.store.tables import Suppression
from digest.tokens import Tokens, address_hash
from tests.conftest import NOW
from tests.mail.returned import dsn, failed
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_reader, at_clock, courier, deliveries

SECRET = "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY"
OLDER = "aP0oYkX2vQ9mZ7rT4wB8nL5jH3gF6dS1"


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", SECRET)
    return url


def run(*arguments: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["suppressions", *arguments], input=given)


def listed(*arguments: str) -> list[dict[str, str]]:
    return list(json.loads(run("list", "--json", *arguments).stdout))


def audited(url: str) -> list[tuple[str, str]]:
    engine = open_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text("SELECT action, detail FROM audit_entry ORDER BY id"))]
    engine.dispose()
    return rows


def test_a_ban_is_added_listed_and_lifted_and_each_is_audited(installation: str) -> None:
    assert run("add", "Ada@Reader.test", "--reason", "asked by phone").stdout == "Ada@Reader.test is banned\n"
    assert run("add", "ada@reader.test").stdout == "ada@reader.test was banned already\n"
    assert [(one["address"], one["reason"]) for one in listed("ADA@reader.test")] == [
        ("Ada@reader.test", "asked by phone")
    ]
    assert run("lift", "ada@READER.test").stdout == "the ban on ada@READER.test is lifted\n"
    assert run("lift", "ada@reader.test").stdout == "ada@reader.test was not banned\n"
    assert listed() == []
    assert [action for action, _detail in audited(installation)] == ["ban", "ban", "lift ban", "lift ban"]
    assert isinstance(run("add", "not an address").exception, AddressRefused)


def test_bad_lines_are_named_and_good_ones_count(installation: str) -> None:  # checklist 80
    run("add", "known@reader.test", "--reason", "complaint")
    given = (
        (
            "\ufeffEmail,Reason\r\n"
            "one@reader.test,bounced\r\n"
            "\r\n"
            "no address,bounced\r\n"
            '"unclosed@reader.test,bounced\r\n'
            "known@reader.test,again\r\n"
            "ONE@reader.test,twice\r\n"
            "a@b.test,x,too many\r\n"
            "two@reader.test\r\n"
        ).encode()
        + b"bro\xffken@reader.test,x\r\n"
        + b"a" * 5000
        + b"\r\n"
    )
    taken = run("import", "-", given=given)
    assert taken.exit_code == 1
    assert taken.stdout == "2 banned, 2 known already, 5 lines refused\n"
    assert [line.split(":")[0] for line in taken.stderr.splitlines()] == [
        "line 4",
        "line 5",
        "line 8",
        "line 10",
        "line 11",
    ]
    reasons = {one["address"]: one["reason"] for one in listed()}
    assert reasons == {"known@reader.test": "complaint", "one@reader.test": "bounced", "two@reader.test": "imported"}
    assert audited(installation)[-1] == ("import bans", "2 new, 2 known, 5 refused")


def test_a_dry_run_checks_and_writes_nothing(installation: str) -> None:
    checked = run("import", "--dry-run", "-", given=b"one@reader.test\nnonsense\n")
    assert checked.stdout == "1 would be banned, 0 known already, 1 lines refused\n"
    assert listed() == []
    assert audited(installation) == []


def test_what_is_exported_can_be_imported_also_where_only_the_hash_is_left(
    installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # checklist 64, 80
    monkeypatch.setenv("DIGEST_SECRET_KEY", OLDER)
    run("add", "'=1+1@reader.test", "--reason", "+formula")
    run("add", "erased@reader.test")
    engine = open_engine(installation)
    with engine.begin() as connection:
        connection.execute(text("UPDATE suppression SET address = NULL WHERE address LIKE 'erased%'"))
    assert run("export", str(tmp_path / "bans.csv")).exit_code == 0
    assert stat.S_IMODE((tmp_path / "bans.csv").stat().st_mode) == 0o600
    assert isinstance(run("export", str(tmp_path / "bans.csv")).exception, ConfigError)
    assert "'+formula" in (tmp_path / "bans.csv").read_text()
    before = listed()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM suppression"))
    engine.dispose()

    monkeypatch.setenv("DIGEST_SECRET_KEY", SECRET)
    taken = run("import", str(tmp_path / "bans.csv"))
    assert "made with a secret that is not here" in taken.stderr
    assert taken.stdout == "1 banned, 0 known already, 1 lines refused\n"
    monkeypatch.setenv("DIGEST_SECRET_KEY", f"{SECRET},{OLDER}")
    assert run("import", str(tmp_path / "bans.csv")).stdout == "1 banned, 1 known already, 0 lines refused\n"
    assert [(one["address"], one["reason"], one["since"]) for one in listed()] == [
        (one["address"], one["reason"], one["since"]) for one in before
    ]
    assert listed("erased@reader.test")[0]["hash"] == address_hash(OLDER, "erased@reader.test")


def test_an_export_of_hashes_names_nobody(tmp_path: Path) -> None:
    run("add", "ada@reader.test")
    out = run("export", "--hashes-only", "-").stdout
    assert "ada@" not in out
    assert address_hash(SECRET, "ada@reader.test") in out
    assert run("import", "-", given=out.encode()).stdout == "0 banned, 1 known already, 0 lines refused\n"


def test_a_hundred_thousand_lines_take_seconds(tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("address\n" + "".join(f"reader.{number}@example{number % 97}.org\n" for number in range(100_000)))
    began = time.monotonic()
    assert run("import", str(file)).stdout == "100000 banned, 0 known already, 0 lines refused\n"
    took = time.monotonic() - began
    print(f"100,000 lines in {took:.1f} s")
    assert took < 60


def test_an_import_settles_what_waits(installation: str) -> None:
    run("list")
    engine = open_engine(installation)
    with writing(engine) as session:
        session.add(Suppression(address_hash="0" * 64, reason="other", created_at=NOW))
    add_reader(engine, "ada@reader.test")
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    run("import", "-", given=b"ada@reader.test\n")
    assert [one.state for one in deliveries(engine)] == [DeliveryState.SUPPRESSED]
    engine.dispose()


def test_a_lifted_ban_does_not_come_back_with_the_next_soft_bounce(installation: str) -> None:
    run("list")
    engine, tokens = open_engine(installation), Tokens([SECRET])
    add_reader(engine, "ada@reader.test")
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW))
    [one] = deliveries(engine, state=DeliveryState.ACCEPTED)
    to = verp_address(tokens, "digest@firstlight.test", one.id or 0)

    def bounce(status: str, own_id: str) -> BounceAction:
        [outcome] = receive(engine, tokens, dsn(failed(status=status), to=to, own_id=own_id), now=NOW)
        return outcome.action

    assert bounce("5.1.1", "<1@x.test>") is BounceAction.SUPPRESS
    run("lift", "ada@reader.test")
    assert bounce("4.2.2", "<2@x.test>") is BounceAction.SCORE
    assert listed() == []
    engine.dispose()


@pytest.mark.parametrize("cell", ["=1+1@x.test", "'=1@x.test", "''x@x.test", "-a@x.test", '"q"@x.test', "a,b@x.test"])
def test_every_cell_is_read_back_as_it_was(cell: str) -> None:
    tokens = Tokens([SECRET])
    ban = Ban(tokens.address_hashes(cell)[0], None, cell, NOW)
    reader = Reader(tokens, reason="imported", now=NOW)
    assert reader.read(1, b"hash,keys,address,reason,since\n") is None
    read = reader.read(2, written(ban, " ".join(tokens.key_names())).encode())
    assert isinstance(read, Line)
    assert read.ban == ban


@pytest.mark.parametrize(
    "line", [b"\0@x.test", b"a@x.test,\x1b[31mred", b"a@x.test,r,yesterday", b"a@x.test,r,9999-99-99", b"@"]
)
def test_hostile_lines_are_refused(line: bytes) -> None:
    assert isinstance(Reader(Tokens([SECRET]), reason="imported", now=NOW).read(7, line), Refused)
