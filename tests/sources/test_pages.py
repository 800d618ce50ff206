"""Captured paper-index pages: both layouts, what is wrong with them, and what is never read wrongly."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.capture import Capture, Reading
from digest.errors import DigestError, RefusedInput
from digest.sources.pages import Pages

OBSERVED = datetime(2026, 5, 20, 6, tzinfo=UTC)
HEADER = [
    "Ada Lindqvist",
    "",
    "CV",
    "",
    "h-index12",
    "",
    "3papers",
    "",
    "1,204citations",
    "",
    "Novelty51%",
    "",
    "AI Score44",
]
LONG = "We grow beans under coloured lamps and count the leaves every morning for a whole season. " * 4
PAPERS = [
    (
        "CVApr 27, 2023Code",
        "Beans under Lamps: A Study",
        "Ada Lindqvist, Bo Ek, Çiğdem Öz et al. · bean-lab, leaf-works",
    ),
    ("99.6LGMar 17", "Why Peas Climb", "Ada Lindqvist, Bo Ek"),
    ("OCJun 2, 2019", "Straight Rows, Short Rows, and No Rows", "Bo Ek"),
]


def author_page(*, gap: str = "\n\n", glued: bool = False, header: bool = True) -> str:
    lines = [line for line in HEADER if line] + ["3 Papers"] if header else []
    for meta, title, byline in PAPERS:
        lines += [meta, title + byline, LONG.strip()] if glued else [meta, title, byline, LONG.strip()]
    return gap.join(lines) + "\n"


def result_page(count: int = 4) -> str:
    lines = ["Get trending papers in your email inbox once a day!", "Get trending papers in your email inbox!"]
    for number in range(count):
        lines += [("Subscribe" if number == 0 else "") + f"Watering Beans by Moonlight {number}", LONG.strip()]
    return "\n".join(lines)


def read(page: str | bytes, *, captured_on: date | None = date(2026, 5, 20)) -> Capture:
    body = page if isinstance(page, bytes) else page.encode()
    return Pages().read(body, Reading(observed_at=OBSERVED, origin="page.txt", captured_on=captured_on))


@pytest.mark.parametrize("glued", [False, True], ids=["separate", "glued"])
@pytest.mark.parametrize(
    "gap", ["\n\n", "\n", "\r\n\r\n", " \t\n", "\r"], ids=["blank", "none", "crlf", "spaces", "cr"]
)
def test_an_author_page_is_read_whatever_stands_between_its_lines(gap: str, glued: bool) -> None:
    capture = read(author_page(gap=gap, glued=glued))

    assert [listing.title for listing in capture.listings] == [title for _, title, _ in PAPERS]
    beans, peas, rows = capture.listings
    assert beans.authors == ("Ada Lindqvist", "Bo Ek", "Çiğdem Öz")
    assert not beans.authors_complete
    assert beans.labs == ("bean-lab", "leaf-works")
    assert (beans.categories, beans.listed_on, beans.has_code) == (("cs.CV",), date(2023, 4, 27), True)
    assert peas.authors == ("Ada Lindqvist", "Bo Ek")
    assert peas.authors_complete
    assert (peas.percentile, peas.listed_on, peas.has_code) == (99.6, date(2026, 3, 17), False)
    assert [(seen.signal, seen.at, seen.value) for seen in peas.observations] == [("index_percentile", OBSERVED, 99.6)]
    assert (rows.categories, rows.authors, rows.abstract) == (("math.OC",), ("Bo Ek",), LONG.strip())
    assert capture.rejected == []
    assert capture.reason == ""


def test_the_header_states_the_authors_figures() -> None:
    figures = {figure.figure: figure.value for figure in read(author_page()).figures}

    assert figures == {
        "field": "cs.CV",
        "h_index": "12",
        "papers": "3",
        "citations": "1204",
        "novelty": "51",
        "ai_score": "44",
    }
    assert {figure.author for figure in read(author_page()).figures} == {"Ada Lindqvist"}


@pytest.mark.parametrize(
    ("captured_on", "listed_on"),
    [
        (date(2026, 3, 17), date(2026, 3, 17)),
        (date(2026, 3, 16), date(2025, 3, 17)),
        (date(2027, 1, 1), date(2026, 3, 17)),
    ],
)
def test_a_month_without_a_year_is_the_latest_one_up_to_the_capture(captured_on: date, listed_on: date) -> None:
    assert read(author_page(), captured_on=captured_on).listings[1].listed_on == listed_on


def test_undated_months_are_refused_without_the_day_of_capture() -> None:
    with pytest.raises(RefusedInput, match=r"page\.txt.*99\.6LGMar 17.*--captured-on"):
        read(author_page(), captured_on=None)


def test_a_page_without_undated_months_needs_no_day_of_capture() -> None:
    assert len(read(author_page().replace("Mar 17", "Mar 17, 2024"), captured_on=None).listings) == 3


def test_without_any_code_flag_on_the_page_code_is_not_known() -> None:
    assert {listing.has_code for listing in read(author_page().replace("2023Code", "2023")).listings} == {None}


def test_fewer_papers_than_the_page_claims_are_told() -> None:
    assert "the page says 9 papers, 3 were read" in read(author_page().replace("3 Papers", "9 Papers")).reason


def test_a_result_list_is_read_in_rank_order() -> None:
    capture = read(result_page())

    assert [listing.title for listing in capture.listings] == [f"Watering Beans by Moonlight {n}" for n in range(4)]
    ranks = [seen for listing in capture.listings for seen in listing.observations]
    assert [(seen.signal, seen.value, seen.of) for seen in ranks] == [("page_rank", n, 4) for n in range(1, 5)]
    assert {listing.authors for listing in capture.listings} == {()}
    assert not any(listing.authors_complete for listing in capture.listings)


def test_the_papers_of_an_author_page_are_credited_to_its_author_whom_they_may_not_show() -> None:
    listings = read(author_page()).listings
    assert {listing.credited for listing in listings} == {("Ada Lindqvist",)}
    assert {listing.credited for listing in read(author_page(header=False)).listings} == {()}
    assert {listing.credited for listing in read(result_page()).listings} == {()}


def test_a_subscribe_box_on_an_author_page_is_left_out() -> None:
    page = "Get trending papers in your email inbox!\nSubscribe" + author_page()

    assert {figure.author for figure in read(page).figures} == {"Ada Lindqvist"}


@pytest.mark.parametrize(
    "text", [author_page(), author_page(glued=True, gap="\n"), result_page(3)], ids=["author", "glued", "results"]
)
def test_a_page_cut_anywhere_loses_only_its_end(text: str) -> None:
    body = text.encode()
    whole = read(body).listings
    for end in range(0, len(body), 7):
        try:
            capture = read(body[:end])
        except RefusedInput:
            continue
        for listing, full in zip(capture.listings, whole, strict=False):
            assert (listing.title, listing.authors) == (full.title, full.authors)


def test_a_page_cut_inside_an_abstract_keeps_the_paper_and_says_so() -> None:
    capture = read(author_page().rstrip()[:-40])

    assert len(capture.listings) == 3
    assert "stops in the middle" in capture.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda page: page.replace("Apr 27, 2023", "Apr 31, 2023"), "there is no Apr 31"),
        (lambda page: page.replace("Apr 27, 2023", "Apr 27, 20"), "year of its date is cut short"),
        (lambda page: page.replace("Beans under Lamps: A Study", "?!"), "the title holds no word"),
        (lambda page: page.replace("Beans under Lamps", "Bean " * 200), "more than a title can have"),
        (lambda page: page.replace("Why Peas Climb\n\nAda Lindqvist, Bo Ek\n\n" + LONG.strip(), ""), "without a paper"),
    ],
    ids=["no-such-day", "cut-year", "no-word", "endless-title", "nothing"],
)
def test_a_bad_paper_is_set_aside_and_the_rest_goes_on(change: Callable[[str], str], reason: str) -> None:
    capture = read(change(author_page()))

    assert len(capture.listings) == 2
    assert [rejection.reason for rejection in capture.rejected if reason in rejection.reason]
    assert "the page says 3 papers, 2 were read" in capture.reason


def test_bytes_that_are_not_utf8_spoil_only_the_paper_they_stand_in() -> None:
    capture = read(author_page().encode().replace("Çiğdem".encode(), b"\xc7igdem"))

    assert [listing.title for listing in capture.listings] == [title for _, title, _ in PAPERS[1:]]
    assert "not UTF-8" in capture.rejected[0].reason


def test_a_bad_byte_in_an_abstract_keeps_the_paper() -> None:
    capture = read(author_page().encode().replace(b"whole season", b"whole s\xe9ason", 1))

    assert len(capture.listings) == 3
    assert "not UTF-8" in capture.reason


def test_a_byte_order_mark_is_no_part_of_the_name() -> None:
    assert read(b"\xef\xbb\xbf" + author_page().encode()).figures[0].author == "Ada Lindqvist"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        ("LGApr 27, 2023".encode("utf-16"), "UTF-16"),
        (b"\x00\x01\x02" * 99, "NUL"),
        (b"<!doctype html><html><title>A page</title></html>", "not a paper-index page"),
        (b'[{"paper": {"id": "2401.00001"}}]', "not a paper-index page"),
        (("A heading\n" + LONG + "\n").encode() * 5, "not a paper-index page"),
        (b"Subscribe\nNews\nSport\nWeather\n", "none of its lines is an abstract"),
        (b"LGApr 27, 2023\n", "no paper that can be read: the page ends after"),
    ],
)
def test_what_is_no_such_page_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput, match=rf"page\.txt.*{reason}"):
        read(body)


@pytest.mark.parametrize(
    "unit",
    [b"a", b"LGMar 17\n", b"\n", b"Aa, ", b"aA", b"[" * 9, b"Subscribe", b"1.1.1", b"LGMar 17\nx\n", b"\xff", b" "],
)
def test_a_hostile_file_of_100_mb_is_refused_at_once(unit: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(RefusedInput):
        read(unit * (100_000_000 // len(unit)))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("unit", ["a", "Aa, ", "aA", "Xy et al. · ", " ", "1.", "Ab Cd", "LGMar", "&", "$", "\\", "{"])
def test_a_long_hostile_line_costs_linear_time(unit: str) -> None:
    began = time.monotonic()
    line = unit * (2_000_000 // len(unit))
    for page in (f"LGMar 17\n{line}\n{line}\nCVMay 2\nTitle\n{line}", f"Subscribe{line}\n{line}\n{line}"):
        try:
            read(page)
        except RefusedInput:
            continue
    assert time.monotonic() - began < 20


PIECES = st.sampled_from(
    [
        "LGApr 27, 2023Code",
        "99.6LGMar 17",
        "140CVFeb 30",
        "3 Papers",
        "h-index9",
        "LG",
        "Subscribe",
        "Subscribex",
        "",
        " · ",
        "et al.",
        "A Title, of Sorts",
        "Bo Ek, Ada L. et al. · lab",
        "Get trending papers in your email inbox!",
        LONG,
        "TitleBo Ek, Al Bo",
    ]
)


@given(st.lists(PIECES | st.text(max_size=40), max_size=25), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_no_page_raises_anything_but_our_errors(pieces: list[str], gap: str) -> None:
    body = gap.join(pieces).encode("utf-8", "surrogatepass")
    for captured_on in (None, date(2024, 2, 29)):
        try:
            capture = read(body, captured_on=captured_on)
        except DigestError as fault:
            assert "page.txt" in str(fault)  # noqa: PT017  # either outcome is right
        else:
            assert capture.listings
            assert all(listing.title for listing in capture.listings)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_our_errors(body: bytes) -> None:
    for prefix in (b"", b"LGMar 17\n", b"Subscribe", b"Ada\nLG\nh-index1\n1 Papers\n"):
        try:
            read(prefix + body)
        except DigestError:
            continue
