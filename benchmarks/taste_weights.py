"""Fit the weights of `digest.core.taste` on one half of the reading profiles and measure both halves.

python benchmarks/taste_weights.py PAPERS.jsonl.gz PROFILES.jsonl.gz

Profiles that share a paper, liked or relevant, fall into the same half, so that one half says nothing of the other.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from digest.core.taste import WEIGHTS, compared, fit, standard
from digest.flows.recommend import read_profiles, read_shelf

_RIDGE = 3.0
Asked = tuple[NDArray[Any], NDArray[Any]]  # candidates x comparisons, and which candidates are relevant


def main(papers: Path, profiles: Path) -> None:
    """Print the weights fitted on each half, and the figures of each half with each."""
    started = time.process_time()
    shelf = read_shelf([papers])
    space = fit(list(shelf.papers.values()))
    print(f"space of {space.words.matrix.shape} learned in {time.process_time() - started:.0f} s of processor")
    with gzip.open(profiles, "rt", encoding="utf-8") as lines:
        relevant = {row["profile_id"]: row["relevant"] for row in map(json.loads, lines)}
    asked: list[Asked] = []
    held = []
    names = [name for name in WEIGHTS if name != "embedding"]
    for reading in read_profiles(profiles):
        ids = shelf.listed[reading.day]
        found = compared(
            space,
            np.array([space.rows[one] for one in ids]),
            np.array(sorted(space.rows[one] for one in reading.liked)),
        )
        wanted = set(relevant[reading.profile_id])
        asked.append(
            (np.stack([standard(found[name]) for name in names], axis=1), np.array([i in wanted for i in ids]))
        )
        held.append({*reading.liked, *wanted})
    print(f"compared after {time.process_time() - started:.0f} s of processor")
    first, second = halves(held)
    shipped = np.array([WEIGHTS[name] for name in names])
    fitted = {"shipped": shipped, "first half's": _fit(asked, first), "second half's": _fit(asked, second)}
    for whose, weights in fitted.items():
        print(f"{whose} weights: {dict(zip(names, weights.round(2).tolist(), strict=True))}")
        for where, half in (("first half", first), ("second half", second), ("both", first + second)):
            mrr, at_10, at_20 = _figures([asked[number] for number in half], weights)
            print(f"  on {where:12s} ({len(half)}) MRR {mrr:.3f}  R@10 {at_10:.3f}  R@20 {at_20:.3f}")


def halves(held: list[set[str]]) -> tuple[list[int], list[int]]:
    """Divide readings by number, so that those that share a paper are together."""
    groups: list[tuple[set[str], list[int]]] = []
    for number, papers in enumerate(held):
        touching = [group for group in groups if not group[0].isdisjoint(papers)]
        groups = [group for group in groups if group[0].isdisjoint(papers)]
        groups.append((papers.union(*(g[0] for g in touching)), sorted([number, *(n for g in touching for n in g[1])])))
    first: list[int] = []
    second: list[int] = []
    for _, numbers in sorted(groups, key=lambda group: (-len(group[1]), group[1])):
        (first if len(first) <= len(second) else second).extend(numbers)
    return first, second


def _fit(asked: list[Asked], half: list[int]) -> NDArray[Any]:
    """Maximise the likelihood that a softmax over the day's papers picks a relevant one."""

    def loss(weights: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        total, slope = _RIDGE * (weights @ weights) / 2, _RIDGE * weights
        for values, wanted in (asked[number] for number in half):
            odds = np.exp(values @ weights - (values @ weights).max())
            chance = odds / odds.sum()
            hit = chance[wanted].sum() + 1e-12
            total -= np.log(hit)
            slope = slope + (chance - chance * wanted / hit) @ values
        return float(total), slope

    fitted: NDArray[Any] = minimize(loss, np.zeros(asked[0][0].shape[1]), jac=True, method="L-BFGS-B").x
    return fitted


def _figures(asked: list[Asked], weights: NDArray[Any]) -> NDArray[Any]:
    rows = []
    for values, wanted in asked:
        places = np.flatnonzero(wanted[np.argsort(-(values @ weights), kind="stable")]) + 1
        rows.append((1 / places.min(), (places <= 10).mean(), (places <= 20).mean()))
    return np.array(rows).mean(axis=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
