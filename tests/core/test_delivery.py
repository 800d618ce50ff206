"""The state machine of deliveries, and what is refused at the last moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.core.delivery import (
    FINAL,
    TRANSITIONS,
    DeliveryKind,
    DeliveryState,
    NotSent,
    Tally,
    refusal,
    retry_at,
    sources_of,
)
from digest.core.issue import Card, Issue
from digest.core.subscription import SubscriptionState
from digest.core.weekly import merge_week

NOW = datetime(2026, 5, 20, tzinfo=UTC)
TODAY = NOW.date()


def test_final_states_lead_nowhere_except_unknown() -> None:
    assert {state for state in FINAL if state in TRANSITIONS} == {DeliveryState.UNKNOWN}


def test_only_an_intent_leads_to_acceptance() -> None:
    assert set(sources_of(DeliveryState.ACCEPTED)) == {DeliveryState.SENDING, DeliveryState.UNKNOWN}
    assert sources_of(DeliveryState.SENDING) == [DeliveryState.CLAIMED]


def test_retries_come_after_half_an_hour_more_or_less_and_not_together() -> None:  # checklist 42
    waits = [retry_at(delivery, 1, NOW) - NOW for delivery in range(1000)]
    assert min(waits) >= timedelta(minutes=24)
    assert max(waits) <= timedelta(minutes=36)
    assert len(set(waits)) > 990
    assert retry_at(7, 1, NOW) == retry_at(7, 1, NOW) != retry_at(7, 2, NOW)


@pytest.mark.parametrize(
    ("kind", "state", "paused_until", "expected"),
    [
        (DeliveryKind.DIGEST, SubscriptionState.CONFIRMED, None, None),
        (DeliveryKind.DIGEST, SubscriptionState.CONFIRMED, TODAY, None),
        (DeliveryKind.DIGEST, SubscriptionState.CONFIRMED, date(2026, 5, 21), NotSent.PAUSED),
        (DeliveryKind.DIGEST, SubscriptionState.PAUSED, None, NotSent.PAUSED),
        (DeliveryKind.DIGEST, SubscriptionState.PAUSED, TODAY, None),
        (DeliveryKind.DIGEST, SubscriptionState.PENDING, None, NotSent.UNSUBSCRIBED),
        (DeliveryKind.DIGEST, SubscriptionState.UNSUBSCRIBED, None, NotSent.UNSUBSCRIBED),
        (DeliveryKind.DIGEST, None, None, NotSent.UNSUBSCRIBED),
        (DeliveryKind.WELCOME, SubscriptionState.CONFIRMED, None, None),
        (DeliveryKind.CONFIRMATION, SubscriptionState.PENDING, None, None),
        (DeliveryKind.CONFIRMATION, SubscriptionState.CONFIRMED, None, NotSent.NOT_ASKED),
        (DeliveryKind.SIGN_IN, None, None, None),
    ],
)
def test_what_may_go_out(
    kind: DeliveryKind, state: SubscriptionState | None, paused_until: date | None, expected: NotSent | None
) -> None:  # checklist 52
    decided = refusal(kind, suppressed=False, subscription=state, paused_until=paused_until, on=TODAY)
    assert (decided[1] if decided else None) == expected


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_nothing_goes_to_a_suppressed_address(kind: DeliveryKind) -> None:
    decided = refusal(kind, suppressed=True, subscription=SubscriptionState.CONFIRMED, on=TODAY)
    assert decided == (DeliveryState.SUPPRESSED, NotSent.SUPPRESSED)


def test_a_tally_counts_states_and_what_is_unsettled() -> None:
    tally = Tally.of([DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, DeliveryState.DEFERRED])
    assert (tally[DeliveryState.ACCEPTED], tally[DeliveryState.FAILED], tally.total, tally.unsettled) == (2, 0, 3, 1)


def test_a_week_shows_each_paper_once_by_its_best_rank_as_its_newest_card_has_it() -> None:
    def issue(day: int, *papers: int) -> Issue:
        cards = [Card(paper_id=p, rank=r, title=f"{p} on {day}", path="/") for r, p in enumerate(papers, start=1)]
        return Issue(issued_on=date(2026, 5, day), cut_off=NOW, cards=tuple(cards))

    merged = merge_week([issue(18, 7, 1, 2), issue(20, 1, 3, 7), issue(19, 4)])
    assert merged.issued_on == date(2026, 5, 20)
    assert [card.title for card in merged.cards] == ["1 on 20", "4 on 19", "7 on 20", "3 on 20", "2 on 18"]
