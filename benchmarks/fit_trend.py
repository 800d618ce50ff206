"""Fit the forecast of the trend score on recordings, check it on days it has not seen, and write its numbers.

    python benchmarks/fit_trend.py --papers P --observations O --oof scores.jsonl --out digest/core/fitted.py

What is foretold is log(1 + upvotes gained) from the last count seen by an instant to the first seen at least 24 h after
it, of the papers listed on that day or the three days before. Trees are fitted to the numbers of
digest/core/features.py, and a ridge to what they leave, by the words of the titles. Two checks are printed: `blocked`
(the days are cut into blocks, each is foretold by a model of the other blocks, with days left out around it) and
`forward` (each block is foretold by a model of earlier days only). The same recordings give the same file, byte for
byte. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from digest.core.feature_rows import feature_rows
from digest.core.features import FEATURES, VOTES
from digest.core.forecast import Forecast, of_numbers, surely, to_numbers
from digest.core.measures import measured
from digest.core.movements import movements
from digest.core.pages import page_votes
from digest.core.signals import PAGE_PLACE
from digest.core.titles import promise, words_of
from digest.core.trend import Candidate, appraise_all
from digest.flows.history import History, read_history

AHEAD = timedelta(hours=24)
FEWEST = 20
FARTHEST = 1e9  # beyond every feature
MEASURES = ("NDCG@10", "P@5", "P@10", "Spearman")
GAP = timedelta(days=5)  # left out on both sides of a block: a paper is a candidate on four days
WITHOUT = ((PAGE_PLACE, 0.3), (VOTES, 0.1))  # each row is also shown without these signals, at this weight
ALONE = 0.1  # ... and, where it is on a page, without the others of it
THINNED = 0.3  # ... and as a source would show it that counts votes on the paper's first day only
STARS = [one.name for one in FEATURES].index("stars")
FEWEST_TITLES = 15  # that hold a word, for it to be weighed
SHRINKAGE = 100.0  # of the ridge: a word speaks half as loud as it might where it is in so many titles
SETTINGS = {"max_iter": 320, "learning_rate": 0.06, "max_depth": 2, "min_samples_leaf": 80, "l2_regularization": 10.0}


@dataclass(frozen=True)
class Day:
    """An instant, its candidates by paper id, and what those whose future is known gained."""

    at: datetime
    ids: list[str]
    candidates: list[Candidate]
    gains: dict[int, float]


def days(history: History, start: date, end: date, hour: int) -> Iterator[Day]:
    """Yield the days from start up to end with at least 20 candidates whose gain is known."""
    for listed_on in sorted(day for day in history.listed if start <= day < end):
        at = datetime.combine(listed_on, time(hour), UTC)
        ids, candidates = history.candidates(at)
        gains = {}
        for index, paper_id in enumerate(ids):
            votes = sorted((one.at, one.value) for one in history.observations[paper_id] if one.signal == VOTES)
            past = [value for seen, value in votes if seen <= at]
            later = [value for seen, value in votes if seen >= at + AHEAD]
            if past and later:
                gains[index] = max(0.0, float(later[0] - past[-1]))
        if len(gains) >= FEWEST:
            yield Day(at, ids, candidates, gains)


@dataclass(frozen=True)
class Table:
    """Rows to fit on: features, log gains, weights, and each row's paper by id and title."""

    rows: np.ndarray
    gains: np.ndarray
    weights: np.ndarray
    ids: list[str]
    titles: list[str]


