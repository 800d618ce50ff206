"""Every form and page, taken from the application itself, under whatever can be typed: an answer, never a failure."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any
from urllib.parse import quote, quote_from_bytes

import pytest
import structlog
from fastapi import Form
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import Mount

from digest.web.guard import RateLimit
from digest.web.limits import Limits
from tests.post import add_reader
from tests.web.conftest import ADMIN, Place, place_for, settings_for
from tests.web.test_admin import csrf, sign_in
from tests.web.test_readers import subscribe

SHARDS = 8
HOOK = ["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-hook"]
TOPIC = "arn:aws:sns:eu-west-1:123456789012:digest"
_MOST = settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)

# What people, robots and attackers type, as bytes: percent-encoding carries any of them.
ODD = [
    b"", b" ", b"\0", b"a\0b", b"\xed\xa0\x80", b"\xff\xfe", b"\xe2\x80\xae", "٣".encode(), "²".encode(), b"-1", b"0",
    b"1", b"9" * 40, b"9223372036854775807", b"1e309", b"NaN", b"True", b"yes", b"[]", b"{}", b"null",
    b"\r\nX-Injected: 1",
    b"a@b.test\r\nBcc: c@d.test", b"a@[127.0.0.1]", b"ada@readers.test", ADMIN.encode(), b"2026-05-20", b"0001-01-01",
    b"9999-12-31", b"2026-02-30", b"2026-W01-1", b"Europe/../../etc/passwd", b"Europe/Berlin", b"cs.LG", b"2605.00001",
    b"%s%n%(x)s", b"%", b"\\", b"'; DROP TABLE subscriber; --", b"<script>", b"{{ 7 * 7 }}", b"x" * 5_000,
    b"\n" * 3_000,
    "\u202e\u2066\ufeff".encode(), "ﷺ".encode() * 50,
]  # fmt: skip
DOORS = ("csrf", "stamp", "token")
values = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=30),
)


def routes(place: Place) -> Iterator[tuple[str, APIRoute]]:
    """Every route of the application with its whole path, those of included routers and mounts among them."""
    waiting: list[tuple[str, object]] = [("", one) for one in place.browser.app.routes]  # type: ignore[attr-defined]  # an application
    while waiting:
        prefix, route = waiting.pop()
        included = getattr(route, "original_router", None)
        if included is not None:
            waiting += [(prefix, one) for one in included.routes]
        elif isinstance(route, Mount):
            waiting += [(prefix + route.path, one) for one in route.routes or ()]
        elif isinstance(route, APIRoute):
            yield prefix + route.path, route


def names(dependant: Any, kind: str) -> set[str]:
    """The names of the fields that a route reads, by itself or by what it depends on."""
    found = {field.alias for field in getattr(dependant, kind)}
    return found.union(*(names(one, kind) for one in dependant.dependencies))


@contextmanager
def nothing_logged() -> Iterator[None]:
    """Fail where a traceback is written to the log meanwhile."""
    with structlog.testing.capture_logs() as logged:
        yield
    grave = [entry for entry in logged if entry.get("exc_info") or entry["log_level"] in ("error", "critical")]
    assert grave == []


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A site with everything switched on, an issue, and an owner at the desk; nobody's hour is ever used up."""
    monkeypatch.setattr(RateLimit, "allows", lambda *_: True)
    monkeypatch.setattr(Limits, "wait", lambda *_: 0)
    with tempfile.TemporaryDirectory() as folder:
        place = place_for(settings_for(Path(folder), hook_secret=HOOK, sns_topics=[TOPIC]))
        place.add_small_issue(3)
        sign_in(place)
        yield place
        place.browser.close()
        place.services.engine.dispose()


# What the links of a page are signed for, by how its path begins; a page that is not named here is tried with each.
SIGNED = {
    "/confirm": "confirm", "/unsubscribe": "unsubscribe", "/preferences": "preferences", "/rights": "preferences",
    "/taste": "preferences", "/saved": "preferences", "/r/": "react", "/new-address": "new-address",
    "/old-address": "object", "/admin/sign-in": "sign-in", "/editions": "edition",
}  # fmt: skip


def known(place: Place, pattern: str) -> dict[str, list[bytes]]:
    """Values that lead somewhere, for the names in paths and fields: most examples should get past the door."""
    reader = add_reader(place.services.engine, f"r{token_hex(4)}@readers.test")
    sign = place.services.tokens.sign
    fitting = [purpose for begin, purpose in SIGNED.items() if pattern.startswith(begin)]
    purposes = fitting or sorted(set(SIGNED.values()))
    signed = [sign(purpose, {"s": reader, "d": 1}, at=place.clock.now) for purpose in purposes]
    own = [sign(purpose, {"s": reader}) for purpose in purposes]
    return {
        "csrf": [csrf(place).encode()] * 8,
        "stamp": [place.stamp().encode()] * 8,
        "token": [token.encode() for token in signed + own],
        "sure": [b"yes"] * 4,
        "reader_id": [str(reader).encode()] * 4,
        "delivery_id": [b"1"],
        "issue_id": [b"1"] * 3,
        "paper_id": [b"1"] * 3,
        "paper": [b"2605.00001", b"1"] * 2,
        "place": [b"1", b"100"] * 2,
        "edit": [b"1"],
        "day": [b"2026-05-20", b"2026-05-21"] * 3,
        "verb": [b"hold", b"let-go", b"more", b"less", b"save", b"mute"],
        "part": [b"words", b"reset"] * 3,
        "source": [b"hf", b"arxiv-api", b"arxiv-oai", b"github"] * 3,
        "scope": [b"daily", b"cs.LG", b"signals"] * 3,
        "from": [b"2026-05-01", b"2026-04-01"] * 3,
        "table": [b"subscriber", b"delivery", b"search_word", b"paper"] * 3,
        "pk:path": [b"1"],
    }


