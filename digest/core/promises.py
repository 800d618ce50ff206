"""What the forecast promises of papers: how much in all, and which signals and words it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.core.candidate import Candidate
from digest.core.evidence import EVERY_PAPERS, Ground
from digest.core.features import STARS, features
from digest.core.forecast import FORESEEN, Forecast
from digest.core.pages import Standing
from digest.core.signals import Movement, faded
from digest.core.titles import promise, telling

MAX_SHARE = 0.6  # of one signal in a score
FORETOLD = MAX_SHARE / (1 - MAX_SHARE) * EVERY_PAPERS  # the most that a forecast adds: that share, if of one signal


@dataclass(frozen=True, slots=True)
class Promise:
    """What the forecast adds to a paper: by signal, and by a title that raises it."""

    signals: dict[str, float]
    title: tuple[Ground, ...] = ()


def expected(
    batch: Sequence[Candidate],
    read: Sequence[Sequence[Movement]],
    compared: Sequence[Standing | None],
    as_of: datetime,
    forecast: Forecast,
) -> list[Promise]:
    """Return what votes, page places and stars promise; nothing for a paper without votes or a place.

    What was read of each paper, and how it stands on its page, is in the order of the batch. A title that lowers the
    forecast lowers what the signals promise; one that raises it is named for what it adds.
    """
    import numpy as np  # noqa: PLC0415 - which the sending process does without

    from digest.core.valuing import promises, worth  # noqa: PLC0415

    told = [{one.signal: one for one in moved if one.signal in FORESEEN} for moved in read]
    spoken = [index for index, one in enumerate(told) if one.keys() - {STARS}]  # nothing was fitted for stars alone
    promised = [Promise({}) for _one in batch]
    if not spoken:
        return promised
    rows = [features(told[index], batch[index].listed_on, as_of, compared[index]) for index in spoken]
    growth, by_part = forecast.speak(rows)
    titled = growth + np.array([promise(batch[index].title, forecast.words, forecast.usual) for index in spoken])
    fresh = [faded(max(one.points[-1][0] for one in told[index].values()), as_of) for index in spoken]
    words = [telling(batch[index].title, forecast.words) for index in spoken]
    lower = np.where([bool(one) for one in words], np.minimum(growth, titled), titled)
    raised = (worth(titled, fresh) - worth(lower, fresh)).tolist()
    shares = promises(lower, by_part, fresh, [told[index] for index in spoken])
    for index, by_signal, by_title, why in zip(spoken, shares, raised, words, strict=True):
        promised[index] = Promise(
            {name: FORETOLD * share for name, share in by_signal.items()},
            (Ground("title", FORETOLD * by_title, why),) if by_title > 0 else (),
        )
    return promised
