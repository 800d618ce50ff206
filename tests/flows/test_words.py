"""Reading the words of papers: in listing order, resumable, once for each paper; on both databases."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from digest.core.paper import Listing
from digest.core.plan import Task
from digest.core.prints import PLACES
from digest.flows import words as flow
from digest.flows.tick import due_work
from digest.flows.words import read_words
from digest.store import due, texts
from digest.store.engine import reading, writing
from digest.store.merge import Tally, merge_batch
from digest.store.tables import Paper, PaperNeighbour, PaperText
from tests.conftest import NOW

FIRST = date(2026, 1, 1)
_SYLLABLES = [first + second for first in "bdfgkmrtvz" for second in "ao"]
VOCABULARY = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3)]


def abstract(number: int) -> str:
    """Thirty words of a topic and ten of anything, the same for the same number."""
    dice = random.Random(number)
    topic = dice.randrange(25) * 60
    return " ".join(dice.choices(VOCABULARY[topic : topic + 60], k=30) + dice.choices(VOCABULARY, k=10))


def listing(number: int, **changes: object) -> Listing:
    stated: dict[str, object] = {
        "arxiv_id": f"2601.{number:05d}",
        "title": f"Probe number {number}",
        "abstract": abstract(number),
        "listed_on": FIRST + timedelta(days=number // 60),
    }
    return Listing(source="arxiv-rss", **{**stated, **changes})  # type: ignore[arg-type]  # a test changes what it likes


def ingest(engine: Engine, *listings: Listing) -> None:
    for start in range(0, len(listings), 500):
        with writing(engine) as session:
            batch = list(listings[start : start + 500])
            merge_batch(session, batch, source="arxiv-rss", scope="", run_id=None, seen_at=NOW, tally=Tally())


def stored(engine: Engine) -> dict[str, PaperText]:
    """What is known of each paper's words, by the last five figures of its arXiv id."""
    with reading(engine) as session:
        rows = session.exec(select(Paper.slug, PaperText).join(PaperText, col(PaperText.paper_id) == col(Paper.id)))
        return {slug[-5:]: row for slug, row in rows}


def novelties(engine: Engine) -> dict[str, float | None]:
    return {slug: row.novelty for slug, row in stored(engine).items()}


def test_every_paper_with_an_abstract_is_read_once(engine: Engine) -> None:
    ingest(engine, *(listing(number) for number in range(520)), listing(900, abstract=""))
    told: list[tuple[int, int]] = []
    tally = read_words(engine, lambda done, total: told.append((done, total)), block=200)
    assert (tally.read, told) == (520, [(200, 520), (400, 520), (520, 520)])
    assert tally.judged == len([one for one in novelties(engine).values() if one is not None]) >= 100
    with reading(engine) as session:
        kept = session.exec(select(PaperNeighbour)).all()
        found = texts.frequencies(session)
    assert tally.neighbours == len(kept) >= 520
    assert all(row.other_id < row.paper_id and 0.05 <= row.cosine <= 1 for row in kept)
    assert (found.papers, len(found.counts)) == (520, 4 * PLACES)
    assert read_words(engine) == flow.Tally()


