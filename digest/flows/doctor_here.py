"""What is checked at this machine and at its neighbours: clock, database, broker, secret, relay, site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from digest.core.checkup import Finding, failure, ok, unchecked, warning
from digest.core.warm_up import WarmUp, day_begins
from digest.errors import ConfigError, DigestError, MailboxUnavailable, RelayUnavailable
from digest.flows.mailbox import Mailbox
from digest.mail.relay_probe import certificate_expiry, look_at_relay
from digest.mail.relay_url import Security, parse_relay_url
from digest.mail.report import one_line
from digest.store.admins import accounts, append_audit
from digest.store.engine import reading, writing
from digest.store.mailbox import count_aside
from digest.store.schema import SchemaState, schema_state
from digest.tokens import address_key

_SOON = timedelta(days=14)
_LATELY = timedelta(days=14)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _TakenBack(Exception):
    """Ends a transaction that only tried whether it could write."""


def check_clock(ask: Callable[[], timedelta] | None, engine: Engine, clock: Callable[[], datetime]) -> Finding:
    """Compare our clock with a time server's, or where none answers with the database's if that is elsewhere."""
    whose, offset = "the time server's", None
    try:
        offset = ask() if ask else None
    except DigestError:
        offset = None
    if offset is None and engine.dialect.name == "postgresql":
        whose = "the database's"
        try:
            with engine.connect() as connection:
                offset = connection.execute(text("SELECT clock_timestamp()")).scalar_one() - clock()
        except SQLAlchemyError:
            offset = None
    remedy = "keep the clock right with chrony or systemd-timesyncd"
    if offset is None:
        return unchecked("clock", "no time server answers", f"{remedy}; name a server with --ntp")
    seconds = offset.total_seconds()
    words = f"{abs(seconds):.1f} s {'behind' if seconds > 0 else 'ahead of'} {whose}"
    if abs(seconds) <= 5:
        return ok("clock", words)
    if abs(seconds) > 60:
        return failure("clock", words, f"{remedy}; slots, signatures and links go by it")
    return warning("clock", words, remedy)


def check_database(engine: Engine, clock: Callable[[], datetime]) -> Finding:
    """Check that the database answers, has the schema of this version, takes what is written, and is nobody else's."""
    check = "database"
    kind = engine.dialect.name
    try:
        state = schema_state(engine)
        if state is not SchemaState.CURRENT:
            way = "install that version" if state is SchemaState.NEWER else "digest db upgrade"
            return failure(check, f"the {kind} schema is {state}", way)
        try:
            with writing(engine) as session:
                append_audit(session, at=clock(), actor="doctor", action="try to write")
                raise _TakenBack
        except _TakenBack:
            pass
    except (SQLAlchemyError, DigestError, OSError) as error:
        words = one_line(str(getattr(error, "orig", None) or error))
        return failure(check, f"it cannot be used: {words}", "look at DIGEST_DATABASE_URL and its server")
    file = Path(engine.url.database or "")
    if kind == "sqlite" and file.is_file() and file.stat().st_mode & 0o004:
        return warning(
            check, "any account of this machine that reaches its file may read the addresses in it", f"chmod o= {file}*"
        )
    return ok(check, f"{kind} answers, has the schema of this version, and can be written to")


def check_broker(url: str, ping: Callable[[str], None]) -> Finding:
    """Check that the broker answers; `ping` raises OSError or DigestError where it does not."""
    kind = url.partition(":")[0]
    if kind == "memory":
        return ok("broker", "in memory: one process, `digest up`")
    try:
        ping(url)
    except NotImplementedError:
        return unchecked("broker", f"{kind} brokers are not looked at")
    except (OSError, DigestError) as error:
        words = f"it does not answer: {one_line(str(error))}"
        return failure("broker", words, "start it, or look at DIGEST_BROKER_URL; what is due waits in SQL")
    return ok("broker", f"{kind} answers")


def check_alarms(engine: Engine, owners: Sequence[str], webhook: str) -> Finding:
    """Check that somebody is told when something is wrong, also where it is the relay that is."""
    check = "alarms"
    try:
        with reading(engine) as session:
            mailed = len({address_key(one) for one in (*owners, *(account.address for account in accounts(session)))})
    except SQLAlchemyError:
        mailed = len(owners)  # the check of the database says what is wrong with it
    if not mailed and not webhook:
        return warning(check, "nobody is told when something is wrong", "set DIGEST_ADMINS and DIGEST_ALERT_WEBHOOK")
    words = f"{mailed} {'address is' if mailed == 1 else 'addresses are'} mailed"
    if not webhook:
        way = "set DIGEST_ALERT_WEBHOOK: where the relay is away, no alert comes by mail"
        return ok(check, f"{words}, no webhook is set", way)
    return ok(check, f"{words}, and a webhook is set", "try both: digest alarms test")


