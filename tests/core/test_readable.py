"""Titles and abstracts become readable, and nothing that was said is lost on the way."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.text import readable, readable_paragraphs


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"Paulo Andr\'e", "Paulo André"),
        (r"J{\"o}rg M\"uller, \v{S}koda, Fran\c{c}ois", "Jörg Müller, Škoda, François"),
        (r"\O yvind, S\o ren, \L{}ukasz, Erd\H{o}s, \'{\i}", "Øyvind, Søren, Łukasz, Erdős, í"),
        (r"\emph{Very} \textbf{\textit{good}} {\em indeed}", "Very good indeed"),
        (r"at \url{https://example.org/a_b\_c}.", "at https://example.org/a_b_c."),
        (r"see \href{https://example.org}{our page}", "see our page (https://example.org)"),
        (r"at \href{https://example.org}.", "at https://example.org."),
        (r"\textsc{Kiln}\xspace is \LaTeX{} at 100\%", "Kiln is LaTeX at 100%"),
        (r"{GPT}-4 and ``others'' of Fig.~3", "GPT-4 and “others” of Fig. 3"),
        ("3--5 days---or so -- perhaps", "3–5 days—or so – perhaps"),
        (r"\textcolor{red}{red}\footnote{A note.}", "red (A note.)"),
        (r"LLaMA-2 \& 3, \#1, a\_b, \{x\}", "LLaMA-2 & 3, #1, a_b, {x}"),
    ],
)
def test_latex_in_text_becomes_what_it_stands_for(written: str, read: str) -> None:
    assert readable(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"$\alpha$-divergence", "α-divergence"),
        (r"up to \(2.2\times\) faster", "up to 2.2× faster"),
        (r"$O(n \log n)$ in ${\mathbb R}^{12}$", "O(n log n) in ℝ¹²"),
        ("Res$^2$Net, MoS$_2$, A$_3$B$_2$, $S^2M^2$", "Res²Net, MoS₂, A₃B₂, S²M²"),
        (r"at $45^{\circ}$, $\sim$100, $>$90\%", "at 45°, ∼100, >90%"),
        (r"$\frac{a+b}{2} \le \sqrt{x+1}$", "(a+b)/2 ≤ √(x+1)"),
        (r"$V_{\text{eff}}$ and $x_{max}$ and $e^{-x/2}$", "V_eff and x_max and e^(-x/2)"),
        (r"$\hat{y} \in \mathcal{Y}$", "ŷ ∈ Y"),
        (r"\emph{the $x^2$ case}", "the x² case"),
        (r"space$\unicode{x2013}$time", "space–time"),
        (r"the $841$st, $k$-NN, $p<0.05$", "the 841st, k-NN, p<0.05"),
    ],
)
def test_simple_mathematics_becomes_readable(written: str, read: str) -> None:
    assert readable(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "5% of GPUs",
        "between $3 and $4",
        "from US$5 to US$10, or $20,000 and $30,000",
        "$HOME and $PATH",
        "file_name, x^2 and CA^2ST",
        "labels in {0,1}",
        "the --verbose flag",
        "http://example.org/~someone/a--b?c=1&copy=2",
        r"\ourmethod{} and \foo{bar}",
        r"$\R^2$ and $\foo_3$",
        r"\textbf{never closed",
        r"C:\new\path",
        "R&D <b>bold</b>",
        "“Ünïcode” — 中文, العربية",
        "\\",
        "$",
        "",
    ],
)
def test_what_is_not_understood_stays_as_it_was_written(text: str) -> None:
    assert readable(text) == text


def test_entities_become_their_signs_also_when_escaped_twice() -> None:
    assert readable("R&amp;D &lt;b&gt; &#177; &#x2013; &amp;lt; &nosuch; &copy=1") == "R&D <b> ± – < &nosuch; &copy=1"


def test_names_that_were_encoded_twice_are_mended() -> None:
    assert (
        readable("M\u00c3\u00a4ntyl\u00c3\u00a4, Ram\u00c3\u00adrez; S\u00c3O and \u00c5re stay")
        == "Mäntylä, Ramírez; SÃO and Åre stay"
    )


def test_line_breaks_and_signs_that_hide_or_reorder_text_are_folded_away() -> None:
    assert readable(" A title\n  over\tlines\x00 \u202eevil\u200b \ud800") == "A title over lines evil"


def test_paragraphs_survive_and_their_lines_are_joined() -> None:
    assert readable_paragraphs("One\nline.\n \n\n Second\n $x^2$.\n") == "One line.\n\nSecond x²."


PIECES = [
    *"ab01 {}$%^_~'\"`-&;.",
    "\\",
    "\n",
    "\\emph{",
    "\\frac",
    "\\sqrt ",
    "\\'",
    "\\c",
    "\\alpha ",
    "\\(",
    "\\)",
    "{}",
    "&lt;",
]
hostile = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def digits(text: str) -> list[str]:
    return [sign for sign in unicodedata.normalize("NFKC", text) if sign in "01"]


@given(hostile | st.text())
def test_any_text_gives_one_folded_line(text: str) -> None:
    line = readable(text)
    assert line == " ".join(line.split())
    line.encode("utf-8")


@given(hostile)
def test_no_digit_is_ever_lost_or_moved(text: str) -> None:
    assert digits(readable(text)) == digits(text)


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"], exclude_characters="\\${}~`-&'ÂÃÄÅ")))
def test_text_without_latex_is_left_alone(text: str) -> None:
    assert readable(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "{" * 49_000 + "}" * 49_000,
        "\\emph{" * 14_000 + "}" * 14_000,
        "$" * 99_999,
        "$a" * 49_000,
        "\\(" * 49_000,
        "\\'{" * 24_000 + "}" * 24_000,
        "$" + "\\hat" * 140 + "x$",
        "$" + "{" * 290 + "}" * 290 + "$",
        "\\frac" * 19_000,
        "x" * 5_000_000 + "\\",
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    started = time.monotonic()
    readable(text)
    assert time.monotonic() - started < 5