def table(day: Day) -> Table:
    """Return the rows of an instant: its papers as they were seen, and with some of what was seen left out."""
    found: list[tuple[np.ndarray, float, float, str, str]] = []

    def add(candidates: Sequence[Candidate], gains: dict[int, float], *, whole: bool) -> None:
        read = []
        for one in candidates:
            born = datetime.combine(one.listed_on or day.at.date(), time(), UTC)
            read.append({moved.signal: moved for moved in movements(one.observations, day.at, born)})
        compared = page_votes(read)
        for index, gain in gains.items():
            one, moved, beside = candidates[index], read[index], compared[index]
            shown = [(moved, beside, 1.0 if whole else THINNED)]
            if whole and beside is not None:
                shown.append((moved, None, ALONE))
            for left_out, weight in WITHOUT if whole else ():
                kept = {signal: each for signal, each in moved.items() if signal != left_out}
                if left_out in moved and kept.keys() & {VOTES, PAGE_PLACE}:
                    shown.append((kept, None, weight))
            several, beside, weights = zip(*shown, strict=True)
            rows = feature_rows(several, [one.listed_on] * len(shown), day.at, beside)
            found.extend(
                (row, float(np.log1p(gain)), weight, day.ids[index], one.title)
                for row, weight in zip(rows, weights, strict=True)
            )

    add(day.candidates, day.gains, whole=True)
    add(*thinned(day), whole=False)
    rows, gains, weights, ids, titles = zip(*found, strict=True)
    return Table(np.array(rows), np.array(gains), np.array(weights), list(ids), list(titles))


def thinned(day: Day) -> tuple[list[Candidate], dict[int, float]]:
    """Return a day's candidates with the votes of their first day alone, and the gains of those who lost a count."""
    candidates, gains = [], {}
    for index, one in enumerate(day.candidates):
        kept = [
            seen
            for seen in one.observations
            if seen.signal != VOTES or seen.at.date() <= (one.listed_on or seen.at.date())
        ]
        candidates.append(replace(one, observations=kept))
        counts = [[seen for seen in some if seen.signal == VOTES] for some in (kept, one.observations)]
        if index in day.gains and counts[0] and len(counts[0]) < len(counts[1]):
            last, later = (max(some, key=lambda seen: (seen.at, seen.value)).value for some in counts)
            gains[index] = max(day.gains[index] + float(later - last), 0.0)
    return candidates, gains


def fit(chosen: Sequence[Day], cache: dict[datetime, Table], **settings: float) -> Forecast:
    """Fit on the days; the result holds only numbers as they are written, so that what is checked is what ships."""
    for day in chosen:
        if day.at not in cache:
            cache[day.at] = table(day)
    tables = [cache[day.at] for day in chosen]
    rows, gains, weights = (
        np.concatenate([getattr(one, name) for one in tables]) for name in ("rows", "gains", "weights")
    )
    known = rows
    # A signal that nobody recorded in these days: two values in two rows, as scikit-learn bins no empty column.
    if (empty := np.isnan(rows).all(axis=0)).any():
        known = rows.copy()
        known[:2, empty] = [[0.0], [1.0]]
    model = HistGradientBoostingRegressor(
        **{**SETTINGS, **settings}, monotonic_cst=[one.way for one in FEATURES], early_stopping=False, random_state=0
    )
    with threadpool_limits(1):
        model.fit(known, gains - surely(rows[:, STARS]), sample_weight=weights)
    base = float(model._baseline_prediction.ravel()[0])  # scikit-learn has no public door to a fitted tree
    trees = []
    for (predictor,) in model._predictors:
        mean, row = numbers(predictor.nodes)
        base += mean
        trees.append(row)
    plain = of_numbers(round(base, 4), trees)
    left = gains - plain.speak(rows)[0]
    seen_whole = weights == 1.0
    ids = np.array([paper_id for one in tables for paper_id in one.ids])[seen_whole]
    titles = [title for one in tables for title in one.titles]
    titles = [title for title, wanted in zip(titles, seen_whole, strict=True) if wanted]
    words = weighed(ids, titles, left[seen_whole])
    everyone = sorted(set(zip(ids.tolist(), titles, strict=True)))
    usual = statistics.mean(promise(title, words, 0.0) for _paper_id, title in everyone)
    return replace(plain, words=words, usual=round(usual, 4))


