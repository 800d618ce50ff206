"""A relay that is far away: forwards TCP and lets every octet wait, in each direction.

python benchmarks/delay.py LISTEN_PORT TO_PORT [--ms 10]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write what is read, `seconds` later and in order; end when the other side has ended."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, words = await on_the_way.get()
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if not words:
                writer.close()
                return
            writer.write(words)

    delivering = asyncio.create_task(deliver())
    words = b"-"
    while words:
        try:
            words = await reader.read(65_536)
        except OSError:
            words = b""
        on_the_way.put_nowait((loop.time() + seconds, words))
    with contextlib.suppress(OSError):
        await delivering


async def serve(port: int, to_port: int, seconds: float) -> None:
    """Forward connections to a port of this machine until the process ends."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
        await asyncio.gather(_carry(reader, far_writer, seconds), _carry(far_reader, writer, seconds))

    server = await asyncio.start_server(meet, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the ports and serve."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("listen", type=int)
    asked.add_argument("to", type=int)
    asked.add_argument("--ms", type=float, default=10.0, help="what each direction takes")
    given = asked.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.listen, given.to, given.ms / 1000))


if __name__ == "__main__":
    main()
