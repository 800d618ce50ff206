"""The editor's forms that send: a test of what is shown to themselves, and what waits for its hour at once."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Request, Response

from digest.errors import DigestError, EditRefused, NotFound
from digest.flows.send_now import Which, send_now
from digest.flows.specimen import send_specimen
from digest.web.admin import Proven
from digest.web.desk_mail import Asked, shown_mail
from digest.web.pages import client_ip, sentence, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/edits")
Day = Annotated[date, Path()]


@router.post("/{day}/test")
def send_test(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    admin: Proven,
    day: Day,
    reader: Annotated[str, Form(max_length=254)] = "",
    category: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Mail the signed-in editor what the desk shows of a day."""
    asked = Asked(day.isoformat(), reader, category, "")
    try:
        shown = shown_mail(site, asked)
        send_specimen(
            site.services.engine,
            shown,
            admin.address,
            categories=asked.categories,
            actor=admin.address,
            now=site.now,
            ip=client_ip(request),
        )
    except DigestError as refused:
        return _refused(site, refused, f"/admin/{asked.query()}")
    site.services.kick()
    return to(f"/admin/{asked.query()}&told=test")


@router.post("/{day}/send-now")
def send_at_once(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    admin: Proven,
    day: Day,
    which: Annotated[Which, Form()] = Which.LATE,
    typed: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Let digests go that wait for their hour, where the typed date says that it is meant."""
    back = f"/admin/today?{urlencode({'date': day.isoformat()})}"
    try:
        if typed.strip() != day.isoformat():
            raise EditRefused(f"type {day.isoformat()} into the box beside the button: what is sent cannot be unsent")
        send_now(site.services.engine, day, which, actor=admin.address, now=site.now, ip=client_ip(request))
    except DigestError as refused:
        return _refused(site, refused, back)
    site.services.kick()
    return to(back)


def _refused(site: Site, refused: DigestError, back: str) -> Response:
    status = 404 if isinstance(refused, NotFound) else 422
    return site.pages.notice("That cannot be done", sentence(refused), status=status, way_out=(back, "Back"))
