"""The demo: the whole way from bundled facts to mail in a local inbox, on simulated signals."""

from __future__ import annotations

import re
import secrets
import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from digest.config import Settings, read_settings
from digest.core.capture import Reading
from digest.core.delivery import DeliveryState
from digest.core.paper import Listing
from digest.core.simulate import simulated_observations
from digest.errors import ConfigError, RelayUnavailable, SchemaOutdated, TokenInvalid
from digest.files import seeds_folder
from digest.flows.deliver import deliver_due
from digest.flows.ingest import ingest_capture
from digest.flows.morning import freeze_and_materialise
from digest.flows.preferences import change_preferences
from digest.flows.sign_in import shown_sign_in_token
from digest.flows.subscribe import confirm, request
from digest.flows.words import read_words
from digest.invented_abstracts import invented_abstract
from digest.mail.local_inbox import LocalInbox, StoredMessage, read_message, stored_messages
from digest.sources.seeds import read_seeds
from digest.store.schema import upgrade
from digest.wiring import Services
from workers.app import prepare

HOME = Path("var/demo")
ADMIN = "admin@example.org"
_SECRET_LENGTH = 48
_CONFIRM = re.compile(r"/confirm/([\w.~-]+)")
_SHORTEST_DAY = timedelta(hours=2)  # an issue of just before the cut-off still gets time to be delivered


@dataclass(frozen=True, slots=True)
class Reader:
    """An invented reader: who they are, what they read, where, at which hour and how much of it."""

    address: str
    categories: tuple[str, ...]
    timezone: str
    hour: int
    papers: int


READERS = (
    Reader("ada@example.org", (), "Europe/London", 7, 10),
    Reader("grace@example.com", ("cs.CL", "cs.AI"), "America/New_York", 8, 8),
    Reader("emmy@example.net", ("cs.CV",), "Europe/Berlin", 6, 8),
    Reader("sofia@example.edu", ("stat.ML", "math.OC", "cs.NE", "cs.CY"), "Asia/Kolkata", 9, 5),
)


def run_demo(*, serve: bool, port: int) -> None:
    """Run the demo; safe to repeat: what was sent today is not sent again."""
    console = Console()
    with ExitStack() as opened:
        listener = opened.enter_context(_listen(port)) if serve else None
        inbox = opened.enter_context(LocalInbox(HOME / "outbox"))
        services = prepare(demo_settings(port, inbox.url))
        try:
            upgrade(services.engine)
        except SchemaOutdated:
            raise SchemaOutdated(
                f"{HOME} was made by a newer Firstlight; remove it, and the demo makes it anew"
            ) from None
        now = services.clock()
        _ingest(services, console, now)
        _subscribe(services, console, now)
        _send_today(services, console, now)
        _summarise(services, console, now)
        if listener is not None:
            _serve(services, console, listener)


def demo_settings(port: int, smtp_url: str) -> Settings:
    """Return the demo's settings: its own database and secret, nothing of a real installation."""
    return read_settings(
        database_url=f"sqlite:///{HOME}/digest.db",
        broker_url="memory://",
        smtp_url=smtp_url,
        base_url=f"http://127.0.0.1:{port}",
        secret_key=[_secret(HOME / "secret")],
        admins=[ADMIN],
        contact=ADMIN,
        site_name="Firstlight",
        mail_from="digest@example.org",
        postal_address="Firstlight demo, 1 Example Street, Exampletown",
        categories=["cs.LG", "cs.CL", "cs.CV", "cs.AI", "cs.NE", "cs.CY", "stat.ML", "math.OC"],
        outbox_dir=HOME / "outbox",
        allow_test_addresses=True,
        demo=True,
    )


