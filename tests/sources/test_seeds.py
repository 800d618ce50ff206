"""The bundled facts: complete, ours to publish, and true to the pages they were read from."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.core.capture import Capture, Reading
from digest.core.categories import is_category
from digest.errors import RefusedInput
from digest.files import seeds_folder
from digest.sources.pages import Pages
from digest.sources.seeds import read_seeds

READING = Reading(observed_at=datetime(2026, 5, 20, 6, tzinfo=UTC), origin="seeds", captured_on=date(2026, 5, 20))


@pytest.fixture
def captures() -> list[Capture]:
    return read_seeds(seeds_folder(), READING)


def test_the_seeds_hold_papers_of_many_fields(captures: list[Capture]) -> None:
    listings = [listing for capture in captures for listing in capture.listings]
    fields = {category for listing in listings for category in listing.categories}

    assert (len(captures), len(listings)) == (5, 154)
    assert {"cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "cs.CY", "cs.SI", "stat.ML"} <= fields
    assert all(map(is_category, fields))
    assert len({listing.title_key for listing in listings}) == 154
    assert not any(listing.abstract or listing.observations or listing.arxiv_id for listing in listings)


def test_every_seed_has_one_sentence_of_summary(captures: list[Capture]) -> None:
    for listing in (listing for capture in captures for listing in capture.listings):
        assert re.fullmatch(r"[A-Z].{30,170}[a-z]\.", listing.summary), listing.summary
        assert ". " not in listing.summary


def test_three_authors_have_six_figures_each(captures: list[Capture]) -> None:
    figures = [figure for capture in captures for figure in capture.figures]

    assert {figure.author for figure in figures} == {"Yann Dauphin", "Ari Morcos", "Aristide Baratin"}
    assert len(figures) == 18
    assert ("Ari Morcos", "h_index", "15") in {(figure.author, figure.figure, figure.value) for figure in figures}


def test_every_paper_of_an_authors_page_is_credited_to_that_author(captures: list[Capture]) -> None:
    credited = Counter(name for capture in captures for listing in capture.listings for name in listing.credited)

    assert credited == {"Yann Dauphin": 25, "Ari Morcos": 24, "Aristide Baratin": 21}


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"page": "x"}', '{"title": 1, "page": {}}'])
def test_a_damaged_seed_is_refused_by_file_and_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "papers.jsonl").write_text(line + "\n")
    (tmp_path / "authors.json").write_text("[]")

    with pytest.raises(RefusedInput, match=r"papers\.jsonl, line 1"):
        read_seeds(tmp_path, READING)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "Ada"}]', '[{"name": "Ada", "page": "p", "figures": 3}]'])
def test_a_damaged_author_is_refused_by_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "papers.jsonl").write_text("")
    (tmp_path / "authors.json").write_text(text)

    with pytest.raises(RefusedInput, match=r"authors\.json"):
        read_seeds(tmp_path, READING)


def test_missing_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="restore it"):
        read_seeds(tmp_path, READING)


@pytest.mark.shared
def test_each_fact_is_its_pages(shared: Path) -> None:
    for line in (seeds_folder() / "papers.jsonl").read_text(encoding="utf-8").splitlines():
        plain = json.loads(line)
        assert plain["title"] in {found.title for found in _page(shared, plain["page"]).listings}
        (found,) = [found for found in _page(shared, plain["page"]).listings if found.title == plain["title"]]
        assert list(found.authors) == plain["authors"]
        assert list(found.labs) == plain["labs"]
        assert (found.listed_on and found.listed_on.isoformat()) == plain["listed_on"]
        assert (found.has_code, found.percentile) == (plain["has_code"], plain["percentile"])


@pytest.mark.shared
def test_no_summary_is_copied_from_an_abstract(shared: Path) -> None:
    for line in (seeds_folder() / "papers.jsonl").read_text(encoding="utf-8").splitlines():
        plain = json.loads(line)
        (found,) = [found for found in _page(shared, plain["page"]).listings if found.title == plain["title"]]
        shared_words = _runs(plain["summary"]) & _runs(found.abstract)
        assert not shared_words, (plain["title"], shared_words)


_PAGES: dict[str, Capture] = {}


def _page(shared: Path, name: str) -> Capture:
    if name not in _PAGES:
        _PAGES[name] = Pages().read((shared / "seeds" / f"{name}.txt").read_bytes(), READING)
    return _PAGES[name]


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    """Every run of five words."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}
