"""What readers say of papers and of themselves, on both databases, also at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.interests import Interest, InterestKind
from digest.core.preferences import Pause
from digest.core.prints import print_of
from digest.errors import NotFound, PreferencesRefused, TokenInvalid
from digest.flows.feedback import Verb, opinion, react, saved
from digest.flows.preferences import change_preferences, preferences_of
from digest.flows.taste import drop_start, reset_taste, strike_word, taste_of
from digest.store.engine import reading, writing
from digest.store.tables import InterestRow, Paper, PaperText, ReactionRow, Subscriber, Subscription, TasteRow
from digest.tokens import Tokens
from tests.conftest import NOW

TOKENS = Tokens(["a secret that is long enough for tests"])
CUT_OFF = datetime(2026, 5, 20, 4, tzinfo=UTC)


@pytest.fixture
def paper(engine: Engine) -> int:
    """Two readers, and a paper whose words were read; its id."""
    with writing(engine) as session:
        for name in ("ada", "bob"):
            row = Subscriber(address=f"{name}@readers.test", address_key=f"{name}@readers.test", created_at=NOW)
            session.add(row)
            session.flush()
            session.add(Subscription(subscriber_id=row.id or 0, state="confirmed", confirmed_at=NOW))
        stored = Paper(
            slug="sparse",
            arxiv_id="2605.00001",
            title="Sparse attention",
            title_key="sparse attention",
            abstract="Attention is pruned.",
            primary_category="cs.LG",
            categories=["cs.LG"],
            version=2,
            first_seen_at=NOW,
        )
        session.add(stored)
        session.flush()
        found = print_of("Sparse attention\nAttention is pruned.")
        session.add(
            PaperText(paper_id=stored.id or 0, listed_on=date(2026, 5, 18), words=found.words, counts=found.counts)
        )
        return stored.id or 0


def link(subscriber_id: int, purpose: str = "react") -> str:
    """A reader's token."""
    return TOKENS.sign(purpose, {"s": subscriber_id})


