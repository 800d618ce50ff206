"""Delivery: its kinds, its states and the only ways between them, and reasons for not sending."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from digest.core.subscription import SubscriptionState, may_receive


class DeliveryKind(StrEnum):
    """What a message is for."""

    DIGEST = "digest"
    CONFIRMATION = "confirmation"
    WELCOME = "welcome"
    SIGN_IN = "sign-in"
    ALERT = "alert"
    NEW_ADDRESS = "new address"  # to the address that a digest is to move to: is it the reader's?
    MOVED = "moved"  # to the address that it moved away from
    SPECIMEN = "test"  # a previewed digest, to whoever looked at it


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

UNSETTLED = frozenset(DeliveryState) - FINAL

TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset(
        {
            DeliveryState.CLAIMED,
            DeliveryState.EXPIRED,
            DeliveryState.SKIPPED,  # the reader unsubscribed before the slot
            DeliveryState.SUPPRESSED,  # the address was banned before the slot
            DeliveryState.UNKNOWN,  # the database was restored: it may have gone out since (store/epoch.py)
        }
    ),
    DeliveryState.CLAIMED: frozenset(
        {
            DeliveryState.SENDING,
            # Before any intent: the lease ran out, the worker gave the chunk back, or the domain takes no more for now.
            DeliveryState.PENDING,
            DeliveryState.SUPPRESSED,
            DeliveryState.SKIPPED,
            DeliveryState.FAILED,  # cannot be rendered
            DeliveryState.DEFERRED,  # a template is broken for everybody: the message waits for its repair
            DeliveryState.EXPIRED,
            DeliveryState.UNKNOWN,  # the database was restored
        }
    ),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.ACCEPTED,
            DeliveryState.DEFERRED,
            DeliveryState.FAILED,
            DeliveryState.UNKNOWN,  # the lease ran out with the intent committed, or the reader was erased
            DeliveryState.PENDING,  # the relay refused the session before it saw any of the message
        }
    ),
    DeliveryState.DEFERRED: frozenset(
        {
            DeliveryState.CLAIMED,
            DeliveryState.EXPIRED,
            DeliveryState.SKIPPED,
            DeliveryState.SUPPRESSED,
            DeliveryState.UNKNOWN,  # the database was restored
        }
    ),
    DeliveryState.UNKNOWN: frozenset(
        {
            DeliveryState.PENDING,  # only when an admin says so
            # The worker was only slow, still holds the fence, and now knows what the relay answered:
            DeliveryState.ACCEPTED,
            DeliveryState.DEFERRED,
            DeliveryState.FAILED,
        }
    ),
}

# Kinds somebody is waiting for; they are claimed before digests.
PROMPT = tuple(kind for kind in DeliveryKind if kind is not DeliveryKind.DIGEST)

CLAIM_LEASE = timedelta(minutes=5)
# A digest whose slot lies just before the next cut-off has time for retries, too. Less than the shortest time
# between two digests, so that a reader's next one never meets it.
WORTH_SENDING = timedelta(hours=6)
# Longer than the ten minutes that a relay may take to answer the final dot (RFC 5321 section 4.5.3.2.6).
SENDING_LEASE = timedelta(minutes=15)
_RETRY_AFTER = timedelta(minutes=30)
_JITTER = 0.2


def sources_of(target: DeliveryState) -> list[DeliveryState]:
    """List the states from which a delivery may go to `target`."""
    return [state for state, targets in TRANSITIONS.items() if target in targets]


def retry_at(delivery_id: int, attempts: int, now: datetime) -> datetime:
    """Return when a deferred delivery is tried again: 24 to 36 minutes on.

    The jitter is drawn from the delivery and the attempt, so that a relay that deferred a thousand
    messages in a second does not get them back in a second.
    """
    digest = hashlib.blake2b(f"{delivery_id}/{attempts}".encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest, "big") / 2**64  # [0, 1)
    return now + _RETRY_AFTER * (1 - _JITTER + 2 * _JITTER * drawn)


def after_outage(attempts: int, now: datetime) -> datetime:
    """Return when a message is tried again whose relay broke off before taking it: minutes, growing.

    Not at once: if it is the message that breaks the relay, the others must get past it.
    """
    return now + timedelta(minutes=min(attempts, 30))


class NotSent(StrEnum):
    """Why a delivery was not sent."""

    NOTHING_NEW = "nothing new for this reader"
    UNSUBSCRIBED = "the reader is not subscribed any more"
    PAUSED = "the reader paused the digest"
    SUPPRESSED = "the address is suppressed"
    TOO_LATE = "the next issue is due"
    WARM_UP = "the day's cap on a new sending address was reached"
    NOT_ASKED = "the request was settled before this message was sent"
    REJECTED = "the relay rejected it"
    UNRENDERABLE = "the message could not be rendered"
    BROKEN_TEMPLATE = "a template is broken; the message waits for its repair"
    LEASE_LOST = "the worker stopped between its intent and the relay's reply"
    ERASED = "the reader was erased"
    CANCELLED = "an editor cancelled what had not left"
    IN_DOUBT = "the connection died after the final dot"
    NO_LETTER = "the letter was forgotten before it was sent"
    RESTORED = "the database was restored from a backup; it may have gone out since"


_SUBSCRIBED = (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)
_FITTING: dict[DeliveryKind, tuple[SubscriptionState, ...]] = {  # where a kind is not named, any subscription, or none
    DeliveryKind.CONFIRMATION: (SubscriptionState.PENDING,),
    DeliveryKind.DIGEST: _SUBSCRIBED,
    DeliveryKind.WELCOME: _SUBSCRIBED,
    DeliveryKind.NEW_ADDRESS: _SUBSCRIBED,
    DeliveryKind.MOVED: tuple(SubscriptionState),  # also to who left meanwhile, not to who was erased
}


def refusal(
    kind: DeliveryKind,
    *,
    suppressed: bool,
    subscription: SubscriptionState | None,
    paused_until: date | None = None,
    on: date | None = None,
) -> tuple[DeliveryState, NotSent] | None:
    """Decide whether a message may still go out: None if it may, otherwise its final state and why.

    `subscription` is None where the address has none; `on` is the digest's local date.
    """
    if suppressed:
        return DeliveryState.SUPPRESSED, NotSent.SUPPRESSED
    bulk = kind in (DeliveryKind.DIGEST, DeliveryKind.WELCOME)
    if subscription not in _FITTING.get(kind, (subscription,)):
        return DeliveryState.SKIPPED, NotSent.UNSUBSCRIBED if bulk else NotSent.NOT_ASKED
    if bulk and subscription is not None and (on is None or not may_receive(subscription, paused_until, on)):
        return DeliveryState.SKIPPED, NotSent.PAUSED
    return None


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries counted by state; `trouble` says why a run ended before its work did (empty: it did not).

    `lost` counts the deliveries that another worker took over meanwhile: they are counted by that one. `relay` says why
    the relay could not be used, where that is the trouble.
    """

    counts: Mapping[DeliveryState, int] = field(default_factory=dict)
    lost: int = 0
    trouble: str = ""
    relay: str = ""

    def __getitem__(self, state: DeliveryState) -> int:
        return self.counts.get(state, 0)

    @property
    def total(self) -> int:
        """How many deliveries are counted."""
        return sum(self.counts.values())

    @property
    def unsettled(self) -> int:
        """How many of them are not in a final state yet."""
        return sum(count for state, count in self.counts.items() if state not in FINAL)

    def as_plain(self) -> dict[str, int]:
        """Return the counts by the states' names, in the order of a delivery's life."""
        return {str(state): self.counts[state] for state in DeliveryState if self.counts.get(state)}

    @classmethod
    def of(cls, states: Iterable[DeliveryState], *, lost: int = 0, trouble: str = "") -> Tally:
        """Count states."""
        return cls(counts=dict(Counter(states)), lost=lost, trouble=trouble)
