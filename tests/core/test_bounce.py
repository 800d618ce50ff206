"""What is done about a report: a refused address is banned, a policy never bans, the rest adds up and fades."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.bounce import THRESHOLD, BounceAction, PastBounce, ReportKind, decide, refined, score, status_of_reply

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def act(kind: ReportKind, status: str = "", reason: str = "", history: list[PastBounce] | None = None) -> BounceAction:
    return decide(kind, status, reason, history or [], NOW)[0]


@pytest.mark.parametrize("status", ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"])
def test_a_refused_address_suppresses_at_once(status: str) -> None:  # checklist 43, 73
    assert act(ReportKind.HARD, status) is BounceAction.SUPPRESS


def test_the_cause_in_the_words_counts_where_the_status_is_general() -> None:
    assert act(ReportKind.HARD, "5.0.0", "550 5.1.1 no such person") is BounceAction.SUPPRESS
    assert act(ReportKind.HARD, "", "550 5.1.1 no such person") is BounceAction.SUPPRESS
    assert refined("5.2.2", "550 5.1.1") == "5.2.2"
    assert refined("4.0.0", "550 5.1.1") == "4.0.0"


@given(st.sampled_from(["5.7.1", "5.7.26", "5.7.515", "4.7.0"]), st.integers(0, 60))
def test_a_policy_never_bans_the_reader(status: str, before: int) -> None:  # checklist 44
    history = [PastBounce(NOW - DAY * age, ReportKind.HARD) for age in range(1, before + 1)]
    for said in ((status, ""), ("5.0.0", f"550 {status} refused"), ("5.1.1", f"550 {status} refused")):
        assert act(ReportKind.HARD, *said, history) is BounceAction.POLICY
        assert act(ReportKind.SOFT, *said, history) is BounceAction.POLICY


@pytest.mark.parametrize("status", ["5.1.7", "5.1.8"])
def test_a_fault_of_the_senders_address_is_not_the_readers(status: str) -> None:
    assert act(ReportKind.HARD, status) is BounceAction.POLICY


def test_a_complaint_suppresses_and_a_wish_to_leave_unsubscribes() -> None:  # checklist 75
    assert act(ReportKind.COMPLAINT) is BounceAction.SUPPRESS
    assert act(ReportKind.UNSUBSCRIBE) is BounceAction.UNSUBSCRIBE


def test_automatic_replies_and_other_mail_do_nothing_however_many() -> None:  # checklist 79
    history = [PastBounce(NOW - DAY * age, ReportKind.HARD) for age in range(1, 30)]
    assert act(ReportKind.AUTO_REPLY, "5.1.1", "", history) is BounceAction.NONE
    assert act(ReportKind.NOT_A_BOUNCE, "5.1.1", "", history) is BounceAction.NONE


def days_until_banned(kind: ReportKind, status: str, every: timedelta) -> int:
    history: list[PastBounce] = []
    for count in range(1, 200):
        now = NOW + every * count
        action, _total = decide(kind, status, "", history, now)
        if action is BounceAction.SUPPRESS:
            return count
        history.append(PastBounce(now, kind))
    return 0


def test_soft_bounces_ban_in_a_week_of_days_or_a_quarter_of_weeks_but_not_once_a_month() -> None:  # checklist 74
    assert days_until_banned(ReportKind.SOFT, "4.2.2", DAY) == 6
    assert days_until_banned(ReportKind.HARD, "5.2.2", DAY) == 3
    assert 8 <= days_until_banned(ReportKind.SOFT, "4.2.2", 7 * DAY) <= 13
    assert days_until_banned(ReportKind.SOFT, "4.2.2", 30 * DAY) == 0


def test_a_day_counts_once_with_its_heaviest() -> None:  # checklist 74
    morning = datetime(2026, 5, 20, 1, tzinfo=UTC)
    same_day = [PastBounce(morning + timedelta(minutes=minute), ReportKind.SOFT) for minute in range(200)]
    assert score(same_day, NOW) < 1.01
    assert 1.9 < score([*same_day, PastBounce(morning, ReportKind.HARD)], NOW) <= 2
    assert act(ReportKind.SOFT, "4.2.2", "", same_day) is BounceAction.SCORE


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from([ReportKind.HARD, ReportKind.SOFT])), max_size=30))
def test_a_score_only_fades(ages: list[tuple[int, ReportKind]]) -> None:  # checklist 74
    history = [PastBounce(NOW - timedelta(hours=age * 6), kind) for age, kind in ages]
    now, later = score(history, NOW), score(history, NOW + 30 * DAY)
    assert 0 <= later <= now / 2 + 1e-9
    assert score(history, NOW + 200 * DAY) == 0 or now < THRESHOLD * 20


@pytest.mark.parametrize(
    ("code", "text", "action"),
    [
        (550, "5.1.1 <x@y.test> no such person", BounceAction.SUPPRESS),
        (550, "No such user here", BounceAction.SUPPRESS),
        (550, "Requested action not taken: mailbox unavailable", BounceAction.SCORE),
        (552, "mailbox full", BounceAction.SCORE),
        (553, "mailbox name not allowed", BounceAction.SUPPRESS),
        (556, "domain accepts no mail", BounceAction.SUPPRESS),
        (550, "5.7.26 unauthenticated", BounceAction.POLICY),
        (554, "your network is on our blacklist", BounceAction.POLICY),
        (553, "sorry, your envelope sender is in my block list", BounceAction.POLICY),
        (535, "authentication failed", BounceAction.POLICY),
        (553, "5.6.7 the address needs SMTPUTF8", BounceAction.POLICY),
        (550, "sender address does not exist: unknown user", BounceAction.SCORE),
        (550, "4.2.2 a code of another class", BounceAction.SCORE),
    ],
)
def test_a_rejection_in_the_session_is_judged_like_a_report(
    code: int, text: str, action: BounceAction
) -> None:  # checklist 43, 44
    assert act(ReportKind.HARD, status_of_reply(code, text), f"{code} {text}") is action


def test_bounces_told_late_count_for_the_days_on_which_they_happened() -> None:  # checklist 76
    history = [PastBounce(NOW - DAY * age, ReportKind.SOFT) for age in range(1, 5)]
    once = decide(ReportKind.SOFT, "4.2.2", "", history, NOW, at=NOW - DAY)
    apart = decide(ReportKind.SOFT, "4.2.2", "", history, NOW, at=NOW - 5 * DAY)
    assert once[1] < apart[1]
