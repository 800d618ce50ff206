"""Each check says what is wrong and what to do: against a DNS server, a relay, a site and a clock that answer here."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from digest.core.checkup import Finding, Health, fails
from digest.core.warm_up import read_warm_up
from digest.errors import ConfigError, SourceUnavailable
from digest.flows import doctor_here as here
from digest.flows import doctor_names as names
from digest.flows.doctor import examine
from digest.flows.doctor_names import SenderView
from digest.mail.spf import look_through
from digest.sources.dns import Dns
from digest.sources.ntp import clock_offset
from digest.store.engine import open_engine
from digest.store.schema import upgrade
from tests.conftest import NOW
from tests.dns_server import BROKEN, Zone, serving
from tests.mail.servers import ScriptedServer, certificate

IP = "93.184.216.34"
KEY = "v=DKIM1; k=rsa; p=" + "QUJD" * 90
SENDER = SenderView(
    mail_from="digest@list.example.org",
    relay_host="relay.example.org",
    leaves_from=(IP,),
    selector="2026a",
    dkim_record=KEY,
    contact="ops@example.org",
)
GOOD: Zone = {
    ("list.example.org", "TXT"): ['"something else"', f'"v=spf1 ip4:{IP} include:_spf.example.net -all"'],
    ("_spf.example.net", "TXT"): ['"v=spf1 ip4:198.51.100.0/24 ~all"'],
    ("list.example.org", "MX"): ["20 second.example.org.", "10 mail.example.org."],
    ("2026a._domainkey.list.example.org", "TXT"): [f'"{KEY[:200]}" "{KEY[200:]}"'],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject; sp=quarantine"'],
    ("34.216.184.93.in-addr.arpa", "PTR"): ["mail.example.org."],
    ("mail.example.org", "A"): [IP],
}
DNS_CHECKS: dict[str, Callable[[Dns, SenderView], Finding]] = {
    "spf": names.check_spf,
    "dkim": names.check_dkim,
    "dmarc": names.check_dmarc,
    "ptr": names.check_ptr,
    "bounces": lambda asked, sender: names.check_bounces(asked, sender, read=True),
}


def look(check: str, zone: Zone, sender: SenderView = SENDER) -> Finding:
    with serving(zone) as port:
        return DNS_CHECKS[check](Dns("127.0.0.1", port), sender)


def changed(**records: list[str] | None) -> Zone:
    """The good zone with records changed; `list_txt` is short for the sender's TXT records."""
    short = {
        "spf": ("list.example.org", "TXT"),
        "mx": ("list.example.org", "MX"),
        "dkim": ("2026a._domainkey.list.example.org", "TXT"),
        "dmarc": ("_dmarc.example.org", "TXT"),
        "ptr": ("34.216.184.93.in-addr.arpa", "PTR"),
        "a": ("mail.example.org", "A"),
    }
    zone = dict(GOOD)
    for name, values in records.items():
        zone.pop(short[name])
        if values is not None:
            zone[short[name]] = values
    return zone


@pytest.mark.parametrize("check", DNS_CHECKS)
def test_what_is_published_as_it_should_be_is_well(check: str) -> None:  # checklist 33
    found = look(check, GOOD)
    assert (found.health, found.remedy) == (Health.OK, ""), found


