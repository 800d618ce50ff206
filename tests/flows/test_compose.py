"""From stored papers to scores and to an issue that is frozen once and never changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, event, update
from sqlmodel import select

from digest.core.capture import Capture, Reading
from digest.core.interests import InterestKind, interest_of
from digest.core.issue import Card, Issue, IssueState
from digest.core.paper import Listing, Observation
from digest.errors import CorruptState, NotFound
from digest.flows.compose import draft, freeze
from digest.flows.ingest import ingest_capture
from digest.flows.score import score
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.interests import add_interests
from digest.store.issues import by_date, freeze_issue, load_issue, move_issue
from digest.store.tables import IssueCard, IssueRow, Paper, PaperText, Score
from tests.post import add_reader

DAY = date(2026, 5, 20)
ABSTRACT = "We sort lamps by shade. It works in 3.5 % of towns. More is to come."


def listing(number: int, *votes: tuple[float, float], source: str = "hf", **changes: Any) -> Listing:
    now = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
    stated: dict[str, Any] = {
        "source": "arxiv-rss",
        "arxiv_id": f"2605.{number:05d}",
        "title": f"Lamp number {number}",
        "abstract": ABSTRACT,
        "authors": ("Ada Bell", "Bo Carr"),
        "categories": ("cs.LG", "stat.ML"),
        "listed_on": date(2026, 5, 19),
        "observations": tuple(
            Observation("hf_upvotes", now - timedelta(hours=hours), value, source) for hours, value in votes
        ),
    }
    return Listing(**{**stated, **changes})


def stock(engine: Engine, listings: Sequence[Listing], now: datetime) -> None:
    ingest_capture(
        engine, "arxiv-rss", "", Capture(listings=list(listings)), Reading(observed_at=now, origin="test"), now=now
    )


@pytest.fixture
def stocked(engine: Engine, now: datetime) -> Engine:
    """A database with seven fresh papers, of which 3 grows fastest and 5 a little, and an old one nobody noticed."""
    fresh = [listing(n) for n in (1, 2, 4, 6, 7)]
    risen = listing(3, (7, 10), (1, 48), labs=("uw",), code_url="https://code.example/3")
    stock(
        engine,
        [*fresh, risen, listing(5, (30, 1), (1, 3)), listing(8, listed_on=date(2026, 1, 5))],
        now - timedelta(hours=1),
    )
    return engine


def test_the_window_is_scored_and_explained(stocked: Engine, now: datetime) -> None:
    assert score(stocked, now) == 7
    with reading(stocked) as session:
        rows = list(session.exec(select(Score)))
        slugs = {paper.id: paper.slug for paper in session.exec(select(Paper))}
    by_slug = {slugs[row.paper_id]: row for row in rows}
    assert "2605.00008" not in by_slug
    best = by_slug["2605.00003"]
    assert best.evidence == "Gaining fast: +38 upvotes in 6 h, more than 85 % of cs.LG this week."
    assert best.percentile == pytest.approx(92.86)
    assert best.as_of == now
    assert {part["name"] for part in best.parts} == {"listing", "hf_upvotes", "code", "reach"}


def test_scoring_an_instant_again_replaces_its_scores(stocked: Engine, now: datetime) -> None:
    for as_of in (now, now, now.astimezone(timezone(timedelta(hours=5)))):
        assert score(stocked, as_of) == 7
    with reading(stocked) as session:
        assert len(list(session.exec(select(Score)))) == 7


def test_an_old_paper_that_is_observed_again_is_in_the_window(stocked: Engine, now: datetime) -> None:
    stock(stocked, [listing(8, (2, 9), listed_on=None)], now)
    assert score(stocked, now) == 8


def test_a_draft_holds_complete_cards(stocked: Engine, now: datetime) -> None:
    issue = draft(stocked, DAY, now)
    card = issue.cards[0]
    assert [one.rank for one in issue.cards] == list(range(1, 8))
    assert (card.title, card.path, card.arxiv_id) == ("Lamp number 3", "/papers/2605.00003", "2605.00003")
    assert (card.authors, card.labs, card.categories) == (("Ada Bell", "Bo Carr"), ("uw",), ("cs.LG", "stat.ML"))
    assert (card.has_code, card.code_url, card.listed_on) == (True, "https://code.example/3", date(2026, 5, 19))
    assert card.summary == "We sort lamps by shade. It works in 3.5 % of towns."
    assert card.evidence.startswith("Gaining fast: +38 upvotes in 6 h")
    assert card.parts
    assert not card.simulated


def test_simulated_signals_are_marked_on_the_card(engine: Engine, now: datetime) -> None:
    stock(engine, [listing(1, (7, 10), (1, 48), source="simulated")], now)
    (card,) = draft(engine, DAY, now).cards
    assert card.simulated
    assert "simulated" in card.evidence


def test_a_draft_writes_nothing_and_comes_out_the_same(stocked: Engine, now: datetime) -> None:
    statements: list[str] = []
    event.listen(stocked, "before_cursor_execute", lambda *args: statements.append(args[2]))
    first = draft(stocked, DAY, now)
    assert all(statement.lstrip().upper().startswith(("SELECT", "BEGIN DEFERRED")) for statement in statements)
    assert draft(stocked, DAY, now).content_hash == first.content_hash
    score(stocked, now - timedelta(hours=2))
    assert draft(stocked, DAY, now.astimezone(timezone(timedelta(hours=-7)))).content_hash == first.content_hash


def test_what_is_seen_after_the_cut_off_does_not_count(stocked: Engine, now: datetime) -> None:
    before = draft(stocked, DAY, now)
    later = now + timedelta(hours=1)
    votes = Observation("hf_upvotes", later, 5_000, "hf")
    stock(stocked, [listing(1, observations=(votes,)), listing(99, observations=(votes,))], later)
    after = draft(stocked, DAY, now)
    assert [(card.arxiv_id, card.evidence) for card in after.cards] == [
        (card.arxiv_id, card.evidence) for card in before.cards
    ]


def test_an_issue_is_as_long_as_asked(stocked: Engine, now: datetime) -> None:
    assert len(draft(stocked, DAY, now, size=3).cards) == 3


def test_an_issue_is_frozen_once_and_equals_its_draft(stocked: Engine, now: datetime) -> None:
    drafted = draft(stocked, DAY, now)
    frozen = freeze(stocked, DAY, now, now=now)
    assert frozen is not None
    assert (frozen.created, frozen.state, frozen.frozen_at) == (True, IssueState.FROZEN, now)
    assert frozen.issue == drafted
    stock(stocked, [listing(1, (0, 900))], now)
    again = freeze(stocked, DAY, now + timedelta(minutes=5), now=now + timedelta(minutes=5))
    assert again is not None
    assert not again.created
    assert (again.id, again.issue) == (frozen.id, drafted)
    with reading(stocked) as session:
        assert len(list(session.exec(select(Score)))) == 7
        assert load_issue(session, frozen.id).content_hash == drafted.content_hash


def test_two_schedulers_freeze_one_issue(stocked: Engine, now: datetime) -> None:
    with ThreadPoolExecutor(4) as pool:
        frozen = list(pool.map(lambda _: freeze(stocked, DAY, now, now=now), range(4)))
    assert sorted(one.created for one in frozen if one) == [False, False, False, True]
    assert len({one.id for one in frozen if one}) == 1
    with reading(stocked) as session:
        assert len(list(session.exec(select(IssueCard)))) == 7


def test_an_issue_with_nothing_in_it_is_not_frozen(engine: Engine, now: datetime) -> None:
    assert draft(engine, DAY, now).cards == ()
    assert freeze(engine, DAY, now, now=now) is None
    with reading(engine) as session:
        assert by_date(session, DAY) is None


def test_a_tampered_issue_is_not_loaded(stocked: Engine, now: datetime) -> None:
    frozen = freeze(stocked, DAY, now, now=now)
    assert frozen is not None
    cards = table_of(IssueCard)
    with writing(stocked) as session:
        forged = {**frozen.issue.cards[0].as_plain(), "title": "Buy lamps"}
        session.connection().execute(update(cards).where(cards.c.rank == 1).values(card=forged))
    with reading(stocked) as session:
        with pytest.raises(CorruptState, match="2026-05-20"):
            load_issue(session, frozen.id)
        with pytest.raises(NotFound):
            load_issue(session, 999)


def test_a_frozen_issue_survives_the_merge_of_two_of_its_papers(engine: Engine, now: datetime) -> None:
    early = listing(1, arxiv_id=None, title="Lamps sorted by hue", source="pages")
    stock(engine, [early, listing(2, version=1)], now - timedelta(hours=1))
    frozen = freeze(engine, DAY, now, now=now)
    assert frozen is not None
    stock(engine, [listing(2, version=2, title="Lamps sorted by hue")], now)
    with reading(engine) as session:
        assert len(list(session.exec(select(Paper)))) == 1
        assert load_issue(session, frozen.id) == frozen.issue


def test_papers_merged_between_reading_and_writing_do_not_break_the_freeze(
    engine: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = listing(1, arxiv_id=None, title="Lamps sorted by hue", source="pages")
    stock(engine, [early, listing(2, version=1)], now - timedelta(hours=1))
    from digest.flows import compose

    def writing_after_a_merge(opened: Engine) -> Any:
        monkeypatch.setattr(compose, "writing", writing)
        stock(opened, [listing(2, version=2, title="Lamps sorted by hue")], now - timedelta(minutes=1))
        return writing(opened)

    monkeypatch.setattr(compose, "writing", writing_after_a_merge)
    frozen = freeze(engine, DAY, now, now=now)
    assert frozen is not None
    assert [card.title for card in frozen.issue.cards] == ["Lamps sorted by hue"]


def test_an_issue_moves_only_along_its_transition_table(stocked: Engine, now: datetime) -> None:
    frozen = freeze(stocked, DAY, now, now=now)
    assert frozen is not None
    with writing(stocked) as session:
        assert not move_issue(session, frozen.id, IssueState.COMPLETE)
        assert move_issue(session, frozen.id, IssueState.SENDING)
        assert not move_issue(session, frozen.id, IssueState.FROZEN)
        assert move_issue(session, frozen.id, IssueState.COMPLETE)


def test_every_kind_of_text_survives_freezing(engine: Engine, now: datetime) -> None:
    odd = listing(1, title="Größe ≤ 𝔸 “lamps” <b>&amp;", abstract="王 \u2028 lamps.", authors=("José Ñandú", "王伟"))
    stock(engine, [odd], now)
    issue = draft(engine, DAY, now)
    with writing(engine) as session:
        issue_id = freeze_issue(
            session, Issue(issued_on=DAY, cut_off=now, cards=issue.cards, note="Ü \U0001f4a1"), now=now
        )
        assert issue_id is not None
    with reading(engine) as session:
        loaded = load_issue(session, issue_id)
        row = session.get(IssueRow, issue_id)
        assert row is not None
        assert json.dumps(loaded.cards[0].as_plain()) == json.dumps(issue.cards[0].as_plain())
        assert loaded.content_hash == row.content_hash


def test_a_card_tells_how_new_the_paper_is_and_the_ranking_does_not_look_at_it(stocked: Engine, now: datetime) -> None:
    plain = draft(stocked, DAY, now)
    assert all(card.novelty is None for card in plain.cards)
    first, second = plain.cards[0].paper_id, plain.cards[1].paper_id
    with writing(stocked) as session:
        for paper_id, novelty in ((first, 3.25), (second, 90.0)):
            session.add(PaperText(paper_id=paper_id, listed_on=now.date(), words=b"", counts=b"", novelty=novelty))
    told = draft(stocked, DAY, now)
    assert [(card.paper_id, card.score, card.parts) for card in told.cards] == [
        (card.paper_id, card.score, card.parts) for card in plain.cards
    ]
    assert [(card.novelty, card.stands_apart) for card in told.cards[:2]] == [(3.25, False), (90.0, True)]
    assert told.content_hash != plain.content_hash
    frozen = freeze(stocked, DAY, now, now=now)
    assert frozen is not None
    assert frozen.issue == told


def test_a_card_from_before_there_was_a_novelty_is_stored_and_loaded_as_it_was() -> None:
    card = Card(paper_id=1, rank=1, title="Old", path="/papers/old")
    old = json.loads(json.dumps(card.as_plain()))
    assert "novelty" not in old
    assert Card.from_plain(old) == card
    assert json.loads(json.dumps(Card.from_plain(old).as_plain())) == old


def test_what_a_reader_watches_for_is_in_the_issue_beyond_its_ranking(stocked: Engine, now: datetime) -> None:
    plain = draft(stocked, DAY, now, size=2)
    assert [(card.rank, card.watched) for card in plain.cards] == [(1, False), (2, False)]
    stock(
        stocked,
        [
            listing(11, title="Sorting by sparse shade", authors=("Cy Dee",)),
            listing(12, authors=("Ada  Lovelace",)),
            listing(13, labs=("Mila",)),
            listing(14, title="Lamps of old", listed_on=date(2026, 3, 1), authors=("Ada Lovelace",)),
        ],
        now - timedelta(hours=1),
    )
    unwatched = draft(stocked, DAY, now, size=2)
    assert len(unwatched.cards) == 2
    reader = add_reader(stocked, "ann@example.test")
    wishes = [
        (InterestKind.AUTHOR, "Ada Lovelace"),
        (InterestKind.LAB, "mila"),
        (InterestKind.KEYWORD, "sparse shade"),
        (InterestKind.SEARCH, "towns shade"),
    ]
    with writing(stocked) as session:
        found = [one for kind, words in wishes if (one := interest_of(kind, words)) is not None]
        add_interests(session, reader, found[:3], now)
    watched = draft(stocked, DAY, now, size=2)
    assert watched.cards[:2] == unwatched.cards
    assert [card.rank for card in watched.cards] == [1, 2, 3, 4, 5]
    assert {card.arxiv_id for card in watched.cards[2:]} == {"2605.00011", "2605.00012", "2605.00013"}
    assert all(card.watched for card in watched.cards[2:])
    scores = [card.score for card in watched.cards[2:]]
    assert scores == sorted(scores, reverse=True)
    stored = freeze(stocked, DAY, now, now=now, size=2)
    assert stored is not None
    assert stored.issue == watched
    with writing(stocked) as session:
        add_interests(session, reader, found[3:], now)
    assert len(draft(stocked, DAY, now, size=2).cards) == 10  # a search that all fresh ones answer


def test_a_common_word_brings_ten_papers_and_a_followed_author_all(engine: Engine, now: datetime) -> None:
    stock(engine, [listing(n, authors=("Ada Bell",) if n > 30 else ("Bo Carr",)) for n in range(1, 43)], now)
    reader = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        keyword = interest_of(InterestKind.KEYWORD, "lamp")
        assert keyword is not None
        add_interests(session, reader, [keyword], now)
    assert len(draft(engine, DAY, now, size=5).cards) == 5 + 10
    with writing(engine) as session:
        author = interest_of(InterestKind.AUTHOR, "Ada Bell")
        assert author is not None
        add_interests(session, reader, [author], now)
    names = [card.authors for card in draft(engine, DAY, now, size=5).cards]
    assert names.count(("Ada Bell",)) == 12
    assert len(names) <= 5 + 12 + 10


def test_a_card_frozen_before_there_was_anything_to_watch_for_is_what_it_was() -> None:
    card = Card(paper_id=1, rank=1, title="Lamp", path="/papers/1")
    assert "watched" not in card.as_plain()
    assert Card.from_plain(json.loads(json.dumps(card.as_plain()))) == card
    watched = replace(card, watched=True)
    assert Card.from_plain(json.loads(json.dumps(watched.as_plain()))) == watched
