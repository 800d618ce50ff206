"""The desk's buttons about one reader; each is confirmed in its form, and written down with who pressed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from digest.core.asker import Asker
from digest.errors import AddressRefused, DeedRefused
from digest.flows import reader_deeds
from digest.web.admin import Admin, Proven, ProvenOwner
from digest.web.desk_readers import ReaderId
from digest.web.headers import DESK
from digest.web.pages import client_ip, sentence, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/readers")

Sure = Annotated[str, Form(max_length=10)]


@router.post("/{reader_id}/confirmation")
def resend_confirmation(
    request: Request, site: TheSite, admin: Proven, reader_id: ReaderId, sure: Sure = ""
) -> Response:
    """Mail the confirmation of a request once more."""
    services, asker = site.services, _asker(request, site, admin)

    def deed() -> None:
        reader_deeds.resend_confirmation(services.engine, services.tokens, reader_id, asker)
        services.kick()

    return _done(site, reader_id, deed, sure)


@router.post("/{reader_id}/suppress")
def suppress(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    admin: Proven,
    reader_id: ReaderId,
    reason: Annotated[str, Form(max_length=1_000)] = "",
    sure: Sure = "",
) -> Response:
    """Stop all mail to a reader."""
    services, asker = site.services, _asker(request, site, admin)
    deed = lambda: reader_deeds.suppress(services.engine, services.tokens, reader_id, reason, asker)  # noqa: E731
    return _done(site, reader_id, deed, sure)


@router.post("/{reader_id}/lift")
def lift(request: Request, site: TheSite, admin: Proven, reader_id: ReaderId, sure: Sure = "") -> Response:
    """Let mail go to a reader again."""
    services, asker = site.services, _asker(request, site, admin)
    deed = lambda: reader_deeds.lift(services.engine, services.tokens, reader_id, asker)  # noqa: E731
    return _done(site, reader_id, deed, sure)


@router.post("/{reader_id}/export")
def export(request: Request, site: TheSite, admin: ProvenOwner, reader_id: ReaderId, sure: Sure = "") -> Response:
    """Give everything that is held about a reader, as a file."""
    services, asker = site.services, _asker(request, site, admin)
    if sure != "yes":
        return _refused(site, reader_id, DeedRefused(_UNSURE))
    base_url = services.settings.base_url
    held = reader_deeds.export(services.engine, services.tokens, reader_id, asker, base_url=base_url)
    file = f'attachment; filename="reader-{reader_id}-{site.now:%Y-%m-%d}.json"'
    return Response(held, media_type="application/json", headers={**DESK, "Content-Disposition": file})


@router.post("/{reader_id}/erase")
def erase(  # the fields of the form
    request: Request,
    site: TheSite,
    admin: ProvenOwner,
    reader_id: ReaderId,
    address: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Erase a reader for good; their typed address is the confirmation."""
    services, asker = site.services, _asker(request, site, admin)
    try:
        reader_deeds.erase(services.engine, services.tokens, reader_id, address, asker)
    except DeedRefused as refused:
        return _refused(site, reader_id, refused)
    way_out = ("/admin/readers", "The readers")
    return site.pages.notice("The reader is erased", "What was theirs is gone for good.", way_out=way_out)


_UNSURE = "tick the box beside the button: it says what happens"


def _asker(request: Request, site: Site, admin: Admin) -> Asker:
    return Asker(admin.address, site.now, client_ip(request))


def _done(site: Site, reader_id: int, deed: Callable[[], None], sure: str) -> Response:
    """Do it and lead back to the reader; what cannot be done is said, with the way back."""
    try:
        if sure != "yes":
            raise DeedRefused(_UNSURE)
        deed()
    except (DeedRefused, AddressRefused) as refused:
        return _refused(site, reader_id, refused)
    return to(f"/admin/readers/{reader_id}")


def _refused(site: Site, reader_id: int, refused: DeedRefused | AddressRefused) -> Response:
    back = (f"/admin/readers/{reader_id}", "Back to the reader")
    return site.pages.notice("That cannot be done", sentence(refused), status=422, way_out=back)
