"""Whether the relay can be reached as its URL says, and how long its certificate lasts; no mail is sent."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from digest.errors import RelayUnavailable
from digest.mail.relay_url import RelayAddress, Security
from digest.mail.report import one_line

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class RelayView:
    """What the relay offers; `expires` is None on a connection without TLS."""

    encrypted: bool
    expires: datetime | None
    offered: frozenset[str]


def look_at_relay(address: RelayAddress, *, helo: str) -> RelayView:
    """Connect, encrypt as the URL says, greet and leave; nobody signs in. Raises RelayUnavailable."""
    context = None if address.security is Security.NEVER else address.tls_context()
    try:
        if address.security is Security.IMPLICIT:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                address.host, address.port, helo, timeout=_TIMEOUT, context=context
            )
        else:
            connection = smtplib.SMTP(address.host, address.port, helo, timeout=_TIMEOUT)
        with connection:
            connection.ehlo()
            if context is not None and address.security is not Security.IMPLICIT and connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo()
            return RelayView(
                encrypted=isinstance(connection.sock, ssl.SSLSocket),
                expires=certificate_expiry(connection.sock),
                offered=frozenset(connection.esmtp_features),
            )
    except (smtplib.SMTPException, OSError) as error:
        raise RelayUnavailable(f"the relay {address.where} cannot be used: {one_line(str(error))}") from error


def certificate_expiry(connection: object) -> datetime | None:
    """Return when the certificate of a connection that verified it ends; None without TLS."""
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket | ssl.SSLObject) else None
    until = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None
