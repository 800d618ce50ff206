"""A small post office for tests: readers, an issue, a plain renderer, and a relay whose sink is a file."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Engine
from sqlmodel import Session, select

from digest.core.issue import Card, Issue
from digest.core.language import ENGLISH, Language
from digest.core.tailor import Edition
from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable
from digest.flows.letters import Courier
from digest.mail.alert_words import AlertWords
from digest.mail.fragments import Rendered
from digest.mail.message import Envelope
from digest.mail.moving_letters import LetterWords
from digest.mail.parcel import Answered, Failed, News, Wanted
from digest.mail.render import ReaderLinks, Sender
from digest.mail.smtp import Reply, Verdict
from digest.store.engine import reading, writing
from digest.store.tables import Delivery, IssueCard, IssueRow, Paper, Subscriber, Subscription
from digest.tokens import Tokens, address_key

FROZEN_AT = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
UNTIL = FROZEN_AT + timedelta(days=1)
SENDER = Sender(
    name="Firstlight", address="digest@firstlight.test", postal_address="1 Road", contact="ops@firstlight.test"
)
TOKENS = Tokens(["a secret that is long enough for tests"])
BASE = "https://firstlight.test"


class PlainRenderer:
    """Renders just enough to see who was sent what."""

    def speaking(self, _tag: str) -> PlainRenderer:
        return self

    def digest(
        self,
        edition: Edition,
        links: ReaderLinks,
        *,
        welcome: bool = False,
        plain: bool = False,
        upcoming: date | None = None,
    ) -> Rendered:
        titles = [f"<h2>{pick.card.title}</h2>" for pick in edition.picks]
        foot = f'<a href="{links.unsubscribe}">out</a> <a href="{links.preferences}">change</a> {links.web}'
        subject = (
            f"{'Welcome: ' if welcome else ''}{edition.picks[0].card.title}"
            if edition.picks
            else f"Nothing, {upcoming}"
        )
        return Rendered(subject=subject, html="" if plain else "".join(titles) + foot, text="\n".join(titles) + foot)

    def confirmation(self, confirm_url: str) -> Rendered:
        return Rendered(subject="Confirm", html=f'<a href="{confirm_url}">yes</a>', text=confirm_url)

    def sign_in(self, sign_in_url: str) -> Rendered:
        return Rendered(subject="Sign in", html=f'<a href="{sign_in_url}">in</a>', text=sign_in_url)

    def letter(self, words: Callable[[Language], LetterWords], url: str) -> Rendered:
        said = words(ENGLISH)
        return Rendered(subject=said.subject, html=f'<a href="{url}">{said.button}</a>', text=url)

    def alert(self, words: AlertWords) -> Rendered:
        said = "; ".join(one.title for one in (*words.began, *words.over)) or words.heading
        return Rendered(subject=words.subject, html=f'<a href="{words.url}">{said}</a>', text=said)


def accept(_envelope: Envelope) -> Reply:
    """Take every message."""
    return Reply(verdict=Verdict.ACCEPTED, code=250, text="2.0.0 taken")


@dataclass
class Sink:
    """A relay with one connection that keeps what it takes, here and in a file that outlives the process.

    `answer` decides each reply, and may raise; a message is kept when the reply is 250. `after_dot` runs
    once a message is kept and before its reply is told.
    """

    answer: Callable[[Envelope], Reply] = accept
    after_dot: Callable[[Envelope], None] = lambda _envelope: None
    log: Path | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    opened: int = 0
    away: bool = False
    trouble: str = ""
    begun: dict[int, tuple[Envelope, bytes]] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)

    def __enter__(self) -> Sink:
        if self.away:
            raise RelayUnavailable("the relay at 127.0.0.1:1 refuses connections")
        self.opened += 1
        self.trouble = ""
        self.begun.clear()
        self.news.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def room(self, waiting: int) -> int:
        return 0 if self.trouble or self.begun else min(waiting, 1)

    def begin(self, key: int, envelope: Envelope, message: bytes) -> None:
        self.begun[key] = envelope, message
        self.news.append(Wanted(key))

    def recall(self, key: int) -> None:
        del self.begun[key]
        self.news = [news for news in self.news if news.key != key]

    def flush(self) -> None:
        return None

    def listen(self, _seconds: float) -> list[News]:
        news, self.news = self.news, []
        return news

    def seal(self, key: int) -> None:
        envelope, message = self.begun.pop(key)
        try:
            self.news.append(Answered(key, self.send(envelope, message)))
        except (RelayUnavailable, LostInDoubt, MessageRefused) as error:
            self.news.append(Failed(key, error))
            if not isinstance(error, MessageRefused):
                self.trouble = str(error)

    def send(self, envelope: Envelope, message: bytes) -> Reply:
        reply = self.answer(envelope)
        if reply.verdict is Verdict.ACCEPTED:
            self.sent.append((envelope.rcpt_to, message.decode()))
            if self.log is not None:
                own_id = re.search(rb"^Message-ID: *(\S+)", message, re.MULTILINE | re.IGNORECASE)
                assert own_id is not None
                line = f"{envelope.rcpt_to} {own_id[1].decode()}\n".encode()
                descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(descriptor, line)  # one write to an appending file is not torn by a kill
                os.close(descriptor)
            self.after_dot(envelope)
        return reply

    @property
    def recipients(self) -> list[str]:
        return [address for address, _message in self.sent]

    def message_to(self, address: str) -> str:
        return next(message for recipient, message in reversed(self.sent) if recipient == address)


def courier(sink: Sink, renderer: PlainRenderer | None = None) -> Courier:
    """Make a courier whose relay is the sink."""
    return Courier(
        renderer=renderer or PlainRenderer(), tokens=TOKENS, sender=SENDER, base_url=BASE, relay=lambda: sink
    )


def add_issue(
    engine: Engine,
    *,
    issued_on: date = date(2026, 5, 20),
    frozen_at: datetime = FROZEN_AT,
    papers: int = 20,
    first: int = 1,
) -> int:
    """Store a frozen issue with papers of its own, numbered from `first`; every second one is in cs.LG."""
    cards = [
        Card(
            paper_id=number,
            rank=place,
            title=f"Paper {number}",
            path=f"/papers/{number}",
            categories=("cs.LG",) if number % 2 else ("math.CO",),
        )
        for place, number in enumerate(range(first, first + papers), start=1)
    ]
    issue = Issue(issued_on=issued_on, cut_off=frozen_at, cards=tuple(cards))
    with writing(engine) as session:
        for card in cards:
            if session.get(Paper, card.paper_id) is None:
                session.add(
                    Paper(
                        id=card.paper_id,
                        slug=f"paper-{card.paper_id}",
                        title=card.title,
                        title_key=card.title.lower(),
                        first_seen_at=frozen_at,
                    )
                )
        row = IssueRow(
            issued_on=issued_on, state="frozen", cut_off=frozen_at, frozen_at=frozen_at, content_hash=issue.content_hash
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        for card in cards:
            session.add(IssueCard(issue_id=row.id, rank=card.rank, paper_id=card.paper_id, card=card.as_plain()))
        return row.id


def add_reader(engine: Engine, address: str, **wishes: object) -> int:
    """Store a subscriber who confirmed long ago; `wishes` are columns of the subscription."""
    return add_readers(engine, [address], **wishes)[0]


def add_readers(engine: Engine, addresses: list[str], **wishes: object) -> list[int]:
    """Store several alike."""
    long_ago = FROZEN_AT - timedelta(days=100)
    ids = []
    with writing(engine) as session:
        for address in addresses:
            subscriber = Subscriber(address=address, address_key=address_key(address), created_at=long_ago)
            session.add(subscriber)
            session.flush()
            assert subscriber.id is not None
            asked = {"state": "confirmed", "confirmed_at": long_ago, "hour": 6} | wishes
            session.add(Subscription(subscriber_id=subscriber.id, **asked))
            ids.append(subscriber.id)
    return ids


def deliveries(engine: Engine, **wanted: object) -> list[Delivery]:
    """Read the deliveries whose columns have the wanted values, oldest first."""
    with reading(engine) as session:
        statement = select(Delivery).filter_by(**wanted).order_by(Delivery.id)
        return list(session.exec(statement).all())


def subscription(engine: Engine, subscriber_id: int) -> Subscription:
    """Read a subscription."""
    with Session(engine) as session:
        return session.exec(select(Subscription).where(Subscription.subscriber_id == subscriber_id)).one()


def link_in(message: str, path: str) -> str:
    """Return the token of a link under `path` in a message, undoing quoted-printable."""
    plain = message.replace("=\r\n", "").replace("=3D", "=")
    found = re.search(rf"{re.escape(BASE + path)}/([\w.~-]+)", plain)
    assert found is not None, plain
    return found[1]


def at_clock(instant: datetime) -> Callable[[], datetime]:
    """Return a clock that stands still."""
    return lambda: instant


def die(_at: object) -> None:
    """End this process as a power cut would: nothing is flushed, nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)
