"""The preview is what is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_string, policy

import pytest
from sqlalchemy import Engine

from digest.errors import NotFound
from digest.flows.deliver import deliver_due, materialise
from digest.flows.preview import preview
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_reader, at_clock

_TOKEN = re.compile(r"/(unsubscribe|preferences)/[\w.~-]+")


def html_of(message: str) -> str:
    part = message_from_string(message, policy=policy.SMTP).get_body(("html",))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def test_the_previewed_html_is_what_is_sent_but_for_the_links(engine: Engine) -> None:  # checklist 70
    add_reader(engine, "ann@example.test", categories=["cs.LG"], paper_count=7)
    issue = add_issue(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    sink = Sink()
    slot = FROZEN_AT + timedelta(hours=2)

    def shown() -> str:
        seen = preview(engine, post.courier(sink), issued_on=FROZEN_AT.date(), at=slot, reader="ANN@example.test")
        assert (seen.frozen, seen.recipient, seen.html_size) == (True, "ann@example.test", len(seen.html))
        assert seen.subject in seen.message.decode()
        assert [pick.card.paper_id for pick in seen.edition.picks] == [1, 3, 5, 7, 9, 11, 2]
        return seen.html

    before = shown()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(slot))
    after = shown()
    sent = html_of(sink.message_to("ann@example.test"))
    assert _TOKEN.search(before) is None or "/preview/" in before
    assert before.rstrip("\n") == _TOKEN.sub(r"/preview/\1", sent).rstrip("\n")
    assert after == before


def test_a_preview_writes_nothing_and_mails_nobody(engine: Engine) -> None:
    add_issue(engine)
    sink = Sink()
    seen = preview(engine, post.courier(sink), issued_on=FROZEN_AT.date(), at=FROZEN_AT)
    assert len(seen.edition.picks) == 10
    assert seen.message_size > seen.html_size
    assert post.deliveries(engine) == []
    assert sink.opened == 0


def test_a_date_without_an_issue_is_drafted(engine: Engine) -> None:
    seen = preview(engine, post.courier(Sink()), issued_on=UNTIL.date(), at=UNTIL)
    assert not seen.frozen
    assert seen.issue.issued_on == UNTIL.date()


def test_a_reader_who_does_not_exist_is_named(engine: Engine) -> None:
    add_issue(engine)
    with pytest.raises(NotFound, match=r"nobody@example\.test"):
        preview(engine, post.courier(Sink()), issued_on=FROZEN_AT.date(), at=FROZEN_AT, reader="nobody@example.test")
