"""A reader's preferences: the page, what saving it says, and tomorrow's digest as it would be. GET changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Annotated
from urllib.parse import quote
from zoneinfo import available_timezones

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from digest.core.boxes import Box
from digest.core.categories import category_name
from digest.core.interests import InterestKind
from digest.core.language import mark
from digest.core.subscription import SubscriptionState
from digest.core.text import title_key
from digest.errors import NotFound, PreferencesRefused, TokenInvalid
from digest.flows.boxes import Known, known_of, name_at, read_boxes
from digest.flows.preferences import ReaderPreferences, change_preferences, preferences_of
from digest.flows.preview import Preview, preview
from digest.languages import language
from digest.languages import offered as offered_languages
from digest.web.changes import KINDS, changes, paused, schedule
from digest.web.dead_links import dead_link
from digest.web.headers import MAIL_POLICY, PERSONAL
from digest.web.pages import client_ip
from digest.web.preferences_form import BOXES, TheForm, Typed, boxes_of, limits
from digest.web.readers import when_next
from digest.web.site import Site, TheSite

router = APIRouter()

_CADENCES = [("daily", mark("Every day")), ("weekdays", mark("Monday to Friday")), ("weekly", mark("Once a week"))]


@router.get("/preferences/{token}")
def preferences_page(
    site: TheSite, token: str, follow: Annotated[list[str] | None, Query(max_length=300)] = None
) -> Response:
    """Show what a reader wants; `follow` fills in authors, labs or papers by their addresses, and saves nothing."""
    found = _reader(site, token)
    if isinstance(found, Response):
        return found
    site = site.for_reader(found.choices.language)
    typed, added, unknown = Typed.of(found, site.now), list[tuple[InterestKind, str]](), list[str]()
    for address in (follow or [])[:20]:
        named = name_at(site.services.engine, address)
        if named is None:
            unknown.append(site.language("Nothing is known here under %(address)s.", address=address[:80]))
            continue
        typed = typed.with_line(*named)
        added.append(named)
    names = ", ".join(name for _kind, name in added)
    said = site.language("Added below, and not saved yet: %(names)s. Press Save to keep it.", names=names)
    said = said if added else ""
    opened = {BOXES[kind] for kind, _name in added}
    return _page(site, token, typed, found, said=said, faults=unknown, unsaved=bool(added), opened=opened)


@router.post("/preferences/{token}")
def save_preferences(request: Request, site: TheSite, token: str, typed: TheForm) -> Response:
    """Store what a reader wants, say what changed and when the next digest comes; nothing typed is ever lost.

    A choice that is wrong is named, and nothing is stored; of a box, all lines are stored but those that are wrong.
    """
    before = _reader(site, token)  # before what was typed is looked at, and shown again
    if isinstance(before, Response):
        return before
    site = site.for_reader(before.choices.language)
    services, now = site.services, site.now
    if not typed.whole:
        words = site.language(
            "The form did not arrive whole, so nothing is saved: what it lacked would have been taken away. Below is "
            "what is kept; change it and press Save."
        )
        return _page(site, token, Typed.of(before, now), before, faults=[words], status=422)
    boxes = read_boxes(services.engine, typed.boxes)
    wanted = [one for box in boxes.values() for one in box.interests]
    try:
        after = change_preferences(
            services.engine,
            services.tokens,
            token,
            now=now,
            last_cut_off=services.last_cut_off(now),
            ip=client_ip(request),
            interests=wanted,
            seen=typed.seen_at(now),
            **typed.read(now),
        )
    except PreferencesRefused as refused:
        return _page(
            site, token, typed, before, faults=[site.language.told(refused)], boxes=boxes, unsaved=True, status=422
        )
    except (TokenInvalid, NotFound) as invalid:
        return dead_link(site, "preferences", token, invalid)
    site = site.for_reader(after.choices.language)
    left = any(box.refused for box in boxes.values())
    saved = site.language("Saved, but for some lines.") if left else site.language("Saved.")
    comes = when_next(site, after.subscriber_id)
    return _page(
        site,
        token,
        Typed.of(after, now),
        after,
        said=f"{saved} {comes}",
        changed=changes(before, after, site.language),
        boxes=boxes,
    )


@router.get("/preferences/{token}/tomorrow")
def tomorrow_page(request: Request, site: TheSite, token: str) -> Response:
    """Show the next digest as it would be with what is saved; nothing is mailed, and its links do nothing."""
    made = _ahead(request, site, token)
    if isinstance(made, Response):
        return made
    found = _reader(site, token)
    site = site.for_reader(found.choices.language) if isinstance(found, ReaderPreferences) else site
    return site.pages.show(
        "tomorrow_mine.html",
        personal=True,
        subject=made.subject,
        picks=len(made.edition.picks),
        issued_on=made.issue.issued_on,
        frame=f"/preferences/{quote(token)}/tomorrow.html",
        back=f"/preferences/{quote(token)}",
    )


@router.get("/preferences/{token}/tomorrow.html")
def tomorrow_html(request: Request, site: TheSite, token: str) -> Response:
    """Serve that digest's own HTML, for the frame."""
    made = _ahead(request, site, token)
    if isinstance(made, Response):
        return made
    return HTMLResponse(made.html, headers={**PERSONAL, "Content-Security-Policy": MAIL_POLICY})


