"""The two letters about a change of address: one thing to do each, and nobody's address in them."""

from __future__ import annotations

from functools import partial

from digest.core.delivery import DeliveryKind
from digest.core.language import ENGLISH
from digest.mail import moving_letters
from digest.mail.moving_letters import LetterWords
from tests.mail.test_render import RENDERER, read

URL = "https://firstlight.example/new-address/abc"


def test_letters_about_a_change_of_address_name_no_address() -> None:  # checklist 51, 53
    for make in (moving_letters.new_address, moving_letters.moved):
        words: LetterWords = make("First\nlight", ENGLISH)
        mail = RENDERER.letter(partial(make, "First\nlight"), URL)
        assert read(mail.html).links == [URL, URL]
        assert URL in mail.text.splitlines()
        assert "@" not in f"{words.subject} {words.preheader} {words.opening} {words.closing}"
        assert "First light" in mail.text
        assert "12 Example Street" in mail.text
        assert "\n" not in mail.subject


def test_letters_about_a_change_of_address_are_in_the_readers_language() -> None:
    for make, said in (
        (moving_letters.new_address, "Möchten Sie Ihren Firstlight-Digest hier empfangen?"),
        (moving_letters.moved, "Ihr Firstlight-Digest geht jetzt an eine andere Adresse"),
    ):
        mail = RENDERER.speaking("de").letter(partial(make, "Firstlight"), URL)
        assert mail.subject == said
        assert 'lang="de"' in mail.html
        assert "The link works once" not in mail.text


def test_a_letter_whose_link_is_no_web_address_has_none() -> None:
    mail = RENDERER.letter(partial(moving_letters.moved, "Firstlight"), "javascript:alert(1)")
    assert "javascript" not in mail.html


def test_every_kind_of_delivery_that_somebody_waits_for_is_prompt() -> None:
    from digest.core.delivery import PROMPT

    assert set(PROMPT) == set(DeliveryKind) - {DeliveryKind.DIGEST}
