"""A live site for browser tests: the real application, database, SMTP and inbox, and a clock the test can move."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import SQLModel

from digest.config import Settings
from digest.core.delivery import Tally
from digest.flows.deliver import deliver_due
from digest.mail.local_inbox import LocalInbox
from digest.web.app import create_app
from digest.wiring import Services
from tests.conftest import NOW, absent
from tests.web.conftest import ADMIN, Place

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@dataclass
class RunningClock:
    """A clock that starts at NOW, runs as fast as any other, and can be moved."""

    offset: timedelta = field(default_factory=lambda: NOW - datetime.now(UTC))

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move(self, **by: float) -> None:
        """Move on by a timedelta's arguments."""
        self.offset += timedelta(**by)


@dataclass
class Live:
    """A served site: its address, what is behind it, and the worker's step for the test to take."""

    url: str
    services: Services
    clock: RunningClock
    outbox: Path
    admin: str = ADMIN

    def deliver(self) -> Tally:
        """Send what is due, as a worker would after a kick or a tick."""
        return deliver_due(self.services.engine, self.services.courier, worker="browser test", clock=self.clock)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    path = shutil.which("chromium")
    if path is None:
        absent("Chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(chromium: Browser, live: Live) -> Iterator[Page]:
    """A fresh browser window on the live site; nothing it loads may come from elsewhere."""
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    opened = context.new_page()
    elsewhere: list[str] = []
    opened.on("request", lambda sent: None if sent.url.startswith(live.url) else elsewhere.append(sent.url))
    yield opened
    context.close()
    assert elsewhere == []


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """The site on a free port, with a temporary database and the local inbox behind it."""
    outbox, clock = tmp_path / "outbox", RunningClock()
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with LocalInbox(outbox, clock=clock) as inbox:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, and its types do not say so
            database_url=f"sqlite:///{tmp_path}/digest.db",
            secret_key=["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-live"],
            admins=[ADMIN],
            base_url=url,
            smtp_url=inbox.url,
            mail_from="digest@firstlight.test",
            postal_address="1 Probe Road, Testville",
            contact="ops@firstlight.test",
            outbox_dir=outbox,
            allow_test_addresses=True,
        )
        services = Services(settings, clock=clock)
        SQLModel.metadata.create_all(services.engine)
        server = uvicorn.Server(uvicorn.Config(create_app(services), log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        patience = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < patience, "the site did not start"
            time.sleep(0.02)
        yield Live(url=url, services=services, clock=clock, outbox=outbox)
        server.should_exit = True
        thread.join(timeout=10)
        services.engine.dispose()
        listening.close()


@pytest.fixture
def place(live: Live) -> Place:
    """The live site in the hands of the helpers that fill a database."""
    return Place(services=live.services, clock=live.clock, browser=None)  # type: ignore[arg-type]  # nothing here asks
