"""What `digest doctor` looks at: each check joined with the settings it is about; nothing is asked before it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx
import redis

from digest import __version__
from digest.core.checkup import Finding, failure, ok, unchecked, warning
from digest.errors import ConfigError
from digest.flows import doctor_here as here
from digest.flows import doctor_names as names_of
from digest.flows.doctor import Check
from digest.flows.doctor_names import Resolver, SenderView
from digest.mail.message import ascii_address
from digest.mail.relay_url import parse_relay_url
from digest.sources.dns import Dns
from digest.sources.ntp import clock_offset
from digest.wiring import Services

_TIMEOUT = 10.0  # seconds
_SET_SENDER = "set DIGEST_MAIL_FROM to the address that the digest comes from"


def checks_for(services: Services, *, leaves_from: tuple[str, ...], dns: str, ntp: str) -> list[Check]:
    """List the checks of an installation.

    `leaves_from` are the addresses that mail leaves from, `dns` a DNS server as `address` or `address:port`, `ntp` a
    time server; empty for the system's and for none. Raises ConfigError for a `dns` that is none.
    """
    settings = services.settings
    host, _, port = dns.partition(":") if dns.count(":") == 1 else (dns, "", "")
    if port and not port.isdecimal():
        raise ConfigError(f"--dns {dns!r} is not an address, or an address and a port")
    client = httpx.Client(timeout=_TIMEOUT, headers={"User-Agent": f"Firstlight/{__version__} (doctor)"})

    def asked(name: str, check: Callable[[Resolver, SenderView], Finding]) -> Check:
        if _unset(settings.mail_from):  # there is no domain of the sender's to ask about
            return name, lambda: unchecked(name, "it goes by the sender's domain, which is not set", _SET_SENDER)
        return name, lambda: check(Dns(host, int(port or 53)), sender_view(services, leaves_from))

    def secrets() -> list[str]:
        settings.hook_secrets()
        return settings.strong_secrets()

    read = settings.verp or bool(settings.imap_url or settings.hook_secret or settings.sns_topics)
    time_server = partial(clock_offset, ntp, services.clock) if ntp else None
    # The relay, the site and the mailbox say themselves what is wrong; a DNS or time server that is away is no fault.
    return [
        ("settings", lambda: _check_settings(services)),
        ("secret", lambda: here.check_secret(secrets)),
        ("database", lambda: here.check_database(services.engine, services.clock)),
        ("alarms", lambda: here.check_alarms(services.engine, settings.admins, settings.alert_webhook)),
        ("broker", lambda: here.check_broker(settings.broker_url, _ping)),
        ("clock", lambda: here.check_clock(time_server, services.engine, services.clock)),
        ("base URL", lambda: here.check_site(settings.base_url, client, now=services.clock())),
        ("relay", lambda: here.check_relay(settings.smtp_url, helo=settings.host, now=services.clock())),
        ("warm-up", lambda: here.check_warm_up(services.warm_up, now=services.clock())),
        ("bounce mailbox", lambda: here.check_mailbox(services.mailbox, services.engine, now=services.clock())),
        asked("SPF", names_of.check_spf),
        asked("DKIM", names_of.check_dkim),
        asked("DMARC", names_of.check_dmarc),
        asked("PTR", names_of.check_ptr),
        asked("bounce address", partial(names_of.check_bounces, read=read)),
    ]


def sender_view(services: Services, leaves_from: tuple[str, ...]) -> SenderView:
    """Return who sends, as the settings say; `leaves_from` are the addresses that mail leaves from."""
    settings = services.settings
    try:
        relay_host = parse_relay_url(settings.smtp_url).host
    except ConfigError:
        relay_host = ""  # the check of the relay says what is wrong with it
    return SenderView(
        mail_from=ascii_address(settings.mail_from),
        relay_host=relay_host,
        leaves_from=leaves_from,
        selector=settings.dkim_selector,
        dkim_record=services.dkim_record,
        contact=settings.contact,
    )


def _check_settings(services: Services) -> Finding:
    """Check that what readers and providers must be told is set."""
    settings = services.settings
    if _unset(settings.mail_from):
        return failure("settings", "not set: DIGEST_MAIL_FROM, so that no mail could be answered", _SET_SENDER)
    wanted = {
        "DIGEST_POSTAL_ADDRESS": settings.postal_address,
        "DIGEST_CONTACT": settings.contact,
        "DIGEST_ADMINS": settings.admins,
    }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        return warning("settings", f"not set: {', '.join(missing)}", "see docs/configuration.md")
    return ok("settings", "sender, contact, postal address and admins are set")


def _unset(mail_from: str) -> bool:
    return mail_from.endswith("@localhost.localdomain")


def _ping(url: str) -> None:
    """Ask a Redis broker whether it is there; raises OSError, or NotImplementedError for another kind."""
    if url.partition(":")[0] not in {"redis", "rediss"}:
        raise NotImplementedError
    try:
        with redis.Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT) as broker:
            broker.ping()
    except (redis.RedisError, ValueError) as error:
        raise OSError(str(error)) from error
