"""A test letter: a digest as it was previewed, sent to whoever looks at it, by the code that sends all mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.errors import EditRefused
from digest.flows.preview import Preview
from digest.store.admins import append_audit
from digest.store.engine import writing
from digest.store.specimens import Kept, queue_specimen, specimens_since

_MOST_AN_HOUR = 30
_HOUR = timedelta(hours=1)


def send_specimen(
    engine: Engine,
    shown: Preview,
    to: str,
    *,
    categories: tuple[str, ...] = (),
    actor: str,
    now: datetime,
    ip: str = "",
) -> int:
    """Queue what was shown for one address, at once, and return the delivery's id; its links stay inert.

    It belongs to no issue and to no reader's account: it is counted in no audience, and may be repeated. What is sent
    is what was shown, whatever happens to the issue meanwhile. `categories` are those it was cut for, to be recorded.
    Raises EditRefused for one address too often.
    """
    letter = Kept(shown.subject, shown.html, shown.text)
    with writing(engine) as session:
        if specimens_since(session, to, now - _HOUR) >= _MOST_AN_HOUR:
            raise EditRefused(f"{to} got {_MOST_AN_HOUR} test mails within the hour; wait a little")
        delivery_id = queue_specimen(session, to, letter, now, subscriber_id=shown.reader_id)
        # Neither whose mail it shows nor to whom it goes is written down: the audit log outlives a reader's erasure.
        whose = "one reader's mail" if shown.reader_id is not None else "a reader without preferences"
        detail = f"{whose}, {' '.join(categories)}"[:500] if categories else whose
        append_audit(
            session,
            at=now,
            actor=actor,
            action="send test",
            target=f"issue of {shown.issue.issued_on}",
            detail=detail,
            ip=ip,
        )
    return delivery_id
