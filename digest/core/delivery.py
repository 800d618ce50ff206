"""Delivery: its kinds, its states and the only ways between them, and reasons for not sending."""

from __future__ import annotations

from enum import StrEnum


class DeliveryKind(StrEnum):
    """What a message is for."""

    DIGEST = "digest"
    CONFIRMATION = "confirmation"
    WELCOME = "welcome"
    SIGN_IN = "sign-in"
    ALERT = "alert"


class DeliveryState(StrEnum):
    """Where a delivery stands; the last six are final."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENDING = "sending"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    SKIPPED = "skipped"


FINAL = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.FAILED,
        DeliveryState.UNKNOWN,
        DeliveryState.SUPPRESSED,
        DeliveryState.EXPIRED,
        DeliveryState.SKIPPED,
    }
)

TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.CLAIMED, DeliveryState.EXPIRED}),
    DeliveryState.CLAIMED: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.PENDING,  # the lease ran out, or the worker gave the chunk back, before any intent
            DeliveryState.SUPPRESSED,
            DeliveryState.SKIPPED,
            DeliveryState.FAILED,  # cannot be rendered
            DeliveryState.EXPIRED,
        }
    ),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.ACCEPTED,
            DeliveryState.DEFERRED,
            DeliveryState.FAILED,
            DeliveryState.UNKNOWN,  # the lease ran out with the intent committed: never resent by itself
        }
    ),
    DeliveryState.DEFERRED: frozenset({DeliveryState.CLAIMED, DeliveryState.EXPIRED}),
    DeliveryState.UNKNOWN: frozenset({DeliveryState.PENDING}),  # only when an admin says so
}


class NotSent(StrEnum):
    """Why a delivery was not sent."""

    NOTHING_NEW = "nothing new for this reader"
    UNSUBSCRIBED = "the reader is not subscribed any more"
    PAUSED = "the reader paused the digest"
    SUPPRESSED = "the address is suppressed"
    TOO_LATE = "the next issue is due"
    UNRENDERABLE = "the message could not be rendered"
    LEASE_LOST = "the worker stopped between its intent and the relay's reply"
