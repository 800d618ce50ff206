"""The URL of an SMTP relay, read strictly: how it is reached, how it is secured, who signs in."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from digest.errors import ConfigError


class Way(StrEnum):
    """How a relay is reached: over the network, by a socket of this machine, or as a program that is started."""

    NETWORK = "network"
    SOCKET = "socket"
    PROGRAM = "program"


class Security(StrEnum):
    """How a connection is encrypted; the last three are the values of `?starttls=`."""

    IMPLICIT = "implicit"
    REQUIRE = "require"
    IF_OFFERED = "if-offered"
    NEVER = "never"


_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LOCAL = {"smtp+unix": Way.SOCKET, "sendmail": Way.PROGRAM}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAddress:
    """Where a relay is and how to talk to it; the password never shows in a repr or in `where`.

    One of this machine has a `path`, of a socket or of a program, instead of a host and port.
    """

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    way: Way = Way.NETWORK
    path: str = ""

    @property
    def where(self) -> str:
        """The relay as named in messages to people."""
        return self.path or f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether it can only be on this machine."""
        return self.way is not Way.NETWORK or is_loopback(self.host)

    def tls_context(self) -> ssl.SSLContext:
        """A context that verifies certificates and host names, with the operator's own CA if one is named."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as fault:
            raise ConfigError(f"the CA file {self.ca_file} of the SMTP URL cannot be read: {fault}") from fault


def parse_relay_url(url: str) -> RelayAddress:
    """Read `smtp://`, `smtps://` or `smtp+starttls://[user:password@]host[:port][?starttls=...&ca=FILE]`.

    User and password are percent-decoded. STARTTLS is required unless the host is loopback and nobody signs in,
    or the URL says otherwise. `smtp+unix:///path` is a socket of this machine, `sendmail:///usr/sbin/sendmail` a
    program that speaks SMTP when it is started with `-bs`. Raises ConfigError, which never repeats the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        asked = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    except ValueError as fault:
        raise ConfigError("the SMTP URL cannot be read; percent-encode special characters in the password") from fault
    if parts.scheme in _LOCAL:
        return _local(_LOCAL[parts.scheme], parts)
    if parts.scheme not in _PORTS or not host or parts.path not in {"", "/"} or parts.fragment:
        raise ConfigError(
            "the SMTP URL must be smtp://, smtps:// or smtp+starttls://[user:password@]host[:port], or, on this "
            "machine, smtp+unix:///path/of/a/socket or sendmail:///usr/sbin/sendmail"
        )
    if asked.keys() - {"starttls", "ca"}:
        raise ConfigError(f"the SMTP URL has unknown options: {', '.join(sorted(asked.keys() - {'starttls', 'ca'}))}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ConfigError("the SMTP URL has a user without a password, or a password without a user")
    if not (user + password).isascii():
        raise ConfigError("the user or the password of the SMTP URL is not ASCII, which SMTP AUTH cannot carry safely")
    security = _security(parts.scheme, asked.get("starttls"), host, bool(user))
    if user and security not in {Security.IMPLICIT, Security.REQUIRE}:
        raise ConfigError(
            f"the SMTP URL would send a password to {host} over an unencrypted connection; "
            "use smtps://, smtp+starttls:// or ?starttls=require"
        )
    ca_file = asked.get("ca", "")
    if ca_file and not Path(ca_file).is_file():
        raise ConfigError(f"the CA file {ca_file} of the SMTP URL does not exist")
    return RelayAddress(
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        security=security,
        user=user,
        password=password,
        ca_file=ca_file,
    )


def _local(way: Way, parts: SplitResult) -> RelayAddress:
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/") or path == "/" or "\0" in path:
        raise ConfigError(f"{parts.scheme}:// needs three slashes, a path from the root, and nothing else")
    return RelayAddress(host="", port=0, security=Security.NEVER, way=way, path=path)


def _security(scheme: str, starttls: str | None, host: str, signs_in: bool) -> Security:
    if scheme != "smtp":
        if starttls not in {None, "require"} or (scheme == "smtps" and starttls):
            raise ConfigError(f"?starttls={starttls} contradicts {scheme}://")
        return Security.IMPLICIT if scheme == "smtps" else Security.REQUIRE
    if starttls is not None:
        if starttls not in {Security.REQUIRE, Security.IF_OFFERED, Security.NEVER}:
            raise ConfigError(f"?starttls= of the SMTP URL is never, if-offered or require, not {starttls!r}")
        return Security(starttls)
    return Security.NEVER if is_loopback(host) and not signs_in else Security.REQUIRE


def is_loopback(host: str) -> bool:
    """Tell whether a host can only be this machine, without asking a resolver."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
