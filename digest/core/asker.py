"""Who asks for something to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks at the desk or on the command line, when, and from where; as the audit log keeps it."""

    actor: str
    now: datetime
    ip: str = ""
