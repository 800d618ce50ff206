"""The mail that the desk shows: whose, of which day, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import Depends, HTTPException, Query

from digest.errors import NotFound
from digest.flows.preview import Preview, preview
from digest.mail.review import Remark, review
from digest.outside import LIVE_SOURCES
from digest.store.runs import SourceHealth
from digest.web.admin import SignedIn
from digest.web.desk_sources import missing_warning, source_warning, worries
from digest.web.desk_tasks import tasks_warning
from digest.web.site import Site

_log = structlog.get_logger("firstlight.desk")
_FARTHEST = timedelta(days=20 * 366)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose mail of which day is looked at; empty fields mean tomorrow, and a reader without preferences."""

    on: str
    reader: str
    category: str
    view: str

    def day(self, now: datetime) -> date:
        """Return the day asked for; raises NotFound for what is no date, or is decades away."""
        tomorrow = now.date() + timedelta(days=1)
        try:
            asked = date.fromisoformat(self.on) if self.on else tomorrow
        except ValueError as error:
            raise NotFound(f"{self.on!r} is no date; write it like 2026-05-21") from error
        if abs(asked - tomorrow) > _FARTHEST:  # at the ends of the calendar there is no day before or after
            first, last = tomorrow - _FARTHEST, tomorrow + _FARTHEST
            raise NotFound(f"{asked} is too far away; ask for a day from {first} to {last}")
        return asked

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that replace the reader's own."""
        return tuple(self.category.replace(",", " ").split())

    def query(self, **changes: str) -> str:
        """Return the query string for the same mail with some fields changed."""
        fields = {"date": self.on, "reader": self.reader, "category": self.category, "view": self.view} | changes
        given = urlencode({name: value for name, value in fields.items() if value})
        return f"?{given}" if given else ""


def _asked(
    admin: SignedIn,
    on: Annotated[str, Query(alias="date", max_length=10)] = "",
    reader: Annotated[str, Query(max_length=254)] = "",
    category: Annotated[str, Query(max_length=100)] = "",
    view: Annotated[str, Query(max_length=10)] = "html",
) -> Asked:
    if reader and not admin.edits:
        raise HTTPException(403)  # whether an address subscribes, and to what, is not for viewers
    return Asked(on, reader, category, view)


TheMail = Annotated[Asked, Depends(_asked)]


def shown_mail(site: Site, asked: Asked) -> Preview:
    """Make the mail that is asked for; raises NotFound for an address that nobody subscribes with."""
    services = site.services
    issued_on = asked.day(site.now)
    # Before the cut-off what is known now counts; a past day's draft stops at its own cut-off.
    at = min(site.now, services.cut_off(issued_on))
    return preview(
        services.engine,
        services.courier,
        issued_on=issued_on,
        at=at,
        reader=asked.reader.strip() or None,
        categories=asked.categories,
        drafts=services.drafts,
    )


def make_ready(site: Site) -> bool:
    """Make tomorrow's mail once, so that nobody's first look waits for what a process reads and keeps; never raises.

    Tells whether that was possible.
    """
    try:
        made = shown_mail(site, Asked(on="", reader="", category="", view="html"))
        remarks_on(site, made)
    except Exception:  # noqa: BLE001  # the page itself will say what is wrong
        _log.debug("desk not ready", exc_info=True)
        return False
    _log.info("desk ready")
    return True


def day_or_tomorrow(asked: Asked, now: datetime) -> date:
    """Return the day asked for, or tomorrow where it is none."""
    try:
        return asked.day(now)
    except NotFound:
        return now.date() + timedelta(days=1)


def remarks_on(site: Site, made: Preview) -> list[Remark]:
    """Look through a mail for what would go wrong with it."""
    settings, issue = site.services.settings, made.issue
    return review(
        made.message,
        base_url=settings.base_url,
        said=[words for words in (issue.subject, issue.preheader, issue.note) if words],
        local=settings.outbox_dir is not None,
    )


def warnings(site: Site, made: Preview | None, overview: list[SourceHealth]) -> list[str]:
    """Say what is wrong with tomorrow's papers and where they come from, the gravest first."""
    found = []
    if made is not None:
        if not made.edition.picks:
            found.append("There is no paper in this edition: it would not be sent.")
        if any(pick.card.simulated for pick in made.edition.picks) and not site.services.settings.demo:
            found.append("Some evidence is simulated.")
    found += tasks_warning(site)
    polled = site.services.polled_scopes()
    found += [source_warning(health) for health in overview if worries(health, site.now, polled)]
    if site.services.settings.demo:
        return found
    found += filter(None, [missing_warning(site)])
    reported = {(health.source, health.scope) for health in overview}
    missing = [
        f"{name} {scope}"
        for name in ("arxiv-rss", "hf")
        if name in LIVE_SOURCES
        for scope in site.services.scopes(name)
        if (name, scope) not in reported
    ]
    if missing:
        found.append(f"Never reported: {', '.join(missing)}.")
    return found
