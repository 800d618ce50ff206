"""Every way of mistyping an address is told in words of ours, whatever the library that finds it says."""

from __future__ import annotations

import inspect
import re

import pytest
from email_validator import EmailNotValidError, syntax, validate_email

from digest.core.address_faults import address_fault

UNREADABLE = address_fault("")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("nonsense", "has an @ in it"),
        ("ada＠x.org", "has an @ in it"),  # the full-width sign of Chinese and Japanese keyboards
        ("@x.org", "name before the @ is missing"),
        ("ada@", "domain after the @ is missing"),
        ("Ada <ada@x.org>", "bare address alone"),
        ('"ada b"@x.org', "bare address alone"),
        ("ada@[127.0.0.1]", "must be a domain"),
        (f"ada@{'x' * 64}.org", "too long"),
        ("ada..b@x.org", "dots or hyphens"),
        ("ada.@x.org", "dots or hyphens"),
        (".ada@x.org", "dots or hyphens"),
        ("ada@-x.org", "dots or hyphens"),
        ("ada@x", "lacks its end"),
        ("ada@localhost", "lacks its end"),
        ("ada@x.123", "lacks its end"),
        ("ada@x.invalid", "kept for tests"),
        ("ada b@x.org", "before the @ cannot"),
        ("ada,b@x.org", "before the @ cannot"),
        ("ada@x,org", "after the @ cannot"),
        ("ada@b@x.org", "after the @ cannot"),
        ("ada@x_y.org", "after the @ cannot"),
        ("ada\u202e@x.org", "does not look like"),
    ],
)
def test_a_mistyped_address_is_told_what_is_wrong_with_it(typed: str, words: str) -> None:
    with pytest.raises(EmailNotValidError) as refused:
        validate_email(typed, check_deliverability=False)
    assert words in address_fault(str(refused.value)).words, str(refused.value)


def test_only_unsafe_and_odd_letters_fall_to_the_last_words() -> None:
    """What the library can say of the form of an address; a new version may say more."""
    said = re.findall(r'EmailSyntaxError\(\s*f?["\'](.+?)["\']\s*[)+]', inspect.getsource(syntax))
    assert len(said) > 25
    assert [one for one in said if address_fault(one) == UNREADABLE] == [
        "The email address contains an invalid character.",
        "The email address contains unsafe characters: ",
    ]
