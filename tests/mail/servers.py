"""SMTP servers for the tests: one that follows a script to the letter, and certificates for the real one."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DROP = "<drop the connection>"
STALL = "<say nothing>"
RESET = "<reset the connection>"


class ScriptedServer:
    """Answer each verb as the script says, in order and then with its last answer; 250 (354 for DATA) otherwise.

    `.` is the answer to the final dot and `connect` the greeting. DROP closes the connection, STALL says nothing.
    `heard` holds every command and message, `connections` counts how often somebody came.
    """

    def __init__(self, script: Mapping[str, str | list[str]] | None = None, *, features: tuple[str, ...] = ()) -> None:
        self._script = {verb: [said] if isinstance(said, str) else list(said) for verb, said in (script or {}).items()}
        self._features = features
        self.heard: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _answer(self, verb: str) -> str:
        said = self._script.get(verb)
        if not said:
            return {"DATA": "354 go on", "connect": "220 script ready"}.get(verb, "250 2.0.0 fine")
        return said.pop(0) if len(said) > 1 else said[0]

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            if not self._say(connection, self._answer("connect")):
                return
            while line := lines.readline():
                command = line.decode("utf-8", "replace").strip()
                self.heard.append(command)
                verb = command.split(" ")[0].upper()
                if verb == "EHLO" and "EHLO" not in self._script:
                    features = ["script", *self._features]
                    said = "\r\n".join(f"250-{each}" for each in features[:-1]) + f"\r\n250 {features[-1]}"
                    connection.sendall(said.strip().encode() + b"\r\n")
                    continue
                if verb == "QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                answer = self._answer(verb)
                if not self._say(connection, answer):
                    return
                if verb == "DATA" and answer.startswith("354"):
                    message = b""
                    while not message.endswith(b"\r\n.\r\n"):
                        more = lines.readline()
                        if not more:
                            return
                        message += more
                    self.messages.append(message.removesuffix(b".\r\n"))
                    if not self._say(connection, self._answer(".")):
                        return

    def _say(self, connection: socket.socket, answer: str) -> bool:
        if answer == STALL:
            self._over.wait(10)
        if answer in {DROP, STALL}:
            return False
        connection.sendall(answer.encode("utf-8", "surrogateescape") + b"\r\n")
        return not answer.startswith("421")


def certificate(folder: Path, *, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Make a self-signed certificate for an address; returns a server's context and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{host}.pem", folder / f"{host}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file


class CountingSink:
    """A relay for many connections at once that counts what it has taken by Message-ID, at the final dot.

    `answer(verb, number)` decides what is said to the nth command of that verb (all connections together), DROP,
    STALL or RESET included; nothing means the usual. What is taken goes to `log` as `recipient message-id` lines, as
    the file of `tests.post.Sink` has it, before it is answered. `to(recipient)` is asked first at RCPT; `pause` is how
    many seconds a message takes after its final dot, and `most_to` how many were within one at once, by domain.
    """

    def __init__(
        self,
        log: Path | None = None,
        answer: Callable[[str, int], str | None] = lambda _verb, _number: None,
        *,
        to: Callable[[str], str | None] = lambda _recipient: None,
        pause: float = 0.0,
        features: tuple[str, ...] = ("PIPELINING", "SIZE 1000000", "8BITMIME"),
    ) -> None:
        self._log = log
        self._to = to
        self._pause = pause
        self._decide = answer
        self._features = features
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self.taken: Counter[str] = Counter()
        self.most_at_once = 0
        self.most_to: Counter[str] = Counter()
        self._now_to: Counter[str] = Counter()
        self._open = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> CountingSink:
        self._start(self._serve)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def settle(self) -> None:
        """Wait until every client is gone and all that was on its way has been read."""
        until = time.monotonic() + 20
        while self._open and time.monotonic() < until:
            time.sleep(0.01)
        assert not self._open

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self._open += 1
                self.most_at_once = max(self.most_at_once, self._open)
            self._start(self._client, connection)

    def _client(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            self._converse(connection)
        with self._lock:
            self._open -= 1

    def _says(self, verb: str) -> str:
        with self._lock:
            self._asked[verb] += 1
            number = self._asked[verb]
        usual = {"DATA": "354 go on", "connect": "220 sink", ".": "250 2.0.0 taken", "QUIT": "221 bye"}
        if verb == "EHLO":
            lines = ["sink", *self._features]
            usual["EHLO"] = "".join(f"250-{each}\r\n" for each in lines[:-1]) + f"250 {lines[-1]}"
        return self._decide(verb, number) or usual.get(verb, "250 2.1.0 fine")

    def _tell(self, connection: socket.socket, said: str) -> bool:
        if said == STALL:
            self._over.wait(15)
        if said == RESET:  # closing with a zero linger time sends RST instead of FIN
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if said in {DROP, STALL, RESET}:
            return False
        connection.sendall(said.encode() + b"\r\n")
        return not said.startswith(("421", "221"))

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            if not self._tell(connection, self._says("connect")):
                return
            recipient, refused = "", False
            while line := lines.readline():
                verb = line.split()[0].decode().upper()
                said = self._says(verb)
                if verb == "MAIL":
                    refused = not said.startswith("250")
                if verb == "RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    said = self._to(recipient) or said
                    refused = refused or not said.startswith("250")
                if verb == "DATA" and refused and said.startswith("354"):
                    said = "503 5.5.1 no recipient"
                if not self._tell(connection, said):
                    return
                if verb == "DATA" and said.startswith("354"):
                    message = b""
                    while not message.endswith(b"\r\n.\r\n"):
                        more = lines.readline()
                        if not more:
                            return  # without its final dot nothing was sent
                        message += more
                    self._dwell(recipient.rpartition("@")[2])
                    answer = self._says(".")
                    if answer.startswith("2") or answer in {DROP, RESET, STALL}:  # taken, though not always said so
                        self._take(recipient, message)
                    if not self._tell(connection, answer):
                        return

    def _dwell(self, domain: str) -> None:
        with self._lock:
            self._now_to[domain] += 1
            self.most_to[domain] = max(self.most_to[domain], self._now_to[domain])
        time.sleep(self._pause)
        with self._lock:
            self._now_to[domain] -= 1

    def _take(self, recipient: str, message: bytes) -> None:
        found = re.search(rb"^Message-ID:\s*(\S+)", message, re.MULTILINE | re.IGNORECASE)
        own_id = found[1].decode() if found else recipient
        with self._lock:
            self.taken[own_id] += 1
            if self._log is not None:
                with self._log.open("a") as file:
                    file.write(f"{recipient} {own_id}\n")
