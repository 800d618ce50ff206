"""How often something may be posted, counted in SQL for all web processes; and who may sign up at all."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from pydantic import ValidationError
from sqlalchemy import Engine, text
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from digest.core.sign_up import DOMAIN, LARGE_DOMAIN, Limit, SignUp, SignUpMode, domain_limit
from digest.errors import SignUpRefused
from digest.flows.invitations import invite
from digest.store.engine import writing
from digest.store.limits import use
from digest.store.tables import LimitRow, Subscriber
from digest.web.app import create_app
from digest.web.limits import Limits
from tests.conftest import NOW
from tests.post import TOKENS
from tests.web.conftest import Place, place_for, settings_for
from tests.web.test_readers import confirm_token, reader_token, rows

HOUR = timedelta(hours=1)
THREE = Limit("three", 3, HOUR)


def ask(place: Place, browser: TestClient, address: str, path: str = "/subscribe", **headers: str) -> Response:
    """Fill in the form as a person would, in a browser of one's own."""
    stamp = place.services.tokens.sign("form-stamp", {"shown_at": int(place.clock.now.timestamp() * 1000)})
    place.clock.move(seconds=3)
    return browser.post(path, data={"address": address, "stamp": stamp}, headers=headers)


def from_elsewhere(place: Place, ip: str) -> TestClient:
    """A browser at another address."""
    return TestClient(create_app(place.services), follow_redirects=False, client=(ip, 4711))


def kept(place: Place, table: type[Subscriber] | type[LimitRow]) -> int:
    """Count the rows of a table."""
    with place.services.engine.connect() as connection:
        return len(list(connection.execute(table.__table__.select())))  # type: ignore[attr-defined]  # undeclared


def test_a_limit_lets_some_at_once_and_then_one_by_one_and_says_how_long_to_wait(engine: Engine) -> None:
    def at(minutes: float, key: str = "k") -> timedelta | None:
        with writing(engine) as session:
            return use(session, [(key, THREE)], NOW + timedelta(minutes=minutes))

    assert [at(0), at(0), at(0)] == [None] * 3
    assert at(0) == timedelta(minutes=20)
    assert at(5) == timedelta(minutes=15)
    assert at(5, "other") is None
    assert at(20) is None
    assert at(21) == timedelta(minutes=19)
    assert [at(90), at(90), at(90)] == [None] * 3
    assert at(90) is not None


