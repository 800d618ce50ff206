"""Who makes an issue and in what order; and the words beneath each title."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.issue import TRANSITIONS, IssueState
from digest.core.lineup import Contender, line_up
from digest.core.links import web_url
from digest.core.sentences import first_sentences


def test_a_crowded_category_gives_way_to_a_close_rival_but_not_to_a_weak_one() -> None:
    crowd = [Contender(n, 0.9, "cs.LG") for n in range(1, 7)]
    order = line_up([*crowd, Contender(50, 0.88, "cs.CV"), Contender(60, 0.2, "math.CO")], 8)
    assert order[0] == 1
    assert order[1] == 50
    assert order[-1] == 60


def test_equal_papers_stand_by_the_day_they_were_listed_then_by_id() -> None:
    same = [
        Contender(1, 0.5, "a", date(2026, 5, 18)),
        Contender(3, 0.5, "a"),
        Contender(2, 0.5, "a", date(2026, 5, 19)),
    ]
    assert line_up(same, 3) == [2, 1, 3]


@given(
    st.lists(
        st.builds(Contender, st.integers(1, 10**6), st.floats(0, 1), st.sampled_from(["", "a", "b", "c"])),
        unique_by=lambda one: one.paper_id,
        max_size=40,
    ),
    st.integers(0, 50),
)
def test_nobody_is_named_twice_or_forgotten(contenders: list[Contender], size: int) -> None:
    order = line_up(contenders, size)
    assert len(order) == len(set(order)) == min(size, len(contenders))
    assert order == line_up(reversed(contenders), size)
    if order:
        best = max(one.value for one in contenders)
        assert next(one.value for one in contenders if one.paper_id == order[0]) == best


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("One sentence only", "One sentence only"),
        ("We sort lamps. It works. It is fast.", "We sort lamps. It works."),
        ("As in Smith et al. The lamps, e.g. Tiffany's, are sorted. Done. More.", None),
        ("Gains of 3.5 % are seen. They stay! And more.", "Gains of 3.5 % are seen. They stay!"),
        ("Wir messen. Überall wird es heller. Ende.", "Wir messen. Überall wird es heller."),
        ("我们分类灯。它有效。它很快。", "我们分类灯。它有效。"),
        ("A first\nline. And\n\nanother one. Third.", "A first line. And another one."),
    ],
)
def test_the_first_two_sentences_are_taken(text: str, expected: str | None) -> None:
    wanted = expected if expected is not None else "As in Smith et al. The lamps, e.g. Tiffany's, are sorted. Done."
    assert first_sentences(text) == wanted


def test_a_long_sentence_is_cut_at_a_word() -> None:
    cut = first_sentences("lamp " * 400)
    assert len(cut) <= 420
    assert cut.endswith("lamp…")
    assert len(first_sentences("x" * 5_000_000)) == 420


@given(st.text(max_size=600), st.integers(1, 4))
def test_the_sentences_never_exceed_their_limit(text: str, count: int) -> None:
    assert len(first_sentences(text, count=count, limit=100)) <= 100


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//lamps.example",
        "https://",
        "https://a b",
        "http://[::1",
        "ftp://a.b",
        "https://user:pass@lamps.example",
        'https://lamps.example/"onclick=x',
        "https://lamps.example:99999/",
        "x" * 9_000,
    ],
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert web_url(url) == ""
    assert web_url(" https://lamps.example/a?b=c#d ") == "https://lamps.example/a?b=c#d"


def test_every_state_of_an_issue_can_be_left_and_reached() -> None:
    assert set(TRANSITIONS) == set(IssueState)
    assert {state for ways in TRANSITIONS.values() for state in ways} == set(IssueState) - {IssueState.DRAFT}