def _secret(path: Path) -> str:
    """Return the demo's own random secret, the same at every run so that links in old mail keep working."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(_SECRET_LENGTH), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _ingest(services: Services, console: Console, now: datetime) -> None:
    reading = Reading(observed_at=now, origin="the bundled seeds")
    listings = papers = observations = 0
    for number, capture in enumerate(read_seeds(seeds_folder(), reading)):
        capture.listings = [_with_words(_with_signals(listing, now)) for listing in capture.listings]
        report = ingest_capture(services.engine, "seeds", f"page {number + 1}", capture, reading, now=now)
        listings += report.listings
        papers += report.papers_new
        observations += report.observations
    words = read_words(services.engine)
    console.print(
        f"read {listings} bundled listings: {papers} new papers, {observations} new observations, all simulated; "
        f"the words of {words.read} made-up abstracts"
    )


def _with_words(listing: Listing) -> Listing:
    return replace(listing, abstract=invented_abstract(listing.title, listing.summary))


def _with_signals(listing: Listing, now: datetime) -> Listing:
    if not listing.authors:
        return listing  # known by its title alone: in the archive and the search, but not what a demo should lead with
    made_up = simulated_observations(listing.title_key, now, has_code=bool(listing.has_code))
    return replace(listing, observations=made_up)


def _subscribe(services: Services, console: Console, now: datetime) -> None:
    """Let each reader go the whole way: form, confirmation mail, link, preferences."""
    readers = {reader.address: reader for reader in READERS}
    for reader in READERS:
        request(services.engine, services.tokens, reader.address, now=now, ip="127.0.0.1", source="demo")
    _deliver(services, console)
    for stored in stored_messages(HOME / "outbox"):
        link = _CONFIRM.search(_text_part(read_message(HOME / "outbox", stored.name)))
        if link is None or stored.recipient not in readers:
            continue
        try:
            confirmed = confirm(services.engine, services.tokens, link[1], now=now, ip="127.0.0.1")
        except TokenInvalid:
            continue  # confirmed by an earlier run, or a mail of an earlier database
        reader = readers[stored.recipient]
        change_preferences(
            services.engine,
            services.tokens,
            services.tokens.sign("preferences", confirmed.own),
            now=now,
            categories=reader.categories,
            paper_count=reader.papers,
            hour=reader.hour,
            timezone=reader.timezone,
            last_cut_off=services.last_cut_off(now),
        )


def _send_today(services: Services, console: Console, now: datetime) -> None:
    made = freeze_and_materialise(
        services.engine,
        now.date(),
        cut_off=now,
        until=services.next_cut_off(now + _SHORTEST_DAY),
        size=services.settings.issue_size,
        now=now,
        immediately=True,
    )
    sent = _deliver(services, console)
    if made:
        console.print(f"composed the issue of {now.date()} and sent {sent} messages")
    else:
        console.print(
            f"the issue of {now.date()} was sent by an earlier run; nobody is mailed twice, "
            "and the links in its mail lead to the port of that run"
        )


def _deliver(services: Services, console: Console) -> int:
    """Send what is due; returns how many messages the local inbox accepted."""
    accepted = 0
    with Progress(transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("sending", total=None)
        while True:
            tally = deliver_due(services.engine, services.courier, worker="demo", clock=services.clock)
            accepted += tally[DeliveryState.ACCEPTED]
            progress.update(bar, advance=tally.total)
            if tally.trouble:
                raise RelayUnavailable(f"the demo's own inbox did not take a message: {tally.trouble}")
            if not tally.total:
                return accepted


def _text_part(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def _summarise(services: Services, console: Console, now: datetime) -> None:
    table = Table(title=f"Digests in {HOME / 'outbox'}", show_lines=True)
    table.add_column("reader", no_wrap=True)
    table.add_column("topics")
    table.add_column("subject", ratio=1)
    table.add_column("HTML", justify="right", no_wrap=True)
    newest: dict[str, tuple[StoredMessage, EmailMessage]] = {}
    for stored in stored_messages(HOME / "outbox"):
        message = read_message(HOME / "outbox", stored.name)
        if message["List-Unsubscribe"]:
            newest.setdefault(stored.recipient, (stored, message))
    for reader in READERS:
        if reader.address not in newest:
            continue
        stored, message = newest[reader.address]
        html = message.get_body(("html",))
        size = len(str(html.get_content()).encode()) / 1000 if html is not None else 0
        table.add_row(reader.address, ", ".join(reader.categories) or "everything", stored.subject, f"{size:.0f} KB")
    console.print(table)
    token = shown_sign_in_token(services.engine, services.tokens, ADMIN, now=now)
    console.print("Sign in as the admin (works once):")
    console.print(f"{services.settings.base_url}/admin/sign-in/{token}", soft_wrap=True)


def _listen(port: int) -> socket.socket:
    from digest.running import listen

    try:
        return listen("127.0.0.1", port)
    except ConfigError as error:
        raise ConfigError(f"port {port} is not free; name another one: PORT={port % 65535 + 1} make demo") from error


def _serve(services: Services, console: Console, listener: socket.socket) -> None:
    from digest.running import serve_everything

    base = services.settings.base_url
    console.print(
        f"\nSite {base}/  ·  Admin {base}/admin/  ·  Inbox {base}/inbox  ·  Ctrl-C ends the demo", soft_wrap=True
    )
    serve_everything(services, listener, live=False)