def test_processes_share_a_limit_and_never_use_it_twice(engine: Engine) -> None:  # checklist 48
    allowed: list[bool] = []

    def ask_often() -> None:
        for _ in range(10):
            with writing(engine) as session:
                allowed.append(use(session, [("shared", Limit("l", 20, HOUR))], NOW) is None)

    threads = [threading.Thread(target=ask_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (40, 20)


def test_what_is_not_in_use_any_more_is_deleted_as_others_come(engine: Engine) -> None:
    for number in range(300):
        with writing(engine) as session:
            use(session, [(f"k{number}", THREE)], NOW + timedelta(minutes=number))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM limit_use")).scalar_one() <= 21


def test_the_table_of_limits_holds_no_address_and_no_network(engine: Engine) -> None:
    limits = Limits(engine, TOKENS, SignUp())
    assert limits.wait_to_subscribe("203.0.113.9", "Ada.Somebody@lab.example", NOW) == 0
    with engine.connect() as connection:
        found = [row[0] for row in connection.execute(text("SELECT key FROM limit_use"))]
    assert len(found) == 4
    assert all(re.fullmatch(r"[a-z2-7]{26}", key) for key in found)


@pytest.mark.parametrize(
    ("ips", "addresses", "most"),
    [
        (["192.0.2.1"], [f"r{n}@d{n}.test" for n in range(15)], 10),  # one network
        ([f"2001:db8:1:2::{n:x}" for n in range(15)], [f"r{n}@d{n}.test" for n in range(15)], 10),  # one /64
        ([f"192.0.2.{n}" for n in range(80)], [f"r{n}@d{n}.test" for n in range(80)], 60),  # one /24
        ([f"2001:db8:1:{n:x}::1" for n in range(80)], [f"r{n}@d{n}.test" for n in range(80)], 60),  # one /48
        ([f"10.{n}.0.1" for n in range(9)], ["Ada@one.test", "ada@ONE.test"] * 5, 5),  # one address
        ([f"10.{n}.0.1" for n in range(40)], [f"r{n}@one.test" for n in range(40)], 30),  # one domain
        ([f"10.{n}.0.1" for n in range(40)], [f"r{n}@gmail.com" for n in range(40)], 40),  # one of the large ones
    ],
    ids=["network", "64", "24", "48", "address", "domain", "large"],
)
def test_too_much_from_one_place_or_for_one_domain_is_refused(
    sqlite_engine: Engine, ips: list[str], addresses: list[str], most: int
) -> None:  # checklist 48
    limits = Limits(sqlite_engine, TOKENS, SignUp())
    tried = max(len(ips), len(addresses))
    waits = [limits.wait_to_subscribe(ips[n % len(ips)], addresses[n % len(addresses)], NOW) for n in range(tried)]
    assert waits[:most] == [0] * min(most, tried)
    assert all(wait > 0 for wait in waits[most:])


def test_a_refusal_says_when_to_come_back_and_keeps_what_was_typed(place: Place) -> None:  # checklist 48
    answers = [ask(place, place.browser, f"r{number}@readers.test") for number in range(11)]
    assert [answer.status_code for answer in answers] == [303] * 10 + [429]
    wait = int(answers[-1].headers["retry-after"])
    assert 0 < wait <= 360
    assert 'value="r10@readers.test"' in answers[-1].text
    place.clock.move(seconds=wait)
    assert ask(place, place.browser, "r10@readers.test").status_code == 303


def test_known_and_unknown_addresses_use_the_limits_alike(place: Place) -> None:  # checklist 47
    ask(place, place.browser, "known@readers.test")
    place.browser.post(f"/confirm/{confirm_token(place)}")
    place.clock.move(hours=3)
    for address in ("known@readers.test", "unknown@readers.test"):
        browser = from_elsewhere(place, "192.0.2.1")
        statuses = [ask(place, browser, address).status_code for _ in range(6)]
        assert statuses == [303] * 5 + [429]
        place.clock.move(hours=3)


def test_another_web_process_counts_on(place: Place) -> None:  # checklist 48
    for number in range(10):
        ask(place, from_elsewhere(place, "192.0.2.1"), f"r{number}@readers.test")
    assert ask(place, from_elsewhere(place, "192.0.2.1"), "one@readers.test").status_code == 429
    assert ask(place, from_elsewhere(place, "198.51.100.1"), "one@readers.test").status_code == 303


@pytest.mark.parametrize(("peer", "statuses"), [("10.1.1.1", [303] * 12), ("192.0.2.66", [303] * 10 + [429] * 2)])
def test_a_forwarded_address_counts_where_a_trusted_proxy_says_it(
    place: Place, peer: str, statuses: list[int]
) -> None:  # checklist 48
    behind = ProxyHeadersMiddleware(create_app(place.services), trusted_hosts=["10.0.0.0/8"])
    browser = TestClient(behind, follow_redirects=False, client=(peer, 4711))  # type: ignore[arg-type]  # ASGI
    said = [
        ask(place, browser, f"r{n}@d{n}.test", **{"X-Forwarded-For": f"203.0.{n}.7, 10.9.9.9"}).status_code
        for n in range(12)
    ]
    assert said == statuses


def test_every_post_is_limited_but_unsubscribing_and_a_get_never_counts(place: Place) -> None:  # checklist 48, 58
    ask(place, place.browser, "ada@readers.test")
    place.browser.post(f"/confirm/{confirm_token(place)}")
    preferences, way_out = (f"/{what}/{reader_token(place, what)}" for what in ("preferences", "unsubscribe"))
    statuses = [place.browser.post(preferences, data={"hour": "7", "whole": "1"}).status_code for _ in range(121)]
    assert (statuses[0], statuses[-1]) == (200, 429)
    refused = place.browser.post("/admin/sign-in", data={"address": "x@readers.test"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    before = rows(place), kept(place, LimitRow)
    assert place.browser.get(preferences).status_code == 200
    assert (rows(place), kept(place, LimitRow)) == before
    assert [place.browser.post(way_out).status_code for _ in range(30)] == [200] * 30


def test_signing_in_is_limited_and_says_when_to_come_back(place: Place) -> None:  # checklist 48
    statuses = [place.browser.post("/admin/sign-in", data={"address": "x@y.test"}) for _ in range(11)]
    assert [answer.status_code for answer in statuses] == [303] * 10 + [429]
    assert 0 < int(statuses[-1].headers["retry-after"]) <= 360


def robot(place: Place, browser: TestClient, number: int, *, patient: bool, careful: bool) -> Response:
    """Fill in what a page offers, as a script would: every field it finds, or all but what people cannot see."""
    page = browser.get("/").text
    form = re.search(r'<form class="subscribe".*?</form>', page, re.DOTALL)
    assert form is not None
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name is not None
        fields[name[1]] = value[1] if value and value[1] else f"robot{number}@victim{number}.test"
    if careful:
        fields.pop("website")
    if patient:
        place.clock.move(seconds=5)
    action = re.search(r'action="([^"]+)"', form[0])
    assert action is not None
    return browser.post(action[1], data=fields)


@pytest.mark.parametrize(("patient", "careful"), [(False, False), (True, False), (False, True)])
def test_a_robot_that_fills_in_every_field_or_cannot_wait_gets_nothing(
    place: Place, patient: bool, careful: bool
) -> None:  # checklist 50
    for number in range(20):
        answer = robot(place, place.browser, number, patient=patient, careful=careful)
        assert answer.status_code == (422 if careful else 303)
    assert kept(place, Subscriber) == 0
    assert place.kicks == []


def test_a_robot_that_passes_for_a_person_is_slowed_to_the_limit(place: Place) -> None:  # checklist 48, 50
    statuses = [robot(place, place.browser, n, patient=True, careful=True).status_code for n in range(40)]
    assert statuses.count(303) == kept(place, Subscriber) == 10
    stamp = place.stamp()  # taken once, and used again and again from many networks
    place.clock.move(days=2)
    used = [
        from_elsewhere(place, f"10.{n}.0.1").post("/subscribe", data={"address": f"v{n}@d{n}.test", "stamp": stamp})
        for n in range(3)
    ]
    assert [answer.status_code for answer in used] == [422] * 3


@pytest.fixture
def by_domain(tmp_path: Path) -> Iterator[Place]:
    """A site for two domains."""
    made = place_for(settings_for(tmp_path, sign_up="domains", sign_up_domains="lab.test, .uni.test, bücher.test"))
    yield made
    made.services.engine.dispose()


@pytest.fixture
def by_invitation(tmp_path: Path) -> Iterator[Place]:
    """A site for those who are invited."""
    made = place_for(settings_for(tmp_path, sign_up="invitation"))
    yield made
    made.services.engine.dispose()


def test_a_site_for_its_own_domains_says_so_openly(by_domain: Place) -> None:
    for address in ("a@lab.test", "b@cs.uni.test", "c@LAB.test", "d@bücher.test"):
        assert ask(by_domain, by_domain.browser, address).status_code == 303, address
    for address in ("a@elsewhere.test", "a@uni.test", "a@cs.lab.test", "a@notlab.test"):
        refused = ask(by_domain, by_domain.browser, address)
        assert refused.status_code == 422
        assert "lab.test, anything under uni.test" in refused.text
        by_domain.clock.move(hours=1)
    assert kept(by_domain, Subscriber) == 4
    (token,) = invite(by_domain.services.engine, count=1, lasts=HOUR, uses=1, now=by_domain.clock.now)
    assert ask(by_domain, by_domain.browser, "a@elsewhere.test", f"/invitation/{token}").status_code == 303


def test_an_invitation_lets_as_many_in_as_it_has_uses(by_invitation: Place) -> None:
    place = by_invitation
    assert 'name="address"' not in place.browser.get("/").text
    assert "by invitation" in place.browser.get("/subscribe").text
    assert ask(place, place.browser, "ada@readers.test").status_code == 403
    (token,) = invite(place.services.engine, count=1, lasts=timedelta(days=14), uses=2, now=place.clock.now)
    link = f"/invitation/{token}"
    page = place.browser.get(link)
    assert f'action="{link}"' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    mistyped = ask(place, place.browser, "nonsense", link)
    assert mistyped.status_code == 422
    assert f'action="{link}"' in mistyped.text
    for name in ("ada", "bo"):
        assert ask(place, place.browser, f"{name}@readers.test", link).status_code == 303
    for answer in (ask(place, place.browser, "cy@readers.test", link), place.browser.get(link)):
        assert answer.status_code == 404
        assert "used up" in answer.text
    assert kept(place, Subscriber) == 2


def test_an_invitation_ends_and_a_made_up_one_never_was(by_invitation: Place) -> None:
    place = by_invitation
    (token,) = invite(place.services.engine, count=1, lasts=HOUR, uses=5, now=place.clock.now)
    place.clock.move(hours=2)
    for made_up in (token, "x", "a" * 3000, "%00"):
        assert place.browser.get(f"/invitation/{made_up}").status_code == 404
        assert place.browser.post(f"/invitation/{made_up}", data={"address": "a@readers.test"}).status_code == 404


def test_two_at_the_same_moment_do_not_share_the_last_use(engine: Engine) -> None:
    from digest.flows.subscribe import request

    (token,) = invite(engine, count=1, lasts=HOUR, uses=1, now=NOW)
    outcomes: list[bool] = []

    def enter(number: int) -> None:
        try:
            request(
                engine, TOKENS, f"r{number}@readers.test", now=NOW, ip="", source="", special_use=True, invitation=token
            )
            outcomes.append(True)
        except SignUpRefused:
            outcomes.append(False)

    threads = [threading.Thread(target=enter, args=[number]) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 4 + [True]


def test_settings_that_let_nobody_in_are_refused(tmp_path: Path) -> None:
    for wrong in ({"sign_up": "domains"}, {"sign_up": "friends"}, {"sign_up_domains": "a@b"}):
        with pytest.raises(ValidationError):
            settings_for(tmp_path, **wrong)
    own = SignUp(SignUpMode.DOMAINS, ("lab.test",))
    assert (domain_limit("lab.test", own), domain_limit("x.test", own)) == (LARGE_DOMAIN, DOMAIN)