@pytest.mark.parametrize(
    ("check", "zone", "words", "remedy"),
    [
        ("spf", changed(spf=None), "no SPF record", f'list.example.org. IN TXT "v=spf1 ip4:{IP} -all"'),
        ("spf", changed(spf=['"v=spf1 -all"', '"v=spf1 ~all"']), "2 SPF records", "mend"),
        ("spf", changed(spf=['"v=spf1 ip4:198.51.100.1 -all"']), "does not let send", f"ip4:{IP}"),
        ("spf", changed(spf=[f'"v=spf1 ip4:{IP} +all"']), "lets everybody send", "-all"),
        ("spf", changed(spf=['"v=spf1 ip4:1.2.3 -all"']), "no network", "mend"),
        ("spf", changed(spf=['"v=spf1 include:nowhere.example -all"']), "0 SPF records", "mend"),
        ("spf", changed(spf=['"v=spf1 include:list.example.org -all"']), "look-ups", "mend"),
        ("dkim", changed(dkim=None), "no keys", f'2026a._domainkey.list.example.org. IN TXT ( "{KEY[:255]}" "'),
        ("dkim", changed(dkim=['"v=DKIM1; k=rsa; p=AAAA"']), "not the one", "publish"),
        ("dkim", changed(dkim=['"v=DKIM1; p="']), "withdrawn", "publish"),
        ("dkim", changed(dkim=['"v=DKIM1; p=AAAA"', '"v=DKIM1; p=BBBB"']), "2 keys", "publish"),
        (
            "dmarc",
            changed(dmarc=None),
            "no DMARC",
            '_dmarc.list.example.org. IN TXT "v=DMARC1; p=none;',
        ),
        ("dmarc", changed(dmarc=['"v=DMARC1; p=never"']), "cannot be used", "publish"),
        ("ptr", changed(ptr=None), "has no name", "34.216.184.93.in-addr.arpa. IN PTR mail.list.example.org."),
        ("ptr", changed(a=["198.51.100.9"]), "another address", f"mail.example.org. IN A {IP}"),
        ("bounces", changed(mx=["0 ."]), "null MX", "IN MX 10"),
        ("bounces", changed(mx=None), "finds no host", "list.example.org. IN MX 10 mail.list.example.org."),
    ],
)
def test_what_is_wrong_is_said_with_the_record_to_publish(
    check: str, zone: Zone, words: str, remedy: str
) -> None:  # checklist 32, 33
    found = look(check, zone)
    assert found.health is Health.FAILURE
    assert words in found.words
    assert remedy in found.remedy


def test_no_answer_is_no_verdict() -> None:  # checklist 33
    silent = {(name, "*"): [BROKEN] for name, _kind in GOOD} | {("_dmarc.list.example.org", "*"): [BROKEN]}
    for check in DNS_CHECKS.values():
        with serving(silent) as port, pytest.raises(SourceUnavailable):
            check(Dns("127.0.0.1", port), SENDER)


def test_mail_that_is_not_signed_and_bounces_that_nobody_reads_are_told() -> None:
    unsigned = SenderView(
        mail_from=SENDER.mail_from, relay_host="", leaves_from=(), selector="", dkim_record="", contact=""
    )
    assert "digest dkim-key" in look("dkim", GOOD, unsigned).remedy
    assert look("ptr", GOOD, unsigned).health is Health.UNKNOWN
    assert "--ip" in look("spf", GOOD, unsigned).remedy
    assert "postmaster@list.example.org" in look("dmarc", changed(dmarc=None), unsigned).remedy
    with serving(GOOD) as port:
        found = names.check_bounces(Dns("127.0.0.1", port), SENDER, read=False)
    assert found.health is Health.WARNING


def spf(zone: Zone, address: str = IP) -> tuple[int, str, list[str]]:
    with serving(zone) as port:
        view, result = look_through(Dns("127.0.0.1", port), "x.test", ipaddress.ip_address(address))
    return view.lookups, result, view.faults


@pytest.mark.parametrize(
    ("record", "address", "expected"),
    [
        ("v=spf1 a -all", IP, (1, "pass")),
        ("v=spf1 a/24 -all", "93.184.216.99", (1, "pass")),
        ("v=spf1 mx -all", "198.51.100.7", (1, "pass")),
        ("v=spf1 ip6:2001:db8::/32 ~all", "2001:db8::1", (0, "pass")),
        ("v=spf1 ip6:2001:db8::/32 ~all", "2001:db9::1", (0, "softfail")),
        ("v=spf1 a:other.test//64 -all", "2001:db8::99", (1, "pass")),
        ("v=spf1 redirect=other.test", IP, (1, "fail")),
        ("v=spf1 -ip4:93.184.216.34 +all", IP, (0, "fail")),
        ("v=spf1 ?all", IP, (0, "neutral")),
        ("v=spf1 exists:%{i}.x.test include:%{d}.y.test -all", IP, (2, "fail")),
        ("v=spf1 A MX -ALL", "203.0.113.1", (2, "fail")),
    ],
)
def test_spf_is_judged_as_a_receiver_would(record: str, address: str, expected: tuple[int, str]) -> None:
    zone = {
        ("x.test", "TXT"): [f'"{record}"'],
        ("x.test", "A"): [IP],
        ("x.test", "MX"): ["10 mx.test."],
        ("mx.test", "A"): ["198.51.100.7"],
        ("other.test", "TXT"): ['"v=spf1 -all"'],
        ("other.test", "AAAA"): ["2001:db8::1"],
    }
    assert spf(zone, address)[:2] == expected


