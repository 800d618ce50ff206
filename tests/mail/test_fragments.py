"""Digests joined from pieces say what their whole template says, whatever is in them."""

from __future__ import annotations

import email
import email.policy
import quopri
import re
from dataclasses import astuple, replace
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.core.issue import Card
from digest.core.tailor import Edition, Pick
from digest.core.why import Why, WhyKind
from digest.errors import TemplateFault
from digest.files import templates_folder
from digest.mail.fragments import Look, Row, Rows, shell_of
from digest.mail.quoted import piece
from digest.mail.render import HTML_LIMIT, ReaderLinks, Renderer
from tests.mail import samples
from tests.mail.test_message import built, lines_are_sound, parsed, parts_of

RENDERER = samples.renderer()
HOSTILE = st.one_of(
    st.text(max_size=120),
    st.sampled_from(
        [
            samples.RIGHT_TO_LEFT_TITLE,
            samples.LONG_TITLE,
            "🚀" * 90,
            "<script>alert('x')</script> & \" '",
            "{{ 7 * 7 }} {% raw %}",
            ".\r\n.\r\nFrom x",
            "\x00cut\x00 \x01subject\x01",
            "=3D=\r\n",
            "a " * 400,
            "\u202egnp.exe",
            "\ud800 lone",
        ]
    ),
)
URLS = st.one_of(st.just(""), st.just("javascript:alert(1)"), st.just("https://a.example/?" + "x=1&" * 768), HOSTILE)
CARDS = st.builds(
    lambda number, title, summary, evidence, author, url, percentile: samples.card(
        number,
        title=title,
        summary=summary,
        evidence=evidence,
        authors=(author, "B. Author"),
        code_url=url,
        discussion_url=url,
        percentile=percentile,
    ),
    st.integers(1, 30),
    HOSTILE,
    HOSTILE,
    HOSTILE,
    HOSTILE,
    URLS,
    st.none() | st.floats(0, 100),
)


def agree(edition: Edition, links: ReaderLinks = samples.LINKS, *, welcome: bool = False) -> None:
    whole = RENDERER.whole(edition, links, welcome=welcome)
    joined = RENDERER.digest(edition, links, welcome=welcome)
    assert joined.subject == whole.subject
    assert joined.text == whole.text
    assert joined.html == whole.html
    raw = built(joined)
    lines_are_sound(raw)
    assert parts_of(parsed(raw)) == (whole.text, whole.html)
    oracle = EmailMessage(policy=email.policy.SMTP)
    oracle.set_content(whole.text, cte="quoted-printable")
    oracle.add_alternative(whole.html, subtype="html", cte="quoted-printable")
    assert parts_of(parsed(oracle.as_bytes())) == parts_of(parsed(raw))


@settings(max_examples=120, deadline=None)
@given(
    cards=st.lists(CARDS, min_size=1, max_size=12),
    why=HOSTILE,
    topics=st.lists(HOSTILE, max_size=4),
    note=HOSTILE,
    welcome=st.booleans(),
    web=st.booleans(),
)
@example(cards=[samples.card(1)], why="", topics=[], note="", welcome=False, web=False)
def test_a_joined_digest_is_what_its_template_says(  # checklist 6, 8, 26
    cards: list[Card], why: str, topics: list[str], note: str, welcome: bool, web: bool
) -> None:
    reason = Why(WhyKind.KEYWORD, (why,)) if why else None
    picks = tuple(Pick(place, card, reason if place % 2 else None) for place, card in enumerate(cards, start=1))
    links = samples.LINKS if web else ReaderLinks(samples.LINKS.unsubscribe, samples.LINKS.preferences)
    agree(Edition(issued_on=samples.DAY, picks=picks, topics=tuple(topics), note=note), links, welcome=welcome)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=6))
@example(["ends with a space ", "", "\n", "x" * 75 + " ", "=", "é" * 80, "\t", "a\r", "\nb"])
def test_pieces_read_back_in_any_order(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode().replace("\r", "") for text in texts]
    joined = b"".join(map(piece, texts))
    read = email.message_from_bytes(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + joined
    )
    assert read.get_payload(decode=True).decode().replace("\r\n", "\n") == "".join(texts)
    assert max(map(len, joined.split(b"\r\n"))) <= 76


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([".", "=", "é", "a", " ", "\n", "x" * 20, "☀" * 3]), max_size=60).map("".join))
@example("." * 400)
@example("." + "é" * 200)
@example(("." + "=" * 25 + "\n") * 3)
@example("x" * 75 + "." * 80)
def test_no_line_begins_with_a_dot_and_none_is_too_long(text: str) -> None:  # checklist 8, 9
    lines = piece(text).split(b"\r\n")
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, lines)) <= 76
    assert quopri.decodestring(piece(text)).decode().replace("\r\n", "\n") == text


def test_thirty_of_the_worst_papers_stay_within_the_limit_and_are_cut_alike() -> None:  # checklist 19
    url = "https://a.example/?" + "&" * 400
    cards = [
        samples.card(n, title="&" * 5000, summary="<" * 5000, evidence='"' * 5000, code_url=url, discussion_url=url)
        for n in range(1, 31)
    ]
    edition = samples.edition(*cards)
    agree(edition)
    assert len(RENDERER.digest(edition, samples.LINKS).html.encode()) <= HTML_LIMIT


