"""What one reading of a source yields, whether it came live or from a recorded file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from digest.core.paper import Listing


class RunStatus(StrEnum):
    """How a run of a source ended; a failure is never an empty day."""

    OK = "ok"
    QUIET = "quiet"  # answered validly, and had nothing to list
    LATE = "late"  # answered, but with an older day than the one that is due
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that was set aside: where it stood, why, and how it began."""

    position: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class AuthorFigure:
    """A figure that a source states of an author: `field`, `h_index`, `papers`, `citations`, `novelty`, `ai_score`.

    `value` is a number as text, novelty in percent; `field` is a full arXiv category.
    """

    author: str
    figure: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The circumstances of one reading.

    `observed_at` is the instant (UTC) its signals are dated with. `captured_on` is the day a recorded
    page was captured, which gives its undated months a year. `origin` names the file or URL in errors.
    """

    observed_at: datetime
    origin: str
    captured_on: date | None = None


@dataclass(slots=True)
class Capture:
    """The listings, figures and rejections of one response; `reason` explains a status other than ok."""

    listings: list[Listing] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    figures: list[AuthorFigure] = field(default_factory=list)
    status: RunStatus = RunStatus.OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read in one scope; `position` is the source's own word (a date, a token)."""

    position: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One page of a live fetch and the cursor to store once that page is committed."""

    capture: Capture
    cursor: Cursor
