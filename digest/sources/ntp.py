"""What time it is elsewhere (SNTP, RFC 4330): one question, one answer."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from digest.errors import SourceUnavailable

_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_QUESTION = 0x23  # no warning, version 4, client
_SERVER = 4


def clock_offset(server: str, clock: Callable[[], datetime], *, port: int = 123, timeout: float = 4.0) -> timedelta:
    """Return how far a server's clock is ahead of ours; raises SourceUnavailable where it does not say."""
    ours = secrets.token_bytes(8)  # must come back: nobody who did not see the question can answer it
    question = struct.pack("!B39s8s", _QUESTION, b"", ours)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(timeout)
            asking.connect((server, port))
            asked_at = clock()
            asking.send(question)
            answer = asking.recv(512)
            told_at = clock()
    except OSError as error:
        raise SourceUnavailable(f"{server} does not tell the time: {type(error).__name__}") from error
    if len(answer) < 48 or answer[0] & 7 != _SERVER or answer[24:32] != ours or not 0 < answer[1] < 16:
        raise SourceUnavailable(f"{server} does not tell the time: its answer makes no sense")
    seconds, fraction = struct.unpack("!II", answer[40:48])
    theirs = _EPOCH + timedelta(seconds=seconds + fraction / 2**32)
    return theirs - (asked_at + (told_at - asked_at) / 2)
