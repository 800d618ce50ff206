"""The refresh plan in SQL: which papers a service is due to be asked for, and what it said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, or_, select, update
from sqlmodel import Session

from digest.core.merge import storable
from digest.core.refresh import LIVELY_FOR, UNKNOWN_WAIT, Finding, Subject, born
from digest.core.repository import repositories
from digest.store.dialects import insert_into, insert_missing, table_of
from digest.store.tables import ObservationRow, Paper, SignalCheck

_PAGE_PLACE = "hf_page_rank"

_check = table_of(SignalCheck)
_observation = table_of(ObservationRow)
_paper = table_of(Paper)


def due_subjects(
    session: Session,
    service: str,
    shares: tuple[int, int],
    *,
    now: datetime,
    lively_before: datetime,
    fallback_for: str = "",
    with_repository: bool = False,
) -> list[Subject]:
    """Return the papers to ask a service for now: the newest ones, then those that have waited longest.

    `shares` says how many of each. A paper is due when it was never asked for, when its time has come, or when it
    stands on the day's page and was last asked for before `lively_before`. With `fallback_for` only papers that
    service was asked for without finding them; `with_repository` only those that mention GitHub.
    """
    lively = select(_observation.c.paper_id).where(
        _observation.c.at > now - LIVELY_FOR, _observation.c.signal == _PAGE_PLACE
    )
    is_lively = _paper.c.id.in_(lively)
    wanted: list[ColumnElement[bool]] = [
        or_(
            _check.c.paper_id.is_(None),
            _check.c.next_at <= now,
            # A question put off because it could not be answered waits out its hour, lively or not.
            and_(_check.c.asked_at <= lively_before, _check.c.next_at > now + UNKNOWN_WAIT, is_lively),
        ),
        _mentions_github() if with_repository else _paper.c.arxiv_id.is_not(None),
    ]
    if fallback_for:
        asked = _check.alias()
        wanted.append(
            exists().where(
                asked.c.paper_id == _paper.c.id, asked.c.service == fallback_for, asked.c.answer != Finding.FOUND
            )
        )
    statement = (
        select(_paper, _check.c.named, _check.c.known_as, case((is_lively, 1), else_=0).label("is_lively"))
        .outerjoin(_check, and_(_check.c.paper_id == _paper.c.id, _check.c.service == service))
        .where(*wanted)
    )
    newest, waiting = shares
    found: dict[int, Subject] = {}
    by_newness = statement.order_by(
        case((is_lively, 0), else_=1), _paper.c.listed_on.desc().nulls_last(), _paper.c.id.desc()
    )
    for row in session.connection().execute(by_newness.limit(newest)):
        found[row.id] = _subject(row)
    if len(found) == newest and waiting:
        by_waiting = statement.order_by(_check.c.next_at.asc().nulls_first(), _paper.c.id)
        for row in session.connection().execute(by_waiting.limit(newest + waiting)):
            if len(found) < newest + waiting:
                found.setdefault(row.id, _subject(row))
    return list(found.values())


def record_answers(
    session: Session, service: str, answers: Iterable[tuple[int, Finding, datetime, str, str]], *, now: datetime
) -> None:
    """Store what a service said of papers: (paper id, finding, when to ask again, repository named, its name now).

    An unknown only puts off the next question: what the service said before stays as it was.
    """
    known: dict[int, dict[str, Any]] = {}
    unknown: dict[int, dict[str, Any]] = {}
    for paper_id, finding, again_at, named, known_as in answers:
        row = {
            "paper_id": paper_id,
            "service": service,
            "asked_at": now,
            "answer": str(finding),
            "next_at": again_at,
            "named": storable(named)[:200],
            "known_as": storable(known_as)[:200],
        }
        (unknown if finding is Finding.UNKNOWN else known)[paper_id] = row
    if known:
        statement: Any = insert_into(session, _check)
        changing = {name: statement.excluded[name] for name in ("asked_at", "answer", "next_at", "named", "known_as")}
        statement = statement.on_conflict_do_update(index_elements=["paper_id", "service"], set_=changing)
        session.connection().execute(statement, list(known.values()))
    for row in unknown.values():
        session.connection().execute(
            update(_check)
            .where(_check.c.paper_id == row["paper_id"], _check.c.service == service)
            .values(next_at=row["next_at"])
        )
    insert_missing(session, SignalCheck, list(unknown.values()))


def fill_code_urls(session: Session, found: Sequence[tuple[int, str]]) -> None:
    """Give papers without a link to their code the repository that was found, by paper id and web address."""
    for paper_id, url in found:
        session.connection().execute(
            update(_paper).where(_paper.c.id == paper_id, _paper.c.code_url == "").values(code_url=url, has_code=True)
        )


def _mentions_github() -> ColumnElement[bool]:
    return or_(*(_paper.c[name].icontains("github.com/") for name in ("code_url", "comment", "abstract")))


def _subject(row: Row[Any]) -> Subject:
    return Subject(
        paper_id=row.id,
        arxiv_id=row.arxiv_id or "",
        doi=row.doi,
        authors=tuple(row.authors),
        repositories=repositories(row.code_url, row.comment, row.abstract),
        named=row.named or "",
        known_as=row.known_as or "",
        born_at=born(row.listed_on, row.published_at, row.first_seen_at),
        is_lively=bool(row.is_lively),
    )
