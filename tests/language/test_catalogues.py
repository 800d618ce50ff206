"""The catalogues are current, whole, and fit the words they stand for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from digest.core.language import ENGLISH
from digest.core.preferences import chosen
from digest.errors import NotFound, PreferencesRefused, TokenInvalid
from digest.languages import language, offered
from tests.language.words import ROOT, SHOWN, TEMPLATE, catalogues, gathered, in_code, updated, written

_PLACE = re.compile(r"%(?:\((\w+)\)s|(.))")
# Modules whose errors are still to be converted.
NOT_YET: set[str] = set()
_TAG = re.compile(r"<[^>]*>")


def messages(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [message for message in read_po(file, abort_invalid=True) if message.id]


def forms(said: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def places(words: str) -> Counter[str]:
    return Counter(name or mark for name, mark in _PLACE.findall(words))


def test_the_template_holds_what_code_and_templates_say() -> None:
    assert TEMPLATE.read_bytes() == written(gathered()), "run: make words"


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_a_language_holds_the_same_messages(path: Path) -> None:
    assert path.read_bytes() == updated(path, gathered()), "run: make words"


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_a_language_is_whole_and_sure_of_its_words(path: Path) -> None:
    assert [message.id for message in messages(path) if message.fuzzy] == []
    assert [message.id for message in messages(path) if not all(forms(message.string))] == []


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-3])
def test_a_language_fills_the_same_places_and_uses_the_same_markup(path: Path) -> None:
    for message in messages(path):
        english = forms(message.id)
        for said in forms(message.string):
            # A form for one may leave the number out, as "one paper" does.
            assert places(said) - Counter("num") <= places(english[-1]), said
            assert places(english[0]) - Counter({"num": 9}) <= places(said), said
            assert Counter(_TAG.findall(said)) in [Counter(_TAG.findall(one)) for one in english], said
            assert said.strip() == said or said[:1].isspace() == english[0][:1].isspace(), said


@pytest.mark.parametrize("path", [TEMPLATE, *catalogues()], ids=lambda path: path.parts[-3])
def test_every_message_can_be_filled(path: Path) -> None:
    for message in messages(path):
        for said in (*forms(message.id), *filter(None, forms(message.string))):
            said % dict.fromkeys(places(said), "x")  # a lone per cent sign raises
            assert all(name == "%" or name.islower() for name in places(said)), said


def test_german_speaks_german_and_an_unknown_tag_english() -> None:
    assert offered()[0] == "en"
    assert "de" in offered()
    assert language("de")("Search") == "Suche"
    assert language("de").count("%(num)s paper", "%(num)s papers", 1200) == "1.200 Arbeiten"
    assert language("de").meant("category", "Robotics") == "Robotik"
    assert language("xx")("Search") == language("../../etc")("Search") == "Search"


def test_an_error_is_told_as_a_sentence_in_the_readers_language() -> None:
    german = language("de")
    with pytest.raises(PreferencesRefused) as refused:
        chosen(paper_count=99)
    assert str(refused.value) == "choose from 5 to 30 papers, not 99"
    assert ENGLISH.told(refused.value) == "Choose from 5 to 30 papers, not 99."
    assert german.told(refused.value) == "Wählen Sie 5 bis 30 Arbeiten, nicht 99."
    with pytest.raises(PreferencesRefused) as zone:
        chosen(timezone="Mars/100%s")
    assert "'Mars/100%s'" in german.told(zone.value)
    assert "ist abgelaufen" in german.told(TokenInvalid("this link has expired; ask for a new one"))
    assert german.told(NotFound("100 % unknown here")) == "100 % unknown here."
    assert german.told(NotFound()) == ""


@pytest.mark.parametrize("path", sorted((ROOT / "digest").rglob("*.py")), ids=lambda path: path.stem)
def test_what_readers_see_of_an_error_is_words_with_places_not_a_sentence_filled_in(path: Path) -> None:
    filled = [
        node.args[0].lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in SHOWN
        and node.args
        and not (isinstance(node.args[0], ast.Constant) or ast.unparse(node.args[0]).endswith(".words"))
    ]
    if path.relative_to(ROOT).as_posix() in NOT_YET:
        assert filled, f"{path.name} is converted; take it off the list"
        return
    assert filled == [], "give what is filled in by name, as in PreferencesRefused('choose at most %(most)s', most=40)"


def test_words_are_found_in_code_however_they_are_asked_for() -> None:
    source = (
        'say("One " "line", x=1); site.language("Two"); mark("Three"); b"x".count(b"y"); text.count("z")\n'
        'say.count("%(num)s paper", "%(num)s papers", n); say.meant("month", "May"); say(words); other("Not")'
    )
    assert list(in_code(source)) == [
        ("One line", None),
        ("Two", None),
        ("Three", None),
        (("%(num)s paper", "%(num)s papers"), None),
        ("May", "month"),
    ]
