"""A mail speaks its reader's language, in every word, and is still joined from pieces."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from digest.core.retelling import reason_retold
from digest.core.tailor import Edition
from digest.core.why import Why, WhyKind, sentence
from digest.files import templates_folder
from digest.mail.fragments import Rendered
from digest.mail.render import ReaderLinks, Renderer
from tests.language.fence import FENCED, outside
from tests.mail import samples

ENGLISH = samples.renderer()
GERMAN = ENGLISH.speaking("de")
_INVISIBLE = re.compile(r"<style\b.*?</style>|<!--.*?-->|<[^>]*>", re.DOTALL)
_URL = re.compile(r"https?://\S+")


def of_digits(edition: Edition) -> Edition:
    """The same edition with digits for all that its papers, its sender and its reader say."""
    picks = tuple(
        pick._replace(
            card=replace(
                pick.card,
                title=f"{pick.place}00",
                summary="9 9 9",
                evidence="Gaining: +38 upvotes in 6 h, more than 98 % of 6 this week." if pick.place % 2 else "",
                authors=("1", "2", "3", "4"),
                labs=("5",),
                primary_category="6",
                categories=("6",),
            ),
            reason=Why(WhyKind.CATEGORY, ("6",)) if pick.reason else None,
        )
        for pick in edition.picks
    )
    return replace(edition, picks=picks, topics=(), note="7")


@pytest.mark.parametrize("welcome", [False, True])
@pytest.mark.parametrize("edition", [samples.ten(), samples.edition()], ids=["ten", "none"])
def test_every_word_of_a_digest_is_in_the_catalogues(edition: Edition, welcome: bool) -> None:
    sender = replace(samples.SENDER, name="8", postal_address="8", contact="8")
    renderer = Renderer(templates_folder(), samples.BASE_URL, sender, FENCED)
    mail = renderer.digest(of_digits(edition), samples.LINKS, welcome=welcome, upcoming=date(2026, 5, 21))
    assert 'lang="el"' in mail.html
    for part in (mail.subject, mail.text, unescape(_INVISIBLE.sub(" | ", mail.html))):
        assert [word for word in outside(_URL.sub("", part)) if word not in ("arXiv", "PDF")] == []


def test_every_word_of_a_letter_is_in_the_catalogues() -> None:
    sender = replace(samples.SENDER, name="8", postal_address="8", contact="8")
    renderer = Renderer(templates_folder(), samples.BASE_URL, sender, FENCED)
    for mail in (renderer.confirmation("https://a.example/1"), renderer.sign_in("https://a.example/1")):
        for part in (mail.subject, mail.text, unescape(_INVISIBLE.sub(" | ", mail.html))):
            assert outside(_URL.sub("", part)) == []


def test_a_german_digest_reads_as_german_and_is_what_its_template_says() -> None:
    edition = samples.ten()
    joined = GERMAN.digest(edition, samples.LINKS)
    whole = GERMAN.whole(edition, samples.LINKS)
    assert (joined.subject, joined.html, joined.text) == (whole.subject, whole.html, whole.text)
    assert joined.subject.endswith(", und 9 weitere")
    for part in (joined.html, joined.text):
        assert "Mittwoch, 20. Mai 2026" in part
        assert "Sie folgen cs.LG" in part
        assert "Wie die Rangfolge entsteht" in part or "Die Rangfolge:" in part
    assert '<html lang="de" dir="ltr"' in joined.html
    assert ENGLISH.digest(edition, samples.LINKS).subject.endswith(", and 9 more")


def test_a_right_to_left_language_turns_the_mail() -> None:
    renderer = Renderer(templates_folder(), samples.BASE_URL, samples.SENDER, replace(FENCED, tag="ar"))
    mail = renderer.digest(samples.ten(), samples.LINKS)
    assert '<html lang="ar" dir="rtl"' in mail.html


def test_a_language_that_is_not_offered_is_the_sites_own() -> None:
    assert ENGLISH.speaking("") is ENGLISH.speaking("xx") is ENGLISH.speaking("../de") is ENGLISH
    assert ENGLISH.speaking("de") is GERMAN
    assert GERMAN.speaking("en") is ENGLISH
    nothing: Rendered = GERMAN.whole(samples.edition(), ReaderLinks(unsubscribe="", preferences=""))
    assert nothing.subject == "Heute nichts Neues für Sie"


@pytest.mark.parametrize("kind", list(WhyKind))
def test_every_reason_is_told_in_the_readers_language(kind: WhyKind) -> None:
    about = () if kind in (WhyKind.OUTSIDE, WhyKind.REVISED) else ("Ö 1", "2 %(x)s")
    said = sentence(Why(kind, about))
    told = reason_retold(said, GERMAN.language)
    assert told != said
    assert all(words in told for words in about)
    assert reason_retold(said, ENGLISH.language) == said
