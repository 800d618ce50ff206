"""The words of papers that nobody has read yet: their prints, how new they are, and what is near them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.novelty import REACH, Listed, Precedents, novelty
from digest.core.prints import Print, print_of
from digest.store import texts
from digest.store.engine import reading, writing

_BLOCK = 2_000  # papers judged and committed together; what stops a run loses no more
Told = Callable[[int, int], None]  # how many papers are done, of how many
Then = Callable[[Session, Sequence[int]], object]  # what else to do about papers in the transaction of their words


@dataclass(slots=True)
class Tally:
    """What one run did: papers whose words were read, how many of them got a novelty, and neighbours kept."""

    read: int = 0
    judged: int = 0
    neighbours: int = 0


def read_words(
    engine: Engine,
    told: Told = lambda *_: None,
    *,
    then: Then = lambda *_: None,
    block: int = _BLOCK,
    reach: int = REACH,
) -> Tally:
    """Read the words of every paper that has an abstract and was not read yet, in the order of their listing days.

    What is stored stands: a new version of an abstract, and a paper that comes late, change no other paper's
    novelty. A late paper is judged by what was listed before its own day. Committed block by block, so a run that
    was stopped goes on where it was; a second run at the same time adds nothing twice. Reading and computing hold
    no lock.
    """
    with reading(engine) as session:
        waiting = texts.unread(session)
    tally = Tally()
    known: Precedents = Precedents.none()
    until: date | None = None
    for start in range(0, len(waiting), block):
        papers = waiting[start : start + block]
        first, last = papers[0][0], papers[-1][0]
        with reading(engine) as session:
            # What is stored of the days that the block before did not reach; its own papers are among the known.
            known = known.joined(Precedents.of(texts.prints_listed(session, until, first, last, reach)))
            found = texts.texts_of(session, [paper_id for _, paper_id in papers])
        listed = [Listed(paper_id, day, print_of(found[paper_id])) for day, paper_id in papers if paper_id in found]
        known, verdicts = novelty(known, listed, reach=reach)
        until = last
        of = {paper.paper_id: paper for paper in listed}
        worked = [
            texts.Worked(
                paper_id=verdict.paper_id,
                listed_on=of[verdict.paper_id].listed_on,
                words=of[verdict.paper_id].words,
                distance=verdict.distance,
                novelty=verdict.novelty,
                nearest=verdict.nearest,
            )
            for verdict in verdicts
        ]
        with writing(engine) as session:
            stored = set(texts.store_worked(session, worked))
            kept = [one for one in worked if one.paper_id in stored]
            texts.store_frequencies(session, _counted(texts.frequencies(session), [one.words for one in kept]))
            then(session, [one.paper_id for one in kept])
        tally.read += len(kept)
        tally.judged += sum(one.novelty is not None for one in kept)
        tally.neighbours += sum(len(one.nearest) for one in kept)
        told(start + len(papers), len(waiting))
    return tally


def _counted(found: texts.Frequencies, prints: Sequence[Print]) -> texts.Frequencies:
    counts = np.frombuffer(found.counts, dtype="<i4").copy()
    places = np.frombuffer(b"".join(one.words for one in prints), dtype="<i4")
    counts += np.bincount(places, minlength=len(counts)).astype("<i4")
    return texts.Frequencies(found.papers + len(prints), counts.tobytes())
