"""The admin's desk: tomorrow's mail, and the deliveries."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request, Response
from starlette.responses import HTMLResponse

from digest.core.delivery import DeliveryState
from digest.core.issue import Card, IssueState
from digest.errors import DigestError
from digest.flows.audience import resend_unknown
from digest.flows.brake import brake, release_brake
from digest.flows.preview import Preview
from digest.mail.review import CLIP_LIMIT, OUR_LIMIT
from digest.store import desk as store
from digest.store.brake import held_by_brake, why_stopped
from digest.store.engine import reading, writing
from digest.store.epoch import newest_fence
from digest.store.issues import move_issue, state_on
from digest.store.lead import lead
from digest.store.mailbox import count_aside
from digest.store.runs import source_overview
from digest.store.warm_up import warm_up_day
from digest.web.admin import Proven, SignedIn, record
from digest.web.desk_alarms import shown_alarms
from digest.web.desk_edits import shown_edits
from digest.web.desk_mail import TheMail, day_or_tomorrow, remarks_on, shown_mail, warnings
from digest.web.desk_readers import seen_by, words_for
from digest.web.headers import DESK, MAIL_POLICY
from digest.web.pages import client_ip, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin")

_TABS = {"html": "HTML", "phone": "Phone width", "text": "Text", "source": "Source"}
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what an integer column holds, on either database
Back = Annotated[str, Form(max_length=10)]  # the page on which the button was
_TOLD = {"test": "A test of this mail is on its way to you."}
_MISSED = 10  # papers that are shown behind those of an edition
_TOLD_FOR = timedelta(days=14)  # how long a message set aside in the bounce mailbox is spoken of


@router.get("")
def without_slash(_admin: SignedIn) -> Response:
    """Lead to the desk."""
    return to("/admin/")


@router.get("/")
def tomorrow(
    site: TheSite, admin: SignedIn, asked: TheMail, told: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """Show tomorrow's mail as it would go out now, and what is wrong with it on top."""
    if asked.view not in _TABS:
        raise HTTPException(404)
    made: Preview | None = None
    fault = ""
    try:
        made = shown_mail(site, asked)
    except DigestError as error:
        fault = str(error)
    with reading(site.services.engine) as session:
        overview = source_overview(session, site.now)
    wanted = day_or_tomorrow(asked, site.now)
    edits, amount = shown_edits(site, wanted)
    return site.pages.desk(
        "tomorrow.html",
        status=404 if fault else 200,
        admin=admin,
        here="tomorrow",
        asked=asked,
        wanted=wanted,
        preview=made,
        fault=fault,
        remarks=remarks_on(site, made) if made else [],
        warnings=warnings(site, made, overview),
        alarms=shown_alarms(site),
        tabs=[(asked.query(view=view), words, view == asked.view) for view, words in _TABS.items()],
        frame=f"/admin/preview.html{asked.query(view='')}",
        source=_source(made) if made and asked.view == "source" else "",
        limits=(OUR_LIMIT, CLIP_LIMIT),
        told=_TOLD.get(told, ""),
        edits=edits,
        amount=amount,
        missed=_just_missed(made),
        state=_state_on(site, wanted),
        approval=site.services.settings.approval,
    )


@router.get("/preview.html")
def preview_html(site: TheSite, admin: SignedIn, asked: TheMail) -> Response:
    """Serve the mail's own HTML, byte for byte, for the frame."""
    made = shown_mail(site, asked)
    return HTMLResponse(made.html, headers={**DESK, "Content-Security-Policy": MAIL_POLICY})


def _just_missed(made: Preview | None) -> list[Card]:
    """Return the papers of the issue that stand just behind those of the edition."""
    if made is None:
        return []
    shown = {pick.card.paper_id for pick in made.edition.picks}
    rest = [card for card in made.issue.cards if card.paper_id not in shown and not card.watched]
    return rest[:_MISSED]


