"""Nothing on a public page is said outside of the catalogues, whether a template or the code says it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from digest.core.language import Language
from tests.language.fence import FENCED, OPEN, outside
from tests.web.conftest import Place

# The names of time zones are the same everywhere.
_TEXT = re.compile(r"""<style\b.*?</style>|<select name="timezone">.*?</select>|<[^>]*>""", re.DOTALL)
_SPOKEN = re.compile(r"""\b(?:aria-label|alt|title|placeholder)="([^"]*)"|name="description" content="([^"]*)""")
# What the papers under test say, and names that are the same everywhere.
_DATA = re.compile(
    r"Probe paper \d|A probe is made and looked at\.|Ada Probe|Bo Sample|Cy Trial|Di Test|Probe Laboratory"
    r"|1 Probe Road, Testville|math\.OC|arXiv|PDF|Firstlight|\bada probe\b|\bprobe\b"
)


class _OneLanguage:
    """Languages of which there is one, whoever asks; its months are in Greek letters."""

    default = "el"

    def of(self, _tag: str) -> Language:
        return FENCED

    def for_visitor(self, _header: str) -> Language:
        return self.of("")


def unfenced(page: str) -> list[str]:
    """Return the words of a page that stand in no brackets."""
    said = [one or other for one, other in _SPOKEN.findall(page)]
    text = _DATA.sub("", " | ".join([unescape(words) for words in [_TEXT.sub(" | ", page), *said]]))
    return outside(text)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?category=cs.LG&window=week",
        "/?category=cs.XX",
        "/issues",
        "/issues/2026-05-20",
        "/issues/1999-01-01",
        "/search",
        "/search?q=probe",
        "/search?q=9999&category=cs.LG",
        "/papers/2605.00001",
        "/papers/9999.00001",
        "/authors/ada-probe",
        "/authors/nobody",
        "/about/ranking",
        "/about/figures",
        "/inbox",
        "/nothing",
    ],
)
def test_every_word_of_a_page_is_in_the_catalogues(place: Place, path: str) -> None:
    place.services.__dict__["languages"] = _OneLanguage()
    place.add_small_issue()
    page = place.browser.get(path).text
    assert 'lang="el"' in page
    assert page.count(OPEN) > 8
    assert unfenced(page) == []


def test_the_net_has_no_holes() -> None:
    assert unfenced("<p>⟦Hello⟧ there ⟦you ⟦too⟧ all⟧</p><a title='x' aria-label=\"Close it\">arXiv</a>") == [
        "there",
        "Close",
    ]
