"""/metrics opens to a token or to an address of the settings, and is not there otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from digest.config import read_settings
from digest.errors import ConfigError
from digest.store.schema import upgrade
from digest.web.app import create_app
from digest.wiring import Services
from tests.conftest import NOW

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
TOKEN = "5f0c4a7b9d2e4f6a8b1c"


def site(folder: Path, address: str = "192.0.2.7", **settings: object) -> TestClient:
    services = Services(
        read_settings(database_url=f"sqlite:///{folder}/digest.db", secret_key=[SECRET], **settings), clock=lambda: NOW
    )
    upgrade(services.engine)
    return TestClient(create_app(services), client=(address, 4711))


def test_without_a_setting_there_is_no_such_page(tmp_path: Path) -> None:
    assert site(tmp_path).get("/metrics").status_code == 404


def test_the_token_opens_it_and_nothing_else_does(tmp_path: Path) -> None:
    browser = site(tmp_path, metrics_token=TOKEN)
    assert browser.get("/metrics").status_code == 401
    for wrong in ("Bearer ", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}"):
        assert browser.get("/metrics", headers={"Authorization": wrong}).status_code == 401
    assert browser.get(f"/metrics?token={TOKEN}").status_code == 401, "it would stand in logs"
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    assert "firstlight_leader 0.0" in answer.text


def test_an_address_of_the_settings_opens_it(tmp_path: Path) -> None:
    assert site(tmp_path, "10.1.2.3", metrics_from="10.0.0.0/8,::1").get("/metrics").status_code == 200
    assert site(tmp_path, "192.0.2.7", metrics_from="10.0.0.0/8,::1").get("/metrics").status_code == 401
    assert site(tmp_path, "nobody", metrics_from="0.0.0.0/0").get("/metrics").status_code == 401
    forged = {"X-Forwarded-For": "10.1.2.3"}
    assert site(tmp_path, "192.0.2.7", metrics_from="10.0.0.0/8").get("/metrics", headers=forged).status_code == 401


@pytest.mark.parametrize("token", ["short", "with a space in it, and long", "nön-ascii-but-long-enough"])
def test_a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="DIGEST_METRICS_TOKEN cannot be used") as refused:
        read_settings(metrics_token=token)
    assert token not in str(refused.value)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="DIGEST_METRICS_FROM"):
        read_settings(metrics_from="everywhere")
