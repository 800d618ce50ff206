"""Pausing and resuming as the preferences page does it: all other choices stay as they are."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import Engine

from digest.core.preferences import RUNNING, Pause
from digest.flows.preferences import change_preferences, preferences_of
from digest.tokens import Tokens


def pause(
    engine: Engine, tokens: Tokens, token: str, *, until: date | None, now: datetime, last_cut_off: datetime
) -> None:
    """Pause the digest behind a link, until a date or without an end."""
    _change(engine, tokens, token, Pause(True, until), now, last_cut_off)


def resume(engine: Engine, tokens: Tokens, token: str, *, now: datetime, last_cut_off: datetime) -> None:
    """Take the digest behind a link up again."""
    _change(engine, tokens, token, RUNNING, now, last_cut_off)


def _change(engine: Engine, tokens: Tokens, token: str, wanted: Pause, now: datetime, last_cut_off: datetime) -> None:
    choices = asdict(preferences_of(engine, tokens, token, now=now).choices)
    change_preferences(engine, tokens, token, now=now, last_cut_off=last_cut_off, pause=wanted, **choices)
