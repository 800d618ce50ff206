"""What robots, scanners and the malicious send: never a failure, never a change, never a way to another site."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from digest.flows.deliver import deliver_due
from digest.flows.morning import freeze_and_materialise
from digest.flows.score import score
from digest.mail.local_inbox import LocalInbox, read_message, stored_messages
from digest.running import server_config
from digest.wiring import Services
from tests.web.conftest import Place, place_for, settings_for
from tests.web.test_admin import csrf, sign_in
from tests.web.test_readers import confirm_token, reader_token, rows, state, subscribe

PATHS = (
    "/papers/{}", "/authors/{}", "/issues/{}", "/confirm/{}", "/unsubscribe/{}", "/preferences/{}", "/inbox/{}",
    "/inbox/{}/html", "/admin/sign-in/{}", "/static/{}", "/{}", "/?page={}", "/?category={}",
    "/issues/2026-05-20?page={}",
    "/admin/?date={}", "/admin/?reader={}", "/admin/?category={}", "/admin/preview.html?date={}",
)  # fmt: skip
FORMS = (
    "/subscribe", "/confirm/{}", "/unsubscribe/{}", "/preferences/{}", "/admin/sign-in", "/admin/sign-in/{}",
    "/admin/deliveries/{}/resend", "/admin/issues/{}/hold", "/admin/issues/1/{}",
)  # fmt: skip
FIELDS = (
    "address", "timezone", "hour", "categories", "website", "more_categories", "paper_count", "cadence", "weekday",
)  # fmt: skip
ODD = ("..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%ED%A0%80", "9" * 40, "-1", "9223372036854775808", "9999-99-99",
       "0001-01-01", "9999-12-31", "%0d%0aX-Injected: 1", "%E2%80%AE", "..%5c..", "//elsewhere.example",
       "%5celsewhere.example",
       "2605.00001v99999999999999999999", "a" * 3000, "%D9%A1", "NaN", "%3Cscript%3E", "C%C0%AE")  # fmt: skip


@pytest.fixture(scope="module")
def desk() -> Iterator[Place]:
    """A site with an issue, a reader, and a browser that is signed in at the desk."""
    with tempfile.TemporaryDirectory() as folder:
        place = place_for(settings_for(Path(folder)))
        place.add_small_issue(3)
        sign_in(place)
        subscribe(place)
        place.browser.post(f"/confirm/{confirm_token(place)}")
        yield place
        place.browser.close()
        place.services.engine.dispose()


def fine(answer: object) -> bool:
    """A page or a refusal, and no way to another site."""
    status, headers = answer.status_code, answer.headers  # type: ignore[attr-defined]  # whichever client answered
    onward = headers.get("location", "/")
    return status < 500 and "x-injected" not in headers and re.match(r"/(?![/\\])", onward) is not None


@pytest.mark.parametrize("path", PATHS)
def test_odd_addresses_get_a_page(desk: Place, path: str) -> None:
    for odd in ODD:
        for method in ("GET", "HEAD"):
            assert fine(desk.browser.request(method, path.format(odd))), (method, path, odd)


@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(path=st.sampled_from(PATHS), text=st.text(max_size=60))
def test_any_address_gets_a_page(desk: Place, path: str, text: str) -> None:
    assert fine(desk.browser.get(path.format(quote(text, safe="", errors="surrogatepass"))))


@settings(max_examples=80, deadline=None, phases=[Phase.generate])
@given(
    form=st.sampled_from(FORMS),
    name=st.sampled_from(FIELDS),
    typed=st.one_of(
        st.text(max_size=80),
        st.sampled_from(["a@b.test\r\nBcc: c@d.test", "a@[127.0.0.1]", "Europe/../../etc/passwd", "\0", "²"]),
    ),
    at=st.sampled_from(["1", "x", "%00", "9223372036854775808"]),
)
def test_any_form_gets_a_page(desk: Place, form: str, name: str, typed: str, at: str) -> None:
    given_fields = {"csrf": csrf(desk), "stamp": desk.stamp(), "address": "b@readers.test", name: typed}
    body = "&".join(f"{key}={quote(value, safe='', errors='surrogatepass')}" for key, value in given_fields.items())
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert fine(desk.browser.post(form.format(at), content=body, headers=kind))


@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(
    form=st.sampled_from(FORMS),
    body=st.binary(max_size=200),
    kind=st.sampled_from([
        "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "y" * 300, "application/json", "text/plain; charset=nonsense", "x",
    ]),
)  # fmt: skip
def test_any_body_gets_a_page(desk: Place, form: str, body: bytes, kind: str) -> None:
    for sent in (
        body,
        b"--x\r\nContent-Disposition: form-data; name=address; filename=a\r\n\r\n" + body + b"\r\n--x--",
    ):
        assert fine(desk.browser.post(form.format("1"), content=sent, headers={"content-type": kind}))


def test_a_slash_too_many_leads_to_the_page_of_this_site_whatever_host_was_claimed(place: Place) -> None:
    answer = place.browser.get("/about/ranking/", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/about/ranking")
    assert place.browser.get("http://testserver//elsewhere.example/").status_code == 404
    assert place.browser.get("/papers/").status_code == 404


def test_a_form_on_another_site_cannot_subscribe_its_visitors(place: Place) -> None:
    before = rows(place)
    form = {"address": "ada@readers.test", "stamp": place.stamp()}
    answer = place.browser.post("/subscribe", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 422
    assert rows(place) == before


def test_a_link_scanner_that_opens_every_link_of_a_digest_changes_nothing(tmp_path: Path) -> None:  # checklist 7, 54
    with LocalInbox(tmp_path / "outbox") as inbox:
        place = place_for(settings_for(tmp_path, smtp_url=inbox.url))
        for number in (1, 2, 3):
            place.add_paper(number)
        subscribe(place)
        place.browser.post(f"/confirm/{confirm_token(place)}")
        score(place.services.engine, place.clock.now)
        today = place.clock.now.date()
        freeze_and_materialise(
            place.services.engine, today, cut_off=place.clock.now, until=place.services.next_cut_off(place.clock.now),
            size=10, now=place.clock.now, immediately=True,
        )  # fmt: skip
        place.clock.move(seconds=1)
        deliver_due(place.services.engine, place.services.courier, worker="test", clock=place.clock)
        [stored] = [each for each in stored_messages(tmp_path / "outbox") if each.kind == "digest"]
        message = read_message(tmp_path / "outbox", stored.name)
        html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]  # it has both
        links = {unescape(link) for link in re.findall(r'href="([^"]+)"', html)}
        links |= set(re.findall(r"https?://\S+", text)) | set(
            re.findall(r"<(http[^>]+)>", str(message["List-Unsubscribe"]))
        )
        own = sorted(link for link in links if link.startswith("http://testserver/"))
        opened = {"unsubscribe", "preferences", "editions", "papers", "issues", "about", "r"}
        assert opened <= {link.split("/")[3] for link in own}
        if "There is no such page" in place.browser.get("/r/x/1/more").text:
            own = [link for link in own if "/r/" not in link]  # the pages behind these are not there yet
        before = rows(place)
        for link in own:
            for method in ("GET", "HEAD", "GET"):
                assert place.browser.request(method, link, follow_redirects=True).status_code == 200, link
        assert rows(place) == before
        assert state(place) == "confirmed"

        one_click = re.findall(r"<(http[^>]+)>", str(message["List-Unsubscribe"]))[0]
        assert one_click.endswith(reader_token(place, "unsubscribe"))
        assert place.browser.post(one_click, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert state(place) == "unsubscribed"
        place.services.engine.dispose()


def test_only_a_trusted_proxy_is_believed_about_the_visitor(tmp_path: Path) -> None:
    config = server_config(Services(settings_for(tmp_path, trusted_proxies="10.0.0.0/8, ::1")))
    assert config.proxy_headers
    assert config.forwarded_allow_ips == ["10.0.0.0/8", "::1"]
    with pytest.raises(ValidationError, match="does not appear to be an IPv4 or IPv6 network"):
        settings_for(tmp_path, trusted_proxies="everybody")
