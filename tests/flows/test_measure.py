"""The service's own past is replayed honestly, and measured as the public protocol measures."""

from __future__ import annotations

import importlib.util
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import log2
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from digest.cli.main import app
from digest.core.candidate import Candidate
from digest.core.measures import measured
from digest.core.paper import Observation
from digest.core.trend import appraise
from digest.errors import ConfigError, NotFound
from digest.flows.measure import SCORE, Comparison, Protocol, Row, measure, past_instants
from digest.store.engine import open_engine, reading, writing
from digest.store.observations import add_observations
from digest.store.replay import known_at
from digest.store.schema import upgrade
from digest.store.tables import Paper

AT = datetime(2026, 5, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
READ_ON = AT + 30 * DAY  # recordings may be read long after they were made

Seen = tuple[float, float]  # hours after AT, and the upvotes then


def add(engine: Engine, listed: Mapping[int, date | None], seen: Mapping[int, Sequence[Seen]], **more: Any) -> None:
    with writing(engine) as session:
        for number, day in listed.items():
            told = {"title": f"Lamp {number}", "title_key": f"lamp {number}", "first_seen_at": READ_ON, **more}
            session.add(Paper(id=number, slug=f"lamp-{number}", listed_on=day, **told))
        session.flush()
        observed = [
            (number, Observation("hf_upvotes", AT + timedelta(hours=hours), votes, "hf"))
            for number, counts in seen.items()
            for hours, votes in counts
        ]
        add_observations(session, observed)


FOUR: tuple[Mapping[int, date | None], Mapping[int, Sequence[Seen]]] = (
    {1: AT.date(), 2: AT.date(), 3: AT.date() - 2 * DAY, 4: AT.date() - 3 * DAY, 5: AT.date() - 4 * DAY, 6: AT.date()},
    {
        1: [(-2, 4), (24, 14), (99, 900)],
        2: [(-1, 10), (25, 10), (99, 900)],
        3: [(-24, 30), (14, 31), (30, 32)],
        4: [(0, 20), (24, 25)],
        5: [(-1, 500), (25, 900)],  # listed too long ago
        6: [(1, 500), (25, 900)],  # not seen by then
    },
)


def row(found: Comparison, order: str) -> Row:
    return next(one for one in found.rows if one.order == order)


def test_the_table_is_the_one_worked_out_by_hand(engine: Engine) -> None:
    add(engine, *FOUR)
    found = measure(engine, [AT], Protocol(fewest=4))
    assert (found.instants, found.papers, found.simulated) == (1, 4, False)
    # The papers 1 to 4 gained 10, 0, 2 and 5; by upvotes they stand 3, 4, 2, 1, and so on.
    best = 10 + 5 / log2(3) + 2 / log2(4)
    assert row(found, "raw upvotes").ndcg_10 == pytest.approx((2 + 5 / log2(3) + 10 / log2(5)) / best)
    assert row(found, "newest first").ndcg_10 == pytest.approx((10 + 2 / log2(4) + 5 / log2(5)) / best)
    assert row(found, "velocity").ndcg_10 == pytest.approx((10 / log2(3) + 2 / log2(4) + 5 / log2(5)) / best)
    assert row(found, "raw upvotes").spearman == pytest.approx(-0.4)
    assert {(one.precision_5, one.precision_10) for one in found.rows} == {(0.8, 0.4)}
    only = row(found, "raw upvotes")
    assert only.ndcg_10_low == only.ndcg_10_high == pytest.approx(only.ndcg_10)


def test_the_score_is_the_service_s_own_from_what_was_observed_by_then(engine: Engine) -> None:
    add(engine, *FOUR, has_code=True, categories=["cs.LG", "cs.AI", "cs.CV"])
    expected = [
        appraise(
            Candidate(
                paper_id=number,
                listed_on=FOUR[0][number],
                observations=[
                    Observation("hf_upvotes", AT + timedelta(hours=hours), votes, "hf")
                    for hours, votes in FOUR[1][number]
                    if hours <= 0
                ],
            ),
            AT,
        ).value
        for number in (1, 2, 3, 4)
    ]
    own = row(measure(engine, [AT], Protocol(fewest=4)), SCORE)
    ndcg, _five, _ten, spearman = measured(expected, [10, 0, 2, 5])
    assert (own.ndcg_10, own.spearman) == pytest.approx((ndcg, spearman))


def test_what_comes_later_changes_nothing_of_what_was_known(engine: Engine) -> None:
    add(engine, *FOUR)
    with reading(engine) as session:
        before = known_at(session, AT, days=3)
    late = [(number, Observation("hf_upvotes", AT + timedelta(seconds=1), 10**6, "hf")) for number in FOUR[0]]
    with writing(engine) as session:
        add_observations(session, late)
    with reading(engine) as session:
        assert known_at(session, AT, days=3) == before
        assert [one.paper_id for one in known_at(session, AT, days=None)] == [1, 2, 3, 4, 5]


def test_an_instant_with_too_few_papers_is_left_out_and_none_is_refused(engine: Engine) -> None:
    add(engine, *FOUR)
    told: list[datetime] = []
    found = measure(engine, [AT - 9 * DAY, AT], Protocol(fewest=4), told.append)
    assert (found.instants, found.first, len(told)) == (1, AT, 2)
    with pytest.raises(NotFound, match=r"none of 1 instants has 20 papers .* the best has 4"):
        measure(engine, [AT], Protocol())


def test_the_instants_lie_within_what_was_seen(engine: Engine) -> None:
    add(engine, {1: AT.date()}, {1: [(-1, 1), (20, 2), (80, 3)]})
    asked: dict[str, Any] = {"hour": 6, "since": None, "until": None, "every": DAY, "ahead": DAY}
    assert past_instants(engine, **asked) == [AT, AT + DAY, AT + 2 * DAY]
    assert past_instants(engine, **{**asked, "every": DAY / 2, "ahead": 2 * DAY})[-1] == AT + 1.0 * DAY
    assert past_instants(engine, **{**asked, "since": date(2026, 5, 21), "until": date(2026, 5, 21)}) == [AT + DAY]
    assert past_instants(engine, **{**asked, "since": date(1999, 1, 1)})[0] == AT
    with pytest.raises(NotFound, match="none of the days asked for has 24 h after its cut-off"):
        past_instants(engine, **{**asked, "since": date(2026, 5, 23)})


def test_signals_that_were_made_up_are_named(engine: Engine) -> None:
    add(engine, *FOUR)
    with writing(engine) as session:
        add_observations(session, [(1, Observation("hn_points", AT - timedelta(hours=1), 3, "simulated"))])
    assert measure(engine, [AT], Protocol(fewest=4)).simulated


@pytest.mark.shared
def test_the_figures_are_those_of_the_public_measurement(tmp_path: Path, shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("trend_eval", shared / "eval" / "trend_eval.py")
    assert spec is not None
    assert spec.loader is not None
    public = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(public)
    rng = random.Random(3)
    listed = {number: AT.date() - rng.randrange(9) * DAY for number in range(1, 120)}
    seen = {
        number: [(float(hours), float(rng.randrange(60))) for hours in rng.sample(range(-200, 90), rng.randrange(9))]
        for number in listed
    }
    engine = open_engine(f"sqlite:///{tmp_path}/digest.db")
    upgrade(engine)
    add(engine, listed, seen)
    papers = {
        str(number): {"paper_id": str(number), "listing_date": str(day), "listed_at": None}
        for number, day in listed.items()
    }
    counts = defaultdict(list)
    for number, some in seen.items():
        counts[str(number)] = sorted((AT + timedelta(hours=hours), votes) for hours, votes in some)
    asked = list(public.queries(papers, counts, "2026-05-01", "2026-06-01"))
    assert len(asked) > 3
    found = measure(engine, [at for at, _papers in asked], Protocol())
    assert found.papers == sum(len(some) for _at, some in asked)
    names = {
        "raw upvotes": "raw upvotes",
        "HN gravity 1.8": "Hacker News gravity",
        "log u - 0.5 log(age+2)": "log votes less half log age",
    }
    names["velocity (upvotes / age when seen)"] = "velocity"
    for name, ours in names.items():
        figures = []
        for at, some in asked:
            scores, gains = [public.BASELINES[name](one, at, rng) for one in some], [one[4] for one in some]
            places = public.precision(scores, gains, 5), public.precision(scores, gains, 10)
            figures.append((public.ndcg(scores, gains) or 0.0, *places, public.spearman(scores, gains)))
        means = [sum(column) / len(column) for column in zip(*figures, strict=True)]
        one = row(found, ours)
        assert (one.ndcg_10, one.precision_5, one.precision_10, one.spearman) == pytest.approx(tuple(means)), name
    engine.dispose()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/digest.db")
    opened = open_engine(f"sqlite:///{tmp_path}/digest.db")
    upgrade(opened)
    return opened


def test_the_command_prints_a_table_or_json(own: Engine) -> None:
    assert isinstance(CliRunner().invoke(app, ["backtest"]).exception, NotFound)
    add(own, *FOUR)
    own.dispose()
    ran = CliRunner().invoke(app, ["backtest", "--fewest", "4"])
    assert ran.exit_code == 0, ran.output
    assert "1 of 5 instants, 2026-05-20 06:00 to 2026-05-20 06:00 UTC; 4 papers" in ran.stdout
    assert "raw upvotes                      0.668    0.668 to 0.668   0.800   0.400    -0.400" in ran.stdout
    ran = CliRunner().invoke(app, ["backtest", "--fewest", "4", "--json"])
    told = json.loads(ran.stdout)
    assert told["first"] == "2026-05-20T06:00:00+00:00"
    assert [one["order"] for one in told["rows"]][-1] == SCORE
    aged = CliRunner().invoke(app, ["backtest", "--fewest", "5", "--any-age", "--since", "2026-05-20"])
    assert "5 papers" in aged.stdout


def test_options_of_the_other_replay_are_refused(own: Engine) -> None:
    for words in (["--scores", "s"], ["--papers", "p", "--observations", "o", "--queries", "q"]):
        assert isinstance(CliRunner().invoke(app, ["backtest", *words]).exception, ConfigError)
    files = ["--papers", "p", "--observations", "o", "--queries", "q", "--scores", "s"]
    assert isinstance(CliRunner().invoke(app, ["backtest", *files, "--json"]).exception, ConfigError)