def _state_on(site: Site, issued_on: date) -> IssueState | None:
    """Return the state of a day's issue; None where it is not frozen yet."""
    with reading(site.services.engine) as session:
        found = state_on(session, issued_on)
    return found[1] if found else None


def _source(made: Preview) -> str:
    return made.message.decode("utf-8", "replace").replace("\r\n", "\n")


@router.get("/deliveries")
def deliveries(site: TheSite, admin: SignedIn) -> Response:
    """Show how the deliveries stand, and those that failed or whose fate is unknown."""
    with reading(site.services.engine) as session:
        tallies = store.issue_tallies(session)
        held_up = store.held_up(session)
        troubles = store.troubles(session)
        judged = brake(session, site.now)
        stopped = held_by_brake(session)
        why = why_stopped(session)
        aside = count_aside(session, site.now - _TOLD_FOR)
        fenced = newest_fence(session)
        leader = lead(session)
        warm_up = site.services.warm_up
        warming = warm_up_day(session, warm_up, site.now) if warm_up else None
    used = {state for tally in tallies for state in tally.counts}
    return site.pages.desk(
        "deliveries.html",
        admin=admin,
        here="deliveries",
        alarms=shown_alarms(site),
        tallies=tallies,
        states=[state.value for state in DeliveryState if state.value in used],
        held_up=held_up,
        troubles=troubles,
        seen=partial(seen_by, admin),
        said=partial(words_for, admin),
        brake=judged,
        reasons=judged.words or ((why,) if stopped else ()),
        stopped=stopped,
        aside=aside,
        fenced=fenced if fenced and site.now - fenced[0] < _TOLD_FOR else None,
        leader=leader,
        warming=warming,
        now=site.now,
    )


@router.post("/brake/release")
def let_go_on(request: Request, site: TheSite, admin: Proven) -> Response:
    """Let the issues go that the brake holds; the admin takes it on themselves."""
    release_brake(site.services.engine, actor=admin.address, now=site.now, ip=client_ip(request))
    site.services.kick()
    return to("/admin/deliveries")


@router.post("/deliveries/{delivery_id}/resend")
def resend(request: Request, site: TheSite, admin: Proven, delivery_id: RowId, back: Back = "") -> Response:
    """Queue a delivery whose fate is unknown again, at the risk of a second copy."""
    again = resend_unknown(site.services.engine, [delivery_id], now=site.now)
    detail = "queued again" if again else "not queued: its fate is known, or its time is over"
    record(site, admin.address, "resend", target=f"delivery {delivery_id}", detail=detail, ip=client_ip(request))
    site.services.kick()
    return to("/admin/today" if back == "today" else "/admin/deliveries")


@router.post("/issues/{issue_id}/{verb}")
def hold_or_let_go(  # noqa: PLR0917  # what is asked of which issue, and where it was asked
    request: Request, site: TheSite, admin: Proven, issue_id: RowId, verb: str, back: Back = ""
) -> Response:
    """Hold an issue that is being sent, or let a held one go."""
    to_state = {"hold": IssueState.HELD, "let-go": IssueState.FROZEN}.get(verb)
    if to_state is None:
        raise HTTPException(404)
    with reading(site.services.engine) as session:
        braked = to_state is IssueState.FROZEN and issue_id in held_by_brake(session)
    if braked:  # or the next look at the brake would hold it again
        release_brake(site.services.engine, actor=admin.address, now=site.now, ip=client_ip(request))
        site.services.kick()
        return to("/admin/today" if back == "today" else "/admin/deliveries")
    with writing(site.services.engine) as session:
        done = move_issue(session, issue_id, to_state)
    detail = "done" if done else "refused: the issue is not in a state that allows it"
    record(site, admin.address, verb, target=f"issue {issue_id}", detail=detail, ip=client_ip(request))
    site.services.kick()
    return to("/admin/today" if back == "today" else "/admin/deliveries")