def test_more_than_ten_look_ups_are_a_fault_however_deep() -> None:  # checklist 32
    def zone(includes: int) -> Zone:
        inner = {(f"i{number}.test", "TXT"): ['"v=spf1 ip4:192.0.2.1 ?all"'] for number in range(includes)}
        first = " ".join(f"include:i{number}.test" for number in range(includes - 5))
        rest = " ".join(f"include:i{number}.test" for number in range(includes - 5, includes))
        outer = {("x.test", "TXT"): [f'"v=spf1 {first} include:deep.test -all"']}
        return inner | outer | {("deep.test", "TXT"): [f'"v=spf1 {rest} ?all"']}

    assert spf(zone(9))[:2] == (10, "fail")
    lookups, result, [fault] = spf(zone(10))
    assert (lookups, result) == (11, "permerror")
    assert "11 look-ups where 10 are allowed" in fault


def test_three_look_ups_that_find_nothing_are_a_fault() -> None:  # checklist 32
    record = {("x.test", "TXT"): ['"v=spf1 a:one.test a:two.test a:three.test -all"']}
    assert spf(record)[1] == "permerror"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"up"}' if self.server.up else b"<h1>Parked</h1>")  # type: ignore[attr-defined]

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def site(context: ssl.SSLContext, *, up: bool = True) -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Site) as server:
        server.up = up  # type: ignore[attr-defined]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_the_site_is_asked_over_https_and_its_certificate_told(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:  # checklist 33
    monkeypatch.setattr(here, "_LOOPBACK", frozenset())
    trusting = ssl.create_default_context(cafile=str(tls[1]))
    now = datetime.now(UTC)
    with httpx.Client(verify=trusting) as client, httpx.Client() as wary, site(tls[0]) as url:
        found = here.check_site(url, client, now=now)
        assert found.health is Health.WARNING  # the certificate of the tests lasts a day
        assert "for 0 days more" in found.words
        assert here.check_site(url, client, now=now - timedelta(days=30)).health is Health.OK
        assert "certificate" in here.check_site(url, wary, now=now).words.lower()
    with httpx.Client(verify=trusting) as client, site(tls[0], up=False) as url:
        assert "is not this site" in here.check_site(url, client, now=now).words
    with httpx.Client() as client:
        assert here.check_site("http://digest.example.org", client, now=now).health is Health.FAILURE
        assert "cannot be reached" in here.check_site("https://127.0.0.1:1", client, now=now).words


def test_a_site_for_this_machine_only_is_a_warning() -> None:
    with httpx.Client() as client:
        assert here.check_site("http://127.0.0.1:8000", client, now=NOW).health is Health.WARNING


def test_the_relay_is_greeted_and_nobody_signs_in() -> None:
    with ScriptedServer() as server:
        found = here.check_relay(server.url, helo="here.test", now=NOW)
    assert found.health is Health.OK
    assert "on this machine" in found.words
    found = here.check_relay("smtp://127.0.0.1:1", helo="here.test", now=NOW)
    assert (found.health, bool(found.remedy)) == (Health.FAILURE, True)
    assert here.check_relay("gopher://x", helo="here.test", now=NOW).health is Health.FAILURE


