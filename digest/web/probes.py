"""Addresses for machines: is the process up, can it work, what may a crawler read."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse

from digest.errors import DigestError
from digest.store.schema import SchemaState, schema_state
from digest.web.site import TheSite

router = APIRouter()
log = structlog.get_logger(__name__)

_NOT_FOR_CRAWLERS = ("/admin", "/inbox", "/confirm", "/unsubscribe", "/preferences", "/subscribe")
_UNCACHED = {"Cache-Control": "no-store"}


@router.get("/healthz")
def healthz() -> Response:
    """Say that the process is up."""
    return JSONResponse({"status": "up"}, headers=_UNCACHED)


@router.get("/readyz")
def readyz(site: TheSite) -> Response:
    """Say whether the database answers and has the schema that this code needs; 503 where it does not."""
    try:
        schema = schema_state(site.services.engine)
    except (SQLAlchemyError, DigestError, OSError) as error:
        log.warning("not ready", error=type(error).__name__)
        return JSONResponse({"status": "not ready", "database": "unreachable"}, status_code=503, headers=_UNCACHED)
    ready = schema is SchemaState.CURRENT
    answer = {"status": "ready" if ready else "not ready", "database": "reachable", "schema": str(schema)}
    return JSONResponse(answer, status_code=200 if ready else 503, headers=_UNCACHED)


@router.get("/robots.txt")
def robots() -> Response:
    """Ask crawlers to leave personal pages alone."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_CRAWLERS)]
    return PlainTextResponse("\n".join(lines) + "\n")
