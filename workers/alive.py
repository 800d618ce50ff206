"""A sign of life for health checks: a file that a worker or scheduler touches while it is at work."""

from __future__ import annotations

from pathlib import Path

import structlog
from celery.signals import heartbeat_sent

from workers.app import services

_log = structlog.get_logger("firstlight")


def show_alive(file: Path | None) -> None:
    """Touch the file, if there is one; a full disk must not stop who is alive."""
    if file is None:
        return
    try:
        file.touch()
    except OSError as error:
        _log.warning("sign_of_life_failed", error=str(error.strerror))


@heartbeat_sent.connect
def _worker_is_alive(**_: object) -> None:
    # Every two seconds, from the loop that takes messages from the broker: one that hangs, or has lost it, is silent.
    show_alive(services().settings.alive_file)
