"""A reader's taste, learned anew from the papers they started from and what they made of those they were sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.core.reading import Taste
from digest.store import tastes
from digest.store.choices import one_at_a_time
from digest.store.interests import reactions_of
from digest.store.texts import frequencies

_MOST = 200  # papers that a taste rests on, the newest
_HALF_LIFE = timedelta(days=180)
_SAVED = 0.5  # beside the leaning: to keep a paper says less than to ask for more like it


def learn_taste(session: Session, subscriber_id: int, *, now: datetime) -> Taste:
    """Learn a reader's taste anew in the session's transaction, store it and return it.

    It rests on the papers to start from, those they want more or less like, and those they saved; newer ones count
    more. A paper whose words were not read yet is learned when they are (`learn_again`). Words that the reader struck
    out of the terms stay at 0. Cheap enough for a click: some milliseconds.
    """
    from digest.core.liking import Example, Rarity, learn  # noqa: PLC0415 - numpy comes with the first click

    session.flush()  # the queries below look past what the session has not written yet
    when = tastes.seeds_of(session, subscriber_id)
    weights = {paper_id: _faded(since, now) for paper_id, since in when.items()}
    for one in reactions_of(session, subscriber_id):
        weight = one.leaning + (_SAVED if one.saved_at is not None else 0.0)
        if weight:
            weights[one.paper_id] = weights.get(one.paper_id, 0.0) + weight * _faded(one.at, now)
            when[one.paper_id] = max(one.at, when.get(one.paper_id, one.at))
    newest = sorted(weights, key=lambda paper_id: (when[paper_id], paper_id), reverse=True)[:_MOST]
    known = tastes.sources(session, newest)
    examples = [
        Example(weights[paper_id], source.words, source.categories, source.text)
        for paper_id in sorted(newest)
        if (source := known.get(paper_id)) is not None and source.words is not None and weights[paper_id]
    ]
    before = tastes.tastes_of(session, [subscriber_id]).get(subscriber_id, Taste())
    common = frequencies(session)
    taste = learn(
        examples,
        Rarity(common.papers, common.counts),
        struck=[word for word, weight in before.terms.items() if not weight],
    )
    tastes.put_taste(session, subscriber_id, taste, now)
    return taste


def learn_again(session: Session, paper_ids: Iterable[int], *, now: datetime) -> int:
    """Learn anew the tastes that rest on papers whose words were just read, in one transaction; return how many.

    What their readers do meanwhile waits, or a word they strike out at this moment would come back.
    """
    readers = tastes.resting_on(session, list(paper_ids))
    for subscriber_id in readers:  # in the order of their ids, so that two at once do not wait for one another
        one_at_a_time(session, subscriber_id)
        learn_taste(session, subscriber_id, now=now)
    return len(readers)


def _faded(since: datetime, now: datetime) -> float:
    """Return what is left of a paper's weight: half of it after half a year."""
    return float(0.5 ** (max(now - since, timedelta(0)) / _HALF_LIFE))
