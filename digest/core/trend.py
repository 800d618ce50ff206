"""From observations to a TrendScore whose named parts explain it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One named contribution to a score: `share` of the score (sums to 1 over the parts) and its words."""

    name: str
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class TrendScore:
    """A paper's standing as of an instant.

    `value` is 0 to 1, comparable within one `as_of`. `percentile` is 0 to 100 within the primary category over
    the window, None outside it. `evidence` is one sentence for readers. `simulated` is True where any part rests
    on signals that the demo made up.
    """

    paper_id: int
    value: float
    percentile: float | None
    parts: tuple[Part, ...]
    evidence: str
    simulated: bool = False
