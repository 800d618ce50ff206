"""Change of address: asked for with a reader's link, confirmed at the new address, told to the old one."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.language import mark
from digest.core.sign_up import SignUp
from digest.core.subscription import ConsentAction, SubscriptionState
from digest.errors import NotFound, TokenInvalid, TokenSpent
from digest.flows.subscribe import OPEN, WORDING, readable_address, whole
from digest.store import movers, subscribers
from digest.store.choices import choices_of
from digest.store.engine import writing, writing_again
from digest.store.erasure import addresses_of, erase
from digest.store.subscribers import Evidence
from digest.tokens import Tokens

CONFIRM_WITHIN = timedelta(days=3)
OBJECT_WITHIN = timedelta(days=30)
_RUNNING = (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)


class Moved(StrEnum):
    """What became of a change that was confirmed at the new address."""

    MOVED = "moved"
    JOINED = "joined"  # the new address has a digest of its own, which stays; the other one ended


def ask_to_move(
    engine: Engine,
    tokens: Tokens,
    subscriber_id: int,
    address: str,
    *,
    now: datetime,
    ip: str,
    sign_up: SignUp = OPEN,
    special_use: bool = False,
) -> None:
    """Take down that a reader wants their digest at another address, and write to that address where it may be.

    Says nothing of what is known of it. Raises AddressRefused or SignUpRefused for what was typed, NotFound for a
    reader who was erased or has no running subscription.
    """
    typed = readable_address(address, special_use=special_use)
    if sign_up.domains:
        sign_up.check(typed)
    with writing(engine) as session:
        found = choices_of(session, subscriber_id)
        if found is None or found[1] not in _RUNNING:
            raise NotFound(mark("there is no running subscription behind this link; subscribe with the new address"))
        movers.ask(session, subscriber_id, typed, tokens.address_hashes(typed), ip=ip, now=now)


def confirm_move(engine: Engine, tokens: Tokens, token: str, *, now: datetime, ip: str, language: str = "") -> Moved:
    """Move a reader to the address at which the link was opened, with their choices and history.

    Whoever opens it has shown that both addresses are theirs. If the new one has a running digest of its own, that
    stays and the asking one ends; what was left or never confirmed there gives way. Somebody who subscribes there at
    this very moment can make the database refuse it; then it is tried again. `language` is that of the page.
    Raises TokenSpent the second time, TokenInvalid for a link that is forged, too old or overtaken.
    """
    letter = whole(tokens.verify("new-address", token, now=now, max_age=CONFIRM_WITHIN), "d")
    evidence = Evidence(at=now, ip=ip, source="link mailed to the new address", wording=WORDING, language=language)
    return writing_again(engine, lambda session: _move(session, tokens, letter, evidence), called="move")


def _move(session: Session, tokens: Tokens, letter: int, evidence: Evidence) -> Moved:
    now = evidence.at
    change = movers.behind_letter(session, letter)
    if change is None or (change.objected_at is not None and change.confirmed_at is None):
        raise TokenInvalid("this change was withdrawn; ask for it again")
    if change.confirmed_at is not None:
        raise TokenSpent("this change of address is made already; you need not do anything more")
    found = choices_of(session, change.subscriber_id)
    if found is None or found[1] not in _RUNNING or found[0] != change.old_address:
        raise TokenInvalid("the digest ended, or moved, before this link was used; ask for the change again")
    movers.conclude(session, change.id, now)
    there = movers.holder_of(session, change.new_address)
    if there is not None and there.state in _RUNNING and there.subscriber_id != change.subscriber_id:
        subscribers.apply_consent(session, change.subscriber_id, ConsentAction.UNSUBSCRIBE, evidence)
        movers.notify(session, change, now, lasts=OBJECT_WITHIN)  # after it, as leaving settles all that waits
        return Moved.JOINED
    if there is not None and there.subscriber_id != change.subscriber_id:
        _give_way(tokens, session, there.subscriber_id, change.new_address, now)
    subscribers.forgive(session, change.old_address)  # what came back from there says nothing of the new one
    movers.readdress(session, change.subscriber_id, change.new_address)
    subscribers.record_consent(session, change.subscriber_id, ConsentAction.MOVE, evidence)
    movers.notify(session, change, now, lasts=OBJECT_WITHIN)
    return Moved.MOVED


def object_to_move(engine: Engine, tokens: Tokens, token: str, *, now: datetime, ip: str, language: str = "") -> None:
    """Undo a change of address by the link of the notice, and let nobody ask for another one for 30 days.

    What came of it is undone with it: a stranger who moved a digest on, or asked for a second move beforehand, can
    neither confirm that nor object in their turn. Somebody who subscribes with the old address at this very moment can
    make the database refuse it; then it is looked at again.
    Raises TokenSpent the second time, TokenInvalid where it cannot be undone: the link is forged or older than 30
    days, the reader was erased, or the old address belongs to somebody else by now.
    """
    notice = whole(tokens.verify("object", token, now=now, max_age=OBJECT_WITHIN), "d")
    evidence = Evidence(at=now, ip=ip, source="link mailed to the old address", wording=WORDING, language=language)
    writing_again(engine, lambda session: _undo(session, notice, evidence), called="objection to a move")


def _undo(session: Session, notice: int, evidence: Evidence) -> None:
    change = movers.behind_notice(session, notice)
    if change is None:
        raise TokenInvalid("nothing is known of this change any more")
    if change.objected_at is not None:
        raise TokenSpent("this change is undone already; you need not do anything more")
    there = movers.holder_of(session, change.old_address)
    if there is not None and there.subscriber_id != change.subscriber_id:
        raise TokenInvalid("this address has a new subscription by now; its own links lead to it")
    movers.object_to(session, change, evidence.at)
    movers.readdress(session, change.subscriber_id, change.old_address)
    subscribers.record_consent(session, change.subscriber_id, ConsentAction.OBJECT, evidence)


def _give_way(tokens: Tokens, session: Session, subscriber_id: int, address: str, now: datetime) -> None:
    """Erase what was left or never confirmed at an address, for the reader who moves there."""
    addresses = addresses_of(session, [subscriber_id])
    hashes = [one for each in addresses for one in tokens.address_hashes(each)]
    erase(session, [subscriber_id], addresses, hashes, now)
