"""What a rendered mail holds, whatever the papers hold."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.issue import Card
from digest.core.tailor import Edition, Pick
from digest.core.why import Why, WhyKind, sentence
from digest.errors import TemplateFault
from digest.files import templates_folder
from digest.mail.render import HTML_LIMIT, Renderer
from tests.mail import samples

RENDERER = samples.renderer()
VOID = {"meta", "br", "link", "img", "hr"}


class Read(HTMLParser):
    """The links, headings and text of an HTML mail; fails on a tag that does not close where it should."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "a":
            self.links.append(given["href"] or "")
        if re.fullmatch(r"h\d", tag):
            self.headings.append(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)


def read(html: str) -> Read:
    """Read the mail as Outlook does not: without its conditional comments."""
    return Read(html)


def test_html_and_text_show_the_same_papers_in_the_same_order() -> None:
    mail = RENDERER.digest(samples.ten(), samples.LINKS)
    text = " ".join(mail.text.split())
    places = [(mail.html.index(f">{p.card.title}</a>"), text.index(p.card.title)) for p in samples.ten().picks]
    assert places == sorted(places)
    assert sorted(place for _, place in places) == [place for _, place in places]


@pytest.mark.parametrize("welcome", [True, False])
def test_the_text_part_has_every_link_of_the_html_part(welcome: bool) -> None:  # checklist 7
    mails = [
        RENDERER.digest(samples.ten(), samples.LINKS, welcome=welcome),
        RENDERER.confirmation("https://firstlight.example/confirm/a?b=1&c=2"),
        RENDERER.sign_in("https://firstlight.example/sign-in/a"),
    ]
    for mail in mails:
        links = read(mail.html).links
        assert links
        assert set(links) <= set(mail.text.split())


def test_a_mail_has_language_title_charset_one_h1_and_headings_in_order() -> None:  # checklist 21, 22, 23
    for mail in (RENDERER.digest(samples.ten(), samples.LINKS), RENDERER.confirmation("https://a.example/")):
        page = read(mail.html)
        tags = dict(page.tags)
        assert tags["html"]["lang"] == "en"
        assert f"<title>{mail.subject}</title>" in mail.html
        assert "charset=UTF-8" in mail.html
        assert page.headings[0] == "h1"
        assert set(page.headings[1:]) <= {"h2"}
        assert all(attributes.get("role") == "presentation" for tag, attributes in page.tags if tag == "table")
        assert all("alt" in attributes for tag, attributes in page.tags if tag == "img")


def test_nothing_is_loaded_from_outside() -> None:  # checklist 25
    mail = RENDERER.digest(samples.ten(), samples.LINKS)
    assert not re.search(r"<img|<link|@import|url\(|src=|<script", mail.html)


def test_unsubscribe_and_change_stand_at_the_top_and_in_the_footer() -> None:  # checklist 19, 28
    mail = RENDERER.digest(samples.ten(), samples.LINKS)
    for part in (mail.html, mail.text):
        first_paper = part.index("Layerwise Riccati", part.index("20 May 2026"))
        last_paper = part.index("Notes on Wavelets", first_paper)
        for url in (samples.LINKS.unsubscribe, samples.LINKS.preferences):
            assert part.index(url) < first_paper
            assert part.rindex(url) > last_paper
        for words in ("12 Example Street", "hello@firstlight.example", f"{samples.BASE_URL}/about/ranking"):
            assert part.rindex(words) > last_paper


def test_a_paper_is_shown_with_all_that_is_known_of_it() -> None:
    mail = RENDERER.digest(samples.edition(samples.card(1)), samples.LINKS)
    assert mail.subject == "Layerwise Riccati Updates for Geometry-Aware Optimization"
    for part in (" ".join(read(mail.html).words).replace("\xa0", " "), mail.text):
        words = " ".join(part.split())
        assert "Ines Okafor, Pavel Lindqvist, Mei Tanaka et al. · Aarhus, Kyoto · 19 May 2026" in words
        assert "Joao Duarte" not in words
        assert "+38 upvotes in 6 h; percentile 99.6" in words
        assert "You follow cs.LG" in words
        assert "Code" in words
    assert 'width="167" height="4"' in mail.html


