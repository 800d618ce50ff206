"""The preview is what is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_string, policy

import pytest
from sqlalchemy import Engine

from digest.core.interests import InterestKind, interest_of
from digest.errors import NotFound
from digest.flows.deliver import deliver_due, materialise
from digest.flows.learn import learn_taste
from digest.flows.preview import preview
from digest.flows.words import read_words
from digest.store.engine import writing
from digest.store.interests import add_interests
from digest.store.tables import Delivery, ListingRow, Paper, PaperCredit, ReactionRow
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_reader, at_clock

_TOKEN = re.compile(r"/(unsubscribe|preferences|editions|r)/[\w.~-]+")


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


def test_a_reader_with_every_kind_of_wish_sees_in_the_preview_what_is_sent(engine: Engine) -> None:  # checklist 70
    ann = add_reader(engine, "ann@example.test", categories=["cs.LG"], paper_count=8)
    add_reader(engine, "bob@example.test", categories=["cs.LG"], paper_count=8)
    issue = add_issue(engine)
    slot = FROZEN_AT + timedelta(hours=2)
    with writing(engine) as session:
        for number in range(1, 21):
            paper = session.get_one(Paper, number)
            paper.abstract = f"Sparse pruning of layer{number} by magnitude{number}." + " Lattices." * (number == 9)
            paper.arxiv_id, paper.version = f"2605.{number:05d}", 1
        session.add(PaperCredit(paper_id=12, slug="ada-byron", name="Ada Byron"))
        session.add(PaperCredit(paper_id=3, slug="ada-byron", name="Ada Byron"))
        wishes = [
            (InterestKind.AUTHOR, "Ada Byron"),
            (InterestKind.KEYWORD, "layer14 by magnitude14"),
            (InterestKind.SEARCH, "magnitude16 sparse"),
            (InterestKind.EXCLUSION, "lattices"),
            (InterestKind.PAPER, "2605.00017"),
        ]
        found = [one for kind, words in wishes if (one := interest_of(kind, words)) is not None]
        add_interests(session, ann, found, FROZEN_AT)
    read_words(engine)
    with writing(engine) as session:
        session.add(
            ReactionRow(subscriber_id=ann, paper_id=19, leaning=1, saved_at=FROZEN_AT, saved_version=1, at=FROZEN_AT)
        )
        session.add(ReactionRow(subscriber_id=ann, paper_id=11, leaning=-1, at=FROZEN_AT))
        session.flush()
        learn_taste(session, ann, now=FROZEN_AT)
        revised = session.get_one(Paper, 19)
        revised.version, revised.abstract = 2, "We withdraw the claim and prove another one about trees."
        session.add(
            ListingRow(
                source="arxiv-rss",
                key="v2",
                paper_id=19,
                announce_type="replace",
                version=2,
                listed_on=FROZEN_AT.date(),
            )
        )
        session.add(
            Delivery(
                kind="digest",
                state="accepted",
                subscriber_id=ann,
                local_date=FROZEN_AT.date() - timedelta(days=3),
                paper_ids=[1, 19],
                due_at=FROZEN_AT - timedelta(days=3),
                expires_at=FROZEN_AT,
                created_at=FROZEN_AT,
            )
        )
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    sink = Sink()
    before = preview(engine, post.courier(sink), issued_on=FROZEN_AT.date(), at=slot, reader="ann@example.test")
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(slot))
    after = preview(engine, post.courier(sink), issued_on=FROZEN_AT.date(), at=slot, reader="ann@example.test")
    sent = html_of(sink.message_to("ann@example.test"))
    assert before.html.rstrip("\n") == _TOKEN.sub(r"/preview/\1", sent).rstrip("\n")
    assert after.html == before.html
    whys = {pick.card.paper_id: pick.why for pick in before.edition.picks}
    assert [*whys][:3] == [3, 12, 19]
    assert whys[3] == whys[12] == "By Ada Byron, whom you follow"
    assert whys[19] == "A new version of a paper you saved"
    assert whys[14] == "On layer14 by magnitude14, which you follow"
    assert whys[16] == "On magnitude16 sparse, which you look for"
    assert [pick.card.categories for pick in before.edition.picks if pick.outside] == [("math.CO",)]
    assert {1, 9}.isdisjoint(whys)
    again = FROZEN_AT + timedelta(days=1)
    later = add_issue(engine, issued_on=again.date(), frozen_at=again)
    materialise(engine, later, now=again, until=UNTIL + timedelta(days=1))
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(again + timedelta(hours=2)))
    assert "Paper 19<" not in html_of(sink.message_to("ann@example.test"))  # once for each version
