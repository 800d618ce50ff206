"""How well the score would have foretold the upvotes of the service's own past, beside simpler orders."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine

from digest.core.baselines import BASELINES, Trial
from digest.core.candidate import Candidate
from digest.core.features import VOTES
from digest.core.measures import interval, measured
from digest.core.signals import SIMULATED
from digest.core.trend import appraise_all
from digest.errors import NotFound
from digest.flows.history import DAYS_BACK
from digest.store.engine import reading
from digest.store.replay import Later, first_after, known_at, seen_between

SCORE = "this score"
_SEED = 7


@dataclass(frozen=True, slots=True)
class Protocol:
    """What counts: gains over at least `ahead`, of papers listed at most `days` before, `fewest` of them an instant.

    `days` None takes papers of any age that were observed in the week before.
    """

    ahead: timedelta = timedelta(hours=24)
    days: int | None = DAYS_BACK
    fewest: int = 20


@dataclass(frozen=True, slots=True)
class Row:
    """How well one order did: means over the instants, and the 95 % interval of the first."""

    order: str
    ndcg_10: float
    ndcg_10_low: float
    ndcg_10_high: float
    precision_5: float
    precision_10: float
    spearman: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every order over the same instants and papers; `simulated` where any upvotes were made up by the demo."""

    first: datetime
    last: datetime
    instants: int
    papers: int
    simulated: bool
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison in the types of JSON."""
        return {**asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat()}


def past_instants(
    engine: Engine, *, hour: int, since: date | None, until: date | None, every: timedelta, ahead: timedelta
) -> list[datetime]:
    """Return the instants of a span of days at the cut-off hour (UTC), and `every` so often from there.

    The span is all that the database holds where no end is named; an instant whose time ahead is not over by the last
    observation is left out. Raises NotFound where none is left.
    """
    with reading(engine) as session:
        held = seen_between(session, VOTES)
    if held is None:
        raise NotFound("the database holds no upvotes to replay yet; read some with: digest ingest hf")
    first = datetime.combine(since or held[0].date(), time(hour), UTC)
    end = datetime.combine(until or held[1].date(), time(), UTC) + timedelta(days=1)
    first += max(-(-(held[0] - first) // every), 0) * every  # before the first count nothing was known
    instants = []
    while first < end and first + ahead <= held[1]:
        instants.append(first)
        first += every
    if not instants:
        raise NotFound(
            f"the database holds upvotes from {held[0]:%Y-%m-%d %H:%M} to {held[1]:%Y-%m-%d %H:%M} UTC: none of the"
            f" days asked for has {_hours(ahead)} h after its cut-off in that time; come back later, or name other days"
        )
    return instants


def measure(
    engine: Engine,
    instants: Sequence[datetime],
    protocol: Protocol,
    done: Callable[[datetime], None] = lambda _at: None,
) -> Comparison:
    """Score each instant from what was observed by then, and compare the orders with what was gained after it.

    The measures are those of docs/ranking.md. `done` is told of each instant. Memory holds one instant at a time.
    Raises NotFound where no instant has enough papers whose gain is known.
    """
    figures: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in (*BASELINES, SCORE)}
    rng = Random(_SEED)  # noqa: S311 - an order at random, the same at every run
    used: list[datetime] = []
    papers, simulated, most = 0, False, 0
    for at in instants:
        candidates, trials = _trials(engine, at, protocol)
        most = max(most, len(trials))
        if len(trials) >= protocol.fewest:
            used.append(at)
            papers += len(trials)
            simulated = simulated or any(_made_up(candidates))
            for name, scores in _orders(candidates, trials, at, rng):
                figures[name].append(measured(scores, [one.gained for one in trials]))
        done(at)
    if not used:
        raise NotFound(
            f"none of {len(instants)} instants has {protocol.fewest} papers whose upvotes were seen by then and again"
            f" {_hours(protocol.ahead)} h later, the best has {most}; collect for longer, or see --fewest and --any-age"
        )
    rows = tuple(_row(name, found) for name, found in figures.items())
    return Comparison(used[0], used[-1], len(used), papers, simulated, rows)


def _trials(engine: Engine, at: datetime, protocol: Protocol) -> tuple[list[Candidate], list[Trial]]:
    with reading(engine) as session:
        candidates = known_at(session, at, days=protocol.days)
        later = first_after(session, at + protocol.ahead, VOTES, seen_by=at, days=protocol.days)
    found = (_trial(one, later.get(one.paper_id)) for one in candidates)
    return candidates, [one for one in found if one is not None]


def _trial(candidate: Candidate, later: Later | None) -> Trial | None:
    votes = sorted((one.at, one.value) for one in candidate.observations if one.signal == VOTES)
    if later is None or not votes:
        return None
    seen_at, value = votes[-1]
    listed = candidate.listed_on
    listed_at = datetime.combine(listed, time(), UTC) if listed else votes[0][0]
    return Trial(candidate.paper_id, listed_at, value, seen_at, max(0.0, later.value - value))


def _orders(
    candidates: Sequence[Candidate], trials: Sequence[Trial], at: datetime, rng: Random
) -> Iterator[tuple[str, list[float]]]:
    for name, order in BASELINES.items():
        yield name, [order(one, at, rng) for one in trials]
    # Every candidate is scored, as on the day itself, and those are compared whose gain is known.
    values = {one.paper_id: one.value for one in appraise_all(candidates, at)}
    yield SCORE, [values[one.paper_id] for one in trials]


def _made_up(candidates: Sequence[Candidate]) -> Iterator[bool]:
    return (seen.source == SIMULATED for one in candidates for seen in one.observations)


def _row(name: str, found: Sequence[tuple[float, float, float, float]]) -> Row:
    ndcg, precision_5, precision_10, spearman = (statistics.mean(column) for column in zip(*found, strict=True))
    low, high = interval([one[0] for one in found], Random(_SEED))  # noqa: S311 - likewise
    return Row(name, ndcg, low, high, precision_5, precision_10, spearman)


def _hours(span: timedelta) -> int:
    return span // timedelta(hours=1)
