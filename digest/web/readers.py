"""A reader's way in and out: subscribe, confirm, choose, unsubscribe. GET never changes anything."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from starlette.concurrency import run_in_threadpool

from digest.core.cadence import zone
from digest.core.language import mark
from digest.errors import TokenInvalid, TokenSpent
from digest.flows import subscribe as flow
from digest.flows.next_digest import next_digest
from digest.web.dead_links import dead_link
from digest.web.pages import client_ip
from digest.web.site import Site, TheSite
from digest.web.subscribe import Entered, subscribe_page, take_address

router = APIRouter()

_ASK_AGAIN = ("/subscribe", mark("Ask for a new link"))


@router.get("/subscribe")
def subscribe_form(site: TheSite) -> Response:
    """Show the subscribe box alone."""
    return subscribe_page(site)


@router.post("/subscribe")
async def subscribe(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    address: Annotated[str, Form(max_length=1000)] = "",
    timezone: Annotated[str, Form()] = "UTC",
    hour: Annotated[int, Form()] = 8,
    categories: Annotated[list[str] | None, Form()] = None,
    website: Annotated[str, Form()] = "",
    stamp: Annotated[str, Form()] = "",
) -> Response:
    """Take an address; the answer is the same whether it is known, unknown, or a robot's."""
    entered = Entered(address=address, timezone=timezone, hour=hour, categories=tuple(categories or ()))
    return await site.pace.answer(partial(take_address, request, site, entered, website=website, stamp=stamp))


@router.get("/subscribe/check-your-mail")
def check_your_mail(site: TheSite) -> Response:
    """Say what happens next; nothing about the address."""
    say, local = site.language, site.services.settings.outbox_dir
    way_out = ("/inbox", say("Open the local inbox")) if local else ("/", say("Today's papers"))
    return site.pages.notice(
        say("Now check your mail"),
        say(
            "If the address can be subscribed, a mail with a link is on its way. Open the link and press the button "
            "there."
        ),
        say(
            "Nothing else is sent before you do. If no mail comes within some minutes, look among the junk, "
            "or check the address and enter it again."
        ),
        way_out=way_out,
    )


@router.get("/confirm/{token}")
def confirm_page(site: TheSite, token: str) -> Response:
    """Show the one button that confirms; link scanners press none."""
    try:
        site.services.tokens.verify("confirm", token, now=site.now, max_age=flow.CONFIRM_WITHIN)
    except TokenInvalid as invalid:
        return dead_link(site, "confirm", token, invalid, way_out=_ASK_AGAIN)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("One step is left"),
        words=[say("Press the button, and the digest comes once a day.")],
        button=say("Confirm the subscription"),
        small=say("If you did not ask for this, close the page: without the button nothing happens."),
    )


@router.post("/confirm/{token}")
def confirm(request: Request, site: TheSite, token: str) -> Response:
    """Confirm a subscription, once, and welcome the reader."""
    services, now, say = site.services, site.now, site.language
    try:
        reader = flow.confirm(services.engine, services.tokens, token, now=now, ip=client_ip(request), language=say.tag)
    except TokenSpent:
        words = say("This subscription is confirmed already. You need not do anything more.")
        return site.pages.notice(say("Already confirmed"), words)
    except TokenInvalid as invalid:
        return dead_link(site, "confirm", token, invalid, way_out=_ASK_AGAIN)
    services.kick()
    own = services.tokens.sign("preferences", reader.own)
    first = say("Your first digest is on its way now.") if reader.welcomed else ""
    return site.pages.notice(
        say("You are subscribed"),
        " ".join(filter(None, [first, when_next(site, reader.subscriber_id)])),
        say("Choose your categories, the hour and how many papers now, or later from the link in every digest."),
        way_out=(f"/preferences/{quote(own)}", say("Choose what you get")),
    )


@router.get("/unsubscribe/{token}")
def unsubscribe_page(site: TheSite, token: str) -> Response:
    """Show the one button that unsubscribes."""
    if not site.was_signed("unsubscribe", token):
        return dead_link(site, "unsubscribe", token, None)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("Unsubscribe"),
        words=[say("Press the button, and no further digest comes. It takes effect at once.")],
        button=say("Unsubscribe"),
        small="",
    )


@router.post("/unsubscribe/{token}")
async def unsubscribe(request: Request, site: TheSite, token: str) -> Response:
    """End a subscription: from the page's button, or one-click from a mail program (RFC 8058).

    A mail program sends no cookie, knows no page of ours, and follows no redirect: so there is nothing to
    check but the link, and the answer is this page itself. The body is looked at for the record only,
    urlencoded or multipart.
    """
    one_click = b"One-Click" in await request.body()
    return await run_in_threadpool(_unsubscribe, site, token, client_ip(request), one_click)


def _unsubscribe(site: Site, token: str, ip: str, one_click: bool) -> Response:
    services = site.services
    read = {"source": "one-click"} if one_click else {"source": "site", "language": site.language.tag}
    try:
        flow.unsubscribe(services.engine, services.tokens, token, now=site.now, ip=ip, **read)
    except TokenInvalid as invalid:
        return dead_link(site, "unsubscribe", token, invalid)
    say = site.language
    return site.pages.notice(
        say("You are unsubscribed"),
        say("No further digest comes to this address. Thank you for having read."),
        say("Was it a mistake? Subscribe again with the same address."),
        way_out=("/subscribe", say("Subscribe again")),
    )


def when_next(site: Site, subscriber_id: int) -> str:
    """Say when a reader's next digest comes, and why not sooner where arXiv is quiet."""
    services, now, say = site.services, site.now, site.language
    told = next_digest(
        services.engine,
        subscriber_id,
        now=now,
        last_cut_off=services.last_cut_off(now),
        calendar=services.calendar,
    )
    if told.at is None or told.on is None:
        return ""
    local = told.at.astimezone(zone(told.timezone))
    if told.late:
        return say("Your next digest is due, and comes as soon as today's issue is ready.")
    when = {"day": say.date(told.on, weekday=True), "time": f"{local:%H:%M}", "zone": told.timezone}
    if told.quiet:
        why = told.quiet.said(say)
        return say("%(why)s; your next digest comes on %(day)s at %(time)s (%(zone)s).", why=why, **when)
    return say("Your next digest comes on %(day)s at %(time)s (%(zone)s).", **when)
