"""What becomes of an address that was entered: traps, limits, the flow, and the page that answers."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from fastapi import Request, Response

from digest.core.cadence import known_or_utc
from digest.core.sign_up import SignUpMode
from digest.errors import AddressRefused, PreferencesRefused, SignUpRefused
from digest.flows import subscribe as flow
from digest.web.guard import crosses_sites
from digest.web.pages import client_ip, to
from digest.web.site import Site

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What the subscribe box was filled in with, right or wrong; `invitation` is the token of one, if it was opened."""

    address: str = ""
    timezone: str = "UTC"
    hour: int = 8
    categories: tuple[str, ...] = ()
    invitation: str = ""

    @property
    def wanted(self) -> list[str]:
        """The categories one by one."""
        return [name for typed in self.categories for name in typed.replace(",", " ").split()]


def take_address(request: Request, site: Site, entered: Entered, *, website: str, stamp: str) -> Response:
    """Take an address; the answer is the same whether it is known, unknown, or a robot's."""
    now, ip, services, say = site.now, client_ip(request), site.services, site.language
    if website:
        log.info("subscription dropped", why="honeypot")
        return to("/subscribe/check-your-mail")
    if site.trap.springs(stamp, now) or crosses_sites(request.headers, services.settings.base_url):
        words = say("That page was too old, or sent within a blink. Your address is kept: press the button once more.")
        return subscribe_page(site, entered, fault=words, status=422)
    if wait := site.limits.wait_to_subscribe(ip, entered.address, now):
        words = say(
            "Many addresses came from your network, or for this mail domain, within the hour. Try again later; nothing "
            "is lost."
        )
        return subscribe_page(site, entered, fault=words, status=429, retry_after=wait)
    try:
        flow.request(
            services.engine,
            services.tokens,
            entered.address,
            now=now,
            ip=ip,
            source="invitation" if entered.invitation else "site",
            timezone=entered.timezone,
            hour=entered.hour,
            categories=entered.wanted,
            special_use=services.settings.allow_test_addresses,
            sign_up=services.sign_up,
            invitation=entered.invitation,
            language=services.languages.asked_for(request.headers.get("accept-language", "")),
            read_in=say.tag,
        )
    except (AddressRefused, PreferencesRefused, SignUpRefused) as refused:
        return subscribe_page(site, entered, fault=say.told(refused), status=422)
    services.kick()
    return to("/subscribe/check-your-mail")


def subscribe_page(
    site: Site, entered: Entered | None = None, *, fault: str = "", status: int = 200, retry_after: int = 0
) -> Response:
    """Show the subscribe box alone, with what was typed kept, or say that an invitation is needed."""
    shown = entered or Entered()
    if site.services.sign_up.mode is SignUpMode.INVITATION and not shown.invitation:
        say = site.language
        words = say(
            "This digest takes readers by invitation. Whoever invites you sends you a link; open it to subscribe."
        )
        return site.pages.notice(say("By invitation"), words, status=200 if status == 200 else 403, personal=False)
    answer = site.pages.show(
        "subscribe.html",
        status=status,
        personal=bool(shown.address or shown.invitation),
        typed=shown.address[:254],
        fault=fault,
        stamp=site.trap.stamp(site.now),
        scripted=True,
        hour=shown.hour,
        timezone=known_or_utc(shown.timezone),
        chosen=", ".join(shown.wanted),
        action=f"/invitation/{shown.invitation}" if shown.invitation else "/subscribe",
    )
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer
