"""`digest init`, from nothing to an installation that has papers; and run again."""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from sqlmodel import Session, select
from typer.testing import CliRunner

from digest.cli.main import app
from digest.config import read_settings
from digest.errors import ConfigError
from digest.store.engine import open_engine
from digest.store.tables import Paper
from digest.wiring import Services
from tests.dns_server import serving

FLAGS = (
    *("--base-url", "https://digest.example.org", "--mail-from", "digest@list.example.org"),
    *("--admin", "ada@example.org", "--smtp-url", "smtp://name:hunter2pass@127.0.0.1:1", "--postal-address", "1 Road"),
    *("--categories", "cs.LG"),
)
QUIETLY = ("--no-doctor", "--no-fill")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)


def init(*flags: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["init", *flags], input=typed)


class Outside:
    """arXiv's API and Hugging Face as they answer, at the edge of the machine; `down` names a host that does not."""

    def __init__(self) -> None:
        self.down = ""
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        if request.url.host == self.down:
            return httpx.Response(503)
        if request.url.host == "huggingface.co":
            day = request.url.params["date"]
            paper = {
                "id": f"{day[2:4]}{day[5:7]}.0{day[8:]}77",
                "title": f"Lamps of {day}",
                "authors": [{"name": "Ada Example"}],
                "summary": "We count lamps.",
                "upvotes": 12,
                "publishedAt": f"{day}T00:00:00.000Z",
            }
            return httpx.Response(200, json=[{"paper": paper, "publishedAt": f"{day}T00:00:00.000Z", "numComments": 1}])
        entries = "".join(self.entry(number) for number in range(12))
        feed = (
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
            f"<opensearch:totalResults>12</opensearch:totalResults>{entries}</feed>"
        )
        return httpx.Response(200, text=feed)

    @staticmethod
    def entry(days: int) -> str:
        at = datetime.now(UTC) - timedelta(days=days, hours=1)
        return (
            f"<entry><id>http://arxiv.org/abs/{at:%y%m}.1{days:04}v1</id><title>Wicks {days}</title>"
            f"<published>{at:%Y-%m-%dT%H:%M:%SZ}</published><summary>We trim wicks.</summary>"
            '<author><name>Ada Example</name></author><category term="cs.LG"/></entry>'
        )

    @property
    def days(self) -> list[str]:
        return [url.params["date"] for url in self.asked if url.host == "huggingface.co"]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    answers = Outside()

    def client(self: Services, name: str) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answers))

    monkeypatch.setattr(Services, "http_client", client)
    return answers


def test_flags_alone_make_an_installation_whose_settings_are_read(tmp_path: Path) -> None:
    made = init("--yes", *FLAGS, *QUIETLY)
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "dkim.pem").stat().st_mode) == 0o600
    settings = read_settings()
    assert settings.strong_secrets()
    assert (settings.admins, settings.contact) == (["ada@example.org"], "ada@example.org")
    assert settings.smtp_url == "smtp://name:hunter2pass@127.0.0.1:1"
    assert Services(settings).signer is not None
    assert (tmp_path / "var" / "digest.db").is_file()
    assert "/admin/sign-in/" in made.stderr


def test_neither_secret_nor_password_is_shown() -> None:
    made = init("--yes", *FLAGS, *QUIETLY)
    assert read_settings().secret_key[0] not in made.output
    assert "hunter2pass" not in made.output


def test_the_records_to_publish_are_all_that_standard_output_has() -> None:
    made = init("--yes", *FLAGS, "--ip", "93.184.216.34", *QUIETLY)
    spf, dkim, dmarc, mx = made.stdout.splitlines()
    assert spf == 'list.example.org. IN TXT "v=spf1 ip4:93.184.216.34 -all"'
    assert dkim.startswith("fl")
    assert '._domainkey.list.example.org. IN TXT ( "v=DKIM1; k=rsa; p=' in dkim
    assert dmarc == '_dmarc.list.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:ada@example.org"'
    assert mx == "list.example.org. IN MX 10 digest.example.org."


def test_once_the_records_are_published_doctor_is_content_with_them(tmp_path: Path) -> None:
    made = init("--yes", *FLAGS, "--ip", "93.184.216.34", *QUIETLY)
    zone: dict[tuple[str, str], list[str]] = {("digest.example.org", "A"): ["93.184.216.34"]}
    for record in made.stdout.splitlines():
        name, kind, text = record.replace(" IN ", " ").split(" ", 2)
        zone.setdefault((name.rstrip("."), kind), []).append(text.strip("( )") if text.startswith("(") else text)
    with serving(zone) as port:
        again = init("--yes", "--ip", "93.184.216.34", "--dns", f"127.0.0.1:{port}", "--ntp", "", "--no-fill")
    health = {
        line[12:28].strip(): line[:12].strip()
        for line in again.stdout.splitlines()
        if line[:12].strip() in ("ok", "warning", "FAILURE", "not checked")
    }
    assert [health[name] for name in ("SPF", "DKIM", "DMARC")] == ["ok"] * 3
    assert health["relay"] == "FAILURE"  # what fails is told, and stops nothing
    assert again.exit_code == 0


