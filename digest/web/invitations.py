"""The page behind an invitation: the subscribe box, for so many addresses as the link has uses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from digest.flows import invitations as flow
from digest.web.site import Site, TheSite
from digest.web.subscribe import Entered, subscribe_page, take_address

router = APIRouter(prefix="/invitation")


@router.get("/{token}")
def invitation_page(site: TheSite, token: str) -> Response:
    """Show the subscribe box to whoever is invited."""
    if not flow.opens(site.services.engine, token, now=site.now):
        return _closed(site)
    return subscribe_page(site, Entered(invitation=token))


@router.post("/{token}")
async def accept(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    token: str,
    address: Annotated[str, Form(max_length=1000)] = "",
    timezone: Annotated[str, Form()] = "UTC",
    hour: Annotated[int, Form()] = 8,
    categories: Annotated[list[str] | None, Form()] = None,
    website: Annotated[str, Form()] = "",
    stamp: Annotated[str, Form()] = "",
) -> Response:
    """Take an address of somebody who is invited; a use of the invitation is spent, whoever the address is."""
    wanted = tuple(categories or ())
    entered = Entered(address=address, timezone=timezone, hour=hour, categories=wanted, invitation=token)

    def take() -> Response:
        if not flow.opens(site.services.engine, token, now=site.now):
            return _closed(site)
        return take_address(request, site, entered, website=website, stamp=stamp)

    return await site.pace.answer(take)


def _closed(site: Site) -> Response:
    words = site.language("It is used up, too old, or damaged. Whoever invited you can make another one.")
    return site.pages.notice(site.language("This invitation does not work"), words, status=404)
