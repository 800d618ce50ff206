"""The address that Prometheus asks; it is there only where somebody may ask it."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from threading import Lock

from fastapi import APIRouter, HTTPException, Request, Response

from digest.flows.metrics import exposition
from digest.flows.vitals import take_vitals
from digest.web.pages import client_ip
from digest.web.site import TheSite

_FRESH = timedelta(seconds=5)
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_router() -> APIRouter:
    """Make the router; what was counted is told again for a few seconds, whoever asks."""
    router = APIRouter()
    lock = Lock()
    told: list[tuple[datetime, bytes]] = []

    @router.get("/metrics")
    def metrics(request: Request, site: TheSite) -> Response:
        """Say how everything does, to whoever has the token or asks from an address of the settings."""
        settings = site.services.settings
        if not _may_ask(request, settings.metrics_token, settings.metrics_from):
            raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
        with lock:  # of several who ask at once one counts
            now = site.now
            if not told or not timedelta(0) <= now - told[0][0] < _FRESH:
                vitals = take_vitals(site.services.engine, now, site.services.warm_up)
                told[:] = [(now, exposition(vitals, site.services.watchman.duties.asked))]
            words = told[0][1]
        return Response(words, media_type=_TYPE, headers={"Cache-Control": "no-store"})

    return router


def _may_ask(request: Request, token: str, networks: list[str]) -> bool:
    given = request.headers.get("authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    try:
        asking = ip_address(client_ip(request))
    except ValueError:
        return False
    return any(asking in ip_network(network, strict=False) for network in networks)
