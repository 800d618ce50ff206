"""A counting SMTP sink, a process of its own on real sockets: it notes each message at the final dot, then answers.

It can answer anything at each verb, fall silent, hang up or reset the connection: by a script, or at random from a
seed. Run as `python -m tests.faults.sink --log FILE`; its first line of output is its port. Imports nothing heavy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

DROP = "<drop>"  # hang up
RESET = "<reset>"  # hang up rudely: the other side may lose what it has not read yet
STALL = "<stall>"  # say nothing any more
TAKE_AND = "<take and>"  # before one of the three, at the final dot: the message counts, and nobody is told

_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.MULTILINE | re.IGNORECASE)
_FEATURES = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
_USUAL = {"connect": "220 sink", "DATA": "354 go on", "QUIT": "221 bye", "EHLO": _FEATURES.strip()}
_CLOSING = "421 4.3.2 closing"
FAULTS: dict[str, tuple[str, ...]] = {
    "connect": (_CLOSING, DROP, RESET),
    "EHLO": (_CLOSING, DROP),
    "MAIL": ("451 4.3.0 later", _CLOSING, DROP, RESET, STALL),
    "RCPT": ("450 4.2.1 later", "550 5.1.1 nobody", _CLOSING, DROP, RESET, STALL),
    "DATA": ("451 4.3.0 later", "554 5.7.1 no", _CLOSING, DROP, RESET, STALL),
    ".": (
        "451 4.3.0 later",
        "554 5.6.0 no",
        _CLOSING,
        *(DROP, RESET, STALL),
        *(TAKE_AND + DROP, TAKE_AND + RESET, TAKE_AND + STALL),
    ),
}


class Answers:
    """What is said at each verb: the script's answers in order, the last for ever; then chance; else the usual."""

    def __init__(self, script: Mapping[str, Sequence[str]], *, seed: int, rate: float) -> None:
        self._script = {verb: list(said) for verb, said in script.items()}
        self._chance = random.Random(seed)
        self._rate = rate

    def to(self, verb: str) -> str:
        said = self._script.get(verb)
        if said:
            return (said.pop(0) if len(said) > 1 else said[0]) or _USUAL.get(verb, "250 2.0.0 fine")
        if verb in FAULTS and self._chance.random() < self._rate:
            return self._chance.choice(FAULTS[verb])
        return _USUAL.get(verb, "250 2.0.0 fine")


class Desk:
    """One conversation after another, on as many connections as come."""

    def __init__(self, answers: Answers, log: int, slow: float, stall: float) -> None:
        self._answers, self._log, self._slow, self._stall = answers, log, slow, stall

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            if await self._say(self._answers.to("connect"), reader, writer):
                await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = False  # whether a recipient was accepted
        while line := await reader.readline():
            verb = line.split(b" ")[0].strip().decode("ascii", "replace").upper()
            answer = "554 5.5.1 no recipient" if verb == "DATA" and not known else self._answers.to(verb)
            if not await self._say(answer, reader, writer) or verb == "QUIT":
                return
            if verb in {"MAIL", "RSET", "EHLO"}:
                known = False
            elif verb == "RCPT":
                known = answer.startswith("2")
            elif verb == "DATA" and answer.startswith("3"):
                known = False
                if not await self._take(reader, writer):
                    return

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        message = await reader.readuntil(b"\r\n.\r\n")
        answer = self._answers.to(".")
        taken = answer.startswith(("2", TAKE_AND))
        if taken:
            found = _ID.search(message)
            # One write to an appending file, before anything is answered: no kill tears or loses it.
            os.write(self._log, (found[1] if found else b"<none>") + b"\n")
        if self._slow:
            await asyncio.sleep(self._slow)
        return await self._say(answer.removeprefix(TAKE_AND), reader, writer)

    async def _say(self, answer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if answer == RESET:
            rude = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, rude)
            writer.transport.abort()
        elif answer == STALL:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stall):
                    while await reader.read(65536):
                        pass
        if answer in {DROP, RESET, STALL}:
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return not answer.startswith("421")


async def _run(options: argparse.Namespace) -> None:
    log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    answers = Answers(json.loads(options.script), seed=options.seed, rate=options.rate)
    desk = Desk(answers, log, options.slow, options.stall)
    server = await asyncio.start_server(desk.converse, "127.0.0.1", 0, limit=1 << 22, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)  # whoever started it is gone, or wants it gone
    await over.wait()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True, help="where the Message-IDs of what was taken are appended")
    parser.add_argument("--script", default="{}", help="JSON: a list of answers for each verb; . is the final dot")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0, help="how often chance answers instead, 0 to 1")
    parser.add_argument("--slow", type=float, default=0.0, help="seconds before each answer to a final dot")
    parser.add_argument("--stall", type=float, default=30.0, help="seconds of silence before it hangs up")
    asyncio.run(_run(parser.parse_args()))


class CountingSink:
    """The sink from outside: starts it, says where it is and what it has taken, ends it."""

    def __init__(
        self,
        log: Path,
        script: Mapping[str, Sequence[str]] | None = None,
        *,
        seed: int = 0,
        rate: float = 0.0,
        slow: float = 0.0,
        stall: float = 30.0,
    ) -> None:
        self.log = log
        words = {"--log": log, "--script": json.dumps(script or {}), "--seed": seed, "--rate": rate}
        words |= {"--slow": slow, "--stall": stall}
        arguments = [str(word) for pair in words.items() for word in pair]
        self._child = subprocess.Popen(
            [sys.executable, "-S", __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        self.url = f"smtp://127.0.0.1:{int(self._child.stdout.readline())}"

    def __enter__(self) -> CountingSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.communicate()

    def taken(self) -> Counter[str]:
        """How often each Message-ID was taken."""
        return Counter(self.log.read_text("ascii").split())


if __name__ == "__main__":
    main()
