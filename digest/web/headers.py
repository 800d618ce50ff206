"""The outermost layer of the site: headers, a limit on bodies, HEAD for every GET, and no traceback ever."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.logs import correlated

MAX_BODY = 64 * 1024  # bytes; the longest form here is far below 8 KB
_LARGER_BODY = {"/hooks/sns": 320 * 1024}  # SNS publishes up to 256 KB, and wraps it

SITE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SCRIPTED = {"Content-Security-Policy": f"{SITE_POLICY}; script-src 'self'"}  # the subscribe box guesses a time zone
# A stored or previewed mail: its own inline styles and nothing else, framed by this site alone.
# `sandbox` keeps it powerless even when it is opened outside its frame.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-top-navigation-by-user-activation"
)
PERSONAL = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
DESK = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
_DEFAULTS = {
    "Content-Security-Policy": SITE_POLICY,
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

log = structlog.get_logger(__name__)


class Hardening:
    """Wrap the application (ASGI); `refusal` makes the page for a request and a status code.

    A body above `MAX_BODY` bytes (a webhook's may be larger) is answered with 413, an error that nothing else caught
    with 500. HEAD is answered as GET without its body.
    """

    def __init__(self, app: ASGIApp, *, refusal: Callable[[Request, int], Response]) -> None:
        self._app = app
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, head=scope["method"] == "HEAD")
        if answer.head:
            scope = {**scope, "method": "GET"}
        with correlated():
            await self._answer(scope, receive, answer)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            body = await _whole_body(scope, receive)
            if body is None:
                await self._refusal(Request(scope), 413)(scope, receive, answer)
                return
            await self._app(scope, _replay(body, receive), answer)
        except Exception as error:  # the last resort: a reader gets a page, the log gets the cause
            # The path may hold a token, and an error's words an address: only the route's kind and the cause are kept.
            route = getattr(scope.get("route"), "path", "")
            log.exception("page failed", route=route, error=type(error).__name__)
            if not answer.started:
                await self._refusal(Request(scope), 500)(scope, receive, answer)


class _Answer:
    """Send an answer on with the headers every answer carries; drop the body of an answer to HEAD."""

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send = send
        self.head = head
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _DEFAULTS.items():
                headers.setdefault(name, value)
        elif message["type"] == "http.response.body" and self.head:
            message = {**message, "body": b""}
        await self._send(message)


async def _whole_body(scope: Scope, receive: Receive) -> bytes | None:
    """Read the body to its end; None when it is longer than the limit."""
    if scope["method"] in ("GET", "OPTIONS"):
        return b""
    limit = _LARGER_BODY.get(scope["path"], MAX_BODY)
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 12 or int(declared) > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            return None
        if not message.get("more_body", False):
            break
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the application the body that was read, then whatever the server says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
