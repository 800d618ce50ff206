"""What an editor has pinned goes first in every edition, unless its reader excludes it or has had it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from digest.core.interests import Interest, InterestKind
from digest.core.issue import Issue
from digest.core.tailor import Asked, Preferences, tailor_many
from tests.mail import samples

_ISSUE = samples.ten()


def _issue(*pinned: int) -> Issue:
    cards = tuple(
        replace(pick.card, paper_id=n, rank=n, score=1 - n / 100, categories=("cs.LG",), pinned=n in pinned)
        for n, pick in enumerate(_ISSUE.picks, start=1)
    )
    return Issue(issued_on=_ISSUE.issued_on, cut_off=datetime(2026, 5, 20, 6, tzinfo=UTC), cards=cards)


def _ids(issue: Issue, asked: Asked) -> list[int]:
    return [pick.card.paper_id for pick in tailor_many(issue, [asked])[0].picks]


def test_pins_go_first_for_whoever_wishes_for_something() -> None:
    wishes = Preferences(categories=("cs.LG",), paper_count=5)
    assert _ids(_issue(), Asked(wishes)) == [1, 2, 3, 4, 5]
    assert _ids(_issue(7, 9), Asked(wishes)) == [7, 9, 1, 2, 3]


def test_a_pin_reaches_readers_of_other_categories() -> None:
    elsewhere = Preferences(categories=("math.OC",), paper_count=5)
    assert _ids(_issue(), Asked(elsewhere)) == []
    assert _ids(_issue(7), Asked(elsewhere)) == [7]


def test_who_wishes_for_nothing_has_the_issues_own_order() -> None:
    issue = _issue(2)
    moved = replace(issue, cards=(issue.cards[0], replace(issue.cards[1], score=0.0), *issue.cards[2:]))
    assert _ids(moved, Asked(Preferences(paper_count=5))) == [1, 2, 3, 4, 5]


def test_nobody_gets_a_pin_that_they_exclude_or_have_had() -> None:
    title = _ISSUE.picks[6].card.title
    exclusion = Interest(InterestKind.EXCLUSION, " ".join(title.lower().split()[:1]).strip(".,:"), title)
    wishes = Preferences(categories=("cs.LG",), paper_count=5, interests=(replace(exclusion, key="cs lg"),))
    assert _ids(_issue(7), Asked(wishes)) == []
    assert 7 not in _ids(_issue(7), Asked(Preferences(categories=("cs.LG",), paper_count=5), frozenset({7})))
