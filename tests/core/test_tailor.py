"""Issues cut to readers: what is promised holds for any readers, papers and days, and in any company."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.interests import Interest, InterestKind, interest_of
from digest.core.issue import Card, Issue
from digest.core.issue_index import IssueIndex
from digest.core.liking import Example, Rarity, learn
from digest.core.names import author_slug, lab_slug
from digest.core.prints import PLACES, print_of
from digest.core.reading import Beyond, Writing, is_excluded
from digest.core.tailor import Asked, Edition, Preferences, tailor, tailor_many
from digest.core.why import Why, WhyKind, sentence

DAY = date(2026, 5, 20)
CATEGORIES = ["cs.LG", "cs.CL", "stat.ML", "math.CO", "hep-th"]
AUTHORS = ["Ada Byron", "Bo Li", "José Álvarez", "Mei Tanaka"]
LABS = ["Mila", "Aarhus"]
WORDS = ["sparse", "attention", "pruning", "graphs", "protein", "lattice", "reward", "speech", "token", "kernel"]
PHRASES = ["sparse attention", "pruning", "graph", "reward token", "lattice"]
RARITY = Rarity(50, (b"\x02\x00\x00\x00" * PLACES))

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def interest(kind: InterestKind, words: str) -> Interest:
    found = interest_of(kind, words)
    assert found is not None
    return found


@st.composite
def indexes(draw: st.DrawFn) -> IssueIndex:
    number = draw(st.integers(0, 25))
    cards, beyond = [], {}
    score = 1.0
    for place in range(number):
        score -= draw(st.sampled_from([0.0, 0.01, 0.1]))
        title, abstract = draw(texts), draw(texts)
        cards.append(
            Card(
                paper_id=place,
                rank=place + 1,
                title=title,
                path="/",
                categories=tuple(draw(st.lists(st.sampled_from(CATEGORIES), max_size=3, unique=True))),
                authors=tuple(draw(st.lists(st.sampled_from(AUTHORS), max_size=2, unique=True))),
                labs=tuple(draw(st.lists(st.sampled_from(LABS), max_size=1))),
                score=score,
                watched=place > 15 and draw(st.booleans()),
            )
        )
        if draw(st.booleans()):
            beyond[place] = Beyond(abstract, print_of(f"{title}\n{abstract}"))
    issue = Issue(issued_on=DAY, cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=tuple(cards))
    return IssueIndex(issue, beyond, RARITY)


tastes = st.lists(
    st.tuples(texts, st.sampled_from([1.0, 1.0, 0.5, -1.0]), st.sampled_from(CATEGORIES)), max_size=5
).map(lambda papers: learn([Example(weight, print_of(text), (own,), text) for text, weight, own in papers], RARITY))
interests = st.lists(
    st.one_of(
        st.builds(interest, st.just(InterestKind.AUTHOR), st.sampled_from(AUTHORS)),
        st.builds(interest, st.just(InterestKind.LAB), st.sampled_from(LABS)),
        st.builds(interest, st.sampled_from([InterestKind.KEYWORD, InterestKind.SEARCH]), st.sampled_from(PHRASES)),
        st.builds(interest, st.just(InterestKind.EXCLUSION), st.sampled_from([*PHRASES, *CATEGORIES])),
    ),
    max_size=5,
    unique=True,
).map(tuple)
asked = st.builds(
    Asked,
    st.builds(
        Preferences,
        categories=st.lists(st.sampled_from(CATEGORIES), max_size=3, unique=True).map(tuple),
        paper_count=st.integers(0, 12),
        interests=interests,
        taste=st.one_of(st.none(), tastes),
        outside=st.booleans(),
    ),
    st.frozensets(st.integers(0, 30), max_size=12),
    st.frozensets(st.integers(0, 30), max_size=2),
)


def papers(edition: Edition) -> list[int]:
    return [pick.card.paper_id for pick in edition.picks]


@settings(max_examples=150, deadline=None)
@given(indexes(), asked)
def test_what_every_edition_promises(index: IssueIndex, one: Asked) -> None:
    edition = tailor_many(index, [one])[0]
    wanted = one.preferences
    assert len(set(papers(edition))) == len(edition.picks) <= wanted.paper_count
    assert [pick.place for pick in edition.picks] == list(range(1, len(edition.picks) + 1))
    assert set(papers(edition)).isdisjoint(one.already_sent - one.revised)
    excluded = [each.words for each in wanted.interests if each.kind is InterestKind.EXCLUSION]
    followed = {each.key for each in wanted.interests if each.kind is InterestKind.AUTHOR}
    at_labs = {each.key for each in wanted.interests if each.kind is InterestKind.LAB}
    tiers = []
    for pick in edition.picks:
        card = pick.card
        abstract = index._beyond.get(card.paper_id, Beyond()).abstract
        assert not is_excluded(Writing("", card.title, abstract, card.categories), excluded)
        tiers.append(
            2 * bool(followed & set(map(author_slug, card.authors))) or bool(at_labs & set(map(lab_slug, card.labs)))
        )
        if pick.outside:
            assert wanted.outside
            assert pick.place == len(edition.picks) > 1
            assert set(card.categories).isdisjoint(wanted.categories)
        elif wanted.categories and not set(card.categories) & set(wanted.categories):
            assert pick.reason is not None
            assert pick.reason.kind is not WhyKind.CATEGORY
    assert tiers == sorted(tiers, reverse=True)
    assert sum(pick.outside for pick in edition.picks) <= 1


@settings(max_examples=80, deadline=None)
@given(indexes(), st.lists(asked, max_size=9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_company_changes_nothing(index: IssueIndex, readers: list[Asked], size: int, chance: object) -> None:
    alone = [tailor_many(index, [one])[0] for one in readers]
    assert tailor_many(index, readers) == alone
    chunked = [
        edition
        for start in range(0, len(readers), size)
        for edition in tailor_many(index, readers[start : start + size])
    ]
    assert chunked == alone
    assert tailor_many(index, readers[::-1]) == alone[::-1]


@settings(max_examples=100, deadline=None)
@given(indexes(), asked)
def test_a_paper_that_somebody_else_watches_for_changes_nothing(index: IssueIndex, one: Asked) -> None:
    more = Card(paper_id=99, rank=99, title="zzz", path="/", score=-5.0, categories=tuple(CATEGORIES), watched=True)
    issue = replace(index.issue, cards=(*index.issue.cards, more))
    larger = IssueIndex(issue, {**index._beyond, 99: Beyond("zzz", print_of("zzz"))}, RARITY)
    assert tailor_many(larger, [one]) == tailor_many(index, [one])


@settings(max_examples=50, deadline=None)
@given(indexes(), asked, st.integers(1, 5))
def test_over_days_nothing_comes_twice(index: IssueIndex, one: Asked, days: int) -> None:
    sent: set[int] = set()
    for _ in range(days):
        edition = tailor_many(index, [Asked(one.preferences, frozenset(sent))])[0]
        assert sent.isdisjoint(papers(edition))
        sent.update(papers(edition))


@given(
    st.lists(st.lists(st.sampled_from(CATEGORIES), max_size=4), max_size=25),
    st.lists(st.sampled_from(CATEGORIES), max_size=4),
    st.integers(0, 12),
    st.sets(st.integers(0, 24)),
)
def test_by_categories_alone_the_papers_are_the_first_that_match_in_rank_order(
    categories: list[list[str]], wanted: list[str], count: int, sent: set[int]
) -> None:
    cards = tuple(
        Card(paper_id=n, rank=n + 1, title=str(n), path="/", categories=tuple(its)) for n, its in enumerate(categories)
    )
    issue = Issue(issued_on=DAY, cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=cards)
    edition = tailor(issue, Preferences(categories=tuple(wanted), paper_count=count), sent)
    fitting = [
        card
        for card in cards
        if card.paper_id not in sent and (not wanted or any(category in wanted for category in card.categories))
    ][:count]
    assert [pick.card for pick in edition.picks] == fitting
    for pick in edition.picks:
        first = next((category for category in pick.card.categories if category in wanted), None)
        assert pick.why == (f"You follow {first}" if wanted else "")


def issue_of(*cards: tuple[str, str], **fields: object) -> Issue:
    """An issue of papers by title and category, the strongest first."""
    made = tuple(
        Card(paper_id=n, rank=n, title=title, path="/", categories=(category,), score=1 - n / 100, **fields)  # type: ignore[arg-type]
        for n, (title, category) in enumerate(cards, start=1)
    )
    return Issue(issued_on=DAY, cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=made)


def index_of(issue: Issue) -> IssueIndex:
    return IssueIndex(issue, {card.paper_id: Beyond("", print_of(card.title)) for card in issue.cards}, RARITY)


def test_one_topic_does_not_fill_the_mail_and_the_best_stays() -> None:
    copies = [("pruning sparse kernels", "cs.LG")] * 6
    rest = [("lattices", "hep-th")] * 92
    index = index_of(issue_of(*copies, ("speech tokens", "cs.LG"), ("protein graphs", "cs.LG"), *rest))
    edition = tailor(index, Preferences(categories=("cs.LG",), paper_count=3))
    assert papers(edition) == [1, 7, 8]


def test_who_wants_many_papers_changes_nothing_for_who_wants_few() -> None:
    index = index_of(issue_of(*[("pruning sparse kernels", "cs.LG")] * 60, *[("speech tokens", "cs.LG")] * 60))
    few, many = (Asked(Preferences(categories=("cs.LG",), paper_count=count)) for count in (3, 30))
    assert tailor_many(index, [few, many]) == [tailor_many(index, [one])[0] for one in (few, many)]


def test_followed_authors_come_first_wherever_they_are_ranked_and_are_named_as_the_paper_does() -> None:
    issue = issue_of(*[("reward", "cs.LG")] * 30)
    last = replace(issue.cards[-1], authors=("José Álvarez", "Bo Li"), categories=("math.CO",), watched=True)
    issue = replace(issue, cards=(*issue.cards[:-1], last))
    wanted = Preferences(
        categories=("cs.LG",), paper_count=5, interests=(interest(InterestKind.AUTHOR, "jose alvarez"),)
    )
    edition = tailor(issue, wanted)
    assert papers(edition) == [30, 1, 2, 3, 4]
    assert edition.picks[0].why == "By José Álvarez, whom you follow"
    assert papers(tailor(issue, Preferences(categories=("math.CO",)))) == []  # it is there for who watches


def test_a_taste_lifts_what_is_near_it_and_says_which_words() -> None:
    index = index_of(
        issue_of(*[(f"reward{n} token{n}", "cs.LG") for n in range(12)], ("pruning sparse kernels", "cs.LG"))
    )
    text = "pruning sparse kernels by magnitude"
    taste = learn([Example(1.0, print_of(text), ("cs.LG",), text)] * 9, RARITY)
    edition = tailor(index, Preferences(paper_count=5, taste=taste))
    assert papers(edition)[0] == 13
    assert edition.picks[0].why.startswith("Close to papers you liked: ")
    assert {"pruning", "sparse", "kernels"}.issuperset(edition.picks[0].reason.words)  # type: ignore[union-attr]
    disliked = learn([Example(-1.0, print_of(text), ("cs.LG",), text)], RARITY)
    assert 13 not in papers(tailor(index, Preferences(paper_count=12, taste=disliked)))


def test_one_paper_is_from_outside_the_usual_and_says_so() -> None:
    index = index_of(issue_of(("lattices", "hep-th"), ("speech", "cs.CL"), *[("reward", "cs.LG")] * 9))
    wanted = Preferences(categories=("cs.LG",), paper_count=5, outside=True)
    edition = tailor(index, wanted)
    assert papers(edition) == [3, 4, 5, 6, 1]
    assert [pick.why for pick in edition.picks][-1] == "Outside your usual"
    without = replace(wanted, interests=(interest(InterestKind.EXCLUSION, "hep-th"),))
    assert papers(tailor(index, without))[-1] == 2
    assert papers(tailor(index, replace(wanted, categories=()))) == [1, 2, 3, 4, 5]  # no usual to be outside of
    nothing = tailor(index, replace(wanted, categories=("math.CO",)))
    assert papers(nothing) == []  # it is no digest by itself


def test_a_new_version_of_a_saved_paper_comes_back_with_its_label() -> None:
    index = index_of(issue_of(*[("reward", "cs.LG")] * 9))
    edition = tailor_many(index, [Asked(Preferences(paper_count=5), frozenset({1, 7}), frozenset({7}))])[0]
    assert papers(edition)[0] == 7
    assert edition.picks[0].why == "A new version of a paper you saved"
    assert 1 not in papers(edition)


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        (InterestKind.KEYWORD, "Sparse attention", "On Sparse attention, which you follow"),
        (InterestKind.SEARCH, "attention sparse", "On attention sparse, which you look for"),
    ],
)
def test_keywords_are_phrases_and_searches_are_words_anywhere(kind: InterestKind, words: str, said: str) -> None:
    index = index_of(issue_of(("lattice", "hep-th"), ("Attention, sparse!", "hep-th"), ("sparse attention", "hep-th")))
    edition = tailor(index, Preferences(categories=("cs.LG",), interests=(interest(kind, words),)))
    assert papers(edition) == ([3] if kind is InterestKind.KEYWORD else [2, 3])
    assert edition.picks[0].why == said


def test_words_from_outside_are_said_as_they_are() -> None:
    assert sentence(Why(WhyKind.KEYWORD, ("{0} {x}",))) == "On {0} {x}, which you follow"
    assert sentence(Why(WhyKind.LIKED)) == "Close to papers you liked"


def test_the_worked_example_of_the_documentation_is_what_happens() -> None:  # docs/tailoring.md
    papers_of_the_day = [
        ("Scaling laws for reward models", "cs.LG", 0.9),
        ("Lattice gauge fields by flows", "hep-lat", 0.8),
        ("Pruning sparse networks by magnitude", "cs.LG", 0.7),
        ("Sparse networks pruned once", "cs.LG", 0.66),
        ("Speech tokens without text", "cs.CL", 0.6),
        ("Sparse attention for long documents", "cs.CL", 0.5),
        ("Proofs of old bounds", "cs.LG", 0.45),
        ("A crawler for coins", "cs.LG", 0.3),
    ]
    cards = tuple(
        Card(paper_id=n, rank=n, title=title, path="/", categories=(category,), score=score)
        for n, (title, category, score) in enumerate(papers_of_the_day, start=1)
    )
    proofs = replace(cards[6], authors=("Ada Byron",), watched=True)
    issue = Issue(issued_on=DAY, cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=(*cards[:6], proofs, cards[7]))
    liked = Example(1.0, print_of("Pruning sparse networks"), ("cs.LG",), "Pruning sparse networks")
    wanted = Preferences(
        categories=("cs.LG", "cs.CL"),
        paper_count=5,
        interests=(
            interest(InterestKind.AUTHOR, "Ada Byron"),
            interest(InterestKind.KEYWORD, "speech tokens"),
            interest(InterestKind.EXCLUSION, "coins"),
        ),
        taste=learn([liked] * 3, RARITY),
        outside=True,
    )
    edition = tailor(index_of(issue), wanted)
    assert [(pick.card.title, pick.why) for pick in edition.picks] == [
        ("Proofs of old bounds", "By Ada Byron, whom you follow"),
        ("Pruning sparse networks by magnitude", "Close to papers you liked: networks, pruning"),
        ("Speech tokens without text", "On speech tokens, which you follow"),
        ("Scaling laws for reward models", "You follow cs.LG"),
        ("Lattice gauge fields by flows", "Outside your usual"),
    ]
