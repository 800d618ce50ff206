"""Consent: the states of a subscription and the only ways between them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum


class SubscriptionState(StrEnum):
    """Where a subscriber's consent stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


class ConsentAction(StrEnum):
    """What a reader, or someone for them, did."""

    REQUEST = "request"
    CONFIRM = "confirm"
    PAUSE = "pause"
    RESUME = "resume"
    UNSUBSCRIBE = "unsubscribe"
    IMPORT = "import"  # by the operator, who states where the consent was given
    MOVE = "change address"
    OBJECT = "object to change"


_P, _C, _H, _U = SubscriptionState
TRANSITIONS: dict[tuple[SubscriptionState, ConsentAction], SubscriptionState] = {
    (_P, ConsentAction.REQUEST): _P,
    (_P, ConsentAction.CONFIRM): _C,
    (_P, ConsentAction.UNSUBSCRIBE): _U,
    (_P, ConsentAction.IMPORT): _C,
    (_C, ConsentAction.REQUEST): _C,  # asked again while subscribed: nothing changes, nothing is revealed
    (_C, ConsentAction.PAUSE): _H,
    (_C, ConsentAction.UNSUBSCRIBE): _U,
    (_H, ConsentAction.REQUEST): _H,
    (_H, ConsentAction.PAUSE): _H,  # paused for longer, or for less
    (_H, ConsentAction.RESUME): _C,
    (_H, ConsentAction.UNSUBSCRIBE): _U,
    (_U, ConsentAction.REQUEST): _P,  # consent must be given anew
    (_U, ConsentAction.UNSUBSCRIBE): _U,  # a second use of the link is no error (RFC 8058)
}


def after(state: SubscriptionState, action: ConsentAction) -> SubscriptionState | None:
    """Return the state after an action, or None where the action does not apply."""
    return TRANSITIONS.get((state, action))


def may_receive(state: SubscriptionState, paused_until: date | None, on: date) -> bool:
    """Decide whether a digest may go out for a local date; a pause with an end is over on that date."""
    if state is SubscriptionState.CONFIRMED:
        return paused_until is None or paused_until <= on
    return state is SubscriptionState.PAUSED and paused_until is not None and paused_until <= on
