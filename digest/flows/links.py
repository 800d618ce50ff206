"""The links that are a reader's own: what they hold, and whether they still lead anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from digest.errors import TokenInvalid
from digest.store.choices import link_generation
from digest.tokens import Tokens

Held = Mapping[str, int]


def held(subscriber_id: int, generation: int) -> Held:
    """Return what a reader's links hold; `generation` counts how often their address has changed."""
    return {"s": subscriber_id} | ({"g": generation} if generation else {})


def reader_behind(session: Session, tokens: Tokens, token: str, now: datetime, purpose: str = "preferences") -> int:
    """Return whose link this is; raises TokenInvalid, also for one that was mailed to an address they have left.

    Whoever reads the mail of an address that a digest has left, or of a wrong one that it was moved to, must not go on
    acting for its reader. A reader who was erased is still named, for the caller to say so.
    """
    payload = tokens.verify(purpose, token, now=now)
    subscriber_id = payload.get("s")
    if not isinstance(subscriber_id, int):
        raise TokenInvalid("this link is not one of ours; copy it whole from the mail")
    generation = link_generation(session, subscriber_id)
    if generation is not None and payload.get("g", 0) != generation:
        raise TokenInvalid("the digest has moved to another address; use the link in a mail that came there")
    return subscriber_id
