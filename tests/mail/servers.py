"""SMTP servers for the tests: one that follows a script to the letter, and certificates for the real one."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DROP = "<drop the connection>"
STALL = "<say nothing>"


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
