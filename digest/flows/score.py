"""Every paper in the window gets its standing as of an instant."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.lineup import Contender
from digest.core.trend import Appraisal, appraise, trend_scores
from digest.store.engine import reading, writing
from digest.store.scores import candidates, store_scores


def score(engine: Engine, as_of: datetime) -> int:
    """Score every paper in the window as of an instant (aware), store the scores, return how many there are.

    A second call for the same instant replaces the first's scores. Reading and computing hold no lock.
    """
    as_of = as_of.astimezone(UTC)
    with reading(engine) as session:
        appraisals, _contenders = appraised(session, as_of)
    with writing(engine) as session:
        store_scores(session, as_of, trend_scores(appraisals))
    return len(appraisals)


def appraised(session: Session, as_of: datetime) -> tuple[list[Appraisal], list[Contender]]:
    """Appraise every candidate without writing anything; the contenders are the same papers for `line_up`."""
    appraisals: list[Appraisal] = []
    contenders: list[Contender] = []
    for candidate in candidates(session, as_of):
        one = appraise(candidate, as_of)
        appraisals.append(one)
        contenders.append(Contender(candidate.paper_id, one.value, candidate.primary_category, candidate.listed_on))
    return appraisals, contenders
