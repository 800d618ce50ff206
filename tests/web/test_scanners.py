"""A link scanner opens every address there is, as mail providers do: no row of the database changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi.routing import APIRoute
from sqlmodel import select
from starlette.routing import Mount, Route

from digest.store.engine import reading
from digest.store.tables import Delivery
from tests.conftest import NOW
from tests.web.conftest import Place
from tests.web.test_admin import sign_in
from tests.web.test_feedback import press, read_paper, reader
from tests.web.test_readers import rows, subscribe


def addresses(place: Place, paper: int) -> dict[str, list[str]]:
    """What stands for each name in a route: links that work, so that the pages behind them are reached."""
    sign = place.services.tokens.sign
    with reading(place.services.engine) as session:
        asked = session.exec(select(Delivery).where(Delivery.kind == "confirmation")).all()[-1]
    waiting = sign("confirm", {"s": asked.subscriber_id or 0, "d": asked.id or 0}, at=place.clock.now)
    purposes = ("unsubscribe", "preferences", "react")
    return {
        "token": [waiting, *(sign(purpose, {"s": 1}) for purpose in purposes)],
        "paper_id": [str(paper)],
        "verb": ["more", "less", "save", "mute"],
        "part": ["words", "reset"],
        "issued_on": [str(NOW.date())],
        "slug": ["ada-probe"],
        "name": ["2605.00001"],
        "slug:path": ["2605.00001"],
        "name:path": ["2605.00001"],
        "arxiv_id:path": ["2605.00001"],
        "letter_id": ["1"],
        "link:path": ["unsubscribe"],
        "delivery_id": ["1"],
        "issue_id": ["1"],
        "reader_id": ["1", "99"],
        "table": ["subscriber", "delivery", "none"],
        "pk:path": ["1", "x", "%00"],
        "source": ["hf", "seeds"],
        "scope": ["daily", "%00"],
    }


def gets(place: Place) -> Iterator[str]:
    """The pattern of every address of the application that answers GET, those of the API among them."""
    waiting: list[tuple[str, object]] = [("", route) for route in place.browser.app.routes]  # type: ignore[attr-defined]  # an application
    while waiting:
        prefix, route = waiting.pop()
        included = getattr(route, "original_router", None)  # FastAPI keeps a router that was included whole
        if included is not None:
            waiting += [(prefix, one) for one in included.routes]
        elif isinstance(route, Mount):
            waiting += [(prefix + route.path, one) for one in route.routes or ()]
        elif isinstance(route, Route | APIRoute) and "GET" in (route.methods or ()):
            yield prefix + route.path


def filled(pattern: str, known: dict[str, list[str]]) -> list[str]:
    """Write every value for every name in a pattern; a name that is not known here fails the test."""
    found = [pattern]
    for name in re.findall(r"{([^}]+)}", pattern):
        assert name in known, f"say in this test what {{{name}}} of {pattern} may be"
        found = [path.replace(f"{{{name}}}", value) for path in found for value in known[name]]
    return found


def test_a_scanner_that_opens_every_address_changes_no_row(place: Place) -> None:
    # checklist 54
    place.add_issue([])
    paper, token = read_paper(place), reader(place)
    press(place, f"/r/{token}/{paper}/save")
    press(place, f"/r/{token}/{paper}/more")
    subscribe(place, "cy@readers.test")
    sign_in(place)
    known, before, reached = addresses(place, paper), rows(place), set()
    for pattern in gets(place):
        for path in filled(pattern, known):
            for method in ("GET", "HEAD", "GET"):
                answer = place.browser.request(method, path)
                assert answer.status_code < 500, path
                assert method == "GET" or not answer.content, path
                if answer.status_code == 200:
                    reached.add(pattern)
    assert rows(place) == before
    for pattern in ("/r/{token}/{paper_id}/{verb}", "/saved/{token}", "/saved/{token}/papers.bib", "/taste/{token}"):
        assert pattern in reached
    for pattern in ("/taste/{token}/reset", "/preferences/{token}", "/preferences/{token}/tomorrow"):
        assert pattern in reached
    for pattern in ("/confirm/{token}", "/unsubscribe/{token}", "/admin/", "/admin/deliveries", "/api/v1/papers"):
        assert pattern in reached