WORST = st.sampled_from(["&", "'", "🚀", "\U00020000", "é", "a ", "=", "."])
MUCH = st.builds(lambda mark, number: mark * number, WORST, st.sampled_from([1, 60, 300, 5000]))


@settings(max_examples=60, deadline=None)
@given(
    title=MUCH,
    rest=MUCH,
    names=MUCH,
    why=MUCH,
    note=MUCH,
    topic=MUCH,
    url=st.sampled_from(["", "https://a.example/?" + "&" * 500, "https://a.example/?" + "x=1&" * 768]),
    link=st.sampled_from([0, 60, 800]),
    number=st.integers(1, 60),
    kind=st.sampled_from(WhyKind),
    welcome=st.booleans(),
)
def test_no_input_makes_a_digest_larger_than_the_limit(  # checklist 19
    title: str,
    rest: str,
    names: str,
    why: str,
    note: str,
    topic: str,
    url: str,
    link: int,
    number: int,
    kind: WhyKind,
    welcome: bool,
) -> None:
    card = samples.card(
        1,
        title=title,
        evidence=rest,
        summary=rest,
        primary_category=names,
        authors=(names,) * 4,
        labs=(names,) * 3,
        code_url=url,
        discussion_url=url,
        novelty=99.0,
        simulated=True,
    )
    links = ReaderLinks(*(f"{each}{'x' * link}" for each in astuple(samples.LINKS)))
    picks = tuple(Pick(place, card, Why(kind, (why,))) for place in range(1, number + 1))
    edition = Edition(issued_on=samples.DAY, picks=picks, topics=(topic,) * 3, note=note)
    mail = RENDERER.digest(edition, links, welcome=welcome)
    assert len(mail.html.encode()) <= HTML_LIMIT
    shown = mail.html.count('<h2 class="h" dir="auto"')
    assert shown == mail.text.count("    Paper:  ")
    assert 0 < shown <= number
    cut = f"{number - shown} more on the web"
    assert (cut in mail.html) is (cut in mail.text) is (shown < number)
    if number <= 12:
        agree(edition, links, welcome=welcome)


def test_where_the_rows_are_cut_does_not_depend_on_how_they_are_made() -> None:  # checklist 19
    """With a little less in each title, more papers go in: the joined mail and its template agree on each."""
    seen = set()
    for length in range(20, 300, 40):
        card = samples.card(1, title="&" * length, summary="<" * 5000, evidence='"' * 5000, authors=('"&' * 99,) * 9)
        edition = samples.edition(*[card] * 40)
        agree(edition)
        seen.add(RENDERER.digest(edition, samples.LINKS).html.count('<h2 class="h" dir="auto"'))
    assert len(seen) > 1


def test_readers_reasons_and_links_make_no_new_rows() -> None:
    made: list[Look] = []

    def make(card: Card, look: Look) -> Row:
        made.append(look)
        return Row(card, (b"", b""), (b"", b""), 0)

    rows = Rows(make)
    looks = [Look(True, True, False), Look(False, True, False)]
    for _reader in range(3):
        for look in looks:
            rows.of([samples.card(1)], [look])  # another card each time, and equal
    assert made == looks


def test_two_readers_of_one_paper_have_their_own_reasons_and_links() -> None:
    one, other = (
        RENDERER.digest(
            Edition(issued_on=samples.DAY, picks=(Pick(1, samples.card(1), Why(WhyKind.KEYWORD, (word,))),)),
            replace(samples.LINKS, react=f"{samples.BASE_URL}/r/{word}"),
        )
        for word in ("sparsity", "pruning")
    )
    for part in (one.html, one.text):
        assert "On sparsity, which you follow" in part
        assert f"{samples.BASE_URL}/r/sparsity/1/more" in part
        assert "pruning" not in part
    assert one.html.replace("sparsity", "pruning") == other.html
    assert one.text.replace("sparsity", "pruning") == other.text


@pytest.mark.parametrize("mark", ["", "\x00 \x00", "x\x00"])
def test_a_template_without_its_marks_is_refused(mark: str) -> None:
    with pytest.raises(TemplateFault, match="cut"):
        shell_of(lambda _context: (f"before {mark} after", "text"), {}, ())


def test_a_template_whose_pieces_depend_on_one_another_is_refused(tmp_path: object) -> None:
    folder = templates_folder()
    from pathlib import Path

    mail = Path(str(tmp_path)) / "mail"
    mail.mkdir()
    for file in (folder / "mail").iterdir():
        source = file.read_text("utf-8")
        if file.name == "digest.txt.j2":
            source = re.sub(r"\{\{ paper\.url \}\}", "{{ paper.url }} of {{ papers | length }}", source)
        (mail / file.name).write_text(source, "utf-8")
    with pytest.raises(TemplateFault):
        Renderer(mail.parent, samples.BASE_URL, samples.SENDER)