def draw_value(data: st.DataObject, name: str, held: dict[str, list[bytes]]) -> bytes:
    """Draw what stands for a name: often something that leads somewhere, and nearly always what opens the door."""
    sense = name in held and data.draw(st.integers(0, 19)) < (19 if name in DOORS else 12)
    return data.draw(st.sampled_from(held[name]) if sense else values, label=name)


def address(data: st.DataObject, pattern: str, held: dict[str, list[bytes]]) -> str:
    """Fill in the names in a path."""
    return re.sub(
        r"{([^}]+)}", lambda found: quote_from_bytes(draw_value(data, found[1], held)[:900], safe="") or "-", pattern
    )


def body(data: st.DataObject, fields: list[str], held: dict[str, list[bytes]]) -> tuple[bytes, str]:
    """Write the fields as a form, some of them missing, repeated or unasked for; or as something that is no form."""
    sent = [
        (name, draw_value(data, name, held))
        for name in fields
        for _ in range(1 if name in DOORS else data.draw(st.sampled_from((1, 1, 1, 0, 2))))
    ]
    sent += [(data.draw(st.text(max_size=10)), b"1")] if data.draw(st.booleans()) else []
    match data.draw(st.sampled_from(("form",) * 6 + ("parts",) * 2 + ("json", "raw"))):
        case "form":
            plain = "&".join(f"{quote(name, errors='surrogatepass')}={quote_from_bytes(value)}" for name, value in sent)
            return plain.encode(), "application/x-www-form-urlencoded"
        case "parts":
            pieces = []
            for name, value in sent:
                file = "; filename=x" if data.draw(st.booleans()) else ""
                head = f'Content-Disposition: form-data; name="{quote(name, errors="surrogatepass")}"{file}\r\n\r\n'
                pieces.append(b"--edge\r\n" + head.encode() + value + b"\r\n")
            return b"".join(pieces) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
        case "json":
            return b'{"address": ["a"], "csrf": {}}', "application/json"
        case _:
            return data.draw(st.binary(max_size=300)), data.draw(
                st.sampled_from(
                    ("application/x-www-form-urlencoded", "multipart/form-data", "x", "text/plain; charset=y")
                )
            )


def fine(answer: Any) -> bool:
    """A page, a refusal or a way to a page of ours."""
    onward = answer.headers.get("location", "/")
    return (
        answer.status_code < 500 and "x-injected" not in answer.headers and re.match(r"/(?![/\\])", onward) is not None
    )


def send_anything(place: Place, pattern: str, fields: list[str], held: dict[str, list[bytes]]) -> None:
    """Send whatever can be typed to a form."""

    @_MOST
    @given(data=st.data())
    def answers(data: st.DataObject) -> None:
        sent, kind = body(data, fields, held)
        with nothing_logged():
            answer = place.browser.post(address(data, pattern, held), content=sent, headers={"content-type": kind})
        assert fine(answer), (pattern, answer.status_code, answer.text[:300])

    answers()


def ask_anything(place: Place, pattern: str, fields: list[str], held: dict[str, list[bytes]]) -> None:
    """Ask a page for whatever can be typed into its address."""

    @_MOST
    @given(data=st.data())
    def answers(data: st.DataObject) -> None:
        chosen = [(name, draw_value(data, name, held)) for name in fields if data.draw(st.booleans())]
        query = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in chosen)
        with nothing_logged():
            answer = place.browser.get(f"{address(data, pattern, held)}?{query}")
        assert fine(answer), (pattern, answer.status_code, answer.text[:300])

    answers()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_is_sent_to_any_form_it_gets_an_answer(site: Place, shard: int) -> None:
    forms = sorted((one for one in routes(site) if set(one[1].methods) - {"GET", "HEAD"}), key=itemgetter(0))
    assert len(forms) >= 37
    subscribe(site)
    for pattern, route in forms[shard::SHARDS]:
        send_anything(site, pattern, sorted(names(route.dependant, "body_params")), known(site, pattern))
        if pattern == "/admin/sign-out":
            site.browser.cookies.clear()
            sign_in(site)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_is_asked_of_any_page_it_gets_an_answer(site: Place, shard: int) -> None:
    pages = sorted((one for one in routes(site) if "GET" in one[1].methods), key=itemgetter(0))
    assert len(pages) >= 60
    for pattern, route in pages[shard::SHARDS]:
        ask_anything(site, pattern, sorted(names(route.dependant, "query_params")), known(site, pattern))


def test_a_form_that_fails_would_be_found(site: Place) -> None:
    app: Any = site.browser.app

    @app.post("/fails-with-a-nul")
    def fails(word: Annotated[str, Form()] = "") -> str:
        return "\0".join(word).split("\0")[99] if "\0" in word else ""

    with pytest.raises(AssertionError):
        send_anything(site, "/fails-with-a-nul", ["word"], {"word": [b"a\0b"]})
