"""Before anything is sent: has this database been restored? If it has, hold what may have gone out already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.epoch import Mark, Standing, restored
from digest.store import epoch as store
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.epoch import Fenced

_log = structlog.get_logger(__name__)
_ITSELF = "the fence"


class Marks(Protocol):
    """Where a database's mark is kept outside of it; `lasts` says that a missing one was lost, and not flushed."""

    @property
    def lasts(self) -> bool:
        """Whether what was written stays."""

    def read(self, identity: str) -> Mark | None:
        """Return the mark of a database, or whichever is there."""

    def write(self, mark: Mark) -> None:
        """Keep a mark, unless a greater one of the same database is kept."""


@dataclass(frozen=True)
class Guard:
    """Stands before every run that sends; `marks` is None where nothing outside the database can be written to."""

    engine: Engine
    marks: Marks | None
    clock: Callable[[], datetime]

    def stand(self) -> Fenced | None:
        """Raise the mark, and first the fence if the database was restored; return what that stopped.

        To be called before anything is sent or queued, and after a run that sent: what a copy taken between two calls
        does not know is at most what was sent between them.
        """
        self._begin()
        outside = self._outside()  # before the database is read, or another process's run would look like a restore
        with writing(self.engine) as session:
            own = store.own_standing(session)
            imprint = store.imprint(session)
            if outside is None and own is not None and self.marks is not None:
                outside = self.marks.read(own.mark.identity)  # another process may have written the first one meanwhile
            words = self._judge(session, own, outside, imprint)
            mark = store.raise_mark(session, least=outside.mark if outside else 0, now_at=imprint)
            fenced = _raise_fence(session, words, self.clock()) if words else None
        self._write(mark)
        if fenced:
            _log.error("database_restored", words=fenced.words, unknown=fenced.unknown, issues=fenced.issues)
        return fenced

    def raise_fence(self, words: str) -> Fenced:
        """Hold what may have gone out, for a reason of the caller's, such as a restore by our own command."""
        outside = self._outside()
        with writing(self.engine) as session:
            store.own_standing(session)
            imprint = store.imprint(session)
            mark = store.raise_mark(session, least=outside.mark if outside else 0, now_at=imprint)
            fenced = _raise_fence(session, words, self.clock())
        self._write(mark)
        return fenced

    def _begin(self) -> None:
        """See to it that there is a mark outside before the database counts the first run."""
        outside = self._outside()
        with writing(self.engine) as session:
            own = store.own_standing(session)
            if own is not None or self._judge(session, own, outside, ""):
                return
            mark = store.begin(session)
        self._write(mark)

    def _judge(self, session: Session, own: Standing | None, outside: Mark | None, imprint: str) -> str:
        lasts = self.marks is not None and self.marks.lasts
        return restored(own, outside, imprint, outside_lasts=lasts, has_sent=store.has_sent(session))

    def _outside(self) -> Mark | None:
        if self.marks is None:
            return None
        with reading(self.engine) as session:
            own = store.own_standing(session)
        return self.marks.read(own.mark.identity if own else "")

    def _write(self, mark: Mark) -> None:
        if self.marks is not None:
            self.marks.write(mark)


def _raise_fence(session: Session, words: str, now: datetime) -> Fenced:
    fenced = store.fence(session, words, now=now)
    detail = f"restored: {words}. {fenced.unknown} deliveries are unknown now"
    target = " ".join(f"issue {one}" for one in fenced.issues)
    append_audit(session, at=now, actor=_ITSELF, action="fence", target=target, detail=detail[:500])
    return fenced
