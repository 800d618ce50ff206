"""Signed webhooks: feedback in a form of our own, and Amazon SES through SNS; each is there only where it is set up."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from starlette.responses import JSONResponse

from digest.errors import RefusedInput, SignatureRefused, SourceUnavailable
from digest.flows.bounce import Outcome, take_in
from digest.mail.hook import check_hook, read_hook
from digest.mail.inbound import Inbound
from digest.mail.ses import read_ses
from digest.sources import sns
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/hooks")
_log = structlog.get_logger(__name__)
_UNCACHED = {"Cache-Control": "no-store"}


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
Signature = Annotated[str, Header(alias="Firstlight-Signature", max_length=200)]
Timestamp = Annotated[str, Header(alias="Firstlight-Timestamp", max_length=20)]


@router.post("/bounce")
def bounce(site: TheSite, body: Body, signature: Signature = "", timestamp: Timestamp = "") -> Response:
    """Take in signed events: 200 once they are recorded, 400 what cannot be read, 403 what is not signed."""
    secrets = site.services.hook_secrets
    if not secrets:
        raise HTTPException(404)
    try:
        check_hook(secrets, timestamp, signature, body, now=site.now)
        events = read_hook(body)
    except (SignatureRefused, RefusedInput) as error:
        return _refused("bounce", error)
    outcomes = [outcome for event in events for outcome in _take_in(site, event)]
    return JSONResponse({"events": [_as_plain(one) for one in outcomes]}, headers=_UNCACHED)


@router.post("/sns")
def amazon(site: TheSite, body: Body) -> Response:
    """Take in a message of Amazon SNS: 200 once it is recorded, 503 what SNS should bring again."""
    door = site.services.sns
    if door is None:
        raise HTTPException(404)
    try:
        message = door.admit(body)
        match message.kind:
            case sns.CONFIRMATION:
                door.confirm(message)
                _log.info("sns_subscribed", topic=message.topic)
                said: Inbound | None = None
            case sns.NOTIFICATION:
                said = read_ses(message.message, f"sns:{message.message_id}")
            case _:
                _log.warning("sns_unsubscribed", topic=message.topic)
                said = None
    except (SignatureRefused, RefusedInput, SourceUnavailable) as error:
        return _refused("sns", error)
    outcomes = _take_in(site, said) if said is not None else []
    return JSONResponse({"events": [_as_plain(one) for one in outcomes]}, headers=_UNCACHED)


def _take_in(site: Site, said: Inbound) -> list[Outcome]:
    return take_in(site.services.engine, site.services.tokens, said, now=site.now)


def _as_plain(outcome: Outcome) -> dict[str, str | bool]:
    # No address: whoever reads the answer knows what they sent.
    action = "seen before" if outcome.seen else str(outcome.action)
    return {"kind": str(outcome.report.kind), "action": action, "matched": outcome.matched}


def _refused(hook: str, error: SignatureRefused | RefusedInput | SourceUnavailable) -> Response:
    status = 503 if isinstance(error, SourceUnavailable) else 403 if isinstance(error, SignatureRefused) else 400
    _log.warning("hook_refused", hook=hook, status=status, error=str(error))
    return JSONResponse({"error": str(error)}, status_code=status, headers=_UNCACHED)
