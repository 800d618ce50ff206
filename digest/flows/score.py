"""Every paper in the window gets its standing as of an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.candidate import Batch
from digest.core.collector import without_collector
from digest.core.lineup import Contender, line_up
from digest.core.trend import Appraisal, appraise_batches, trend_scores
from digest.flows.watched import beyond_ranking
from digest.store.engine import reading, writing
from digest.store.outlook import Outlook, keep_outlook
from digest.store.scores import candidates, store_scores

ISSUE_SIZE = 500  # cards that an issue ranks: enough that a reader of one small category finds some
_SPARE = 200  # more in the outlook, which take the places of those that editors drop


def score(engine: Engine, as_of: datetime, *, size: int = ISSUE_SIZE) -> int:
    """Score every paper in the window as of an instant (aware), store the scores, return how many there are.

    With them the outlook is stored: what an issue of `size` papers would hold, which the desk shows until the next.
    A second call for the same instant replaces the first's scores. Reading and computing hold no lock.
    """
    as_of = as_of.astimezone(UTC)
    # A score of the whole window makes millions of small objects; looking through them takes as long as all the rest.
    with without_collector():
        with reading(engine) as session:
            appraisals, contenders = appraised(session, as_of)
            outlook = _outlook(session, contenders, as_of, size)
        with writing(engine) as session:
            store_scores(session, as_of, trend_scores(appraisals))
            keep_outlook(session, outlook)
    return len(appraisals)


def appraised(session: Session, as_of: datetime) -> tuple[list[Appraisal], list[Contender]]:
    """Appraise every candidate without writing anything; the contenders are the same papers for `line_up`."""
    listed: list[date | None] = []

    def noted() -> Iterator[Batch]:
        for batch in candidates(session, as_of):
            listed.extend(one.listed_on for one in batch.candidates)
            yield batch

    with without_collector():
        appraisals = appraise_batches(noted(), as_of)
    contenders = [
        Contender(one.paper_id, one.value, one.primary_category, listed_on)
        for one, listed_on in zip(appraisals, listed, strict=True)
    ]
    return appraisals, contenders


def _outlook(session: Session, contenders: Sequence[Contender], as_of: datetime, size: int) -> Outlook:
    ranked = line_up(contenders, size + _SPARE)
    named = set(ranked[:size])
    rest = [one for one in contenders if one.paper_id not in named]
    return Outlook(as_of, ranked, beyond_ranking(session, rest, named, as_of))
