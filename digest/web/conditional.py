"""Feeds that did not change are not sent again: an entity tag from the bytes, and 304 (RFC 9110 section 13)."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NAMES = ("/feed.xml", "/feed.json")


class Conditional:
    """Give every feed an entity tag, and answer 304 to a reader that has these very bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a feed back until it is whole; pass everything else through."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not scope["path"].endswith(_NAMES):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def held(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            await _send(start, bytes(body), Headers(scope=scope).get("if-none-match", ""), send)

        await self._app(scope, receive, held)


async def _send(start: Message, body: bytes, known: str, send: Send) -> None:
    if start["status"] == 200:
        # Weak: a proxy may compress what it passes on.
        tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = MutableHeaders(raw=start["headers"])
        headers["ETag"] = tag
        if _knows(known, tag):
            del headers["Content-Length"]
            del headers["Content-Type"]
            start, body = {**start, "status": 304}, b""
        start = {**start, "headers": headers.raw}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _knows(known: str, tag: str) -> bool:
    """Compare weakly, as If-None-Match does (RFC 9110 section 13.1.2)."""
    bare = tag.removeprefix("W/")
    return known.strip() == "*" or bare in {one.strip().removeprefix("W/") for one in known[:2_000].split(",")}
