"""The answer for a link that leads nowhere."""

from __future__ import annotations

from fastapi import Response

from digest.core.language import mark
from digest.errors import DigestError
from digest.web.site import Site


def dead_link(
    site: Site,
    purpose: str,
    token: str,
    why: DigestError | None,
    *,
    way_out: tuple[str, str] = ("/", mark("Today's papers")),
) -> Response:
    """Answer for a link that leads nowhere: 410 where it was ours once, 404 where it never was."""
    say, (path, name) = site.language, way_out
    words = say.told(why) if why else say("This link is damaged or not one of ours; copy it whole from the mail.")
    status = 410 if site.was_signed(purpose, token) else 404
    return site.pages.notice(say("This link does not work"), words, status=status, way_out=(path, say(name)))
