"""Consent: the states of a subscription and the only ways between them."""

from __future__ import annotations

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


_P, _C, _H, _U = SubscriptionState
TRANSITIONS: dict[tuple[SubscriptionState, ConsentAction], SubscriptionState] = {
    (_P, ConsentAction.REQUEST): _P,
    (_P, ConsentAction.CONFIRM): _C,
    (_P, ConsentAction.UNSUBSCRIBE): _U,
    (_C, ConsentAction.REQUEST): _C,  # asked again while subscribed: nothing changes, nothing is revealed
    (_C, ConsentAction.PAUSE): _H,
    (_C, ConsentAction.UNSUBSCRIBE): _U,
    (_H, ConsentAction.REQUEST): _H,
    (_H, ConsentAction.RESUME): _C,
    (_H, ConsentAction.UNSUBSCRIBE): _U,
    (_U, ConsentAction.REQUEST): _P,  # consent must be given anew
    (_U, ConsentAction.UNSUBSCRIBE): _U,  # a second use of the link is no error (RFC 8058)
}


def after(state: SubscriptionState, action: ConsentAction) -> SubscriptionState | None:
    """Return the state after an action, or None where the action does not apply."""
    return TRANSITIONS.get((state, action))
