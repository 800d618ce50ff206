"""Where the links beside a paper in the mail lead: one button each, what was saved, what we think a reader likes."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Path, Query, Response

from digest.core.bibtex import Work, bibliography
from digest.core.categories import category_name
from digest.core.language import mark
from digest.errors import DigestError, NotFound, PreferencesRefused, TokenInvalid
from digest.flows import feedback as flow
from digest.flows import taste as tasting
from digest.flows.feedback import Opinion, Verb
from digest.store.site import card_of, paper_path
from digest.store.tables import Paper
from digest.web.dead_links import dead_link
from digest.web.headers import PERSONAL
from digest.web.pages import to
from digest.web.site import Site, TheSite

router = APIRouter()

PaperId = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what an integer column holds, on either database
_BUTTONS = {
    Verb.MORE: mark("More like this"),
    Verb.LESS: mark("Less like this"),
    Verb.SAVE: mark("Save this paper"),
    Verb.MUTE: mark("Mute a topic of it"),
}
_DONE = {
    Verb.MORE: mark("You want more like this."),
    Verb.LESS: mark("You want less like this."),
    Verb.SAVE: mark("This paper is saved."),
}
_WHAT_FOR = {
    Verb.MORE: mark("Papers with these words and categories move up in your next digests."),
    Verb.LESS: mark("Papers with these words and categories move down in your next digests. None is excluded by it."),
    Verb.SAVE: mark("It is kept in your list, and a later version of it may be told to you."),
}


@router.get("/r/{token}/{paper_id}/{verb}")
def reaction_page(site: TheSite, token: str, paper_id: PaperId, verb: Verb) -> Response:
    """Show a paper and one button that does what the link in the mail says; link scanners press none."""
    services = site.services
    try:
        found = flow.opinion(services.engine, services.tokens, token, paper_id, now=site.now)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    return _reaction(site, token, paper_id, verb, found)


@router.post("/r/{token}/{paper_id}/{verb}")
def react(  # noqa: PLR0917  # the link's parts and the fields of the form
    site: TheSite,
    token: str,
    paper_id: PaperId,
    verb: Verb,
    undo: Annotated[str, Form()] = "",
    topic: Annotated[str, Form()] = "",
) -> Response:
    """Do it, or undo it; a second time is no error."""
    services = site.services
    try:
        flow.react(services.engine, services.tokens, token, paper_id, verb, now=site.now, undo=bool(undo), topic=topic)
    except PreferencesRefused as refused:
        found = flow.opinion(services.engine, services.tokens, token, paper_id, now=site.now)
        fault = site.for_reader(found.language).language.told(refused)
        return _reaction(site, token, paper_id, verb, found, fault=fault)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    return to(f"/r/{quote(token)}/{paper_id}/{verb.value}")


def _reaction(site: Site, token: str, paper_id: int, verb: Verb, found: Opinion, *, fault: str = "") -> Response:
    site, holds = site.for_reader(found.language), found.holds(verb)
    say = site.language
    return site.pages.show(
        "react.html",
        status=422 if fault else 200,
        personal=True,
        card=found.card,
        verb=verb.value,
        holds=holds,
        done=say(_DONE[verb]) if verb in _DONE else "",
        button=say(_BUTTONS[verb]),
        what_for=say(_WHAT_FOR[verb]) if verb in _WHAT_FOR else "",
        topics=[(topic, category_name(topic), topic in found.muted) for topic in found.topics],
        others=[
            (f"/r/{quote(token)}/{paper_id}/{other.value}", say(_BUTTONS[other]))
            for other in Verb
            if other is not verb and not (other is not Verb.MUTE and found.holds(other))
        ],
        saved=f"/saved/{quote(token)}",
        taste=f"/taste/{quote(token)}",
        fault=fault,
    )


@router.get("/saved/{token}")
def saved_page(site: TheSite, token: str, left: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0) -> Response:
    """List the papers that a reader saved; `left` is one just taken off, which can be put back."""
    services = site.services
    try:
        papers = flow.saved(services.engine, services.tokens, token, now=site.now)
        site = _for_reader(site, token)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    return site.pages.show(
        "saved.html",
        personal=True,
        papers=[(card_of(paper, None), at) for paper, at in papers],
        left=left if left not in {paper.id for paper, _at in papers} else 0,
        action=f"/saved/{quote(token)}",
        download=f"/saved/{quote(token)}/papers.bib",
        taste=f"/taste/{quote(token)}",
    )


@router.post("/saved/{token}")
def change_saved(
    site: TheSite,
    token: str,
    paper: Annotated[int, Form(ge=1, le=2**31 - 1)],
    undo: Annotated[str, Form()] = "",
) -> Response:
    """Take a paper off the list of saved ones, or put it back."""
    services = site.services
    try:
        flow.react(services.engine, services.tokens, token, paper, Verb.SAVE, now=site.now, undo=not undo)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    return to(f"/saved/{quote(token)}", **({} if undo else {"left": str(paper)}))


@router.get("/saved/{token}/papers.bib")
def saved_bibtex(site: TheSite, token: str) -> Response:
    """Serve the saved papers as BibTeX."""
    services = site.services
    try:
        papers = flow.saved(services.engine, services.tokens, token, now=site.now)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    written = bibliography([_work(site, paper) for paper, _at in papers])
    headers = {**PERSONAL, "Content-Disposition": 'attachment; filename="papers.bib"'}
    return Response(written, media_type="application/x-bibtex; charset=utf-8", headers=headers)


def _work(site: Site, paper: Paper) -> Work:
    on = paper.published_at.date() if paper.published_at else paper.listed_on
    own = f"{site.services.settings.base_url}{quote(paper_path(paper))}"
    return Work(
        title=paper.title,
        authors=paper.authors,
        authors_complete=paper.authors_complete,
        on=on,
        arxiv_id=paper.arxiv_id,
        primary_category=paper.primary_category,
        doi=paper.doi,
        journal=paper.journal_ref,
        url=f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else own,
    )


@router.get("/taste/{token}")
def taste_page(site: TheSite, token: str) -> Response:
    """Show what we think a reader likes, and what that rests on."""
    services = site.services
    try:
        found = tasting.taste_of(services.engine, services.tokens, token, now=site.now)
        site = _for_reader(site, token)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    here = f"/taste/{quote(token)}"
    return site.pages.show(
        "taste.html",
        personal=True,
        found=found,
        categories=[(name, category_name(name), share) for name, share in found.categories],
        here=here,
        saved=f"/saved/{quote(token)}",
    )


@router.post("/taste/{token}/{part}")
def correct_taste(  # noqa: PLR0917  # the link's parts and the fields of the form
    site: TheSite,
    token: str,
    part: str,
    word: Annotated[str, Form()] = "",
    paper: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
    name: Annotated[str, Form()] = "",
    undo: Annotated[str, Form()] = "",
) -> Response:
    """Strike out a word or put it back, take back a reaction, leave out a paper to start from, or forget it all."""
    services, now = site.services, site.now
    behind = (services.engine, services.tokens, token)
    try:
        match part:
            case "words":
                tasting.strike_word(*behind, word[:200], now=now, undo=bool(undo))
            case Verb.MORE | Verb.LESS:
                flow.react(*behind, paper, Verb(part), now=now, undo=True)
            case "starts":
                tasting.drop_start(*behind, name[:200].replace("\0", ""), now=now)
            case "reset":
                tasting.reset_taste(*behind, now=now)
            case _:
                raise HTTPException(404)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    return to(f"/taste/{quote(token)}")


@router.get("/taste/{token}/reset")
def reset_page(site: TheSite, token: str) -> Response:
    """Ask once whether all that was learned is to be forgotten."""
    try:
        site = _for_reader(site, token)
    except (TokenInvalid, NotFound) as invalid:
        return _gone(site, token, invalid)
    say = site.language
    return site.pages.show(
        "one_button.html",
        personal=True,
        title=say("Forget what you like?"),
        words=[
            say(
                "Forgotten are the papers you wanted more or less like, the papers you started from, and the words you "
                "struck out. It cannot be undone."
            ),
            say(
                "Your saved papers stay saved, and go on counting a little. The categories, words and names you asked "
                "for stay."
            ),
        ],
        button=say("Forget it"),
        small=say("To keep it, close this page."),
    )


def _gone(site: Site, token: str, why: DigestError) -> Response:
    if isinstance(why, NotFound) and site.was_signed("react", token):
        return site.pages.notice(site.language("This link leads nowhere now"), site.language.told(why), status=410)
    return dead_link(site, "react", token, why)


def _for_reader(site: Site, token: str) -> Site:
    """Return the site in the language of the reader behind a link; raises TokenInvalid or NotFound."""
    services = site.services
    return site.for_reader(flow.language_of(services.engine, services.tokens, token, now=site.now))