def test_evidence_that_names_its_percentile_is_left_alone() -> None:
    mail = RENDERER.digest(samples.edition(samples.card(1, evidence="more than 99 % of cs.LG")), samples.LINKS)
    assert "percentile 99.6" not in mail.html


def test_evidence_that_says_simulated_has_no_badge_beside_it() -> None:
    simulated = samples.card(1, simulated=True, evidence="+3 simulated upvotes in 6 h", percentile=None)
    mail = RENDERER.digest(samples.edition(simulated), samples.LINKS)
    assert mail.html.count("simulated") == mail.text.count("simulated") == 1


def test_a_paper_of_which_little_is_known_says_so() -> None:
    bare = Card(paper_id=7, rank=1, title="A bare title", path="/papers/bare")
    mail = RENDERER.digest(samples.edition(bare), samples.LINKS)
    for part in (mail.html, mail.text):
        assert "Authors not known yet" in part


def test_text_lines_never_begin_with_a_dot_and_dates_stay_whole() -> None:
    papers = [samples.card(1, authors=("A" * length, "Bo", "Cy", "Di")) for length in range(5, 60)]
    text = RENDERER.digest(samples.edition(*papers), samples.LINKS, plain=True).text
    assert not [line for line in text.splitlines() if line.strip().startswith("·")]
    assert text.count("19 May 2026") == len(papers)
    assert "\u00a0" not in text


@pytest.mark.parametrize("evidence", ["+3 upvotes", ""])
def test_simulated_evidence_says_so_in_both_parts(evidence: str) -> None:
    simulated = samples.card(1, simulated=True, evidence=evidence)
    mail = RENDERER.digest(samples.edition(simulated), samples.LINKS)
    assert ">simulated<" in mail.html
    assert "[simulated]" in mail.text
    honest = RENDERER.digest(samples.edition(samples.card(1)), samples.LINKS)
    assert "simulated" not in honest.html + honest.text


@pytest.mark.parametrize(("percentile", "cells"), [(0.0, 1), (0.2, 1), (50.0, 2), (100.0, 1), (180.0, 1), (None, 0)])
def test_the_bar_fits_its_percentile(percentile: float | None, cells: int) -> None:
    html = RENDERER.digest(samples.edition(samples.card(1, percentile=percentile)), samples.LINKS).html
    assert html.count('height="4"') == cells
    assert sum(map(int, re.findall(r'width="(\d+)" height="4"', html))) == (168 if cells else 0)


def test_a_note_a_welcome_and_an_empty_edition_have_their_places() -> None:
    upcoming = date(2026, 5, 21)
    mail = RENDERER.digest(samples.edition(note="We <were> late."), samples.LINKS, welcome=True, upcoming=upcoming)
    assert "We &lt;were&gt; late." in mail.html
    assert "We <were> late." in mail.text
    for part in (mail.html, mail.text):
        assert "Welcome" in part
        words = " ".join(part.split())
        assert "Nothing new on your topics today; your next digest comes on Thursday, 21 May 2026." in words
        assert samples.LINKS.unsubscribe in part


def test_what_cannot_be_dated_is_not_promised() -> None:  # checklist 27
    mail = RENDERER.digest(samples.edition(), samples.LINKS)
    assert mail.subject == "Nothing new for you today"
    assert "your next digest comes when there is" in mail.html


def test_a_plain_digest_is_the_text_part_alone_with_room_for_all() -> None:
    papers = [samples.card(place, **HOSTILE) for place in range(1, 31)]
    for edition in (samples.ten(), samples.edition(*papers), samples.edition()):
        plain = RENDERER.digest(edition, samples.LINKS, plain=True)
        assert plain.html == ""
        assert plain.text.count("    Paper:  ") == len(edition.picks)
        assert "more on the web" not in plain.text
        assert plain.text == RENDERER.whole(edition, samples.LINKS, plain=True).text


