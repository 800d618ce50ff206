"""Any readers, any papers, any days, through all of Firstlight: what the relay was given keeps every promise.

Readers with wishes of every kind live through some days on which papers are listed, listed elsewhere, cross-listed and
revised; between mails they move, change their minds, react, pause, leave and come back. What is judged is read off the
messages that a relay took by SMTP, against a model that knows clocks and papers and nothing of Firstlight's tables.
`LIVES=500` lives many more, each time others.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from datetime import datetime
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from digest.files import templates_folder
from digest.flows.deliver import sweep
from digest.mail.render import Renderer
from digest.store import audience
from digest.store.engine import reading
from tests import post
from tests.flows.life import STEP, Life
from tests.flows.lives import DAY, DAYS, LATEST, REST, STARTS, Plan, Reader, Time, Wishes, plans, says, times, wishes
from tests.mail.servers import ScriptedServer
from tests.post import BASE, SENDER

LIVES = int(os.environ.get("LIVES", "0"))  # more lives than CI lives, and not the same each time
NEW_VERSION = "A new version of a paper you saved"
_ENTRY = re.compile(r"^ ?\d+\. (Study (\d+) [^\n]*)\n(.*?)(?=^ ?\d+\. Study |\Z)", re.MULTILINE | re.DOTALL)
_PRESSED = re.compile(rf"{BASE}/r/([\w.~-]+)/(\d+)/save")


def mailed(message: EmailMessage) -> tuple[str, str]:
    """The kind of a message, and its text part."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(message["Feedback-ID"]).split(":")[1], str(part.get_content()).replace("\r\n", "\n")


class JudgedLife(Life):
    """A life of which nothing may be otherwise than promised."""

    def compose(self) -> None:
        super().compose()
        self.judge_queue()

    def judge_queue(self) -> None:
        """See that nobody is queued for a date on which they asked for no digest, not only that none is sent."""
        queued = {row.subscriber_id: row.local_date for row in post.deliveries(self.engine, issue_id=max(self.issues))}
        for reader in self.readers:
            on = queued.get(reader.id)
            runs = reader.state == "confirmed" or (reader.state == "paused" and reader.until is not None)
            assert on is None or (runs and (reader.until is None or reader.until <= on)), (self.now, on, reader)
            self.happened["slept"] += on is None and reader.state == "paused"

    def judge(self, message: EmailMessage) -> None:
        reader = next(one for one in self.readers if one.address == message["To"])
        kind, text = mailed(message)
        if kind == "confirmation":
            self.link = post.link_in(text, "/confirm")
            return
        entries = [(int(number), f"{title}\n{rest}") for title, number, rest in _ENTRY.findall(text)]
        assert len(entries) == text.count("Save:") <= reader.wishes.paper_count
        assert (message.get_body(("html",)) is None) == reader.wishes.plain_text
        assert entries or reader.wishes.when_empty
        for number, words in entries:
            self.judge_paper(reader, number, words)
        self.happened["full"] += len(entries) == reader.wishes.paper_count
        if kind == "digest":
            self.sent[str(message["Message-ID"])] += 1
            self.judge_time(reader)

    def judge_paper(self, reader: Reader, number: int, words: str) -> None:
        now, frozen = self.told(number, self.now), self.told(number, self.cut_off)
        shown = words.partition("\n")[0]
        for out in reader.out:
            assert not frozen.holds(out), (self.now, reader, words)
            assert not says(shown, out), (self.now, reader, words)
            assert not says(now.abstract, out), (self.now, reader, words)
        if number in reader.had:
            self.happened["came back"] += 1
            rewritten = {one.abstract for one in self.papers[number] if one.at <= self.now}
            since = [one.at for one in self.papers[number] if reader.had[number] < one.at <= self.now]
            assert number in reader.saved, (self.now, reader, words)
            assert reader.saved[number] < now.version, (self.now, reader, words)
            assert len(rewritten) > 1, (self.now, reader, words)
            assert since, (self.now, reader, words)
            assert NEW_VERSION in words, (self.now, reader, words)
        reader.had[number] = self.now
        pressed = _PRESSED.search(words)
        assert pressed is not None
        reader.buttons[number] = pressed[1], int(pressed[2])

    def judge_time(self, reader: Reader) -> None:
        fitting = reader.slots(self.start, self.now - self.late, self.now)
        dates = [on for _at, on in fitting if on not in reader.dates]
        assert dates, (self.now, fitting, reader)
        on = dates[0]
        assert reader.state == "confirmed" or (reader.until is not None and reader.until <= on), (self.now, reader)
        self.happened["another zone"] += bool(reader.dates) and not reader.steady
        reader.dates.add(on)
        # Half a day lies between digests, also over a change of zone; the earlier may have come late.
        assert reader.mailed is None or self.now - reader.mailed >= REST - LATEST, (self.now, reader)
        reader.mailed = self.now

    def settle(self) -> None:
        """Let time settle the rest, and count."""
        sweep(self.engine, now=self.now + 2 * DAY)
        rows = post.deliveries(self.engine, kind="digest")
        assert set(self.sent.values()) <= {1}
        assert self.sent == Counter(row.message_id for row in rows if row.state == "accepted")
        assert all(row.reason for row in rows if row.state != "accepted")
        with reading(self.engine) as session:
            tallies = {issue_id: audience.tally(session, issue_id) for issue_id in self.issues}
        for issue_id, cut_off in self.issues.items():
            mine = [row for row in rows if row.issue_id == issue_id]
            assert tallies[issue_id].total == len(mine) == len({row.subscriber_id for row in mine})
            assert tallies[issue_id].unsettled == 0
            steady = {reader.id for reader in self.readers if reader.steady}
            due = {
                reader.id
                for reader in self.readers
                if reader.steady and reader.slots(self.start, cut_off, cut_off + DAY - STEP)
            }
            assert {row.subscriber_id for row in mine} & steady == due
            self.happened["accounted for"] += len(due)
            self.happened["nothing new"] += sum(row.state == "skipped" for row in mine)


@pytest.mark.timeout(600 + 10 * LIVES)
def test_whatever_readers_do_they_are_mailed_once_a_day_at_their_hour_and_no_paper_twice() -> None:
    # checklist 82, 83
    happened: Counter[str] = Counter()

    @settings(
        max_examples=LIVES or 25,
        derandomize=not LIVES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if LIVES else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        start=st.sampled_from(STARTS),
        wanted=st.lists(st.tuples(times, wishes), min_size=3, max_size=3),
        first=plans(14, 3),
        others=st.lists(plans(5, 4), min_size=DAYS - 1, max_size=DAYS - 1),
    )
    def lives(start: datetime, wanted: list[tuple[Time, Wishes]], first: Plan, others: list[Plan]) -> None:
        folder = tempfile.mkdtemp(prefix="days-")
        life = JudgedLife(relay, renderer, start, folder)
        try:
            life.begin(wanted)
            life.live([first, *others])
        finally:
            life.engine.dispose()
            shutil.rmtree(folder)
        happened.update(life.happened)

    renderer = Renderer(templates_folder(), BASE, SENDER)
    with ScriptedServer() as relay:
        lives()
    unseen = {
        "save", "more", "less", "mute", "time", "sooner", "wishes", "pause", "resume", "leave", "return", "full",
        "came back", "another zone", "accounted for", "nothing new", "slept",
    } - {name for name, times in happened.items() if times}  # fmt: skip
    assert not unseen, f"no life had any of this, so nothing is shown of it: {unseen}"
