"""Opening a connection to a relay: greeting, encryption, signing in; smtplib does it, step by step."""

from __future__ import annotations

import smtplib
import socket

from digest.errors import RelayUnavailable
from digest.mail.local_mta import ProgramSMTP, SocketSMTP
from digest.mail.relay_url import RelayAddress, Security, Way
from digest.mail.reply import readable


def dial(address: RelayAddress, *, helo: str, timeout: float) -> smtplib.SMTP:
    """Connect, encrypt as the address says and sign in; any failure is RelayUnavailable."""
    context = None if address.security is Security.NEVER else address.tls_context()
    connection: smtplib.SMTP | None = None
    try:
        if address.way is Way.SOCKET:
            connection = SocketSMTP(address.path, 0, helo, timeout=timeout)
        elif address.way is Way.PROGRAM:
            connection = ProgramSMTP(address.path, 0, helo, timeout=timeout)
        elif address.security is Security.IMPLICIT:
            connection = smtplib.SMTP_SSL(address.host, address.port, helo, timeout=timeout, context=context)
        else:
            connection = smtplib.SMTP(address.host, address.port, helo, timeout=timeout)
        if (
            connection.sock is not None and address.way is Way.NETWORK
        ):  # else the final dot waits 40 ms for the ACK of the body before it
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.ehlo_or_helo_if_needed()
        if context is not None and address.security is not Security.IMPLICIT:
            if connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo_or_helo_if_needed()
            elif address.security is Security.REQUIRE:
                raise smtplib.SMTPNotSupportedError(
                    "it offers no STARTTLS; add ?starttls=never to the SMTP URL if that is meant to be"
                )
        if address.user:
            _sign_in(connection, address.user, address.password)
    except (smtplib.SMTPException, OSError, ValueError) as fault:
        if connection is not None:
            connection.close()
        raise RelayUnavailable(f"the relay {address.where} cannot be used: {readable(str(fault))}") from fault
    return connection


def _sign_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Sign in once, over TLS: `login` would try a wrong password again with every mechanism, and lock accounts."""
    offered = connection.esmtp_features.get("auth", "").upper().split()
    connection.user, connection.password = user, password
    for mechanism, answer in (("PLAIN", connection.auth_plain), ("LOGIN", connection.auth_login)):
        if mechanism in offered:
            connection.auth(mechanism, answer)
            return
    raise smtplib.SMTPNotSupportedError("it offers neither AUTH PLAIN nor AUTH LOGIN")
