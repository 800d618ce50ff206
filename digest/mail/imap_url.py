"""The URL of the bounce mailbox, read strictly: where it is, who signs in, and where read mail goes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from digest.errors import ConfigError

_PORTS = {"imaps": 993, "imap": 143}
_FORM = "imaps://name:password@host/INBOX"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAddress:
    """Where a mailbox is; `move` is the folder for what was read, empty to leave it. The password never shows."""

    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str = field(repr=False)
    folder: str
    move: str = ""
    ca_file: str = ""

    @property
    def name(self) -> str:
        """The mailbox as it is named to people and in the database."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"

    def tls_context(self) -> ssl.SSLContext:
        """A context that verifies certificates and host names, with the operator's own CA if one is named."""
        return ssl.create_default_context(cafile=self.ca_file or None)


def parse_imap_url(url: str) -> MailboxAddress:
    """Read `imaps://name:password@host[:port]/FOLDER[?move=FOLDER&ca=FILE]`; `imap://` uses STARTTLS, always.

    Name, password and folders are percent-decoded. Raises ConfigError, which never repeats the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        asked = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    except ValueError as fault:
        raise ConfigError(
            "DIGEST_IMAP_URL cannot be read; percent-encode special characters in the password"
        ) from fault
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    folder = unquote(parts.path.removeprefix("/")) or "INBOX"
    if parts.scheme not in _PORTS or not host or not user or not password or parts.fragment:
        raise ConfigError(f"DIGEST_IMAP_URL must be like {_FORM}; imap:// is for STARTTLS")
    if asked.keys() - {"move", "ca"}:
        raise ConfigError(f"DIGEST_IMAP_URL has unknown options: {', '.join(sorted(asked.keys() - {'move', 'ca'}))}")
    for text in (user, password, folder, asked.get("move", "")):
        if not text.isascii() or (not text.isprintable() and text):
            raise ConfigError("DIGEST_IMAP_URL has a name, password or folder that is not plain ASCII")
    if asked.get("move") == folder:
        raise ConfigError("DIGEST_IMAP_URL would move mail into the folder it is in; name another after ?move=")
    if (ca_file := asked.get("ca", "")) and not Path(ca_file).is_file():
        raise ConfigError(f"the CA file {ca_file} of DIGEST_IMAP_URL does not exist")
    return MailboxAddress(
        host=host,
        port=port or _PORTS[parts.scheme],
        implicit_tls=parts.scheme == "imaps",
        user=user,
        password=password,
        folder=folder,
        move=asked.get("move", ""),
        ca_file=ca_file,
    )
