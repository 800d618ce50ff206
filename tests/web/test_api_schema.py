"""The API keeps the promises of its own OpenAPI document, whatever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from digest.web.guard import RateLimit
from tests.web.conftest import Place, place_for, settings_for

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is in the dev extra")

_HURRIED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def _served(folder: Path) -> Iterator[Place]:
    place = place_for(settings_for(folder))
    place.add_small_issue()
    try:
        yield place
    finally:
        place.browser.close()
        place.services.engine.dispose()


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The API's document, with the application behind it; nobody's minute is ever used up."""
    monkeypatch.setattr(RateLimit, "allows", lambda *_: True)
    with _served(tmp_path) as place:
        yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", place.browser.app)


PATHS = ["/papers", "/papers/{slug}", "/issues", "/issues/{issued_on}", "/search", "/authors/{slug}", "/labs/{slug}"]


def test_no_path_of_the_document_is_left_out_here(api: Any) -> None:
    operations = [result.ok() for result in api.get_all_operations()]
    assert {(one.method.upper(), one.path) for one in operations} == {("GET", path) for path in PATHS}


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_one_that_the_document_names(api: Any, path: str) -> None:
    accepted = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]

    @_HURRIED
    @given(case=api[path]["GET"].as_strategy())
    def holds(case: Any) -> None:
        # A cursor that this API never gave is refused, though the document can only say that it is a text.
        case.call_and_validate(excluded_checks=accepted if "cursor" in (case.query or {}) else [])

    holds()
