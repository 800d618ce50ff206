"""A mail server as a program of its own: SMTP on input and output (`-bs`), or on a socket; keeps what it takes.

small_mta.py FOLDER            makes FOLDER/sendmail, a program to be started with -bs
small_mta.py FOLDER SOCKET     listens on SOCKET
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import BinaryIO


def converse(reading: BinaryIO, writing: BinaryIO, folder: Path) -> None:
    """Hold one session."""

    def say(words: str) -> None:
        writing.write(words.encode() + b"\r\n")
        writing.flush()

    say("220 small.example ESMTP")
    while line := reading.readline():
        verb = line[:4].upper().strip()
        if verb == b"EHLO":
            say("250-small.example\r\n250 PIPELINING")
        elif verb == b"DATA":
            say("354 go on")
            message = b""
            while (line := reading.readline()) not in (b".\r\n", b""):
                message += line
            with (folder / f"{os.getpid()}-{threading.get_ident()}").open("ab") as kept:
                kept.write(message)
            say("250 2.0.0 taken")
        elif verb == b"QUIT":
            say("221 bye")
            return
        else:
            say("250 2.0.0 fine")


def main() -> None:
    """Do as the arguments say."""
    folder = Path(sys.argv[1])
    if sys.argv[-1] == "-bs":
        converse(sys.stdin.buffer, sys.stdout.buffer, folder)
        return
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[2])
        listening.listen(64)
        while True:
            connection, _ = listening.accept()
            stream = connection.makefile("rwb")
            threading.Thread(target=converse, args=(stream, stream, folder), daemon=True).start()


if __name__ == "__main__":
    main()
