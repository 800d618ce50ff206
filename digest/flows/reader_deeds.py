"""What the desk does for, or to, one reader: a confirmation again, a ban and its end, an export, erasure; audited."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.asker import Asker
from digest.errors import DeedRefused, NotFound
from digest.flows import ban_list, erasure
from digest.flows import export as exporting
from digest.flows.ban_list import short
from digest.store import roll
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.reader_mail import Again, confirm_again
from digest.store.subscribers import suppressed
from digest.tokens import Tokens, address_key

_LONGEST_REASON = 200


def resend_confirmation(engine: Engine, tokens: Tokens, reader: int, asker: Asker) -> None:
    """Mail the confirmation of a request once more; raises NotFound, or DeedRefused with what stands in the way."""
    address = _address_of(engine, reader)
    hashes = tokens.address_hashes(address)
    with writing(engine) as session:
        if suppressed(session, hashes):
            raise DeedRefused("mail to this address is stopped; lift that first, if it may be lifted")
        came = confirm_again(session, reader, asker.now)
        if came is Again.QUEUED:
            _note(session, asker, "confirmation again", short(hashes[0]))
    match came:
        case Again.NOT_PENDING:
            raise DeedRefused("nothing is to be confirmed: only a reader who asked and has not confirmed gets one")
        case Again.ON_ITS_WAY:
            raise DeedRefused("a confirmation is on its way, or went out minutes ago; see what becomes of it first")
        case Again.TOO_MANY:
            raise DeedRefused("there were three within a day; more would be a nuisance if somebody else typed this")


def suppress(engine: Engine, tokens: Tokens, reader: int, reason: str, asker: Asker) -> None:
    """Stop all mail to a reader at once; raises NotFound, or DeedRefused where it is stopped already."""
    said = " ".join(reason.split())
    if not said or len(said) > _LONGEST_REASON:
        raise DeedRefused(f"say in 1 to {_LONGEST_REASON} characters why; whoever lifts it will want to know")
    address = _address_of(engine, reader)
    if not ban_list.ban(engine, tokens, address, said, now=asker.now, actor=asker.actor, ip=asker.ip):
        raise DeedRefused("mail to this address is stopped already, and its first reason is kept")


def lift(engine: Engine, tokens: Tokens, reader: int, asker: Asker) -> None:
    """Let mail go to a reader again; raises NotFound, or DeedRefused where nothing is stopped."""
    address = _address_of(engine, reader)
    if not ban_list.lift(engine, tokens, address, now=asker.now, actor=asker.actor, ip=asker.ip):
        raise DeedRefused("mail to this address is not stopped")


def export(engine: Engine, tokens: Tokens, reader: int, asker: Asker, *, base_url: str) -> str:
    """Return everything held about a reader as JSON; raises NotFound."""
    address = _address_of(engine, reader)
    held = exporting.export(engine, tokens, reader, base_url=base_url, now=asker.now)
    with writing(engine) as session:
        _note(session, asker, "export reader", short(tokens.address_hashes(address)[0]))
    return held


def erase(engine: Engine, tokens: Tokens, reader: int, typed: str, asker: Asker) -> None:
    """Erase a reader for good, if their address was typed; raises NotFound, or DeedRefused for another address."""
    if address_key(typed) != address_key(_address_of(engine, reader)):
        raise DeedRefused("type the reader's whole address to erase them; what was typed is another one")
    erasure.erase(engine, tokens, [reader], actor=asker.actor, now=asker.now, ip=asker.ip)


def _address_of(engine: Engine, reader: int) -> str:
    with reading(engine) as session:
        found = roll.one(session, reader)
    if found is None:
        raise NotFound("there is no such reader, or they were erased")
    return found.address


def _note(session: Session, asker: Asker, action: str, target: str) -> None:
    append_audit(session, at=asker.now, actor=asker.actor, action=action, target=target, ip=asker.ip)
