"""Addresses for machines: is the process up, can it work, what may a crawler read."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse

from digest.errors import DigestError, TemplateFault
from digest.store.schema import SchemaState, schema_state
from digest.web.site import Site, TheSite

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
    """Say whether the database answers, with the schema that this code needs, and mail can be made; 503 if not."""
    try:
        schema = schema_state(site.services.engine)
    except (SQLAlchemyError, DigestError, OSError) as error:
        log.warning("not ready", error=type(error).__name__)
        return JSONResponse({"status": "not ready", "database": "unreachable"}, status_code=503, headers=_UNCACHED)
    templates = _templates(site)
    ready = schema is SchemaState.CURRENT and templates == "compiled"
    status = "ready" if ready else "not ready"
    answer = {"status": status, "database": "reachable", "schema": str(schema), "templates": templates}
    return JSONResponse(answer, status_code=200 if ready else 503, headers=_UNCACHED)


def _templates(site: Site) -> str:
    """Compile the mail's templates, once: what a broken one stops is better known before the morning."""
    try:
        _ = site.services.renderer
    except (TemplateFault, OSError) as error:
        log.warning("not ready", error=type(error).__name__)
        return "broken"
    return "compiled"


@router.get("/robots.txt")
def robots() -> Response:
    """Ask crawlers to leave personal pages alone."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_CRAWLERS)]
    return PlainTextResponse("\n".join(lines) + "\n")
