"""A small DNS server for tests: a zone in a dictionary, over UDP and, for what is long, over TCP."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]
BROKEN = "SERVFAIL"  # as the one record of a name: the server fails when asked about it
_UDP_SIZE = 512


def answer_to(question: bytes, zone: Zone) -> dns.message.Message:
    """Answer from the zone; a name without any record does not exist."""
    asked = dns.message.from_wire(question)
    reply = dns.message.make_response(asked)
    [what] = asked.question
    name, kind = what.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(what.rdtype)
    found = zone.get((name, kind), ())
    if BROKEN in zone.get((name, "*"), ()):
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif found:
        reply.answer.append(dns.rrset.from_text(what.name, 60, "IN", kind, *found))
    elif not any(known == name for known, _kind in zone):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        question, line = self.request
        reply = answer_to(question, self.server.zone)  # type: ignore[attr-defined]  # set by `serving`
        wire = reply.to_wire(max_size=65_535)
        if len(wire) > _UDP_SIZE:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        line.sendto(wire, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (size,) = struct.unpack("!H", self.rfile.read(2))
        wire = answer_to(self.rfile.read(size), self.server.zone).to_wire(max_size=65_535)  # type: ignore[attr-defined]
        self.wfile.write(struct.pack("!H", len(wire)) + wire)


class _TcpServer(socketserver.TCPServer):
    allow_reuse_address = True


@contextmanager
def serving(zone: Zone) -> Iterator[int]:
    """Serve a zone until the end of the block; yields the port."""
    with _TcpServer(("127.0.0.1", 0), _Tcp) as tcp:
        port = tcp.server_address[1]
        with socketserver.UDPServer(("127.0.0.1", port), _Udp) as udp:
            threads = []
            for server in (tcp, udp):
                server.zone = zone  # type: ignore[attr-defined]  # read by the handlers
                threads.append(threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}))
                threads[-1].start()
            try:
                yield port
            finally:
                for server, thread in zip((tcp, udp), threads, strict=True):
                    server.shutdown()
                    thread.join()
