"""The local inbox in the browser: what the demo's readers were mailed. Served only where it is switched on."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from starlette.responses import HTMLResponse

from digest.core.language import mark
from digest.errors import NotFound
from digest.mail.local_inbox import read_message, stored_messages
from digest.web.headers import MAIL_POLICY, PERSONAL
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/inbox")

_MOST_SHOWN = 200
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_TABS = {"html": mark("HTML"), "phone": mark("Phone width"), "text": mark("Text"), "source": mark("Source")}


@router.get("")
def letters(site: TheSite) -> Response:
    """List the stored messages, newest first."""
    found = stored_messages(_folder(site))
    return site.pages.show("inbox.html", personal=True, letters=found[:_MOST_SHOWN], more=len(found) > _MOST_SHOWN)


@router.get("/{name}")
def letter(site: TheSite, name: str, view: Annotated[str, Query(max_length=10)] = "html") -> Response:
    """Show one message as a mail program would, as text, or as its source."""
    if view not in _TABS:
        raise HTTPException(404)
    message = read_message(_folder(site), name)
    summary = next((each for each in stored_messages(_folder(site)) if each.name == name), None)
    if summary is None:
        raise NotFound(site.language("this message is no longer in the inbox"))
    return site.pages.show(
        "letter.html",
        personal=True,
        letter=summary,
        sender=str(message["From"] or ""),
        name=name,
        view=view,
        tabs=[(f"/inbox/{name}?view={one}", site.language(words), one == view) for one, words in _TABS.items()],
        text=_part(message, "plain") if view == "text" else "",
        source=message.as_bytes().decode("utf-8", "replace").replace("\r\n", "\n") if view == "source" else "",
    )


@router.get("/{name}/html")
def letter_html(site: TheSite, name: str) -> Response:
    """Serve a message's HTML for the frame: powerless, but its links open in the whole window."""
    markup = _part(read_message(_folder(site), name), "html")
    if not markup:
        raise NotFound(site.language("this message has no HTML part"))
    based = _HEAD.sub(lambda head: head.group() + '<base target="_top">', markup, count=1)
    return HTMLResponse(based, headers={**PERSONAL, "Content-Security-Policy": MAIL_POLICY})


def _part(message: EmailMessage, kind: str) -> str:
    """Return the text of the message's plain or HTML part, or an empty string."""
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_content()
    return content if isinstance(content, str) else ""


def _folder(site: Site) -> Path:
    folder = site.services.settings.outbox_dir
    if folder is None:
        raise NotFound(site.language("there is no local inbox here"))
    return folder