def test_a_reader_may_say_what_they_make_of_each_paper() -> None:
    mail = RENDERER.digest(samples.edition(samples.card(1), samples.card(2)), samples.LINKS)
    for verb in ("more", "less", "save"):
        for paper in (1, 2):
            assert f'href="{samples.LINKS.react}/{paper}/{verb}"' in mail.html
            assert f"{samples.LINKS.react}/{paper}/{verb}" in mail.text.split()
    silent = RENDERER.digest(samples.ten(), replace(samples.LINKS, react=""))
    assert "more like this" not in silent.html
    assert "More like this" not in silent.text


@pytest.mark.parametrize("kind", [WhyKind.OUTSIDE, WhyKind.REVISED])
def test_what_is_set_apart_says_so_above_its_title_and_once(kind: WhyKind) -> None:
    reasons = (Why(WhyKind.CATEGORY, ("cs.LG",)), Why(kind))
    picks = tuple(Pick(place, samples.card(place), reason) for place, reason in enumerate(reasons, 1))
    mail = RENDERER.digest(Edition(issued_on=samples.DAY, picks=picks), samples.LINKS)
    for part in (mail.html, mail.text):
        assert part.count(sentence(reasons[1])) == 1
        assert part.index("percentile 99.6") < part.index("You follow cs.LG") < part.index(sentence(reasons[1]))
        assert part.index(sentence(reasons[1])) < part.index("percentile 97.2")


def test_the_text_part_keeps_to_72_columns_but_for_links() -> None:
    for line in RENDERER.digest(samples.ten(), samples.LINKS, welcome=True).text.splitlines():
        assert len(line) <= 72 or "https://" in line


def test_the_preheader_is_the_first_text_of_the_body() -> None:  # checklist 20
    html = RENDERER.digest(samples.ten(), samples.LINKS).html
    preheader = "How Little Memory Does a Recurrent Net Need? Lower Bounds from Counting · Patchwork: "
    assert preheader in html[html.index("<body") : html.index("<h1")]