def _ahead(request: Request, site: Site, token: str) -> Preview | Response:
    found = _reader(site, token)
    if isinstance(found, Response):
        return found
    services, now = site.services, site.now
    if not site.preview_limit.allows(client_ip(request), now):
        say = site.for_reader(found.choices.language).language
        words = say("A digest is made anew each time it is looked at, and it was often. Try again later.")
        return site.pages.notice(say("Too many looks ahead"), words, status=429)
    issued_on = services.next_cut_off(now).date()
    return preview(
        services.engine, services.courier, issued_on=issued_on, at=now, reader=found.address, drafts=services.drafts
    )


def _reader(site: Site, token: str) -> ReaderPreferences | Response:
    services = site.services
    try:
        found = preferences_of(services.engine, services.tokens, token, now=site.now)
    except (TokenInvalid, NotFound) as invalid:
        return dead_link(site, "preferences", token, invalid)
    if found.state in (SubscriptionState.UNSUBSCRIBED, SubscriptionState.PENDING):
        say = site.language
        words = say("There is no running subscription behind this link. Subscribe again to get the digest.")
        return site.pages.notice(say("Not subscribed"), words, way_out=("/subscribe", say("Subscribe")))
    return found


def _page(
    site: Site,
    token: str,
    typed: Typed,
    reader: ReaderPreferences,
    *,
    said: str = "",
    faults: list[str] | None = None,
    changed: list[str] | None = None,
    boxes: dict[InterestKind, Box] | None = None,
    opened: Collection[str] = (),
    unsaved: bool = False,
    status: int = 200,
) -> Response:
    """Show the form; a category without a box of its own stands among the others."""
    if boxes and not unsaved:  # what was saved stands there as it is kept, and below it what was not
        typed = Typed.of(reader, site.now)
        texts = boxes_of(reader.interests, boxes)
    else:
        texts = dict(typed.boxes)
    offered = [(name, category_name(name)) for name in site.services.settings.categories]
    ticked = {name for name, _words in offered}
    known = known_of(site.services.engine, reader.interests)
    tokens, own = site.services.tokens, reader.own
    here, react = f"/preferences/{quote(token)}", quote(tokens.sign("react", own))
    return site.pages.show(
        "preferences.html",
        status=status,
        personal=True,
        action=here,
        ahead=f"{here}/tomorrow",
        saved=f"/saved/{react}",
        taste=f"/taste/{react}",
        way_out=f"/unsubscribe/{quote(tokens.sign('unsubscribe', own))}",
        address=reader.address,
        schedule=schedule(reader.choices, site.language),
        pause=paused(reader.pause, site.language),
        offered=offered,
        chosen=typed,
        more=", ".join([*(name for name in typed.categories if name not in ticked), *filter(None, [typed.more])]),
        boxes={name: texts[kind] for kind, name in BOXES.items()},
        counts={name: sum(one.kind is kind for one in reader.interests) for kind, name in BOXES.items()},
        most=limits(),
        refused={BOXES[kind]: _reasons(site, box) for kind, box in (boxes or {}).items() if box.refused},
        names={BOXES[kind]: site.language(name) for kind, name in KINDS.items()},
        seeds=_seeds(reader, known),
        strangers=_strangers(known),
        clashes=_clashes(reader),
        cadences=[(value, site.language(words)) for value, words in _CADENCES],
        zones=_zones(),
        languages=[(tag, language(tag).name) for tag in offered_languages()],
        said=said,
        changed=changed,
        opened=opened,
        unsaved=unsaved,
        rights=f"/rights/{quote(token)}",
        faults=faults or [],
    )


def _seeds(reader: ReaderPreferences, known: Known) -> list[tuple[str, str]]:
    """List the papers to start from with their titles; a title is empty where the paper is not known here yet."""
    return [(one.key, known.titles.get(one.key, "")) for one in reader.interests if one.kind is InterestKind.PAPER]


def _strangers(known: Known) -> dict[str, list[tuple[str, list[tuple[str, str]]]]]:
    """List the followed names that no paper here has, by box, each with buttons for those that may be meant."""
    found: dict[str, list[tuple[str, list[tuple[str, str]]]]] = {}
    for one, guesses in known.strangers:
        buttons = [(f"{one.kind.value}\t{one.key}\t{guess}", guess) for guess in guesses]
        found.setdefault(BOXES[one.kind], []).append((one.words, buttons))
    return found


def _clashes(reader: ReaderPreferences) -> list[str]:
    """List what a reader both asks for and excludes."""
    out = {one.key for one in reader.interests if one.kind is InterestKind.EXCLUSION}
    wanted = [(title_key(name), name) for name in reader.choices.categories]
    wanted += [(one.key, one.words) for one in reader.interests if one.kind is InterestKind.KEYWORD]
    return [words for key, words in wanted if key in out]


def _reasons(site: Site, box: Box) -> list[tuple[str, str]]:
    return [(refused.line, site.language(refused.why, number=refused.number)) for refused in box.refused]


@cache
def _zones() -> tuple[str, ...]:
    """The names of places to choose from; the old aliases without a continent are left out, UTC is not."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))
