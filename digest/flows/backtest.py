"""Replay of history: what the score would have said at past instants, from what was observed by then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from digest.core.trend import appraise_all
from digest.errors import RefusedInput
from digest.flows.history import History


def replay(history: History, instants: Sequence[datetime]) -> Iterator[tuple[datetime, str, float]]:
    """Yield (instant, paper id, score) for every candidate of every instant; nothing seen later counts.

    The scores are the service's own: `digest.core.trend.appraise_all`, one call for each instant.
    """
    for at in instants:
        ids, candidates = history.candidates(at)
        for one in appraise_all(candidates, at):
            yield at, ids[one.paper_id], one.value


def write_scores(
    history: History, instants: Sequence[datetime], out: Path, done: Callable[[datetime], None] = lambda _at: None
) -> int:
    """Write the replay's rows as JSON lines, return how many; the file appears only when it is whole.

    Raises RefusedInput where the file cannot be written. `done` is told of each instant when it is finished.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            written = sum(_write(history, at, file, done) for at in instants)
        part.replace(out)
    except OSError as error:
        raise RefusedInput(f"{out} cannot be written: {error}") from error
    return written


def _write(history: History, at: datetime, file: TextIO, done: Callable[[datetime], None]) -> int:
    written = 0
    stated = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    for _at, paper_id, score in replay(history, [at]):
        file.write(json.dumps({"at": stated, "paper_id": paper_id, "score": score}) + "\n")
        written += 1
    done(at)
    return written
