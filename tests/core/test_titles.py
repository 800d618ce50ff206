"""A title promises what its words do, and can be asked for its reasons."""

from __future__ import annotations

from digest.core.titles import promise, telling, words_of

WEIGHTS = {"agents": 0.1, "reasoning": 0.05, "from": 0.04, "maps": 0.01, "benchmark": -0.1}


def test_words_are_small_bound_by_hyphens_and_without_their_marks() -> None:
    assert words_of("End-to-End AGENTS: $\\alpha$-Maps, -x- & 3D!") == {"end-to-end", "agents", "alpha", "maps", "3d"}
    assert words_of("") == words_of("? \n --- a") == frozenset()


def test_a_title_is_measured_by_the_usual_one_and_none_counts_as_usual() -> None:
    assert promise("Agents and agents", WEIGHTS, 0.02) == 0.1 - 0.02
    assert promise("A lamp", WEIGHTS, 0.02) == -0.02
    assert promise("", WEIGHTS, 0.02) == 0


def test_a_title_without_end_is_read_to_a_limit() -> None:
    assert promise("agents " * 100_000, WEIGHTS, 0.0) == 0.1
    assert promise("x" * 600 + " agents", WEIGHTS, 0.0) == 0


def test_the_words_that_raise_most_are_named() -> None:
    assert telling("Maps from reasoning agents: a benchmark", WEIGHTS) == "“agents” and “reasoning” in the title"
    assert telling("A lamp from a benchmark", {**WEIGHTS, "from": 0.04}) == ""
