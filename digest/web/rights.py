"""A reader's rights behind their own link: download everything, move to another address, be mailed again, be erased."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Request, Response

from digest.core.sign_up import RIGHTS
from digest.core.subscription import SubscriptionState
from digest.errors import AddressRefused, DigestError, NotFound, SignUpRefused, TokenInvalid
from digest.flows import moving, rights
from digest.flows.rights import Standing
from digest.web.dead_links import dead_link
from digest.web.headers import PERSONAL
from digest.web.pages import client_ip
from digest.web.site import Site, TheSite

router = APIRouter()


def _standing(site: Site, token: str, *, counts: bool) -> Standing | Response:
    """Return how the reader behind a link stands, or the page for a link that leads nowhere."""
    services, now = site.services, site.now
    try:
        standing = rights.standing_of(services.engine, services.tokens, token, now=now)
    except (TokenInvalid, NotFound) as invalid:
        return dead_link(site, "preferences", token, invalid)
    if counts and (wait := site.limits.wait(now, (RIGHTS, str(standing.subscriber_id)))):
        raise HTTPException(429, headers={"Retry-After": str(wait)})
    return standing


@router.get("/rights/{token}")
def rights_page(site: TheSite, token: str) -> Response:
    """Show what a reader may do about what is held of them."""
    standing = _standing(site, token, counts=False)
    return standing if isinstance(standing, Response) else _page(site, token, standing)


def _page(
    site: Site, token: str, standing: Standing, *, typed: str = "", fault: str = "", status: int = 200
) -> Response:
    site = site.for_reader(standing.language)
    running = standing.state in (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)
    return site.pages.show(
        "rights.html",
        status=status,
        personal=True,
        address=standing.address,
        running=running,
        banned_since=standing.banned_since.date() if standing.banned_since else None,
        liftable=standing.liftable,
        own=f"/rights/{quote(token)}",
        preferences=f"/preferences/{quote(token)}" if running else "",
        typed=typed[:254],
        fault=fault,
    )


@router.post("/rights/{token}/export")
def download(site: TheSite, token: str) -> Response:
    """Give the reader everything that is held about them, as a file."""
    standing = _standing(site, token, counts=True)
    if isinstance(standing, Response):
        return standing
    services = site.services
    held = rights.export_own(services.engine, services.tokens, token, base_url=services.settings.base_url, now=site.now)
    file = f'attachment; filename="firstlight-{site.now:%Y-%m-%d}.json"'
    return Response(held, media_type="application/json", headers={**PERSONAL, "Content-Disposition": file})


@router.post("/rights/{token}/address")
async def change_address(
    request: Request, site: TheSite, token: str, address: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """Ask to move to another address; the answer is the same, and takes the same time, whatever is known of it."""
    return await site.pace.answer(partial(_change_address, request, site, token, address))


def _change_address(request: Request, site: Site, token: str, address: str) -> Response:
    standing = _standing(site, token, counts=True)
    if isinstance(standing, Response):
        return standing
    services = site.services
    try:
        moving.ask_to_move(
            services.engine,
            services.tokens,
            standing.subscriber_id,
            address,
            now=site.now,
            ip=client_ip(request),
            sign_up=services.sign_up,
            special_use=services.settings.allow_test_addresses,
        )
    except (AddressRefused, SignUpRefused) as refused:
        return _page(site, token, standing, typed=address, fault=_told(site, standing, refused), status=422)
    except NotFound as gone:
        return dead_link(site, "preferences", token, gone)
    services.kick()
    site = site.for_reader(standing.language)
    say = site.language
    return site.pages.notice(
        say("Now check the mail at the new address"),
        say(
            "If the digest can come there, a mail with a link is on its way. Open the link and press the button there."
        ),
        say("Until then everything stays as it is. Then the old address is told, and can undo it for 30 days."),
        way_out=(f"/rights/{quote(token)}", say("Back")),
    )


@router.post("/rights/{token}/resume")
def mail_again(site: TheSite, token: str) -> Response:
    """Let mail go out again that stopped because it came back."""
    standing = _standing(site, token, counts=True)
    if isinstance(standing, Response):
        return standing
    try:
        rights.mail_again(site.services.engine, site.services.tokens, token, now=site.now)
    except TokenInvalid as refused:
        return _page(site, token, standing, fault=_told(site, standing, refused), status=403)
    site = site.for_reader(standing.language)
    say = site.language
    words = say("Your next digest goes out at its hour. If it comes back again, mail to you stops again.")
    return site.pages.notice(say("Mail goes out again"), words, way_out=(f"/rights/{quote(token)}", say("Back")))


@router.get("/rights/{token}/erase")
def erase_page(site: TheSite, token: str) -> Response:
    """Say what goes and what stays, and show the one button that erases."""
    standing = _standing(site, token, counts=False)
    if isinstance(standing, Response):
        return standing
    site = site.for_reader(standing.language)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("Erase everything about me"),
        words=[
            say(
                "Your address, choices, interests, reactions, the taste learned from them, the record of your consent "
                "and what you were sent are erased at once, and no digest comes any more. It cannot be undone."
            ),
            say(
                "What stays: how many messages an issue had, without saying whose; and if mail to you was stopped, "
                "a keyed hash of your address, so that it stays stopped. It cannot be turned back into the address."
            ),
        ],
        button=say("Erase everything"),
        small=say(
            "A mail that is being handed over in this very second may still arrive. For a copy, download it first."
        ),
    )


@router.post("/rights/{token}/erase")
def erase(site: TheSite, token: str) -> Response:
    """Erase the reader."""
    standing = _standing(site, token, counts=True)
    if isinstance(standing, Response):
        return standing
    rights.erase_own(site.services.engine, site.services.tokens, token, now=site.now)
    site = site.for_reader(standing.language)
    say = site.language
    return site.pages.notice(
        say("You are forgotten"),
        say("Nothing here names you any more, and no further mail comes. Links in mails you have lead nowhere now."),
        say("If you like to come back one day, subscribe as if for the first time."),
    )


def _told(site: Site, standing: Standing, refused: DigestError) -> str:
    return site.for_reader(standing.language).language.told(refused)