def weighed(ids: np.ndarray, titles: Sequence[str], left: np.ndarray) -> dict[str, float]:
    """Return the weights of words, by a ridge of what the trees left on the words of the title, one row a paper."""
    _papers, first, whose = np.unique(ids, return_index=True, return_inverse=True)
    target = np.bincount(whose, left) / np.bincount(whose)
    spoken = [words_of(titles[index]) for index in first]
    often = Counter(word for words in spoken for word in words)
    chosen = sorted(word for word, count in often.items() if count >= FEWEST_TITLES)
    column = {word: number for number, word in enumerate(chosen)}
    held = np.zeros((len(spoken), len(chosen)))
    for row, words in enumerate(spoken):
        held[row, [column[word] for word in words if word in column]] = 1.0
    held -= held.mean(axis=0)
    with threadpool_limits(1):
        weights = np.linalg.solve(held.T @ held + SHRINKAGE * np.eye(len(chosen)), held.T @ (target - target.mean()))
    return {word: weight for word in chosen if (weight := round(float(weights[column[word]]), 3))}


def numbers(nodes: np.ndarray) -> tuple[float, tuple[float, ...]]:
    """Return a fitted tree's mean and its row of numbers: splits, means and leaves as departures from the mean."""

    def mean(index: int) -> float:
        node = nodes[index]
        if node["is_leaf"]:
            return float(node["value"])
        left, right = nodes[node["left"]], nodes[node["right"]]
        total = float(left["count"]) + float(right["count"])
        return (mean(node["left"]) * float(left["count"]) + mean(node["right"]) * float(right["count"])) / total

    def question(index: int) -> tuple[float, ...]:
        node = nodes[index]
        unknown_above = int(not node["missing_go_to_left"])
        # An infinite threshold asks only whether the number is known.
        threshold = min(round(float(node["num_threshold"]), 4), FARTHEST)
        return int(node["feature_idx"]), threshold, unknown_above

    root = nodes[0]
    if root["is_leaf"]:
        return mean(0), (0, 0.0, 0) * 3 + (0.0,) * 6
    whole = mean(0)
    splits, means, leaves = [question(0)], [], []
    for index in (root["left"], root["right"]):
        node = nodes[index]
        means.append(round(mean(index) - whole, 4))
        ends = (index, index) if node["is_leaf"] else (node["left"], node["right"])
        splits.append(question(0) if node["is_leaf"] else question(index))
        leaves += [round(mean(end) - whole, 4) for end in ends]
    return whole, (*chain(*splits), *means, *leaves)


def figures(chosen: Sequence[Day], forecast: Forecast) -> list[tuple[float, float, float, float]]:
    """Measure the whole score, not the forecast alone, day by day."""
    found = []
    for day in chosen:
        values = [one.value for one in appraise_all(day.candidates, day.at, forecast)]
        found.append(measured([values[index] for index in day.gains], list(day.gains.values())))
    return found


def told(name: str, found: Sequence[tuple[float, ...]]) -> None:
    """Print the means of a list of days."""
    means = [statistics.mean(column) for column in zip(*found, strict=True)]
    said = "  ".join(f"{word} {mean:.3f}" for word, mean in zip(MEASURES, means, strict=True))
    print(f"  {name:30s} {len(found):3d} days  {said}", flush=True)


def blocked(chosen: Sequence[Day], blocks: int, model: Callable[[Sequence[Day]], Forecast], out: Path | None) -> None:
    """Foretell each block by a model of the others."""
    outside, inside, rows = [], [], []
    for block in np.array_split(np.arange(len(chosen)), blocks):
        held = [chosen[index] for index in block]
        rest = [day for day in chosen if not held[0].at - GAP <= day.at <= held[-1].at + GAP]
        forecast = model(rest)
        found = figures(held, forecast)
        told(f"block {held[0].at:%Y-%m-%d} .. {held[-1].at:%m-%d}", found)
        outside += found
        inside.append([statistics.mean(column) for column in zip(*figures(rest, forecast), strict=True)])
        for day in held if out else ():
            for paper_id, one in zip(day.ids, appraise_all(day.candidates, day.at, forecast), strict=True):
                rows.append({"at": f"{day.at:%Y-%m-%dT%H:%M:%SZ}", "paper_id": paper_id, "score": one.value})
    half = len(outside) // 2
    told("blocked, out of fold", outside)
    told("  of which the earlier half", outside[:half])
    told("  of which the later half", outside[half:])
    told("blocked, in fold (mean)", inside)
    if out:
        out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def forward(chosen: Sequence[Day], blocks: int, model: Callable[[Sequence[Day]], Forecast]) -> None:
    """Foretell each block but the first by a model of what came before it."""
    outside = []
    for block in np.array_split(np.arange(len(chosen)), blocks)[1:]:
        held = [chosen[index] for index in block]
        outside += figures(held, model([day for day in chosen if day.at < held[0].at - GAP]))
    told("forward, out of fold", outside)


def written(forecast: Forecast, window: str) -> str:
    """Return the module that holds the numbers."""
    named = "\n".join(f"#   {number:2d} {one.name}" for number, one in enumerate(FEATURES))
    rows = "\n".join(f"    {to_numbers(tree)!r}," for tree in forecast.trees)
    words = "\n".join(f'    "{word}": {weight!r},' for word, weight in sorted(forecast.words.items()))
    return (
        f'"""The numbers of the forecast, fitted by benchmarks/fit_trend.py on {window}: do not edit."""\n\n'
        "# fmt: off\n"
        "# A row is a tree: three questions (feature, threshold, whether unknown is above), at the root and one\n"
        "# for each side; the means of the two sides; the four leaves. All are departures from the tree's mean.\n"
        f"# The features:\n{named}\n"
        f"BASE = {forecast.base!r}\n"
        f"TREES: tuple[tuple[float, ...], ...] = (\n{rows}\n)\n"
        "# Words of a title, and what each adds to the expected log growth; USUAL is their sum in a usual title.\n"
        f"USUAL = {forecast.usual!r}\n"
        f"WORDS: dict[str, float] = {{\n{words}\n}}\n"
    )


def main() -> None:
    """Read, check, fit on all days of the window, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, nargs="+", required=True)
    parser.add_argument("--observations", type=Path, nargs="+", required=True)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2025, 4, 25))
    parser.add_argument("--end", type=date.fromisoformat, default=date(2026, 3, 2))
    parser.add_argument(
        "--hours", type=int, nargs="+", default=[14, 10, 18, 23], help="hours of the day to fit at, UTC"
    )
    parser.add_argument("--hour", type=int, default=14, help="hour of the day to check at, UTC")
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--no-checks", action="store_true")
    parser.add_argument("--oof", type=Path, help="write the blocked check's scores, as digest backtest does")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", nargs=2, action="append", default=[], help="override a setting of the fit")
    given = parser.parse_args()
    span = (given.end - given.start).days
    instants = [datetime.combine(given.start + timedelta(days=n), time(23, 59), UTC) for n in range(span + 5)]
    # Labels lie after the last instant scored: read on for as long as a count may be awaited.
    instants.append(datetime.combine(given.end + timedelta(days=60), time(), UTC))
    history = read_history(given.papers, given.observations, instants)
    chosen = list(days(history, given.start, given.end, given.hour))
    every = {hour: list(days(history, given.start, given.end, hour)) for hour in given.hours}
    cache: dict[datetime, Table] = {}
    settings = {name: float(value) if "." in value else int(value) for name, value in given.set}

    def model(some: Sequence[Day]) -> Forecast:
        wanted = {day.at.date() for day in some}
        return fit([day for hour in given.hours for day in every[hour] if day.at.date() in wanted], cache, **settings)

    print(f"{len(chosen)} days, {sum(len(day.gains) for day in chosen)} candidates")
    if not given.no_checks:
        blocked(chosen, given.blocks, model, given.oof)
        forward(chosen, given.blocks, model)
    if given.out:
        final = model(chosen)
        told("shipped, in fold", figures(chosen, final))
        window = f"{given.start} to {given.end}"
        given.out.write_text(written(final, window), encoding="utf-8")
        print(f"{len(final.trees)} trees, {given.out.stat().st_size:,} bytes -> {given.out}")


if __name__ == "__main__":
    main()
