"""What each part adds to a paper's value: ground, forecast and asides, for many papers at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Sized
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from digest.core.evidence import GROUND, Ground
from digest.core.forecast import FORESEEN, PARTS
from digest.core.signals import KINDS, Movement
from digest.core.steady import Floats

_LOG_GROWTH = 2.5  # expected log growth that is worth 63 % of the room
_MOST_OF_ALL = 0.75  # of what the forecast's signals promise together, for one of several
_ASIDE = 0.5  # of a signal's weight, where nothing could be fitted for it
# Of parts that add the same, the earlier is named first.
_NAMES = tuple(dict.fromkeys((*FORESEEN, *KINDS, *GROUND)))
_COLUMN = {name: column for column, name in enumerate(_NAMES)}

Flags = NDArray[np.bool_]
Valued = tuple[float, list[tuple[str, float]]]
"""A value, 0 to 1, and the shares of the parts in it by name, the largest first; they sum to 1."""


def promises(growth: Floats, by_part: Floats, fresh: Sequence[float], told: Flags) -> Floats:
    """Return what papers promise, 0 to 1, by signal, shape (n, FORESEEN).

    `told`, of the same shape, says which signals each paper has; `growth` and `by_part` are what the forecast said,
    `fresh` is the share of it that age has left. Each signal has its share by how far it moved the forecast, and none
    of several more than three quarters.
    """
    strength = worth(growth, fresh)
    leanings = np.where(told, np.exp(by_part[[PARTS.index(signal) for signal in FORESEEN]].T), 0.0)
    shares = leanings / leanings.sum(axis=1, keepdims=True)
    first = shares.max(axis=1, keepdims=True)
    held = (first > _MOST_OF_ALL) & (told.sum(axis=1, keepdims=True) > 1)
    others = np.divide(1 - _MOST_OF_ALL, 1 - first, out=np.ones_like(first), where=held)
    promised: Floats = np.where(held & (shares == first), _MOST_OF_ALL, shares * others) * strength[:, None]
    return promised


def worth(growth: Floats, fresh: Sequence[float]) -> Floats:
    """Return what expected log growths are worth, 0 to 1, of which `fresh` is the share that age has left."""
    strength: Floats = np.array(fresh) * -np.expm1(-np.maximum(growth, 0.0) / _LOG_GROWTH)
    return strength


def valued(
    read: Sequence[Collection[Movement]], promised: Floats, counted: Flags, grounds: Sequence[Sequence[Ground]]
) -> Iterator[Valued]:
    """Value papers by what their signals read, what those promise by the forecast, and their grounds.

    `promised` is by signal, shape (n, FORESEEN), and `counted` says of which the forecast spoke. A signal that it did
    not count adds a share of what is still missing to 1, so nothing exceeds it.
    """
    base = _rectangle(grounds, [(each.name, each.amount) for each in chain.from_iterable(grounds)])
    foretold = np.zeros_like(base)
    foretold[:, : len(FORESEEN)] = promised
    said = _rectangle(read, [(each.signal, each.weight * each.strength) for each in chain.from_iterable(read)])
    said[:, : len(FORESEEN)][counted] = 0.0
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
        yield value, [(_NAMES[column], share) for column, share in zip(columns[:count], row[:count], strict=True)]


def _rectangle(several: Sequence[Sized], named: Sequence[tuple[str, float]]) -> Floats:
    """Return amounts by name as rows of one number for each part, 0 where it is not named.

    They are laid end to end: each paper has as many as it has of `several`.
    """
    rectangle = np.zeros((len(several), len(_NAMES)))
    rows = np.repeat(np.arange(len(several)), list(map(len, several)))
    rectangle[rows, [_COLUMN[name] for name, _amount in named]] = [amount for _name, amount in named]
    return rectangle
