"""Observations drawn as a line: coordinates for an inline SVG, nothing that a stylesheet could not colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.core.language import Language, mark
from digest.store.tables import ObservationRow

WIDTH, HEIGHT = 320.0, 72.0
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 22.0
_PAD = 3.0

# What signals and the other parts of a score are called.
_WORDS = {
    "hf_upvotes": mark("Upvotes at Hugging Face"),
    "hf_comments": mark("Comments at Hugging Face"),
    "hf_page_rank": mark("Place on the day's page at Hugging Face"),
    "github_stars": mark("Stars at GitHub"),
    "hn_points": mark("Points at Hacker News"),
    "hn_comments": mark("Comments at Hacker News"),
    "citations": mark("Citations"),
    "influential_citations": mark("Influential citations, as Semantic Scholar judges them"),
    "code": mark("Code available"),
    "listing": mark("On the list"),
    "reach": mark("How widely listed"),
    "title": mark("Words of the title"),
}
_LOWER_IS_BETTER = frozenset({"hf_page_rank"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation as a chart needs it."""

    signal: str
    source: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One signal as a line: the points of a polyline, where it ends, and its words in a language."""

    language: Language
    signal: str
    points: str
    end: tuple[float, float]
    first: float
    last: float
    since: datetime
    until: datetime
    simulated: bool
    count: int

    @property
    def words(self) -> str:
        """The line said in one sentence, for those who do not see it."""
        say, course = self.language, f"{self.course[:1].lower()}{self.course[1:]}"
        if self.simulated:
            return say("%(signal)s (simulated): %(course)s", signal=self.name, course=course)
        return say("%(signal)s: %(course)s", signal=self.name, course=course)

    @property
    def name(self) -> str:
        """The signal's name."""
        return signal_name(self.signal, self.language)

    @property
    def course(self) -> str:
        """Where the line begins and ends, under a heading that names it."""
        say = self.language
        first, last = say.number(self.first, 1), say.number(self.last, 1)
        if self.count == 1:
            return say("%(value)s, seen once.", value=last)
        length = self.until - self.since
        if length >= timedelta(days=2):
            return say.count(
                "From %(first)s to %(last)s in %(num)s day.",
                "From %(first)s to %(last)s in %(num)s days.",
                length.days,
                first=first,
                last=last,
            )
        hours = max(1, round(length.total_seconds() / 3600))
        return say("From %(first)s to %(last)s in %(hours)s h.", first=first, last=last, hours=hours)


def seen_until(rows: Iterable[ObservationRow], until: datetime | None) -> list[Seen]:
    """Return observations for a chart; those after an issue's cut-off are not part of it."""
    return [Seen(row.signal, row.source, row.at, row.value) for row in rows if until is None or row.at <= until]


def signal_name(signal: str, say: Language) -> str:
    """Name a signal, or another part of a score, for readers."""
    return say(_WORDS[signal]) if signal in _WORDS else signal.replace("_", " ").capitalize()


def lines(seen: Iterable[Seen], say: Language, *, width: float = WIDTH, height: float = HEIGHT) -> list[Line]:
    """Draw one line for each signal, the most often observed first.

    Several sources of one signal are drawn apart only when one of them is simulated.
    """
    groups: dict[tuple[str, bool], list[Seen]] = {}
    for observation in seen:
        groups.setdefault((observation.signal, observation.source == "simulated"), []).append(observation)
    drawn = [_line(signal, made_up, group, width, height, say=say) for (signal, made_up), group in groups.items()]
    return sorted(drawn, key=lambda line: (-line.count, line.signal))


def spark(seen: Iterable[Seen], say: Language) -> Line | None:
    """Draw the most telling signal small, or None where there is no movement to see."""
    candidates = [line for line in lines(seen, say, width=SPARK_WIDTH, height=SPARK_HEIGHT) if line.count >= 3]
    return candidates[0] if candidates else None


def _line(signal: str, made_up: bool, group: Sequence[Seen], width: float, height: float, *, say: Language) -> Line:
    ordered = sorted(group, key=lambda observation: observation.at)
    since, until = ordered[0].at, ordered[-1].at
    low, high = min(o.value for o in ordered), max(o.value for o in ordered)
    seconds = (until - since).total_seconds() or 1.0
    reach = (high - low) or 1.0

    def place(observation: Seen) -> tuple[float, float]:
        along = (observation.at - since).total_seconds() / seconds if until > since else 0.5
        up = (observation.value - low) / reach if high > low else 0.5
        if signal in _LOWER_IS_BETTER:
            up = 1.0 - up
        x = _PAD + along * (width - 2 * _PAD)
        y = height - _PAD - up * (height - 2 * _PAD)
        return round(x, 1), round(y, 1)

    places = [place(observation) for observation in ordered]
    return Line(
        language=say,
        signal=signal,
        points=" ".join(f"{x:g},{y:g}" for x, y in places),
        end=places[-1],
        first=ordered[0].value,
        last=ordered[-1].value,
        since=since,
        until=until,
        simulated=made_up,
        count=len(ordered),
    )
