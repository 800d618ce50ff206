"""Taste: what was liked comes first, what is excluded never does, and nothing upsets it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from digest.core.reading import Profile, Writing
from digest.core.taste import fit, score

TOPICS = {
    "lamps": ("lamp filament brightness glow bulb socket lantern wick", ("cs.CV", "eess.IV")),
    "rivers": ("river sediment delta estuary flood basin tributary silt", ("physics.geo-ph",)),
    "chess": ("chess opening endgame gambit pawn bishop tournament rook", ("cs.GT", "cs.AI")),
    "bread": ("dough yeast gluten oven crust flour proofing loaf", ("q-bio.BM",)),
}


def _papers() -> list[Writing]:
    papers = []
    for topic, (words, categories) in TOPICS.items():
        known = words.split()
        for number in range(8):
            chosen = [known[(number + step) % len(known)] for step in range(5)]
            papers.append(
                Writing(
                    f"{topic}-{number}",
                    f"On the {chosen[0]} and the {chosen[1]}",
                    f"We measure how the {chosen[2]} depends on {chosen[3]}, and compare each {chosen[4]} carefully.",
                    categories,
                )
            )
    return papers


PAPERS = _papers()
SPACE = fit(PAPERS)
NEW = [paper.paper_id for paper in PAPERS if paper.paper_id[-1] in "567"]


def _ranked(profile: Profile, candidates: Sequence[str] = NEW) -> list[str]:
    return [candidates[place] for place in (-score(SPACE, profile, candidates)).argsort(kind="stable")]


@pytest.mark.parametrize("topic", TOPICS)
def test_papers_on_what_was_liked_come_first(topic: str) -> None:
    first = _ranked(Profile(liked=(f"{topic}-0", f"{topic}-1", f"{topic}-2")))[:3]
    assert {one.split("-")[0] for one in first} == {topic}


def test_an_exclusion_is_absolute() -> None:
    liked = ("lamps-0", "lamps-1", "lamps-2")
    for excludes in (("Lantern",), ("eess.iv",), ("lamp", "GLOW")):
        scores = dict(zip(NEW, score(SPACE, Profile(liked=liked, excludes=excludes), NEW), strict=True))
        excluded = {one for one, value in scores.items() if value == -np.inf}
        assert excluded
        assert {one.split("-")[0] for one in excluded} == {"lamps"}


def test_an_exclusion_takes_whole_words_only() -> None:
    assert np.isfinite(score(SPACE, Profile(excludes=("lam", " ", "!?")), NEW)).all()


def test_a_search_and_a_followed_category_speak_where_nothing_was_liked() -> None:
    assert _ranked(Profile(searches=("yeast dough",)))[0].startswith("bread")
    assert {one.split("-")[0] for one in _ranked(Profile(follows=("cs.GT",)))[:3]} == {"chess"}


@pytest.mark.parametrize("profile", [Profile(), Profile(liked=("unknown",)), Profile(searches=("", "zzz", "\x00"))])
def test_a_profile_that_says_nothing_keeps_the_order_of_the_papers(profile: Profile) -> None:
    assert _ranked(profile) == NEW


def test_the_same_question_gets_the_same_answer() -> None:
    profile = Profile(liked=("chess-0", "bread-1"), searches=("river",))
    again = fit(_papers())
    assert np.array_equal(score(SPACE, profile, NEW), score(again, profile, NEW))


def test_the_order_of_likes_and_a_like_given_twice_change_nothing() -> None:
    one = score(SPACE, Profile(liked=("chess-0", "bread-1")), NEW)
    assert np.array_equal(one, score(SPACE, Profile(liked=("bread-1", "chess-0", "bread-1")), NEW))


HOSTILE = [
    Writing("empty", ""),
    Writing("controls", "\x00\x1b[31m\u202e\ud800", "\u0301" * 5_000),
    Writing("markup", "<script>alert(1)</script> {{ 7*7 }} %s $\\input{/etc/passwd}$", "' OR 1=1 --"),
    Writing("long", "lamp " * 40_000, "x" * 100_000),
    Writing("dots", "a." * 30_000, "http://" * 5_000),
    Writing("categories", "Lamps", "", ("", "cs.LG\n", "x" * 1_000, "cs.LG\n")),
]


def test_hostile_text_is_scored_like_any_other() -> None:
    space = fit([*PAPERS, *HOSTILE])
    candidates = [*NEW, *(paper.paper_id for paper in HOSTILE)]
    profile = Profile(liked=("lamps-0", "empty", "controls"), searches=("<b>", "\ud800"), excludes=("\ud800", "((("))
    assert np.isfinite(score(space, profile, candidates)).all()


def test_a_collection_of_hostile_text_alone_is_scored() -> None:
    for papers in ([], HOSTILE[:1], HOSTILE[:2], HOSTILE):
        space = fit(papers)
        ids = [paper.paper_id for paper in papers]
        assert np.isfinite(score(space, Profile(liked=tuple(ids[:1])), ids)).all()


class Initials:
    """An embedding that only knows the first letter of a title."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[text[:1] == "Z", text[:1] != "Z"] for text in texts], dtype=np.float32)


def test_an_embedding_is_one_more_view() -> None:
    papers = [Writing(f"p{number}", title, "same words here") for number, title in enumerate(["Z a", "Q b", "Z c"])]
    profile = Profile(liked=("p0",))
    without = score(fit(papers), profile, ["p1", "p2"])
    having = score(fit(papers, Initials()), profile, ["p1", "p2"])
    assert having[1] - having[0] > without[1] - without[0]
