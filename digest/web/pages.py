"""Turn a template and what it shows into an answer; the words for dates and numbers live here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from digest.core.links import web_url
from digest.files import templates_folder
from digest.store.indexing import author_slug, lab_slug
from digest.web.chart import signal_name
from digest.web.headers import DESK, PERSONAL, SCRIPTED
from digest.web.zones import OFFERED
from digest.wiring import Services

STATIC = "/static"


class Pages:
    """The site's templates, read once."""

    def __init__(self, services: Services) -> None:
        folder = templates_folder() / "web"
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            day=day,
            instant=instant,
            percent=percent,
            names=names,
            outside=web_url,
            count=count,
            kilobytes=kilobytes,
            signal=signal_name,
        )
        self._environment.filters.update(author_slug=author_slug, lab_slug=lab_slug)
        settings = services.settings
        versions = {
            name: hashlib.sha256((folder / "static" / name).read_bytes()).hexdigest()[:10]
            for name in ("site.css", "zone.js")
        }
        self._environment.globals.update(
            site_name=settings.site_name,
            base_url=settings.base_url,
            postal_address=settings.postal_address,
            has_inbox=settings.outbox_dir is not None,
            demo=settings.demo,
            stylesheet=f"{STATIC}/site.css?v={versions['site.css']}",
            zone_script=f"{STATIC}/zone.js?v={versions['zone.js']}",
            offered_zones=OFFERED,
        )

    def show(
        self, template: str, *, status: int = 200, personal: bool = False, scripted: bool = False, **shown: Any
    ) -> HTMLResponse:
        """Render a page; `personal` ones are not indexed, not stored, and give no referrer away.

        Only `scripted` ones may run our own script, which no page needs.
        """
        markup = self._environment.get_template(template).render(noindex=personal or status >= 400, **shown)
        headers = (PERSONAL if personal else {}) | (SCRIPTED if scripted else {})
        return HTMLResponse(markup, status_code=status, headers=headers)

    def desk(self, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
        """Render a page of the admin's desk."""
        markup = self._environment.get_template(template).render(noindex=True, **shown)
        return HTMLResponse(markup, status_code=status, headers=DESK)

    def notice(
        self,
        title: str,
        *words: str,
        status: int = 200,
        personal: bool = True,
        way_out: tuple[str, str] = ("/", "Today's papers"),
    ) -> HTMLResponse:
        """Render a page that only says something, with a link (address, words) to go on by."""
        return self.show("notice.html", status=status, personal=personal, title=title, words=words, way_out=way_out)


def to(path: str, **query: str) -> RedirectResponse:
    """Send the browser on with GET after a POST (303); personal pages are at both ends."""
    target = f"{path}?{urlencode(query)}" if query else path
    return RedirectResponse(target, status_code=303, headers=PERSONAL)


def day(value: date | None, *, weekday: bool = False, year: bool = True) -> str:
    """Write a date as `20 May 2026`."""
    if value is None:
        return ""
    words = f"{value.day} {value:%B}"
    if year:
        words += f" {value.year}"
    return f"{value:%A}, {words}" if weekday else words


def instant(value: datetime | None) -> str:
    """Write an instant in UTC as `20 May 2026, 06:00 UTC`."""
    if value is None:
        return ""
    at = value.astimezone(UTC)
    return f"{day(at.date())}, {at:%H:%M} UTC"


def percent(value: float | None) -> str:
    """Write a percentile cut, never rounded up, to one decimal: `99.6`, `87`."""
    if value is None:
        return ""
    cut = int(value * 10 + 1e-6) / 10
    return f"{cut:g}"


def names(authors: Sequence[str], complete: bool = True, most: int = 3) -> str:
    """Write the first authors, with `et al.` where there are more."""
    more = len(authors) > most or (not complete and bool(authors))
    return ", ".join(authors[:most]) + (" et al." if more else "")


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 paper`, `1,200 papers`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def kilobytes(size: int) -> str:
    """Write a size in bytes as kilobytes of 1,000 with one decimal."""
    return f"{size / 1000:.1f} KB"


def client_ip(request: Request) -> str:
    """Return the address the request came from; behind a proxy the server has put the right one there."""
    return request.client.host if request.client else ""


def query_with(request: Request, changes: Mapping[str, str | int | None]) -> str:
    """Return the current query string with some values changed; None removes one."""
    values: dict[str, str | int] = dict(request.query_params)
    for name, value in changes.items():
        values.pop(name, None)
        if value is not None:
            values[name] = value
    return f"?{urlencode(values)}" if values else "?"
