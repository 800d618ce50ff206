"""A small IMAP server for tests (RFC 3501, 6851): one folder, over TLS, speaking the real protocol."""

from __future__ import annotations

import base64
import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "bounces", 'p"ss word\\'


@dataclass
class Post:
    """What the server holds and was told; `extensions` are the capabilities it offers after signing in."""

    messages: dict[int, bytes] = field(default_factory=dict)
    uid_validity: int = 7
    next_uid: int = 1
    extensions: str = "UIDPLUS MOVE AUTH=PLAIN"
    moved: list[tuple[int, str]] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    starttls: bool = True
    claimed_size: int = 0
    hang_up_at: str = ""

    def add(self, *several: bytes) -> None:
        """Put messages into the folder."""
        for one in several:
            self.messages[self.next_uid] = one
            self.next_uid += 1


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        post = self.server.post
        if self.server.implicit:
            self._encrypt()
        self._say("* OK [CAPABILITY IMAP4rev1] ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode("latin-1").strip().partition(" ")
            post.said.append(rest)
            if post.hang_up_at and rest.upper().startswith(post.hang_up_at):
                return
            verb, _, arguments = rest.partition(" ")
            if verb.upper() == "UID":
                verb, _, arguments = arguments.partition(" ")
                verb = f"UID_{verb}"
            answer = getattr(self, f"_{verb.lower()}", None)
            result = answer(arguments) if answer else "BAD what?"
            self._say(f"{tag} {result}")
            if verb.upper() == "STARTTLS" and result.startswith("OK"):
                self._encrypt()
            if verb.upper() == "LOGOUT":
                return

    def finish(self) -> None:
        """Close what was opened, also the encrypted connection that took the place of the plain one."""
        for opened in (self.rfile, self.wfile, self.connection):
            with contextlib.suppress(OSError):
                opened.close()

    def _say(self, line: str, literal: bytes | None = None, after: str = "") -> None:
        data = line.encode() + (b"\r\n" + literal + after.encode() if literal is not None else b"") + b"\r\n"
        self.wfile.write(data)

    def _encrypt(self) -> None:
        self.rfile.close()
        self.wfile.close()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def _capability(self, _arguments: str) -> str:
        post = self.server.post
        encrypted = isinstance(self.connection, ssl.SSLSocket)
        offered = post.extensions if encrypted else "LOGINDISABLED" + (" STARTTLS" if post.starttls else "")
        self._say(f"* CAPABILITY IMAP4rev1 {offered}")
        return "OK done"

    def _starttls(self, _arguments: str) -> str:
        return "OK go on" if self.server.post.starttls else "BAD no"

    def _authenticate(self, _arguments: str) -> str:
        self._say("+ ")
        answer = base64.b64decode(self.rfile.readline()).decode()
        return "OK in" if answer == f"\0{USER}\0{PASSWORD}" else "NO wrong"

    def _login(self, arguments: str) -> str:
        wanted = '"{}" "{}"'.format(USER, PASSWORD.replace("\\", "\\\\").replace('"', '\\"'))
        return "OK in" if arguments == wanted else "NO wrong"

    def _select(self, arguments: str) -> str:
        post = self.server.post
        if arguments != '"INBOX"':
            return "NO no such folder"
        self._say(f"* {len(post.messages)} EXISTS")
        self._say(f"* OK [UIDVALIDITY {post.uid_validity}] valid")
        self._say(f"* OK [UIDNEXT {post.next_uid}] next")
        return "OK [READ-WRITE] selected"

    _examine = _select

    def _uid_search(self, arguments: str) -> str:
        first, last = map(int, re.fullmatch(r"UID (\d+):(\d+)", arguments).groups())
        found = [str(uid) for uid in self.server.post.messages if first <= uid <= last]
        self._say(" ".join(["* SEARCH", *found]))
        return "OK done"

    def _uid_fetch(self, arguments: str) -> str:
        post = self.server.post
        uid = int(arguments.partition(" ")[0])
        self._say("* 1 FETCH (UID 999999 FLAGS (\\Seen))")  # what a server may say at any time
        if (message := post.messages.get(uid)) is not None:
            if "BODY.PEEK[]" in arguments:
                self._say(f"* 2 FETCH (UID {uid} BODY[] {{{len(message)}}}", message, ")")
            else:
                self._say(f"* 2 FETCH (UID {uid} RFC822.SIZE {post.claimed_size or len(message)})")
        return "OK done"

    def _uid_move(self, arguments: str) -> str:
        post = self.server.post
        uid, _, folder = arguments.partition(" ")
        if "MOVE" not in post.extensions:
            return "BAD what?"
        post.moved.append((int(uid), folder))
        post.messages.pop(int(uid), None)
        return "OK moved"

    def _uid_copy(self, arguments: str) -> str:
        uid, _, folder = arguments.partition(" ")
        self.server.post.moved.append((int(uid), folder))
        return "OK copied"

    def _uid_store(self, arguments: str) -> str:
        uid, _, flags = arguments.partition(" ")
        self.server.post.flags[int(uid)] = flags
        return "OK stored"

    def _uid_expunge(self, arguments: str) -> str:
        self.server.post.messages.pop(int(arguments), None)
        return "OK gone"

    def _logout(self, _arguments: str) -> str:
        self._say("* BYE")
        return "OK bye"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, post: Post, context: ssl.SSLContext, *, implicit: bool) -> None:
        self.post = post
        self.context = context
        self.implicit = implicit
        super().__init__(("127.0.0.1", 0), _Session)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is part of some tests."""


@contextmanager
def serving(post: Post, context: ssl.SSLContext, *, implicit: bool = True) -> Iterator[int]:
    """Serve until the end of the block; yields the port."""
    with _Server(post, context, implicit=implicit) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
