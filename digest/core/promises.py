"""What the forecast promises of papers: how much in all, and which signals and words it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.core.candidate import Candidate
from digest.core.evidence import EVERY_PAPERS, Ground
from digest.core.features import VOTES
from digest.core.forecast import FORESEEN, Forecast
from digest.core.pages import Standing
from digest.core.signals import PAGE_PLACE, Movement, faded
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
    read: Sequence[Mapping[str, Movement]],
    compared: Sequence[Standing | None],
    as_of: datetime,
    forecast: Forecast,
) -> list[Promise]:
    """Return what votes, page places and stars promise; nothing for a paper without votes or a place.

    What was read of each paper, and how it stands on its page, is in the order of the batch. A title that lowers the
    forecast lowers what the signals promise; one that raises it is named for what it adds.
    """
    import numpy as np  # noqa: PLC0415 - which the sending process does without

    from digest.core.feature_rows import feature_rows  # noqa: PLC0415
    from digest.core.valuing import promises, worth  # noqa: PLC0415

    spoken = [index for index, moved in enumerate(read) if VOTES in moved or PAGE_PLACE in moved]  # not stars alone
    promised = [Promise({}) for _one in batch]
    if not spoken:
        return promised
    told = [read[index] for index in spoken]
    rows = feature_rows(told, [batch[index].listed_on for index in spoken], as_of, [compared[one] for one in spoken])
    growth, by_part = forecast.speak(rows)
    titled = growth + np.array([promise(batch[index].title, forecast.words, forecast.usual) for index in spoken])
    latest = [max([moved[signal].points[-1][0] for signal in FORESEEN if signal in moved]) for moved in told]
    fresh = [faded(seen_at, as_of) for seen_at in latest]
    words = [telling(batch[index].title, forecast.words) for index in spoken]
    lower = np.where([bool(one) for one in words], np.minimum(growth, titled), titled)
    raised = (worth(titled, fresh) - worth(lower, fresh)).tolist()
    shares = promises(lower, by_part, fresh, told)
    for index, by_signal, by_title, why in zip(spoken, shares, raised, words, strict=True):
        promised[index] = Promise(
            {name: FORETOLD * share for name, share in by_signal.items()},
            (Ground("title", FORETOLD * by_title, why),) if by_title > 0 else (),
        )
    return promised
