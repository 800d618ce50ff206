"""The cursors that the API gives out: a number, written so that nobody counts on what it is."""

from __future__ import annotations

import base64
import binascii
import re

from fastapi import HTTPException


def cursor_of(position: int) -> str:
    """Write a position as a cursor."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def position_of(cursor: str) -> int:
    """Read a cursor; raises HTTPException 400 for one that this API did not give."""
    try:
        position = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "this cursor was not given by this API") from error
    if not re.fullmatch(rb"[0-9]{1,12}", position):
        raise HTTPException(400, "this cursor was not given by this API")
    return int(position)