def check_warm_up(warm_up: WarmUp | None, *, now: datetime) -> Finding:
    """Check that the cap on a new address's mails belongs to these weeks."""
    check = "warm-up"
    if warm_up is None:
        return ok(check, "none is set: a day's mails are not capped")
    today = day_begins(now).date()
    cap, ahead = warm_up.cap(today), warm_up.since - today
    if cap is None:
        words = f"it began on {warm_up.since} and caps nothing any more"
        return warning(check, words, "take DIGEST_WARM_UP away, or name the day on which a new address begins")
    if ahead > _SOON:
        words = f"it begins on {warm_up.since}, in {ahead.days} days; until then every day is capped at {cap:,} mails"
        return warning(check, words, "name in DIGEST_WARM_UP the day on which you begin to send")
    return ok(check, f"today's mails are capped at {cap:,}")


def check_secret(secrets: Callable[[], list[str]]) -> Finding:
    """Check that every secret is strong."""
    try:
        found = secrets()
    except ConfigError as error:
        return failure("secret", str(error), 'export DIGEST_SECRET_KEY="$(openssl rand -base64 48)"')
    return ok("secret", "strong" if len(found) == 1 else f"strong, with {len(found) - 1} older ones")


def check_mailbox(mailbox: Mailbox | None, engine: Engine, *, now: datetime) -> Finding:
    """Check that the bounce mailbox opens, and that everything in it could be read lately."""
    check = "bounce mailbox"
    if mailbox is None:
        return ok(check, "none is read")
    try:
        with mailbox.open():
            pass
        with reading(engine) as session:
            aside = count_aside(session, now - _LATELY)
    except MailboxUnavailable as error:
        return failure(check, str(error), "look at DIGEST_IMAP_URL, and at the mailbox's server")
    except SQLAlchemyError:
        aside = 0  # the check of the database says what is wrong with it
    if aside:
        words = f"{aside} messages of the last two weeks could not be read"
        return warning(check, words, "they are still there; the log says why, by mail_set_aside")
    return ok(check, f"{mailbox.name} opens")


def check_relay(url: str, *, helo: str, now: datetime) -> Finding:
    """Check that the relay answers, over TLS whose certificate verifies and lasts."""
    try:
        address = parse_relay_url(url)
        view = look_at_relay(address, helo=helo)
    except (ConfigError, RelayUnavailable) as error:
        return failure("relay", str(error), "look at DIGEST_SMTP_URL, and at the relay's certificate")
    offers = ", ".join(name.upper() for name in ("pipelining", "smtputf8") if name in view.offered)
    words = f"{address.where} answers{f', offers {offers}' if offers else ''}"
    if not view.encrypted:
        if address.is_here:
            return ok("relay", f"{words}; not encrypted, on this machine")
        if address.security is Security.REQUIRE:
            return failure("relay", f"{words}; it offers no STARTTLS", "let it offer STARTTLS, or use smtps://")
        return warning("relay", f"{words}; not encrypted", "use smtps:// or STARTTLS, except on a trusted network")
    return _lasting("relay", f"{words}; TLS verified", view.expires, now)


def check_site(base_url: str, client: httpx.Client, *, now: datetime) -> Finding:
    """Check that the public address is reached, over https, and is this site."""
    check = "base URL"
    host = urlsplit(base_url).hostname or ""
    if host in _LOOPBACK:
        words = f"{base_url}: the links in mail work on this machine only"
        return warning(check, words, "set DIGEST_BASE_URL to the public https address")
    if not base_url.startswith("https:"):
        words = f"{base_url} is not https: one-click unsubscribing needs it (RFC 8058)"
        return failure(check, words, "put a proxy with TLS in front, and set DIGEST_BASE_URL to https://")
    try:
        with client.stream("GET", f"{base_url}/healthz", follow_redirects=False) as answer:
            expires = certificate_expiry(_tls_of(answer))
            body = b"".join(answer.iter_bytes(1024))[:1024] if answer.status_code == 200 else b""
    except httpx.HTTPError as error:
        words = f"{base_url} cannot be reached: {one_line(str(error)) or type(error).__name__}"
        return failure(check, words, f"let {host} resolve to the proxy, and the proxy lead to `digest web`")
    if b'"up"' not in body:
        words = f"{base_url}/healthz answers {answer.status_code} and is not this site"
        return failure(check, words, "let the proxy hand every path on, without redirects")
    return _lasting(check, f"{base_url} answers", expires, now)


def _tls_of(answer: httpx.Response) -> object:
    stream = answer.extensions.get("network_stream")
    return stream.get_extra_info("socket") if stream is not None else None


def _lasting(check: str, words: str, expires: datetime | None, now: datetime) -> Finding:
    if expires is None:
        return ok(check, words)
    words = f"{words}, for {(expires - now).days} days more"
    return warning(check, words, "renew the certificate") if expires - now < _SOON else ok(check, words)
