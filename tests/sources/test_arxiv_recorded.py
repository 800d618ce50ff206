"""Every recorded answer of arXiv is read, or refused with a reason that names it; the main ones by their counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.core.capture import Capture, Reading, RunStatus
from digest.core.paper import AnnounceType
from digest.errors import RefusedInput
from digest.sources.arxiv_api import ArxivApi
from digest.sources.arxiv_oai import ArxivOai
from digest.sources.arxiv_rss import ArxivRss

pytestmark = pytest.mark.shared

SOURCES = {"arxiv_rss": ArxivRss(), "arxiv_atom": ArxivApi(), "arxiv_oai": ArxivOai()}

COUNTS = {
    "arxiv_rss/atom_cs_ai_2025-08-20.xml": 7,
    "arxiv_rss/rss20_cs_ai_2026-04-27.xml": 3,
    "arxiv_rss/rss20_cs_cl_2026-04-27.xml": 3,
    "arxiv_rss/rss20_cs_lg_2026-04-27.xml": 3,
    "arxiv_rss/rss20_cs_empty_weekend_2025-04-27.xml": 0,
    "arxiv_atom/query_csLG_csAI_2026-04-30.xml": 20,
    "arxiv_atom/recorded_q_testing_s0_m100_cfe7536492ca.status200.xml": 100,
    "arxiv_atom/recorded_q_testing_s9_m15_0b78d4b4d476.status200.xml": 15,
    "arxiv_atom/recorded_id_0000.0000_s0_m100_8b51d9633a68.status200.xml": 0,
    "arxiv_oai/atomik_listrecords_oai_dc_cs_2024-01-27.xml": 5,
    "arxiv_oai/hepcrawl_arxiv-physics-hep-th.xml": 3,
    "arxiv_oai/hepcrawl_sample_arxiv_record.xml": 12,
    "arxiv_oai/invenio_sample_arxiv_response_listrecords_cs.xml": 46,
    "arxiv_oai/invenio_sample_arxiv_response_listrecords_physics.xml": 150,
    "arxiv_oai/invenio_sample_arxiv_response_no_namespace.xml": 1,
    "arxiv_oai/sickle_generic_noRecordsMatch.xml": 0,
}


def read(path: Path, body: bytes | None = None) -> Capture:
    circumstances = Reading(observed_at=datetime(2026, 5, 20, tzinfo=UTC), origin=path.name)
    return SOURCES[path.parent.name].read(path.read_bytes() if body is None else body, circumstances)


def test_every_recorded_file_is_read_or_refused_by_name(shared: Path) -> None:
    outcomes: dict[str, int] = {"read": 0, "refused": 0}
    for folder in SOURCES:
        for path in sorted((shared / "data" / "wire" / folder).iterdir()):
            try:
                capture = read(path)
            except RefusedInput as refusal:
                assert str(refusal).startswith(path.name)  # noqa: PT017  # both outcomes are right, one needs a name
                outcomes["refused"] += 1
                continue
            outcomes["read"] += 1
            assert capture.status in (RunStatus.OK, RunStatus.QUIET)
            assert bool(capture.listings) == (capture.status is RunStatus.OK)
            assert not capture.rejected
            for listing in capture.listings:
                assert listing.title
                assert listing.authors
                assert listing.categories
                assert listing.abstract
                assert listing.listed_on
    assert outcomes == {"read": 46, "refused": 40}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_the_main_files_hold_so_many_listings(shared: Path, name: str, count: int) -> None:
    assert len(read(shared / "data" / "wire" / name).listings) == count


def test_a_feed_says_what_the_recorded_one_says(shared: Path) -> None:
    listing = read(shared / "data/wire/arxiv_rss/atom_cs_ai_2025-08-20.xml").listings[2]
    assert (listing.arxiv_id, listing.version, listing.listed_on) == ("2508.13429", 1, date(2025, 8, 20))
    assert listing.authors == ("Paulo André Lima de Castro",)
    assert (listing.categories, listing.announce_type) == (("q-fin.CP", "cs.AI"), AnnounceType.CROSS)


def test_a_page_of_results_says_what_the_recorded_one_says(shared: Path) -> None:
    listing = read(shared / "data/wire/arxiv_atom/query_csLG_csAI_2026-04-30.xml").listings[0]
    assert (listing.arxiv_id, listing.version) == ("2604.26951", 1)
    assert listing.published_at == datetime(2026, 4, 29, 17, 59, 1, tzinfo=UTC)
    assert listing.categories == ("cs.CL", "cs.AI", "cs.LG")
    assert listing.authors == ("Gongbo Zhang", "Wen Wang", "Ye Tian", "Li Yuan")


def test_a_record_says_what_the_recorded_one_says(shared: Path) -> None:
    listing = read(shared / "data/wire/arxiv_oai/hepcrawl_sample_arxiv_record8.xml").listings[0]
    assert (listing.arxiv_id, listing.listed_on) == ("1606.07538", date(2016, 6, 23))
    assert listing.authors[:2] == ("Super-Kamiokande Collaboration", "K. Abe")
    assert listing.categories == ("hep-ex", "physics.ins-det")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), junk=st.binary(max_size=6), name=st.sampled_from(sorted(COUNTS)))
def test_damage_anywhere_is_read_or_refused_and_never_a_traceback(
    shared: Path, where: float, junk: bytes, name: str
) -> None:
    path = shared / "data" / "wire" / name
    whole = path.read_bytes()
    at = int(where * len(whole))
    for damaged in (whole[:at], whole[:at] + junk + whole[at:], whole[:at] + junk + whole[at + len(junk) :]):
        try:
            read(path, damaged)
        except RefusedInput as refusal:
            assert str(refusal).startswith(path.name)  # noqa: PT017  # both outcomes are right, one needs a name
