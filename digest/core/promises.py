"""What the forecast promises of papers: how much in all, and which signals and words it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from digest.core.candidate import Candidate
from digest.core.evidence import EVERY_PAPERS, Ground
from digest.core.features import VOTES
from digest.core.forecast import FORESEEN, Forecast
from digest.core.pages import PageVotes
from digest.core.signals import PAGE_PLACE, Movement, faded
from digest.core.titles import promise, telling

if TYPE_CHECKING:
    from digest.core.steady import Floats
    from digest.core.valuing import Flags

MAX_SHARE = 0.6  # of one signal in a score
_FITTED = [FORESEEN.index(VOTES), FORESEEN.index(PAGE_PLACE)]  # nothing was fitted for stars alone
FORETOLD = MAX_SHARE / (1 - MAX_SHARE) * EVERY_PAPERS  # the most that a forecast adds: that share, if of one signal


@dataclass(frozen=True, slots=True)
class Promised:
    """What the forecast adds to papers: by signal, shape (n, FORESEEN), and by titles that raise it.

    `counted`, of the same shape, says which signals the forecast spoke of; what it adds may be nothing all the same.
    """

    signals: Floats
    counted: Flags
    titles: list[tuple[Ground, ...]]


def expected(
    batch: Sequence[Candidate],
    read: Sequence[Mapping[str, Movement]],
    compared: Sequence[PageVotes | None],
    as_of: datetime,
    forecast: Forecast,
) -> Promised:
    """Return what votes, page places and stars promise; nothing for a paper without votes or a place.

    What was read of each paper, and how it stands on its page, is in the order of the batch. A title that lowers the
    forecast lowers what the signals promise; one that raises it is named for what it adds.
    """
    import numpy as np  # noqa: PLC0415 - which the sending process does without

    from digest.core.feature_rows import feature_rows  # noqa: PLC0415
    from digest.core.valuing import promises, worth  # noqa: PLC0415

    told = np.array([[signal in moved for signal in FORESEEN] for moved in read], dtype=np.bool_)
    speaking: Flags = np.any(told[:, _FITTED], axis=1)
    promised = Promised(np.zeros(told.shape), told & speaking[:, None], [()] * len(batch))
    if not speaking.any():
        return promised
    spoken = np.flatnonzero(speaking).tolist()
    papers, known = [batch[index] for index in spoken], [read[index] for index in spoken]
    rows = feature_rows(known, [one.listed_on for one in papers], as_of, [compared[index] for index in spoken])
    growth, by_part = forecast.speak(rows)
    titled = growth + np.array([promise(one.title, forecast.words, forecast.usual) for one in papers])
    latest = [max([moved[signal].points[-1][0] for signal in FORESEEN if signal in moved]) for moved in known]
    fresh = [faded(seen_at, as_of) for seen_at in latest]
    words = [telling(one.title, forecast.words) for one in papers]
    lower = np.where([bool(one) for one in words], np.minimum(growth, titled), titled)
    raised = (FORETOLD * (worth(titled, fresh) - worth(lower, fresh))).tolist()
    promised.signals[spoken] = FORETOLD * promises(lower, by_part, fresh, told[spoken])
    for index, by_title, why in zip(spoken, raised, words, strict=True):
        if by_title > 0:
            promised.titles[index] = (Ground("title", by_title, why),)
    return promised
