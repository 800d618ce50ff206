"""Read the bounce mailbox from where it was left: each message through the one door, then the next."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from digest.errors import MailboxUnavailable, RefusedInput
from digest.flows.bounce import Outcome, receive
from digest.store import mailbox as store
from digest.store.engine import reading, writing
from digest.tokens import Tokens

_log = structlog.get_logger(__name__)


class OpenFolder(Protocol):
    """An open folder of a mailbox; what it does may raise MailboxUnavailable."""

    uid_validity: int

    def newer_than(self, uid: int, limit: int) -> list[int]:
        """List the UIDs above one, in order."""

    def fetch(self, uid: int) -> bytes | None:
        """Return a message, or None if it is gone; raises RefusedInput for one that is too large."""

    def put_away(self, uid: int) -> None:
        """Move a message that was read, if that is wanted."""


class Mailbox(Protocol):
    """A mailbox that can be opened."""

    @property
    def name(self) -> str:
        """How it is named to people and in the database."""

    def open(self) -> AbstractContextManager[OpenFolder]:
        """Open it; raises MailboxUnavailable."""


@dataclass
class Polled:
    """What was read: the outcomes, and what was set aside by its UID; `more` if there was not time for all."""

    messages: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    aside: list[tuple[int, str]] = field(default_factory=list)
    more: bool = False

    def as_plain(self) -> dict[str, int]:
        """Return the counts: messages, reports by kind, and what was set aside."""
        kinds = Counter(str(outcome.report.kind) for outcome in self.outcomes)
        return {"messages": self.messages, **kinds, "set aside": len(self.aside)}


def poll(engine: Engine, tokens: Tokens, mailbox: Mailbox, *, now: datetime, limit: int = 500) -> Polled:
    """Read what is new in a mailbox, up to `limit` messages.

    A message is taken in and committed, then put away, then the cursor moves: a kill in between reads it again, which
    changes nothing. One that cannot be read is set aside, told, and left where it is; the next ones are read. New UIDs
    (another UIDVALIDITY) begin at the start. Raises MailboxUnavailable, having noted it.
    """
    polled = Polled()
    try:
        with mailbox.open() as folder:
            with reading(engine) as session:
                place = store.place_in(session, mailbox.name)
            same = place is not None and place.uid_validity == folder.uid_validity
            last = place.last_uid if place is not None and same else 0
            found = folder.newer_than(last, limit + 1)
            polled.more = len(found) > limit
            for uid in found[:limit]:
                _take(engine, tokens, folder, uid, name=mailbox.name, polled=polled, now=now)
            if not found:
                with writing(engine) as session:
                    store.advance(session, mailbox.name, folder.uid_validity, last, now)
    except MailboxUnavailable as error:
        with writing(engine) as session:
            store.note_trouble(session, mailbox.name, str(error)[:300], now)
        raise
    return polled


def _take(
    engine: Engine, tokens: Tokens, folder: OpenFolder, uid: int, *, name: str, polled: Polled, now: datetime
) -> None:
    reason = ""
    try:
        message = folder.fetch(uid)
        if message is not None:
            polled.outcomes += receive(engine, tokens, message, now=now)
            polled.messages += 1
    except (MailboxUnavailable, OperationalError, InterfaceError):
        raise  # not the message's fault: it is read again
    except RefusedInput as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  # one message must not keep the others from being read, whatever it holds
        _log.exception("mail_unreadable", mailbox=name, uid=uid)
        reason = f"it could not be read: {type(error).__name__}"
    if reason:
        _log.warning("mail_set_aside", mailbox=name, uid=uid, reason=reason)
        polled.aside.append((uid, reason))
    else:
        folder.put_away(uid)
    with writing(engine) as session:
        if reason:
            store.set_aside(session, name, folder.uid_validity, uid, reason=reason, now=now)
        store.advance(session, name, folder.uid_validity, uid, now)
