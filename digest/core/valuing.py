"""What each part adds to a paper's value: ground, forecast and asides, for many papers at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from digest.core.evidence import GROUND, Ground
from digest.core.features import STARS, VOTES
from digest.core.signals import KINDS, PAGE_PLACE, Movement
from digest.core.steady import Floats

_ASIDE = 0.5  # of a signal's weight, where nothing could be fitted for it
# Of parts that add the same, the earlier is named first.
_PARTS = tuple(dict.fromkeys((VOTES, STARS, PAGE_PLACE, *KINDS, *GROUND)))
_COLUMN = {name: column for column, name in enumerate(_PARTS)}

Valued = tuple[float, list[tuple[str, float]]]
"""A value, 0 to 1, and the shares of the parts in it by name, the largest first; they sum to 1."""


def valued(
    read: Sequence[Sequence[Movement]], promised: Sequence[Mapping[str, float]], grounds: Sequence[Sequence[Ground]]
) -> Iterator[Valued]:
    """Value papers by what their signals read, what those promise by the forecast, and their grounds.

    A signal that the forecast did not count adds a share of what is still missing to 1, so nothing exceeds it.
    """
    base = _rectangle([[(each.name, each.amount) for each in ground] for ground in grounds])
    foretold = _rectangle([one.items() for one in promised])
    said = _rectangle(
        [
            [(each.signal, each.weight * each.strength) for each in moved if each.signal not in known]
            for moved, known in zip(read, promised, strict=True)
        ]
    )
    asides = -np.log1p(-_ASIDE * said)
    heard = asides.sum(axis=1, keepdims=True)
    room = 1 - base.sum(axis=1, keepdims=True) - foretold.sum(axis=1, keepdims=True)
    added = np.divide(room * -np.expm1(-heard), heard, out=np.zeros_like(heard), where=heard > 0)
    amounts = base + foretold + added * asides
    values = amounts.sum(axis=1, keepdims=True)
    order = np.argsort(-amounts, axis=1, kind="stable")
    shares = np.take_along_axis(np.round(amounts / values, 4), order, axis=1)
    spoken = (amounts > 0).sum(axis=1)
    for value, columns, row, count in zip(
        np.round(values[:, 0], 6).tolist(), order.tolist(), shares.tolist(), spoken.tolist(), strict=True
    ):
        yield value, [(_PARTS[column], share) for column, share in zip(columns[:count], row[:count], strict=True)]


def _rectangle(named: Sequence[Iterable[tuple[str, float]]]) -> Floats:
    """Return amounts by name as rows of one number for each part, 0 where it is not named."""
    stated = [(row, _COLUMN[name], amount) for row, pairs in enumerate(named) for name, amount in pairs]
    rectangle = np.zeros((len(named), len(_PARTS)))
    if stated:
        rows, columns, amounts = zip(*stated, strict=True)
        rectangle[rows, columns] = amounts
    return rectangle
