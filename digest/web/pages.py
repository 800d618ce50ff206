"""Turn a template and what it shows into an answer, in one language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from digest.core.language import ENGLISH, Language
from digest.core.links import web_url
from digest.core.names import author_slug, lab_slug
from digest.core.retelling import retold, unbroken
from digest.files import templates_folder
from digest.templating import speak
from digest.web.chart import signal_name
from digest.web.headers import DESK, PERSONAL, SCRIPTED
from digest.web.zones import OFFERED
from digest.wiring import Services

STATIC = "/static"


class Pages:
    """The site's templates in one language, read once."""

    def __init__(self, services: Services, language: Language) -> None:
        self.language = language
        self._services = services
        self._speaking = {language.tag: self}
        folder = templates_folder() / "web"
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        speak(self._environment, language)
        self._environment.filters.update(
            day=partial(_day, language),
            instant=partial(_instant, language),
            percent=partial(percent, language=language),
            names=partial(names, language=language),
            number=language.number,
            outside=web_url,
            count=count,
            kilobytes=kilobytes,
            signal=partial(_signal, language),
            evidence=partial(_evidence, language),
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

    def speaking(self, language: Language) -> Pages:
        """Return the same pages in another language, made on first use."""
        other = self._speaking.get(language.tag)
        if other is None:
            other = Pages(self._services, language)
            other._speaking = self._speaking
            self._speaking[language.tag] = other
        return other

    def show(
        self, template: str, *, status: int = 200, personal: bool = False, scripted: bool = False, **shown: Any
    ) -> HTMLResponse:
        """Render a page; `personal` ones are not indexed, not stored, and give no referrer away.

        Only `scripted` ones may run our own script, which no page needs.
        """
        markup = self._environment.get_template(template).render(noindex=personal or status >= 400, **shown)
        headers = {"Content-Language": self.language.tag, "Vary": "Accept-Language"}
        headers |= (PERSONAL if personal else {}) | (SCRIPTED if scripted else {})
        return HTMLResponse(markup, status_code=status, headers=headers)

    def desk(self, template: str, *, status: int = 200, refresh: int = 0, **shown: Any) -> HTMLResponse:
        """Render a page of the admin's desk, which comes anew by itself in so many seconds; 0 for never."""
        markup = self._environment.get_template(template).render(noindex=True, refresh=refresh, **shown)
        # As a header: a page that a reader of screens has open is not marked as moving, and can be stopped.
        anew = {"Refresh": str(refresh)} if refresh else {}
        return HTMLResponse(markup, status_code=status, headers={**DESK, **anew})

    def notice(
        self,
        title: str,
        *words: str,
        status: int = 200,
        personal: bool = True,
        way_out: tuple[str, str] | None = None,
    ) -> HTMLResponse:
        """Render a page that only says something, with a link (address, words) to go on by: to the papers if not named.

        All words are in the language of these pages already.
        """
        way_out = way_out or ("/", self.language("Today's papers"))
        return self.show("notice.html", status=status, personal=personal, title=title, words=words, way_out=way_out)


def to(path: str, **query: str) -> RedirectResponse:
    """Send the browser on with GET after a POST (303); personal pages are at both ends."""
    target = f"{path}?{urlencode(query)}" if query else path
    return RedirectResponse(target, status_code=303, headers=PERSONAL)


def day(value: date | None, *, weekday: bool = False) -> str:
    """Write a date in English, as the desk is: `20 May 2026`."""
    return _day(ENGLISH, value, weekday=weekday)


def instant(value: datetime | None) -> str:
    """Write an instant in UTC in English, as the desk is: `20 May 2026, 06:00 UTC`."""
    return _instant(ENGLISH, value)


def _day(language: Language, value: date | None, *, weekday: bool = False) -> str:
    return "" if value is None else language.date(value, weekday=weekday)


def _instant(language: Language, value: datetime | None) -> str:
    return "" if value is None else language.instant(value)


def _signal(language: Language, name: str) -> str:
    return signal_name(name, language)


def _evidence(language: Language, words: str) -> str:
    return unbroken(retold(words, language))


def percent(value: float | None, language: Language = ENGLISH) -> str:
    """Write a percentile cut, never rounded up, to one decimal: `99.6`, `87`."""
    return "" if value is None else language.number(int(value * 10 + 1e-6) / 10, 1)


def names(authors: Sequence[str], complete: bool = True, most: int = 3, *, language: Language) -> str:
    """Write the first authors, with `et al.` where there are more."""
    shown = ", ".join(authors[:most])
    return language("%(names)s et al.", names=shown) if len(authors) > most or (not complete and authors) else shown


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 paper`, `1,200 papers`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def kilobytes(size: int) -> str:
    """Write a size in bytes as kilobytes of 1,000 with one decimal."""
    return f"{size / 1000:.1f} KB"


def sentence(error: Exception) -> str:
    """Make an error's words a sentence for readers."""
    words = str(error).strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


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
