"""SMTP to a mail server of this machine without a network: over its socket, or as the program that it starts as."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import subprocess

_ENDS_WITHIN = 5.0  # seconds, once its input has ended


class SocketSMTP(smtplib.SMTP):
    """A session over a socket in the file system; `host` is its path."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(host)
        except OSError:
            connection.close()
            raise
        return connection


class ProgramSMTP(smtplib.SMTP):
    """A session with a program that speaks SMTP on its input and output, as `sendmail -bs` does; `host` is its path.

    It ends with the session: closing waits for it, and ends it where it does not.
    """

    _program: subprocess.Popen[bytes] | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            # The path is the operator's own setting; nothing of a message is among the arguments.
            self._program = subprocess.Popen(  # noqa: S603
                [host, "-bs"], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL
            )
        except (OSError, ValueError):
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(timeout)
        return ours

    def close(self) -> None:
        """End the session and the program."""
        super().close()
        program, self._program = self._program, None
        if program is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(_ENDS_WITHIN)
            return
        program.kill()
        program.wait()
