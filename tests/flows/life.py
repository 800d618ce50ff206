"""Three readers, and all that a scheduler and a worker do for some days, by real flows and a real relay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event, func
from sqlmodel import SQLModel, col, select

from digest.core.capture import Capture, Reading
from digest.core.interests import InterestKind
from digest.core.paper import AnnounceType, Listing
from digest.flows import subscribe
from digest.flows.deliver import Courier, deliver_due, sweep
from digest.flows.feedback import Verb, opinion, react
from digest.flows.ingest import ingest_capture
from digest.flows.learn import learn_again
from digest.flows.morning import freeze_and_materialise
from digest.flows.preferences import change_preferences
from digest.flows.words import read_words
from digest.mail.render import Renderer
from digest.mail.smtp import Relay
from digest.store.engine import open_engine, reading
from digest.store.tables import Delivery, IssueRow
from tests.flows.lives import (
    CATEGORIES,
    DAY,
    HOUR,
    OTHER_WORDS,
    Draft,
    Move,
    Plan,
    Reader,
    Time,
    Told,
    Wishes,
    folded,
    id_written,
)
from tests.flows.pausing import pause, resume
from tests.mail.servers import ScriptedServer
from tests.post import BASE, SENDER, TOKENS, add_reader

STEP = timedelta(minutes=15)
CUT_OFF_HOUR = 6


class Life(ABC):
    """Everything at a clock that the plan moves; who inherits it judges each mail, and the whole at the end."""

    def __init__(self, relay: ScriptedServer, renderer: Renderer, start: datetime, folder: str) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder}/digest.db")
        event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        self.engine.dispose()
        SQLModel.metadata.create_all(self.engine)
        self.relay, self.start, self.now = relay, start, start
        self.read = len(relay.messages)
        self.papers: list[list[Told]] = []
        self.drafts: list[Draft] = []
        self.nameless: set[int] = set()
        self.readers: list[Reader] = []
        self.link = ""
        self.sent: Counter[str] = Counter()  # digests by Message-ID
        self.late = timedelta()
        self.cut_off = start - DAY + CUT_OFF_HOUR * HOUR
        self.issues: dict[int, datetime] = {}
        self.happened: Counter[str] = Counter()
        self.courier = Courier(
            renderer=renderer,
            tokens=TOKENS,
            sender=SENDER,
            base_url=BASE,
            relay=lambda: Relay(relay.url, helo="localhost", connections=1),
        )

    def begin(self, wanted: list[tuple[Time, Wishes]]) -> None:
        for n, (its_time, its_wishes) in enumerate(wanted):
            address = f"r{n}@example.test"
            own = add_reader(self.engine, address, confirmed_at=self.start - 100 * DAY)
            self.readers.append(Reader(own, address, its_time, its_wishes))
            self.change(self.readers[n], its_time, its_wishes)

    def live(self, plans: list[Plan]) -> None:
        for number, plan in enumerate(plans):
            self.now = self.start + number * DAY
            self.list_papers(plan)
            for quarter in range(96):
                self.now = self.start + number * DAY + quarter * STEP
                if quarter == 4 * CUT_OFF_HOUR:
                    self.cut_off, self.late = self.now, plan.late
                if self.now == self.cut_off + self.late:
                    self.compose()
                self.work()
                self.now += timedelta(minutes=7)  # nobody does anything on the stroke
                for move in plan.moves:
                    if move.quarter == quarter:
                        self.act(move)
        self.settle()

    @abstractmethod
    def judge(self, message: EmailMessage) -> None:
        """Say whether a message that the relay took may be as it is."""

    @abstractmethod
    def settle(self) -> None:
        """Say whether all is accounted for at the end."""

    # What the sources say

    def list_papers(self, plan: Plan) -> None:
        # Each paper once a day: a list that still has yesterday's title alone names a work that nobody can recognise.
        saved = sorted({number for reader in self.readers for number in reader.saved})
        again = {}
        for number, how in plan.again if self.papers else ():
            among = saved if how == "major" and saved else range(len(self.papers))
            again[among[number % len(among)]] = how
        listings = [self.revised(number, how) for number, how in again.items()]
        for draft in plan.drafts:
            number = len(self.papers)
            words = " ".join(draft.words)
            told = Told(self.now, 1, f"Study {number} on {' '.join(draft.words[:2])}", f"{words}.", draft.categories)
            self.papers.append([told])
            self.drafts.append(draft)
            self.nameless |= {number} if draft.nameless else set()
            listings.append(self.listing(number, AnnounceType.NEW, named=not draft.nameless))
        origin = Reading(observed_at=self.now, origin="the days of readers")
        for source in ("arxiv-rss", "hf"):
            some = [one for one in listings if one.source == source]
            ingest_capture(self.engine, source, "all", Capture(listings=some), origin, now=self.now)
        read_words(self.engine, then=lambda session, ids: learn_again(session, ids, now=self.now))

    def listing(self, number: int, kind: AnnounceType, *, named: bool = True) -> Listing:
        told, draft = self.papers[number][-1], self.drafts[number]
        return Listing(
            source="arxiv-rss" if named else "hf",
            title=told.title,
            arxiv_id=id_written(number, told.version) if named else None,
            version=told.version if named else None,
            authors=(draft.author,),
            labs=(draft.lab,) if draft.lab else (),
            abstract=told.abstract,
            categories=told.categories,
            announce_type=kind,
            listed_on=self.now.date(),
        )

    def revised(self, number: int, how: str) -> Listing:
        """Announce a paper again: revised, in another category, or on another list."""
        last = self.papers[number][-1]
        kind, version, title, abstract, categories = (
            AnnounceType.REPLACE, last.version, last.title, last.abstract, last.categories
        )  # fmt: skip
        if how == "elsewhere" or number in self.nameless:
            # No source could know a rewritten title for the same work before one has told its arXiv id.
            named = how != "elsewhere"
            self.nameless -= {number} if named else set()
            return self.listing(number, AnnounceType.FOUND, named=named)
        if how == "cross":
            kind = AnnounceType.CROSS
            categories = (*categories, *(one for one in CATEGORIES if one not in categories))[:3]
        else:
            version += 1
        if how == "major":
            words = [*OTHER_WORDS[version:], *OTHER_WORDS[:version], f"change{version}"]
            title, abstract = f"Study {number} on {' '.join(words[:2])}", f"{' '.join(words)}."
        self.papers[number].append(Told(self.now, version, title, abstract, categories))
        return self.listing(number, kind)

    def told(self, number: int, at: datetime) -> Told:
        return next(one for one in reversed(self.papers[number]) if one.at <= at)

    # What Firstlight does

    def compose(self) -> None:
        freeze_and_materialise(self.engine, self.cut_off.date(), cut_off=self.cut_off, now=self.now, size=60)
        with reading(self.engine) as session:
            issue = session.exec(select(IssueRow).where(IssueRow.issued_on == self.cut_off.date())).one()
        assert issue.id is not None
        self.issues[issue.id] = self.cut_off

    def work(self) -> None:
        with reading(self.engine) as session:
            waits = select(func.min(Delivery.due_at)).where(col(Delivery.state).in_(("pending", "deferred")))
            due = session.exec(waits).one()
        if due is not None and due <= self.now:
            deliver_due(self.engine, self.courier, worker="w", clock=lambda: self.now)
            sweep(self.engine, now=self.now)
        taken, self.read = self.relay.messages[self.read :], len(self.relay.messages)
        for message in taken:
            parsed = message_from_bytes(message, policy=policy.SMTP)
            assert isinstance(parsed, EmailMessage)
            self.judge(parsed)

    # What readers do

    def change(self, reader: Reader, its_time: Time, its_wishes: Wishes) -> None:
        zone, hour, cadence, weekday = its_time
        change_preferences(
            self.engine, TOKENS, TOKENS.sign("preferences", {"s": reader.id}), now=self.now,
            last_cut_off=self.cut_off, categories=its_wishes.categories, paper_count=its_wishes.paper_count,
            hour=hour, timezone=zone, cadence=cadence, weekday=weekday, plain_text=its_wishes.plain_text,
            when_empty=its_wishes.when_empty, interests=its_wishes.interests,
        )  # fmt: skip
        reader.time, reader.wishes = its_time, its_wishes
        reader.out = {one.key for one in its_wishes.interests if one.kind is InterestKind.EXCLUSION}

    def act(self, move: Move) -> None:
        reader = self.readers[move.who]
        mine, here = TOKENS.sign("preferences", {"s": reader.id}), {"now": self.now, "last_cut_off": self.cut_off}
        runs = reader.state in {"confirmed", "paused"}
        self.happened[move.what] += runs != (move.what == "return")
        if move.what == "return" and not runs:
            reader.steady, reader.state = False, "confirmed"
            reader.until = None
            subscribe.request(
                self.engine, TOKENS, reader.address, now=self.now, ip="", source="form", special_use=True,
                timezone=reader.time[0], hour=reader.time[1],
            )  # fmt: skip
            self.work()
            subscribe.confirm(self.engine, TOKENS, self.link, now=self.now, ip="")
            self.change(reader, reader.time, reader.wishes)
            self.work()
        if not runs:
            return
        match move.what:
            case "save" | "more" | "less" | "mute" if reader.buttons:
                self.press(reader, Verb(move.what), sorted(reader.buttons)[-1 - move.which % len(reader.buttons)])
            case "time":
                reader.steady = False
                self.change(reader, move.time, reader.wishes)
            case "sooner":  # on the same clock, and at once: what may not bring another digest of the same day
                reader.steady = False
                zone = reader.time[0]
                soon = (self.now + timedelta(hours=1)).astimezone(ZoneInfo(zone)).hour
                self.change(reader, (zone, soon, "daily", 0), reader.wishes)
            case "wishes":
                self.change(reader, reader.time, move.wishes)
            case "pause":
                reader.steady, reader.state = False, "paused"
                reader.until = reader.today(self.now) + move.which % 3 * DAY if move.which % 3 else None
                pause(self.engine, TOKENS, mine, until=reader.until, **here)
            case "resume":
                reader.state, reader.until = "confirmed", None
                resume(self.engine, TOKENS, mine, **here)
            case "leave":
                reader.steady, reader.state = False, "unsubscribed"
                leave = TOKENS.sign("unsubscribe", {"s": reader.id})
                subscribe.unsubscribe(self.engine, TOKENS, leave, now=self.now, ip="", source="one-click")

    def press(self, reader: Reader, verb: Verb, number: int) -> None:
        """Follow a link of the last mail that held a paper, and press its button."""
        token, paper_id = reader.buttons[number]
        topic = ""
        if verb is Verb.MUTE:
            topics = opinion(self.engine, TOKENS, token, paper_id, now=self.now).topics
            if not topics:
                return
            topic = topics[0]
            reader.out.add(folded(topic))
        react(self.engine, TOKENS, token, paper_id, verb, now=self.now, topic=topic)
        if verb is Verb.SAVE:
            reader.saved.setdefault(number, self.told(number, self.now).version)
