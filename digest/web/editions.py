"""A reader's own edition on the web, as it was mailed; and the page behind the links of a preview.

Whoever has the link of an edition may read it, and no more: nothing on the page tells whose it is or acts for them, so
that a forwarded mail gives nothing away.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Response

from digest.errors import TokenInvalid
from digest.flows.subscribe import whole
from digest.store.editions import sent_edition
from digest.store.engine import reading
from digest.store.site import observations_of
from digest.web.chart import seen_until, spark
from digest.web.site import TheSite

router = APIRouter()


@router.get("/editions/{token}")
def edition(site: TheSite, token: str) -> Response:
    """Show what a delivery brought, however long ago."""
    say = site.language
    try:
        delivery_id = whole(site.services.tokens.verify("edition", token, now=site.now), "d")
    except TokenInvalid:
        words = say("This link is damaged or not one of ours; copy it whole from the mail.")
        return site.pages.notice(say("This link does not work"), words, status=404)
    with reading(site.services.engine) as session:
        sent = sent_edition(session, delivery_id)
        observed = observations_of(session, [card.paper_id for card in sent.cards]) if sent else {}
    if sent is None or not sent.cards:
        words = say("This digest is no longer kept. The past issues are.")
        way_out = ("/issues", say("Past issues"))
        return site.pages.notice(say("This digest is gone"), words, status=410, way_out=way_out)
    return site.pages.show(
        "edition.html",
        personal=True,
        issued_on=sent.issued_on,
        note=sent.note,
        cards=[replace(card, rank=place) for place, card in enumerate(sent.cards, start=1)],
        sparks={paper_id: spark(seen_until(rows, sent.as_of), say) for paper_id, rows in observed.items()},
    )


@router.get("/preview/{link:path}")
def inert(site: TheSite) -> Response:
    """Say that the links of a preview do nothing, whatever they would do in a mail."""
    say = site.language
    words = say("In a mail this link is its reader's own. In a preview it does nothing.")
    return site.pages.notice(say("This is a preview"), words)
