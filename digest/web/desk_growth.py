"""The desk's chart of who came and who left: bars for each day, a line of all readers, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from digest.core.growth import GrowthDay
from digest.store.engine import reading
from digest.store.growth import growth
from digest.web.admin import SignedIn
from digest.web.pages import day
from digest.web.site import TheSite

router = APIRouter(prefix="/admin/growth")

SPANS = (30, 90, 365)
WIDTH, LINE_HEIGHT, BARS_HEIGHT = 960.0, 100.0, 120.0
_PAD = 4.0  # above and below the line, so that its stroke is whole
_GAP = 0.25  # of a day's room


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's bars: `kind` is a class of the stylesheet."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """The two drawings of a span: points of the line of all readers, and the bars around `base`."""

    points: str
    bars: tuple[Bar, ...]
    base: float
    fewest: int
    most: int
    confirmed: int
    departed: int
    suppressed: int

    @property
    def line_words(self) -> str:
        """What the line shows, for those who do not see it."""
        return f"All readers at the end of each day, between {self.fewest:,} and {self.most:,}"

    @property
    def bar_words(self) -> str:
        """What the bars show, for those who do not see them."""
        return (
            f"For each day, upwards who confirmed, {self.confirmed:,} in all; "
            f"downwards who left, {self.departed:,}, and whose mail was stopped, {self.suppressed:,}"
        )


def draw(days: Sequence[GrowthDay]) -> Drawn:
    """Draw days, oldest first, at least one of them."""
    room = WIDTH / len(days)
    width = room * (1 - _GAP)
    up = max((one.came.confirmed for one in days), default=0)
    down = max((one.came.departed + one.came.suppressed for one in days), default=0)
    scale = BARS_HEIGHT / max(up + down, 1)
    base = round(up * scale, 1) if up + down else BARS_HEIGHT
    bars = []
    for place, one in enumerate(days):
        x = round(place * room + (room - width) / 2, 2)
        top, came = base, one.came
        for kind, number, below in (
            ("in", came.confirmed, False),
            ("out", came.departed, True),
            ("stopped", came.suppressed, True),
        ):
            height = round(number * scale, 1)
            if number:
                bars.append(Bar(kind, x, top if below else round(base - height, 1), round(width, 2), height))
            top = round(top + height, 1) if below else top
    fewest, most = min(one.readers for one in days), max(one.readers for one in days)
    reach = most - fewest or 1

    def height_of(readers: int) -> float:
        along = (readers - fewest) / reach if most > fewest else 0.5
        return round(LINE_HEIGHT - _PAD - along * (LINE_HEIGHT - 2 * _PAD), 1)

    points = " ".join(f"{round((n + 0.5) * room, 1):g},{height_of(one.readers):g}" for n, one in enumerate(days))
    return Drawn(
        points=points,
        bars=tuple(bars),
        base=base,
        fewest=fewest,
        most=most,
        confirmed=sum(one.came.confirmed for one in days),
        departed=sum(one.came.departed for one in days),
        suppressed=sum(one.came.suppressed for one in days),
    )


@router.get("")
def chart(site: TheSite, admin: SignedIn, days: Annotated[int, Query(ge=1, le=365)] = 30) -> Response:
    """Show the last 30, 90 or 365 days; another number of days is drawn as well."""
    with reading(site.services.engine) as session:
        found = growth(session, site.now.date(), days)
    return site.pages.desk(
        "growth.html",
        admin=admin,
        here="readers",
        spans=SPANS,
        span=days,
        days=found[::-1],
        drawn=draw(found),
        first=day(found[0].day),
        last=day(found[-1].day),
        now=found[-1].readers,
    )