def together(*acts: Callable[[], object]) -> list[object]:
    """Do several things at the same moment."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result() for one in [pool.submit(act) for act in acts]]


def test_a_click_is_learned_from_and_undone_without_a_trace(engine: Engine, paper: int) -> None:
    done = react(engine, TOKENS, link(1), paper, Verb.MORE, now=NOW)
    assert (done.leaning, done.holds(Verb.MORE), done.holds(Verb.LESS)) == (1, True, False)
    assert [word for word, _weight in taste_of(engine, TOKENS, link(1), now=NOW).words][:1] == ["attention"]
    react(engine, TOKENS, link(1), paper, Verb.SAVE, now=NOW)
    assert [(one.arxiv_id, at) for one, at in saved(engine, TOKENS, link(1), now=NOW)] == [("2605.00001", NOW)]
    later = NOW + timedelta(days=1)
    react(engine, TOKENS, link(1), paper, Verb.SAVE, now=later)
    assert saved(engine, TOKENS, link(1), now=later)[0][1] == NOW
    for verb in (Verb.SAVE, Verb.MORE):
        react(engine, TOKENS, link(1), paper, verb, now=later, undo=True)
    with reading(engine) as session:
        assert session.exec(select(ReactionRow)).all() == []
        assert session.exec(select(TasteRow)).one().papers == 0


def test_the_same_click_twice_at_the_same_moment_is_one(engine: Engine, paper: int) -> None:
    acts = [
        lambda verb=verb: react(engine, TOKENS, link(1), paper, verb, now=NOW)
        for verb in (Verb.MORE, Verb.MORE, Verb.SAVE, Verb.SAVE)
    ]
    topic = "sparse attention"
    acts += [lambda: react(engine, TOKENS, link(1), paper, Verb.MUTE, now=NOW, topic=topic) for _press in range(2)]
    together(*acts)
    with reading(engine) as session:
        one = session.exec(select(ReactionRow)).one()
        assert (one.leaning, one.saved_version) == (1, 2)
        assert session.exec(select(InterestRow.key)).all() == [topic]


def test_two_clicks_at_the_same_moment_are_both_learned_from(engine: Engine, paper: int) -> None:
    with writing(engine) as session:
        other = Paper(slug="other", title="Quantum pruning", title_key="quantum pruning", first_seen_at=NOW)
        session.add(other)
        session.flush()
        other_id, found = other.id or 0, print_of("Quantum pruning")
        session.add(PaperText(paper_id=other_id, listed_on=date(2026, 5, 18), words=found.words, counts=found.counts))
    for _turn in range(5):
        together(
            lambda: react(engine, TOKENS, link(1), paper, Verb.MORE, now=NOW),
            lambda: react(engine, TOKENS, link(1), other_id, Verb.LESS, now=NOW),
        )
        with reading(engine) as session:
            assert session.get_one(TasteRow, 1).papers == 2
        reset_taste(engine, TOKENS, link(1), now=NOW)


def test_the_same_page_saved_twice_at_the_same_moment_is_saved_once(engine: Engine, paper: int) -> None:
    wanted = [Interest(InterestKind.PAPER, "2605.00001", "2605.00001"), Interest(InterestKind.LAB, "mila", "Mila")]

    def save() -> object:
        return change_preferences(
            engine,
            TOKENS,
            link(1, "preferences"),
            now=NOW,
            last_cut_off=CUT_OFF,
            categories=["cs.LG"],
            paper_count=7,
            hour=7,
            timezone="Europe/Berlin",
            interests=wanted,
            seen=NOW,
            pause=Pause(True, date(2026, 6, 1)),
        )

    first, second = together(save, save)
    assert first == second == preferences_of(engine, TOKENS, link(1, "preferences"), now=NOW)
    with reading(engine) as session:
        assert session.get_one(Subscription, 1).state == "paused"
        assert session.get_one(TasteRow, 1).papers == 1
        assert session.get_one(Subscription, 2).state == "confirmed"


def test_a_taste_is_corrected_word_by_word_and_forgotten_for_one_reader_alone(engine: Engine, paper: int) -> None:
    for reader in (1, 2):
        react(engine, TOKENS, link(reader), paper, Verb.MORE, now=NOW)
    strike_word(engine, TOKENS, link(1), "attention", now=NOW)
    assert taste_of(engine, TOKENS, link(1), now=NOW).struck == ("attention",)
    assert taste_of(engine, TOKENS, link(2), now=NOW).struck == ()
    strike_word(engine, TOKENS, link(1), "attention", now=NOW, undo=True)
    assert taste_of(engine, TOKENS, link(1), now=NOW) == taste_of(engine, TOKENS, link(2), now=NOW)
    drop_start(engine, TOKENS, link(1), "2605.00001", now=NOW)
    reset_taste(engine, TOKENS, link(1), now=NOW)
    assert taste_of(engine, TOKENS, link(1), now=NOW).empty
    assert not taste_of(engine, TOKENS, link(2), now=NOW).empty


def test_what_cannot_be_done_says_so(engine: Engine, paper: int) -> None:
    with pytest.raises(PreferencesRefused, match="topics of this paper"):
        react(engine, TOKENS, link(1), paper, Verb.MUTE, now=NOW, topic="anything else")
    with pytest.raises(TokenInvalid):
        react(engine, TOKENS, link(1, "preferences"), paper, Verb.MORE, now=NOW)
    with pytest.raises(NotFound):
        opinion(engine, TOKENS, link(1), paper + 1, now=NOW)
    with pytest.raises(NotFound):
        opinion(engine, TOKENS, link(99), paper, now=NOW)


def test_only_so_many_topics_can_be_muted(engine: Engine, paper: int) -> None:
    with writing(engine) as session:
        for number in range(60):
            session.add(
                InterestRow(subscriber_id=1, kind="exclusion", key=f"topic {number}", words="x", created_at=NOW)
            )
    with pytest.raises(PreferencesRefused, match="60 topics are muted already"):
        react(engine, TOKENS, link(1), paper, Verb.MUTE, now=NOW, topic="sparse")