def test_running_again_changes_nothing(tmp_path: Path) -> None:
    init("--yes", *FLAGS, *QUIETLY)
    before = {file.name: file.read_bytes() for file in (tmp_path / ".env", tmp_path / "dkim.pem")}
    again = init("--yes", *QUIETLY)
    assert again.exit_code == 0, again.output
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert ".env: as it was" in again.stderr


def test_a_value_in_the_file_changes_by_force_alone_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    init("--yes", *FLAGS, *QUIETLY)
    file = tmp_path / ".env"
    file.write_text("# my own words\nDIGEST_ISSUE_SIZE=300\n" + file.read_text())
    before = file.read_text()
    refused = init("--yes", "--mail-from", "news@example.org", *QUIETLY)
    assert isinstance(refused.exception, ConfigError)
    assert "+DIGEST_MAIL_FROM=news@example.org" in refused.stderr
    assert file.read_text() == before
    assert init("--yes", "--force", "--mail-from", "news@example.org", *QUIETLY).exit_code == 0
    assert file.read_text() == before.replace("digest@list.example.org", "news@example.org")


def test_a_setting_that_is_not_there_yet_is_added_without_force(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DIGEST_SITE_NAME='Lamps and wicks'\n")
    (tmp_path / ".env").chmod(0o644)
    assert init("--yes", *FLAGS, *QUIETLY).exit_code == 0
    assert (tmp_path / ".env").read_text().startswith("DIGEST_SITE_NAME='Lamps and wicks'\nDIGEST_")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_key_that_a_run_cut_short_has_made_is_used(tmp_path: Path) -> None:
    init("--yes", *FLAGS, *QUIETLY)
    key = (tmp_path / "dkim.pem").read_bytes()
    (tmp_path / ".env").unlink()
    assert init("--yes", *FLAGS, *QUIETLY).exit_code == 0
    assert (tmp_path / "dkim.pem").read_bytes() == key


@pytest.mark.parametrize("value", ["it's a \\ road #7", 'a "quoted" $HOME', "Straße 1, Köln", " = "])
def test_a_value_is_read_as_it_was_typed(value: str) -> None:
    assert init("--yes", *FLAGS, "--postal-address", value, *QUIETLY).exit_code == 0
    assert read_settings().postal_address == value


@pytest.mark.parametrize("value", ["two\nlines", "${HOME}"])
def test_a_value_that_the_file_would_not_keep_is_refused(value: str, tmp_path: Path) -> None:
    assert isinstance(init("--yes", *FLAGS, "--postal-address", value, *QUIETLY).exception, ConfigError)
    assert not (tmp_path / ".env").exists()


def test_questions_have_proposals_and_a_wrong_answer_is_asked_again() -> None:
    typed = [
        "ftp://nowhere",
        "https://digest.example.org",
        "ada@example.org",
        "",
        "smtp://a:secretword@127.0.0.1:1",
        "",
        "1 Road",
        "cs.CL",
        "",
    ]
    made = init(*QUIETLY, typed="\n".join(typed) + "\n")
    assert made.exit_code == 0, made.output
    assert "DIGEST_BASE_URL cannot be used" in made.stderr
    settings = read_settings()
    assert (settings.mail_from, settings.contact) == ("digest@digest.example.org", "ada@example.org")
    assert settings.categories == ["cs.CL"]
    shown = init(*QUIETLY, typed="\n" * 8)
    assert shown.exit_code == 0
    assert "secretword" not in shown.output


def papers(tmp_path: Path) -> set[str]:
    with Session(open_engine(f"sqlite:///{tmp_path}/var/digest.db")) as session:
        return set(session.exec(select(Paper.title)))


def test_the_first_days_are_read_and_scored(tmp_path: Path, outside: Outside) -> None:
    made = init("--yes", *FLAGS, "--no-doctor", "--days", "3")
    assert made.exit_code == 0, made.output
    today = datetime.now(UTC).date()
    assert outside.days == [(today - timedelta(days=past)).isoformat() for past in (3, 2, 1, 0)]
    assert {"Wicks 0", f"Lamps of {today - timedelta(days=3)}"} <= papers(tmp_path)
    assert re.search(r"\n\d\d papers are scored", made.stderr)


def test_a_source_that_fails_stops_nothing_and_is_asked_again(tmp_path: Path, outside: Outside) -> None:
    outside.down = "export.arxiv.org"
    made = init("--yes", *FLAGS, "--no-doctor", "--days", "3")
    assert made.exit_code == 0, made.output
    assert "1 of 2 could not be read" in made.stderr
    assert made.stderr.count("\nexport.arxiv.org answered 503 Service Unavailable; trying again in ") == 3
    assert "stamina" not in made.stderr  # nor the log's line of the same
    assert not {one for one in papers(tmp_path) if one.startswith("Wicks")}
    outside.down, outside.asked = "", []
    assert init("--yes", "--no-doctor").exit_code == 0
    assert "Wicks 0" in papers(tmp_path)
    assert len(outside.days) == 2  # what was read is not read again, but for the day that may have grown
