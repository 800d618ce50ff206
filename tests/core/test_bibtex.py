"""BibTeX of saved papers: right for the plain case, harmless for whatever a title holds."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from digest.core.bibtex import Work, bibliography


def test_an_entry_holds_what_is_known_and_keeps_capitals() -> None:
    work = Work(
        title="Layerwise LQR for 50% of R&D_nets",
        authors=["Ada Probe", "José Álvarez"],
        on=date(2026, 5, 18),
        arxiv_id="2605.00001",
        primary_category="cs.LG",
        url="https://arxiv.org/abs/2605.00001",
    )
    assert bibliography([work]) == (
        "@misc{probe2026layerwise,\n"
        r"  title = {Layerwise {LQR} for 50\% of {R\&D\_nets}},"
        "\n"
        "  author = {Ada Probe and José Álvarez},\n"
        "  year = {2026},\n"
        "  eprint = {2605.00001},\n"
        "  archivePrefix = {arXiv},\n"
        "  primaryClass = {cs.LG},\n"
        "  url = {https://arxiv.org/abs/2605.00001},\n"
        "}\n"
    )


def test_keys_differ_and_a_cut_list_of_authors_says_so() -> None:
    one = Work(
        title="On the cause", authors=["Bo Li"], authors_complete=False, journal="J. Probes 3 (2026) 1", doi="10.1/x_y"
    )
    written = bibliography([one, one, Work(title="数学")])
    assert re.findall(r"^@(\w+)\{(.*),$", written, re.MULTILINE) == [
        ("article", "licause"),
        ("article", "licause-2"),
        ("misc", "paper"),
    ]
    assert "author = {Bo Li and others}" in written
    assert r"doi = {10.1/x\_y}" in written


@given(title=st.text(max_size=80), name=st.text(max_size=40), url=st.text(max_size=60))
def test_whatever_a_title_holds_the_braces_balance_and_no_second_entry_begins(title: str, name: str, url: str) -> None:
    written = bibliography([Work(title=title, authors=[name], url=url, on=date(2026, 1, 1))])
    bare = re.sub(r"\\[{}\\$&#%_]", "", written)
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"^@\w+\{", written, re.MULTILINE)) == 1
