"""Connections opened in threads of their own, while those that are open go on sending."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator

from digest.errors import RelayUnavailable
from digest.mail.line import Line


class Opener:
    """Opens lines: greeting, TLS and signing in take several round trips, for which nobody else should wait.

    `bell` becomes readable when one has been opened, or could not be. `opening` counts those under way.
    """

    def __init__(self, make: Callable[[], Line]) -> None:
        self._make = make
        self._done: deque[tuple[int, Line | RelayUnavailable]] = deque()
        self._closed = threading.Event()
        self.opening = 0
        self.bell, self._ringing = socket.socketpair()
        self.bell.setblocking(False)

    def open(self, key: int) -> None:
        """Begin to open a line for a message."""
        self.opening += 1
        threading.Thread(target=self._open, args=(key,), name="smtp-opening", daemon=True).start()

    def opened(self) -> Iterator[tuple[int, Line | RelayUnavailable]]:
        """Iterate over what has been opened since, with the message it was for."""
        while self._done:
            self.opening -= 1
            yield self._done.popleft()

    def hush(self) -> None:
        """Take note of the bell."""
        with contextlib.suppress(BlockingIOError):
            self.bell.recv(1024)

    def close(self) -> None:
        """Close whatever is opened from now on, and what nobody has asked for."""
        self._closed.set()
        self._close_done()
        self.bell.close()
        self._ringing.close()

    def _open(self, key: int) -> None:
        opened: Line | RelayUnavailable
        try:
            opened = self._make()
        except RelayUnavailable as error:
            opened = error
        except Exception as error:  # noqa: BLE001  # nobody would hear of it in this thread
            opened = RelayUnavailable(f"the relay cannot be used: {error!r}")
        self._done.append((key, opened))
        with contextlib.suppress(OSError):
            self._ringing.send(b"!")
        if self._closed.is_set():
            self._close_done()

    def _close_done(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                _, opened = self._done.popleft()
                if isinstance(opened, Line):
                    opened.close()
