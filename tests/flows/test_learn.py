"""A reader's taste follows what they start from, like, save and strike out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.interests import Interest, InterestKind
from digest.core.prints import place
from digest.core.reading import SCALE, Taste
from digest.flows.learn import learn_again, learn_taste
from digest.flows.words import read_words
from digest.store.choices import one_at_a_time
from digest.store.engine import reading, writing
from digest.store.interests import add_interests
from digest.store.tables import Paper, PaperAlias, ReactionRow
from digest.store.tastes import forget_taste, strike_out, tastes_of
from tests.post import add_reader

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
TEXTS = {
    1: ("Pruning sparse networks", "We prune weights of sparse networks by magnitude and keep accuracy on images."),
    2: ("Sparse attention", "Attention that is sparse reads long documents with little memory and few heads."),
    3: ("Protein folding", "Folding of proteins by diffusion over residues; energies and chains are learned."),
}


def add_paper(session: Session, number: int, category: str = "cs.LG") -> None:
    title, abstract = TEXTS[number]
    session.add(
        Paper(
            id=number,
            arxiv_id=f"2605.0000{number}",
            slug=f"2605.0000{number}",
            title=title,
            title_key=title.lower(),
            abstract=abstract,
            categories=[category],
            listed_on=NOW.date(),
            first_seen_at=NOW,
        )
    )


def react(session: Session, subscriber_id: int, paper_id: int, leaning: int, *, saved: bool = False) -> None:
    session.merge(
        ReactionRow(
            subscriber_id=subscriber_id,
            paper_id=paper_id,
            leaning=leaning,
            saved_at=NOW if saved else None,
            at=NOW,
        )
    )


def start_from(session: Session, subscriber_id: int, paper: int) -> None:
    name = f"2605.0000{paper}"
    add_interests(session, subscriber_id, [Interest(InterestKind.PAPER, name, name)], NOW)


def weight_of(taste: Taste, word: str) -> float:
    words = np.frombuffer(taste.words, "<i4").tolist()
    weights = np.frombuffer(taste.weights, "<f4").tolist()
    return dict(zip(words, weights, strict=True)).get(place(word), 0.0)


def test_a_taste_rests_on_seeds_and_reactions_for_and_against(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        for number, category in ((1, "cs.LG"), (2, "cs.CL"), (3, "q-bio.BM")):
            add_paper(session, number, category)
    read_words(engine)
    with writing(engine) as session:
        start_from(session, ann, 1)
        react(session, ann, 2, 1)
        react(session, ann, 3, -1)
        learned = learn_taste(session, ann, now=NOW)
    with reading(engine) as session:
        assert tastes_of(session, [ann]) == {ann: learned}
    assert learned.papers == 3
    assert weight_of(learned, "sparse") > 0 > weight_of(learned, "protein")
    assert learned.categories == {"cs.CL": 0.5, "cs.LG": 0.5}
    assert "sparse" in learned.terms
    assert "protein" not in learned.terms
    assert 0.99 * SCALE < np.linalg.norm(np.frombuffer(learned.weights, "<f4")) <= SCALE


def test_what_a_reader_struck_out_stays_out_until_all_is_forgotten(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        add_paper(session, 1)
        add_paper(session, 2)
    read_words(engine)
    with writing(engine) as session:
        assert not strike_out(session, ann, ["sparse"])
        react(session, ann, 1, 1)
        assert learn_taste(session, ann, now=NOW).terms["sparse"] > 0
        assert strike_out(session, ann, ["sparse", "no such word"])
        learned = learn_taste(session, ann, now=NOW)
        assert learned.terms["sparse"] == 0.0
        assert weight_of(learned, "sparse") == 0.0
        assert "no such word" not in learned.terms
        react(session, ann, 2, 1)
        assert learn_taste(session, ann, now=NOW).terms["sparse"] == 0.0
        forget_taste(session, ann)
        assert tastes_of(session, [ann]) == {}
        assert learn_taste(session, ann, now=NOW).terms["sparse"] > 0


def test_newer_papers_count_more(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        add_paper(session, 1)
        add_paper(session, 3)
    read_words(engine)
    with writing(engine) as session:
        start_from(session, ann, 1)
        react(session, ann, 3, 1)
        session.get_one(ReactionRow, (ann, 3)).at = NOW + timedelta(days=360)
        session.flush()
        learned = learn_taste(session, ann, now=NOW + timedelta(days=360))
    assert weight_of(learned, "protein") > 2 * weight_of(learned, "pruning") > 0


def test_nothing_to_learn_from_is_an_empty_taste(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        start_from(session, ann, 1)  # not known here yet
        assert learn_taste(session, ann, now=NOW) == Taste()


def test_a_paper_whose_words_come_later_is_learned_with_them(engine: Engine) -> None:
    ann, bob = add_reader(engine, "ann@example.test"), add_reader(engine, "bob@example.test")
    with writing(engine) as session:
        add_paper(session, 2)
        start_from(session, ann, 1)  # neither the paper nor its words are known here yet
        react(session, bob, 2, 1)
        assert learn_taste(session, ann, now=NOW).papers == 0
        assert learn_taste(session, bob, now=NOW).papers == 0
    with writing(engine) as session:
        add_paper(session, 1)
        add_paper(session, 3)
    learned: list[int] = []
    read_words(engine, then=lambda session, ids: learned.append(learn_again(session, ids, now=NOW)))
    assert learned == [2]
    with reading(engine) as session:
        assert {key: taste.papers for key, taste in tastes_of(session, [ann, bob]).items()} == {ann: 1, bob: 1}


def test_a_word_struck_out_while_tastes_are_learned_again_stays_so(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        add_paper(session, 1)
        react(session, ann, 1, 1)
    read_words(engine)
    with writing(engine) as session:
        assert learn_taste(session, ann, now=NOW).terms["sparse"] > 0

    def again() -> int:
        with writing(engine) as session:
            return learn_again(session, [1], now=NOW)

    with ThreadPoolExecutor() as pool:
        with writing(engine) as session:
            one_at_a_time(session, ann)
            strike_out(session, ann, ["sparse"])
            learn_taste(session, ann, now=NOW)
            learned = pool.submit(again)
            sleep(0.3)  # long enough to come to what the reader holds
        assert learned.result() == 1
    with reading(engine) as session:
        assert tastes_of(session, [ann])[ann].terms["sparse"] == 0.0


def test_a_paper_to_start_from_that_was_named_by_a_former_address_is_learned_with_its_words(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test")
    with writing(engine) as session:
        add_paper(session, 1)
        session.add(PaperAlias(slug="pruning-sparse-networks", paper_id=1))
        wanted = Interest(InterestKind.PAPER, "pruning-sparse-networks", "pruning-sparse-networks")
        add_interests(session, ann, [wanted], NOW)
    read_words(engine)
    with writing(engine) as session:
        assert learn_again(session, [1], now=NOW) == 1
    with reading(engine) as session:
        assert "sparse" in tastes_of(session, [ann])[ann].terms