@contextmanager
def time_server(ahead: float, *, mode: int = 4, echo: bool = True) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            question, asker = server.recvfrom(100)
            seconds = (NOW - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds() + ahead
            told = struct.pack("!II", int(seconds), int(seconds % 1 * 2**32))
            origin = question[40:48] if echo else b"\0" * 8
            server.sendto(bytes([0x20 | mode, 2]) + b"\0" * 22 + origin + told + told, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("ahead", "health"),
    [(0.0, Health.OK), (-3.0, Health.OK), (8.5, Health.WARNING), (-90.0, Health.FAILURE), (400.0, Health.FAILURE)],
)
def test_a_clock_that_is_wrong_is_told(sqlite_engine: Engine, ahead: float, health: Health) -> None:
    with time_server(ahead) as port:
        found = here.check_clock(lambda: clock_offset("127.0.0.1", lambda: NOW, port=port), sqlite_engine, lambda: NOW)
    assert found.health is health
    assert f"{abs(ahead):.1f} s" in found.words


@pytest.mark.parametrize("wrong", [{"mode": 3}, {"echo": False}])
def test_an_answer_to_another_question_is_not_believed(wrong: dict[str, int]) -> None:
    with time_server(0, **wrong) as port, pytest.raises(SourceUnavailable):
        clock_offset("127.0.0.1", lambda: NOW, port=port)


def test_without_a_time_server_the_databases_clock_serves_if_it_is_elsewhere(engine: Engine) -> None:
    found = here.check_clock(None, engine, lambda: datetime.now(UTC))
    assert found.health is (Health.OK if engine.dialect.name == "postgresql" else Health.UNKNOWN)


def test_the_database_is_tried_and_left_as_it_was(database_url: str) -> None:
    engine = open_engine(database_url)
    assert here.check_database(engine, lambda: NOW).remedy == "digest db upgrade"
    upgrade(engine)
    assert here.check_database(engine, lambda: NOW).health is Health.OK
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one() == 0
    engine.dispose()


def test_a_database_that_others_on_the_machine_may_read_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "digest.db"
    engine = open_engine(f"sqlite:///{file}")
    upgrade(engine)
    assert here.check_database(engine, lambda: NOW).health is Health.OK
    file.chmod(0o644)
    found = here.check_database(engine, lambda: NOW)
    assert (found.health, found.remedy) == (Health.WARNING, f"chmod o= {file}*")
    engine.dispose()


def test_a_database_that_cannot_be_reached_is_told_without_its_password() -> None:
    engine = open_engine("postgresql://digest:hunter22@127.0.0.1:1/digest")
    found = here.check_database(engine, lambda: NOW)
    assert found.health is Health.FAILURE
    assert "hunter22" not in found.words


def test_broker_and_secret() -> None:
    def refuse(_url: str) -> None:
        raise OSError("connection refused")

    def weak() -> list[str]:
        raise ConfigError("DIGEST_SECRET_KEY is weak")

    assert here.check_broker("memory://", refuse).health is Health.OK
    assert here.check_broker("redis://x", refuse).health is Health.FAILURE
    assert here.check_broker("redis://x", lambda _url: None).health is Health.OK
    assert here.check_secret(weak).health is Health.FAILURE
    assert here.check_secret(lambda: ["a", "b"]).words == "strong, with 1 older ones"


@pytest.mark.parametrize(
    ("setting", "health", "said"),
    [
        ("", Health.OK, "none is set"),
        ("500 from 2026-05-19 double every 2 days", Health.OK, "today's mails are capped at 500"),
        ("500 from 2026-05-16 double every 2 days", Health.OK, "today's mails are capped at 2,000"),
        ("500 from 2026-06-03 double every 2 days", Health.OK, "capped at 500"),
        (
            "500 from 2026-06-04 double every 2 days",
            Health.WARNING,
            "in 15 days; until then every day is capped at 500",
        ),
        ("500 from 9999-12-31 double every 2 days", Health.WARNING, "it begins on 9999-12-31"),
        ("500 from 2026-04-09 double every 2 days", Health.OK, "capped at 524,288,000"),
        ("500 from 2026-04-08 double every 2 days", Health.WARNING, "began on 2026-04-08 and caps nothing any more"),
        ("500 from 0001-01-01 double every 2 days", Health.WARNING, "caps nothing any more"),
    ],
    ids=["none", "begun", "grown", "soon", "far", "never", "last-day", "over", "long-over"],
)
def test_a_warm_up_of_other_weeks_is_told(setting: str, health: Health, said: str) -> None:
    found = here.check_warm_up(read_warm_up(setting), now=NOW)
    assert (found.health, found.health is Health.WARNING) == (health, bool(found.remedy))
    assert said in found.words


def test_no_check_can_stop_another() -> None:
    def away() -> Finding:
        raise SourceUnavailable("no DNS server answers")

    def broken() -> Finding:
        raise KeyError("a fault of ours")

    found = list(examine([("a", away), ("b", broken), ("c", lambda: Finding("c", Health.OK, "well"))]))
    assert [one.health for one in found] == [Health.UNKNOWN, Health.UNKNOWN, Health.OK]
    assert not fails(found)
