"""Words in rows and columns: what is multiplied in blocks is what sums, word by word, would say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.issue_words import IssueWords, Vector
from digest.core.liking import Rarity, unit
from digest.core.prints import PLACES, Print, place, print_of
from digest.core.reading import SCALE

WORDS = [f"word{number}x" for number in range(300)]
# In so many of 500 papers is each place: enough different figures that no two words weigh the same.
RARITY = Rarity(500, (np.arange(PLACES) % 499).astype("<i4").tobytes())

texts = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)  # from none to many, so that blocks are uneven
prints = st.lists(st.one_of(st.none(), texts.map(print_of)), max_size=40)
whole = st.dictionaries(st.sampled_from([*WORDS, "elsewhere"]), st.integers(-100, 100), max_size=80)


def weights(its: Print | None) -> dict[int, int]:
    places, found = unit(its or Print(b"", b""), RARITY)
    return dict(zip(places.tolist(), np.trunc(found * SCALE).astype(int).tolist(), strict=True))


def vector(taste: dict[str, int]) -> Vector:
    at = {place(word): weight for word, weight in taste.items()}
    return np.array(sorted(at), dtype=np.int32), np.array([at[one] for one in sorted(at)], dtype=np.float32)


@settings(max_examples=60, deadline=None)
@given(prints, st.lists(whole, max_size=5))
def test_products_are_the_sums_of_what_each_word_adds(papers: list[Print | None], tastes: list[dict[str, int]]) -> None:
    found = IssueWords(papers, RARITY).products([vector(taste) for taste in tastes])
    assert found.shape == (len(tastes), len(papers))
    for row, taste in zip(found.tolist(), tastes, strict=True):
        at = {place(word): weight for word, weight in taste.items()}
        assert row == [sum(its * at.get(one, 0) for one, its in weights(paper).items()) for paper in papers]


@settings(max_examples=60, deadline=None)
@given(prints, st.lists(st.tuples(st.sampled_from([*WORDS, "elsewhere"]), st.integers(0, 39)), max_size=20))
def test_a_word_weighs_what_its_print_says_and_nothing_where_it_is_not(
    papers: list[Print | None], sought: list[tuple[str, int]]
) -> None:
    words = IssueWords(papers, RARITY)
    sought = [(word, paper) for word, paper in sought if paper < len(papers)]
    places = np.array([place(word) for word, _ in sought], dtype=np.int64)
    known = [weights(paper) for paper in papers]
    found = words.weights_of(places, np.array([paper for _, paper in sought], dtype=np.int64)).tolist()
    assert found == [known[paper].get(place(word), 0) for word, paper in sought]
    # In any paper at all is what weighs something in one.
    assert words.has(places).tolist() == [any(its.get(one) for its in known) for one in places.tolist()]
