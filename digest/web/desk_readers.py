"""The desk's pages about readers: find one, and see what they asked for, agreed to and were sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response

from digest.core.interests import Interest
from digest.core.language import ENGLISH
from digest.core.redaction import masked, without_secrets
from digest.core.subscription import SubscriptionState
from digest.errors import NotFound
from digest.flows.preferences import ReaderPreferences, reader_preferences
from digest.store import roll
from digest.store.engine import reading
from digest.store.reader_mail import Mailed, mailed
from digest.store.subscribers import suppressed
from digest.store.suppressions import bans_on
from digest.web.admin import Admin, SignedIn
from digest.web.changes import KINDS, paused, schedule
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/readers")

_PAGE = 50
_MOST = 2**63 - 1  # what a key holds on either database
ReaderId = Annotated[int, Path(ge=1, le=_MOST)]
Before = Annotated[int | None, Query(ge=1, le=_MOST)]
_NAMED = 30  # of a reader's interests of one kind; the rest is counted


@dataclass(frozen=True, slots=True)
class Line:
    """A reader in the list, as this admin may see them."""

    reader: roll.Listed
    address: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery, its server's words as this admin may see them, and where it can be read: empty for nowhere."""

    mail: Mailed
    reply: str
    link: str


@router.get("")
def readers(
    site: TheSite,
    admin: SignedIn,
    q: Annotated[str, Query(max_length=254)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    before: Before = None,
) -> Response:
    """List readers by a part of their address and by state, fifty at a time, newest first."""
    tokens = site.services.tokens
    wanted = next((one for one in SubscriptionState if one == state), None)  # an empty choice is any state
    with reading(site.services.engine) as session:
        page = roll.found(session, q, wanted, by_domain=not admin.edits, before=before, limit=_PAGE + 1)
        counts = roll.counts(session)
        hashes = {one.subscriber_id: tokens.address_hashes(one.address) for one in page[:_PAGE]}
        banned = suppressed(session, [each for some in hashes.values() for each in some])
    shown = page[:_PAGE]
    asked = {"q": q, "state": wanted or ""}
    return site.pages.desk(
        "readers.html",
        admin=admin,
        here="readers",
        q=q,
        state=wanted,
        states=list(SubscriptionState),
        counts=counts,
        lines=[
            Line(one, seen_by(admin, one.address), not banned.isdisjoint(hashes[one.subscriber_id])) for one in shown
        ],
        older=_query(asked, before=shown[-1].subscriber_id) if len(page) > _PAGE else "",
        newest=_query(asked) if before is not None else "",
    )


@router.get("/{reader_id}")
def reader(site: TheSite, admin: SignedIn, reader_id: ReaderId, before: Before = None) -> Response:
    """Show one reader: what they want, how consent came about, what is stopped, and every message."""
    services = site.services
    with reading(services.engine) as session:
        listed = roll.one(session, reader_id)
        if listed is None:
            raise NotFound("there is no such reader, or they were erased")
        wants = reader_preferences(session, reader_id, site.now)
        consents = roll.record_of(session, reader_id)
        bans = bans_on(session, services.tokens.address_hashes(listed.address))
        mail = mailed(session, reader_id, before=before, limit=_PAGE + 1)
    shown = mail[:_PAGE]
    return site.pages.desk(
        "reader.html",
        admin=admin,
        here="readers",
        reader=listed,
        address=seen_by(admin, listed.address),
        facts=in_words(wants),
        consents=consents,
        bans=bans,
        said=partial(words_for, admin),
        sent=[_sent(site, admin, one) for one in shown],
        older=f"?before={shown[-1].id}" if len(mail) > _PAGE else "",
        at=f"/admin/readers/{reader_id}",
        before=before,
    )


def seen_by(admin: Admin, address: str) -> str:
    """Return an address as an admin may see it: a viewer learns its first letter and its domain."""
    return address if admin.edits else masked(address)


def words_for(admin: Admin, words: str) -> str:
    """Return a server's words, which may repeat an address, as an admin may see them."""
    return words if admin.edits else without_secrets(words, masked)


def in_words(wants: ReaderPreferences) -> list[tuple[str, str]]:
    """Say what a reader wants, a name and a sentence each; what they did not ask for is left out."""
    chosen = wants.choices
    switches = [
        "plain text alone" if chosen.plain_text else "HTML and text",
        "one line where nothing is new" if chosen.when_empty else "nothing where nothing is new",
        "with one paper from outside the usual" if chosen.outside else "nothing from outside the usual",
    ]
    facts = [
        ("When", schedule(chosen, ENGLISH)),
        ("Pause", paused(wants.pause, ENGLISH)),
        ("Papers", f"{chosen.paper_count} in a digest"),
        ("Categories", ", ".join(chosen.categories) or "all of them"),
        ("Language", chosen.language or "the site's own"),
        ("Mail", ", ".join(switches)),
    ]
    facts += [(name, _listed([one for one in wants.interests if one.kind is kind])) for kind, name in KINDS.items()]
    return [(name, words) for name, words in facts if words]


def _listed(interests: Sequence[Interest]) -> str:
    named = ", ".join(one.words for one in interests[:_NAMED])
    more = len(interests) - _NAMED
    return f"{named}, and {more} more" if more > 0 else named


def _sent(site: Site, admin: Admin, one: Mailed) -> Sent:
    link = f"/editions/{site.services.tokens.sign('edition', {'d': one.id})}" if one.on_the_web else ""
    return Sent(one, words_for(admin, one.reply), link)


def _query(asked: dict[str, str], **more: int) -> str:
    given = {name: value for name, value in asked.items() if value} | more
    return f"/admin/readers?{urlencode(given)}" if given else "/admin/readers"
