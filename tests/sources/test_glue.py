"""Titles and authors that a capture glued together."""

from __future__ import annotations

import pytest

from digest.sources.glue import is_name, split_authors, split_glued, words_of

WORDS = words_of(
    "theory of networks, bean growth and pretraining with imagenet; learners and a sam for everyone: (peas)"
)


@pytest.mark.parametrize(
    ("line", "title", "names"),
    [
        ("A TheoryYann LeCun, Bo Ek", "A Theory", ("Yann LeCun", "Bo Ek")),
        ("A TheoryRonan McDonald", "A Theory", ("Ronan McDonald",)),
        ("Sharpness-Aware SAMSoham De, Bo Ek", "Sharpness-Aware SAM", ("Soham De", "Bo Ek")),
        ("Bean NetworksSueYeon Chung, Bo Ek", "Bean Networks", ("SueYeon Chung", "Bo Ek")),
        ("More PretrainingBeanAI, Bo Ek", "More Pretraining", ("BeanAI", "Bo Ek")),
        ("Few-Shot LearnersBeanMind Team", "Few-Shot Learners", ("BeanMind Team",)),
        ("Roots, Shoots, and ImageNetAda Ek, Bo Ek", "Roots, Shoots, and ImageNet", ("Ada Ek", "Bo Ek")),
        ("Beans for EveryoneY. Bo Ek, A Li", "Beans for Everyone", ("Y. Bo Ek", "A Li")),
        ("Do Beans Dream?Ada Ek", "Do Beans Dream?", ("Ada Ek",)),
        ("Growing (Peas)Ada Ek", "Growing (Peas)", ("Ada Ek",)),
        ("3D Beans in 2DAda Ek, Bo Ek", "3D Beans in 2D", ("Ada Ek", "Bo Ek")),
        ("Beans and AIN. D. Ek, Bo Li", "Beans and AI", ("N. D. Ek", "Bo Li")),
        ("Bean GrowthÖzgür Ek, Émile Li", "Bean Growth", ("Özgür Ek", "Émile Li")),
        ("Bean GrowthHaun Leung, ZiNan Wang", "Bean Growth", ("Haun Leung", "ZiNan Wang")),
        ("Bean GrowthOmar al-Khatib, Bo Ek", "Bean Growth", ("Omar al-Khatib", "Bo Ek")),
        ("Bean GrowthAda van der Ek, Jean-Luc D'Oro", "Bean Growth", ("Ada van der Ek", "Jean-Luc D'Oro")),
    ],
)
def test_a_title_ends_where_its_last_known_word_does(line: str, title: str, names: tuple[str, ...]) -> None:
    assert split_glued(line, WORDS) == (title, names, True)


def test_three_names_and_others_leave_commas_to_the_title() -> None:
    line = "Roots, Shoots and LeavesAda Ek, mang ning, SueYeon Li et al."

    assert split_glued(line) == ("Roots, Shoots and Leaves", ("Ada Ek", "mang ning", "SueYeon Li"), False)


@pytest.mark.parametrize(
    "line", ["", "no glue here at all", "Only A Title", ", , ,", "et al.", "x" * 10_000 + "Ada Ek"]
)
def test_a_line_without_a_place_to_split_is_left_alone(line: str) -> None:
    assert split_glued(line) is None


def test_a_byline_says_whether_it_is_complete() -> None:
    assert split_authors("Ada Ek, Bo Li et al.") == (("Ada Ek", "Bo Li"), False)
    assert split_authors(" Ada  Ek ,Bo Li, ") == (("Ada Ek ,Bo Li",), True)


@pytest.mark.parametrize("text", ["Ada Ek", "Y-Lan B.", "Remi Tachet des Combes", "d'Ascoli", "BeanAI", "J. Li Jr."])
def test_names_are_known(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", "We grow beans", "Why?", "GPT-4", "A: B", "one", "A B C D E F G", "End Of Sentence."]
)
def test_other_words_are_no_names(text: str) -> None:
    assert not is_name(text)