def test_neither_the_blocks_nor_a_stop_between_them_change_a_novelty(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(engine, *(listing(number) for number in range(700)))

    def stop(done: int, _total: int) -> None:
        if done >= 450:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_words(engine, stop, block=90)
    assert len(stored(engine)) == 450
    read_words(engine, block=77)
    found = {slug: (row.novelty, row.distance, row.words, row.counts) for slug, row in stored(engine).items()}
    with writing(engine) as session:
        for model in (PaperNeighbour, PaperText):
            for row in session.exec(select(model)):
                session.delete(row)
    read_words(engine)
    assert {slug: (row.novelty, row.distance, row.words, row.counts) for slug, row in stored(engine).items()} == found


def test_a_copy_is_among_the_least_novel_and_its_original_is_nearest(engine: Engine) -> None:
    ingest(engine, *(listing(number) for number in range(600)))
    read_words(engine)
    later = FIRST + timedelta(days=40)
    ingest(engine, listing(901, title="Another title", abstract=abstract(33), listed_on=later))
    read_words(engine)
    everything = novelties(engine)
    given = sorted(one for one in everything.values() if one is not None)
    copied = everything["00901"]
    assert copied is not None
    assert copied <= given[len(given) // 20]
    with reading(engine) as session:
        ids = dict(session.exec(select(Paper.slug, Paper.id)).all())
        original, copy = ids["2601.00033"] or 0, ids["2601.00901"] or 0
        assert texts.neighbours(session, copy, limit=3)[0] == original
        assert texts.neighbours(session, original, limit=3)[0] == copy  # read in both directions


def test_a_new_version_changes_no_novelty(engine: Engine) -> None:
    ingest(engine, *(listing(number) for number in range(500)))
    read_words(engine)
    before = stored(engine)
    ingest(engine, listing(450, abstract=abstract(12_345), version=2))
    read_words(engine)
    after = stored(engine)
    assert {slug: (row.novelty, row.words) for slug, row in after.items()} == {
        slug: (row.novelty, row.words) for slug, row in before.items()
    }


def test_an_abstract_that_comes_later_is_read_then(engine: Engine) -> None:
    ingest(engine, listing(1, abstract=""), listing(2))
    read_words(engine)
    assert set(stored(engine)) == {"00002"}
    ingest(engine, listing(1))
    read_words(engine)
    assert set(stored(engine)) == {"00001", "00002"}


def test_a_late_paper_is_judged_by_what_came_before_its_day_and_moves_nobody(engine: Engine) -> None:
    ingest(engine, *(listing(number) for number in range(600)))
    read_words(engine)
    before = novelties(engine)
    day = FIRST + timedelta(days=8)
    ingest(engine, listing(902, title="Late", abstract=abstract(599), listed_on=day))  # 599 is listed on the tenth day
    read_words(engine)
    after = novelties(engine)
    assert after.pop("00902") not in (None, 0)
    assert after == before
    with reading(engine) as session:
        late = session.exec(select(Paper.id).where(Paper.slug == "2601.00902")).one()
        earlier = session.exec(
            select(Paper.listed_on)
            .join(PaperNeighbour, col(PaperNeighbour.other_id) == col(Paper.id))
            .where(PaperNeighbour.paper_id == late)
        ).all()
    assert earlier
    assert all(listed_on is not None and listed_on <= day for listed_on in earlier)


def test_late_and_new_papers_of_one_run_are_each_judged_on_their_own_day(engine: Engine) -> None:
    ingest(engine, *(listing(number) for number in range(600)))
    read_words(engine)
    late = listing(903, abstract=abstract(777), listed_on=FIRST + timedelta(days=8))
    new = listing(904, abstract=abstract(778), listed_on=FIRST + timedelta(days=30))
    ingest(engine, late, new)
    read_words(engine, block=1)
    found = stored(engine)
    with reading(engine) as session:
        counted = len(list(texts.prints_listed(session, None, FIRST, found["00904"].listed_on, 10_000)))
        assert counted == 602
        day = late.listed_on or FIRST
        assert len(list(texts.prints_listed(session, None, day, day, 10_000))) == 541


def test_a_paper_merged_away_loses_what_its_words_said(engine: Engine) -> None:
    ingest(engine, Listing(source="hf", title="Two names for one work", authors=("Ada Bell",), abstract=abstract(1)))
    ingest(engine, listing(905, title="Another title", authors=("Ada Bell",), abstract=abstract(1)))
    read_words(engine)
    assert len(stored(engine)) == 2
    ingest(engine, listing(905, title="Two names for one work", authors=("Ada Bell",), abstract=abstract(1)))
    with reading(engine) as session:
        papers = session.exec(select(Paper.id)).all()
        assert len(papers) == 1
        assert session.exec(select(PaperText.paper_id)).all() == papers
        assert session.exec(select(PaperNeighbour)).all() == []


def test_a_paper_merged_away_while_it_is_read_is_left_out(engine: Engine) -> None:
    ingest(engine, listing(1), listing(2))
    with reading(engine) as session:
        ids = [paper_id or 0 for paper_id in session.exec(select(Paper.id).order_by(col(Paper.id)))]
    prints = flow.print_of("lamp")
    gone = texts.Worked(paper_id=9_999, listed_on=FIRST, words=prints, distance=None, novelty=None)
    there = texts.Worked(
        paper_id=ids[1],
        listed_on=FIRST,
        words=prints,
        distance=None,
        novelty=None,
        nearest=((9_999, 0.9), (ids[0], 0.8)),
    )
    with writing(engine) as session:
        assert texts.store_worked(session, [gone, there]) == [ids[1]]
        assert texts.store_worked(session, [gone, there]) == []
    with reading(engine) as session:
        assert [row.other_id for row in session.exec(select(PaperNeighbour))] == [ids[0]]


def test_words_are_due_after_an_ingest_and_come_before_the_score(engine: Engine) -> None:
    def tasks() -> list[Task]:
        return [work.task for work in due_work(engine, [], cut_off=NOW, now=NOW)]

    assert tasks()[-4:-2] == [Task.WORDS, Task.SCORE]
    ingest(engine, listing(1), listing(2, abstract=""))
    with reading(engine) as session:
        assert due.words_wait(session)
    read_words(engine)
    with reading(engine) as session:
        assert not due.words_wait(session)
