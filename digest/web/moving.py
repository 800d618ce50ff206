"""The two ends of a change of address: the button at the new one that confirms, the one at the old one that undoes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from digest.errors import TokenInvalid, TokenSpent
from digest.flows import moving
from digest.web.dead_links import dead_link
from digest.web.pages import client_ip
from digest.web.site import TheSite

router = APIRouter()


@router.get("/new-address/{token}")
def new_address_page(site: TheSite, token: str) -> Response:
    """Show the one button that moves a digest to the address where the link was opened."""
    try:
        site.services.tokens.verify("new-address", token, now=site.now, max_age=moving.CONFIRM_WITHIN)
    except TokenInvalid as invalid:
        return dead_link(site, "new-address", token, invalid)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("Move your digest here"),
        words=[
            say("Press the button, and your digest comes to this address from the next one on, with all your choices.")
        ],
        button=say("Move my digest here"),
        small=say("If this address has a digest of its own already, that one stays as it is, and the other one ends."),
    )


@router.post("/new-address/{token}")
def confirm_new_address(request: Request, site: TheSite, token: str) -> Response:
    """Move a digest, once."""
    services = site.services
    try:
        moved = moving.confirm_move(
            services.engine,
            services.tokens,
            token,
            now=site.now,
            ip=client_ip(request),
            language=site.language.tag,
        )
    except TokenSpent as spent:
        return site.pages.notice(site.language("Already done"), site.language.told(spent))
    except TokenInvalid as invalid:
        return dead_link(site, "new-address", token, invalid)
    services.kick()
    say = site.language
    if moved is moving.Moved.JOINED:
        words = say(
            "This address has a digest of its own, which stays as it is. The one at the other address has ended."
        )
        return site.pages.notice(say("One digest is left"), words)
    words = say("The old address is told, and can undo it for 30 days.")
    return site.pages.notice(say("Your digest comes here now"), words)


@router.get("/old-address/{token}")
def old_address_page(site: TheSite, token: str) -> Response:
    """Show the one button that undoes a change of address."""
    try:
        site.services.tokens.verify("object", token, now=site.now, max_age=moving.OBJECT_WITHIN)
    except TokenInvalid as invalid:
        return dead_link(site, "object", token, invalid)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("Undo the change of address"),
        words=[
            say("Press the button, and the digest comes to this address again. Nobody can move it for 30 days then.")
        ],
        button=say("Undo it"),
        small=say("If you asked for the change yourself, close the page."),
    )


@router.post("/old-address/{token}")
def object_to_move(request: Request, site: TheSite, token: str) -> Response:
    """Undo a change of address, once."""
    services = site.services
    try:
        moving.object_to_move(
            services.engine,
            services.tokens,
            token,
            now=site.now,
            ip=client_ip(request),
            language=site.language.tag,
        )
    except TokenSpent as spent:
        return site.pages.notice(site.language("Already undone"), site.language.told(spent))
    except TokenInvalid as invalid:
        return dead_link(site, "object", token, invalid)
    words = site.language("The digest is this address's again. If it had ended, subscribe again; nothing else is lost.")
    return site.pages.notice(site.language("The change is undone"), words)
