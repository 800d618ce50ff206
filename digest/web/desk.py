"""The admin's desk: tomorrow's mail, and the deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from starlette.responses import HTMLResponse

from digest.core.delivery import DeliveryState
from digest.core.issue import Card, IssueState
from digest.errors import DigestError, NotFound
from digest.flows.audience import resend_unknown
from digest.flows.brake import brake, release_brake
from digest.flows.preview import Preview, preview
from digest.store import desk as store
from digest.store.brake import held_by_brake, why_stopped
from digest.store.engine import reading, writing
from digest.store.epoch import newest_fence
from digest.store.issues import move_issue, state_on
from digest.store.lead import lead
from digest.store.mailbox import count_aside
from digest.store.runs import SourceHealth, source_overview
from digest.store.warm_up import warm_up_day
from digest.web.admin import Proven, SignedIn, record
from digest.web.desk_edits import shown_edits
from digest.web.desk_sources import missing_warning, source_warning, worries
from digest.web.headers import DESK, MAIL_POLICY
from digest.web.pages import client_ip, to
from digest.web.site import Site, TheSite
from digest.wiring import LIVE_SOURCES

router = APIRouter(prefix="/admin")

OUR_LIMIT, CLIP_LIMIT = 80 * 1024, 102 * 1024  # bytes of HTML: ours, and where Gmail hides the rest
_TABS = {"html": "HTML", "phone": "Phone width", "text": "Text", "source": "Source"}
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what an integer column holds, on either database
_MISSED = 10  # papers that are shown behind those of an edition
_FARTHEST = timedelta(days=20 * 366)
_TOLD_FOR = timedelta(days=14)  # how long a message set aside in the bounce mailbox is spoken of


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose mail of which day is looked at; empty fields mean tomorrow, and a reader without preferences."""

    on: str
    reader: str
    category: str
    view: str

    def day(self, now: datetime) -> date:
        """Return the day asked for; raises NotFound for what is no date, or is decades away."""
        tomorrow = now.date() + timedelta(days=1)
        try:
            asked = date.fromisoformat(self.on) if self.on else tomorrow
        except ValueError as error:
            raise NotFound(f"{self.on!r} is no date; write it like 2026-05-21") from error
        if abs(asked - tomorrow) > _FARTHEST:  # at the ends of the calendar there is no day before or after
            raise NotFound(f"{asked} is too far away; ask for a day like {tomorrow}")
        return asked

    def query(self, **changes: str) -> str:
        """Return the query string for the same mail with some fields changed."""
        fields = {"date": self.on, "reader": self.reader, "category": self.category, "view": self.view} | changes
        given = urlencode({name: value for name, value in fields.items() if value})
        return f"?{given}" if given else ""


def _asked(
    on: Annotated[str, Query(alias="date", max_length=10)] = "",
    reader: Annotated[str, Query(max_length=254)] = "",
    category: Annotated[str, Query(max_length=100)] = "",
    view: Annotated[str, Query(max_length=10)] = "html",
) -> Asked:
    return Asked(on, reader, category, view)


TheMail = Annotated[Asked, Depends(_asked)]


@router.get("")
def without_slash(_admin: SignedIn) -> Response:
    """Lead to the desk."""
    return to("/admin/")


@router.get("/")
def tomorrow(site: TheSite, admin: SignedIn, asked: TheMail) -> Response:
    """Show tomorrow's mail as it would go out now, and what is wrong with it on top."""
    if asked.view not in _TABS:
        raise HTTPException(404)
    made: Preview | None = None
    fault = ""
    try:
        made = _preview(site, asked)
    except DigestError as error:
        fault = str(error)
    with reading(site.services.engine) as session:
        overview = source_overview(session, site.now)
    wanted = _day_or_tomorrow(asked, site.now)
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
        warnings=_warnings(site, made, overview),
        tabs=[(asked.query(view=view), words, view == asked.view) for view, words in _TABS.items()],
        frame=f"/admin/preview.html{asked.query(view='')}",
        source=_source(made) if made and asked.view == "source" else "",
        limits=(OUR_LIMIT, CLIP_LIMIT),
        edits=edits,
        amount=amount,
        missed=_just_missed(made),
        state=_state_on(site, wanted),
        approval=site.services.settings.approval,
    )