def test_hostile_words_are_escaped_and_hostile_links_left_out() -> None:  # checklist 26
    evil = '"><script>alert(1)</script><a href="javascript:x">{{ 7*7 }}{% raw %}'
    fields = dict.fromkeys(("title", "evidence", "summary", "primary_category"), evil)
    hostile = samples.card(
        1,
        **fields,
        authors=(evil,) * 3,
        labs=(evil,),
        code_url="javascript:alert(1)",
        discussion_url="data:text/html,x",
    )
    mail = RENDERER.digest(samples.edition(hostile, note=evil, topics=(evil,)), samples.LINKS)
    page = read(mail.html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert all(link.startswith(("https://", "http://")) for link in page.links)
    assert "javascript:alert" not in mail.html + mail.text
    assert "data:text" not in mail.html + mail.text


WORDS = st.text(max_size=60)


@settings(max_examples=60, deadline=None)
@given(title=WORDS, name=WORDS, summary=WORDS, note=WORDS, url=WORDS)
def test_any_words_give_balanced_html_and_http_links(title: str, name: str, summary: str, note: str, url: str) -> None:
    paper = samples.card(1, title=title, authors=(name,), summary=summary, code_url=url, labs=(name,))
    mail = RENDERER.digest(samples.edition(paper, note=note), samples.LINKS)
    assert all(link.startswith(("https://", "http://")) for link in read(mail.html).links)
    assert "\r" not in mail.text


LONG = {
    "title": samples.LONG_TITLE,
    "summary": "A sentence about & what the authors found, in some detail. " * 12,
    "evidence": "+38 upvotes in 6 h, 99th percentile in cs.LG",
    "authors": ("Anneliese Longname-Longername", "Bartholomew Evenlonger", "Christabel Somewhat-Shorter", "D"),
    "labs": ("University of Somewhere Far Away", "Institute for Advanced Things"),
    "code_url": "https://github.com/an-organisation/a-repository-with-a-name",
    "discussion_url": "https://news.example.org/item?id=1234567890&page=1",
    "simulated": True,
}
HOSTILE = dict.fromkeys(("title", "summary", "evidence"), '"&<' * 500) | {
    "authors": ('"&' * 99,) * 9,
    "labs": ("\U00020000" * 300,),
    "code_url": "https://a.example/?" + "a&" * 60,
    "path": "/" + "x" * 90,
}


@pytest.mark.parametrize(("fields", "fewest"), [(LONG, 30), (HOSTILE, 22)], ids=["long", "hostile"])
def test_thirty_papers_stay_under_80_kb(fields: dict[str, object], fewest: int) -> None:  # checklist 19
    papers = [samples.card(place, **fields) for place in range(1, 31)]
    mail = RENDERER.digest(samples.edition(*papers, note="A note. " * 20), samples.LINKS, welcome=True)
    shown = mail.html.count('<h2 class="h" dir="auto"')
    assert shown >= fewest
    assert len(mail.html.encode()) <= HTML_LIMIT == 80 * 1024
    for part in (mail.html, mail.text):
        assert (f"{30 - shown} more on the web" in part) is (shown < 30)
    assert mail.subject.endswith("and 29 more")


def test_a_long_summary_is_cut_at_a_word() -> None:
    mail = RENDERER.digest(samples.edition(samples.card(1, summary="alpha beta " * 60)), samples.LINKS)
    shown = re.search(r'<p class="s"[^>]*>([^<]*)</p>', mail.html)
    assert shown is not None
    assert 300 <= len(shown[1]) <= 320
    assert shown[1].endswith(("alpha…", "beta…"))


def test_letters_name_nobody_and_carry_their_link() -> None:  # checklist 51, 53
    url = "https://firstlight.example/confirm/abc?x=1&y=2"
    mail = RENDERER.confirmation(url)
    assert mail.subject == "Confirm your subscription to Firstlight"
    assert url in mail.text.splitlines()
    assert read(mail.html).links == [url, url]
    assert "12 Example Street" in mail.html
    assert "12 Example Street" in mail.text
    assert RENDERER.sign_in(url).subject == "Sign in to Firstlight"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("digest.mjml.j2", "{{ note }}", "{{ nota }}"),
        ("digest.mjml.j2", "{{ paper.summary }}", "{{ paper.sumary }}"),
        ("digest.mjml.j2", "{% endfor %}", ""),
        ("digest.txt.j2", "{{ day }}", "{{ day.nonsense }}"),
        ("digest.txt.j2", "wrap", "warp"),
        ("letter.mjml.j2", "{{ button }}", "{{ buton }}"),
        ("letter.txt.j2", "{{ url }}", "{{ link }}"),
    ],
)
def test_a_faulty_template_is_found_before_anyone_is_mailed(  # checklist 18
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    shutil.copytree(templates_folder() / "mail", tmp_path / "mail")
    template = tmp_path / "mail" / file
    before = template.read_text("utf-8")
    assert old in before
    template.write_text(before.replace(old, new, 1), "utf-8")
    with pytest.raises(TemplateFault):
        Renderer(tmp_path, samples.BASE_URL, samples.SENDER)


def test_missing_templates_are_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match="digest cannot be read"):
        Renderer(tmp_path, samples.BASE_URL, samples.SENDER)


def test_a_paper_far_from_earlier_work_is_marked_and_no_other() -> None:
    cards = [samples.card(place, novelty=novelty) for place, novelty in ((1, 89.99), (2, 97.0), (3, None))]
    mail = RENDERER.digest(samples.edition(*cards), samples.LINKS)
    for part in (mail.html, mail.text):
        assert part.count("Unlike earlier abstracts") == 1
        before, after = part.split("Unlike earlier abstracts")
        assert cards[1].labs[0] not in before
        assert cards[1].labs[0] in after
