"""The pages of labs."""

from __future__ import annotations

from fastapi import APIRouter, Response

from digest.errors import NotFound
from digest.store.bylines import lab_sheet
from digest.store.engine import reading
from digest.web.site import TheSite

router = APIRouter()


@router.get("/labs/{slug}")
def lab(site: TheSite, slug: str) -> Response:
    """Show the papers of a lab and who wrote them."""
    with reading(site.services.engine) as session:
        sheet = lab_sheet(session, slug) if len(slug) <= 200 and "\0" not in slug else None
    if sheet is None:
        raise NotFound("no lab is known here under this name")
    return site.pages.show("lab.html", lab=sheet)