@router.get("/preview.html")
def preview_html(site: TheSite, admin: SignedIn, asked: TheMail) -> Response:
    """Serve the mail's own HTML, byte for byte, for the frame."""
    made = _preview(site, asked)
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


def _preview(site: Site, asked: Asked) -> Preview:
    services = site.services
    issued_on = asked.day(site.now)
    # Before the cut-off what is known now counts; a past day's draft stops at its own cut-off.
    at = min(site.now, services.cut_off(issued_on))
    return preview(
        services.engine,
        services.courier,
        issued_on=issued_on,
        at=at,
        reader=asked.reader.strip() or None,
        categories=tuple(asked.category.replace(",", " ").split()),
    )


def _day_or_tomorrow(asked: Asked, now: datetime) -> date:
    try:
        return asked.day(now)
    except NotFound:
        return now.date() + timedelta(days=1)


def _source(made: Preview) -> str:
    return made.message.decode("utf-8", "replace").replace("\r\n", "\n")


def _warnings(site: Site, made: Preview | None, overview: list[SourceHealth]) -> list[str]:
    """Say what is wrong with tomorrow's mail, the gravest first."""
    found = []
    if made is not None:
        if not made.edition.picks:
            found.append("There is no paper in this edition: it would not be sent.")
        if made.html_size > CLIP_LIMIT:
            found.append("The HTML is so large that Gmail hides its end.")
        elif made.html_size > OUR_LIMIT:
            found.append("The HTML is above our own limit of 80 KB.")
        if any(pick.card.simulated for pick in made.edition.picks) and not site.services.settings.demo:
            found.append("Some evidence is simulated.")
    found += [source_warning(health) for health in overview if worries(health, site.now)]
    if site.services.settings.demo:
        return found
    found += filter(None, [missing_warning(site)])
    reported = {(health.source, health.scope) for health in overview}
    missing = [
        f"{name} {scope}"
        for name in ("arxiv-rss", "hf")
        if name in LIVE_SOURCES
        for scope in site.services.scopes(name)
        if (name, scope) not in reported
    ]
    if missing:
        found.append(f"Never reported: {', '.join(missing)}.")
    return found


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
        tallies=tallies,
        states=[state.value for state in DeliveryState if state.value in used],
        held_up=held_up,
        troubles=troubles,
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
def resend(request: Request, site: TheSite, admin: Proven, delivery_id: RowId) -> Response:
    """Queue a delivery whose fate is unknown again, at the risk of a second copy."""
    again = resend_unknown(site.services.engine, [delivery_id], now=site.now)
    detail = "queued again" if again else "not queued: its fate is known, or its time is over"
    record(site, admin.address, "resend", target=f"delivery {delivery_id}", detail=detail, ip=client_ip(request))
    site.services.kick()
    return to("/admin/deliveries")


@router.post("/issues/{issue_id}/{verb}")
def hold_or_let_go(request: Request, site: TheSite, admin: Proven, issue_id: RowId, verb: str) -> Response:
    """Hold an issue that is being sent, or let a held one go."""
    to_state = {"hold": IssueState.HELD, "let-go": IssueState.FROZEN}.get(verb)
    if to_state is None:
        raise HTTPException(404)
    with reading(site.services.engine) as session:
        braked = to_state is IssueState.FROZEN and issue_id in held_by_brake(session)
    if braked:  # or the next look at the brake would hold it again
        release_brake(site.services.engine, actor=admin.address, now=site.now, ip=client_ip(request))
        site.services.kick()
        return to("/admin/deliveries")
    with writing(site.services.engine) as session:
        done = move_issue(session, issue_id, to_state)
    detail = "done" if done else "refused: the issue is not in a state that allows it"
    record(site, admin.address, verb, target=f"issue {issue_id}", detail=detail, ip=client_ip(request))
    site.services.kick()
    return to("/admin/deliveries")
