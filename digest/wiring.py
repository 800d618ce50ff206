"""The one place that joins settings, clock, engine, clients and flows; imports what is heavy only when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from secrets import token_hex
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import Engine

from digest import __version__, logs
from digest.config import Settings
from digest.core.retention import Retention
from digest.core.sign_up import SignUp, ascii_domain
from digest.errors import ConfigError, RelayUnavailable
from digest.files import templates_folder
from digest.languages import Languages
from digest.outside import SIGNAL_SERVICES, Outside
from digest.store.engine import open_engine
from digest.tokens import Tokens

if TYPE_CHECKING:
    import httpx

    from digest.core.pace import Pace
    from digest.core.warm_up import WarmUp
    from digest.flows.bell import Bell
    from digest.flows.deliver import Courier
    from digest.flows.drafts import Drafts
    from digest.flows.epoch import Guard
    from digest.flows.retention import Terms
    from digest.flows.watch import Watchman
    from digest.mail.dkim import Signer
    from digest.mail.imap import ImapMailbox
    from digest.mail.render import Renderer, Sender
    from digest.sources.sns import SnsDoor


def utc_now() -> datetime:
    """The wall clock; the only one in Firstlight."""
    return datetime.now(UTC)


def _nothing() -> None:
    return None


def _no_errand(_source: str, _scope: str) -> None:
    return None


def _no_relay() -> NoReturn:
    raise RelayUnavailable("a preview is not sent")


class Services(Outside):
    """Everything a process of Firstlight needs, made on first use.

    `clock` gives aware UTC instants. `kick` is called after work was committed to SQL, so that a worker
    looks at once instead of at the next tick, `errand` with a source and scope of which something was asked;
    they may do nothing.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        kick: Callable[[], None] = _nothing,
        errand: Callable[[str, str], None] = _no_errand,
    ) -> None:
        super().__init__(settings)
        self.clock = clock
        self.kick = kick
        self.errand = errand

    @cached_property
    def engine(self) -> Engine:
        """The database."""
        return open_engine(self.settings.database_url, self.settings.database_password)

    @cached_property
    def guard(self) -> Guard:
        """What stands before every run that sends, and notices a database that was restored."""
        from digest.flows.epoch import Guard
        from digest.store.marks import marks_of

        marks = marks_of(self.engine.url, self.settings.mark_file, self.settings.broker_url)
        return Guard(self.engine, marks, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        """The signer of links; raises ConfigError where the secret is missing or weak."""
        return Tokens(self.settings.strong_secrets())

    def name_readers(self) -> None:
        """Let the log name readers by this installation's hash, and take its level from the settings.

        Where there is no strong secret it names nobody; whoever needs the secret, or examines it, says so.
        """
        try:
            tokens = self.tokens
        except ConfigError:
            tokens = None
        logs.adopt(self.settings.log_level, tokens)

    @cached_property
    def sign_up(self) -> SignUp:
        """Who may sign up."""
        return SignUp(self.settings.sign_up, tuple(ascii_domain(one) for one in self.settings.sign_up_domains))

    @property
    def reader_terms(self) -> Terms:
        """How long what is kept of readers."""
        from digest.flows.retention import Terms

        kept = self.settings
        return Terms.in_days(kept.keep_pending_days, kept.keep_unsubscribed_days, kept.keep_ip_days)

    @cached_property
    def hook_secrets(self) -> list[str]:
        """The secrets that sign feedback posted to us; raises ConfigError where one is weak."""
        return self.settings.hook_secrets()

    @cached_property
    def sns(self) -> SnsDoor | None:
        """The door for what Amazon SNS brings, if topics are named."""
        if not self.settings.sns_topics:
            return None
        import httpx

        from digest.sources.sns import SnsDoor

        client = httpx.Client(timeout=10, headers={"User-Agent": f"Firstlight/{__version__}"})
        return SnsDoor(client, self.settings.sns_topics, clock=self.clock)

    @cached_property
    def mailbox(self) -> ImapMailbox | None:
        """The bounce mailbox, if one is set; raises ConfigError for a URL that cannot be read."""
        if not self.settings.imap_url:
            return None
        from digest.mail.imap import ImapMailbox

        return ImapMailbox(self.settings.imap_url)

    @cached_property
    def sender(self) -> Sender:
        """Who the mail comes from."""
        from digest.mail.render import Sender

        settings = self.settings
        return Sender(
            name=settings.site_name,
            address=settings.mail_from,
            postal_address=settings.postal_address,
            contact=settings.contact,
        )

    @cached_property
    def languages(self) -> Languages:
        """The languages that readers may have, and the site's own."""
        return Languages(self.settings.language)

    @cached_property
    def renderer(self) -> Renderer:
        """The mail templates, compiled once; it speaks the site's own language, and others on demand."""
        from digest.mail.render import Renderer

        return Renderer(templates_folder(), self.settings.base_url, self.sender, self.languages.of(""))

    @cached_property
    def courier(self) -> Courier:
        """What the delivery flow needs to turn a delivery into a message and hand it over."""
        from digest.flows.deliver import Courier
        from digest.mail.smtp import Relay

        settings = self.settings
        return Courier(
            renderer=self.renderer,
            tokens=self.tokens,
            sender=self.sender,
            base_url=settings.base_url,
            relay=lambda: Relay(settings.smtp_url, helo=settings.host, connections=settings.smtp_connections),
            sign=self.signer,
            verp=settings.verp,
            pace=self.pace,
            warm_up=self.warm_up,
        )

    @property
    def warm_up(self) -> WarmUp | None:
        """The cap on a new sending address's mails, if there is one."""
        from digest.core.warm_up import read_warm_up

        return read_warm_up(self.settings.warm_up)

    @cached_property
    def pace(self) -> Pace:
        """How fast each recipient domain is mailed by this process."""
        from digest.core.pace import NO_LIMIT, Pace, read_limits

        limits = read_limits(self.settings.domain_limits)
        return Pace(limits.pop("*", NO_LIMIT), limits)

    @cached_property
    def watchman(self) -> Watchman:
        """Who looks whether something is wrong, and tells somebody."""
        from digest.core.refresh import SCOPE
        from digest.flows.facts import Duties
        from digest.flows.watch import Watchman

        settings = self.settings
        live = not settings.demo
        duties = Duties(
            last_cut_off=self.last_cut_off,
            scopes=self.polled_scopes() if live else [],
            services=[(name, SCOPE) for name in SIGNAL_SERVICES] if live else [],
            approval=settings.approval,
            mailbox=bool(settings.imap_url),
            warm_up=self.warm_up,
        )
        return Watchman(
            engine=self.engine,
            clock=self.clock,
            duties=duties,
            base_url=settings.base_url,
            site_name=settings.site_name,
            owners=settings.admins,
            posts=bool(settings.alert_webhook),
            kick=self.kick,
        )

    @cached_property
    def bell(self) -> Bell:
        """What tells outside of the mail: the webhook and the heartbeat, where they are set."""
        import httpx

        from digest.flows.bell import Bell

        def client() -> httpx.Client:
            agent = f"Firstlight/{__version__} ({self.settings.base_url})"
            return httpx.Client(timeout=5, headers={"User-Agent": agent})

        settings = self.settings
        return Bell(
            engine=self.engine,
            clock=self.clock,
            client=client,
            cut_off=self.cut_off,
            webhook=settings.alert_webhook,
            secret=settings.alert_secret,
            heartbeat=settings.heartbeat_url,
            warm_up=self.warm_up,
        )

    @property
    def retention(self) -> Retention:
        """How long what the machine notes for itself is kept."""
        kept = self.settings
        return Retention.of(kept.keep_observations_days, kept.keep_deliveries_days, kept.keep_runs_days)

    @property
    def dkim_record(self) -> str:
        """The text of the DNS record that the signing key needs; empty where mail is not signed."""
        return self.signer.record if self.signer else ""

    @cached_property
    def signer(self) -> Signer | None:
        """What puts a DKIM signature on each message, if a key is set; raises ConfigError for half a setting."""
        settings = self.settings
        if settings.dkim_key_file is None and not settings.dkim_selector:
            return None
        if settings.dkim_key_file is None or not settings.dkim_selector:
            raise ConfigError("DIGEST_DKIM_KEY_FILE and DIGEST_DKIM_SELECTOR go together; one of them is missing")
        from digest.mail.dkim import signer_from

        # The domain is that of From, so that DMARC finds the two aligned (RFC 7489 section 3.1).
        domain = settings.mail_from.rpartition("@")[2]
        return signer_from(settings.dkim_key_file, domain=domain, selector=settings.dkim_selector)

    @cached_property
    def previewer(self) -> Courier:
        """A courier for previews: it needs no secret, since it signs nothing that anybody trusts, and has no relay."""
        from digest.flows.deliver import Courier

        return Courier(
            renderer=self.renderer,
            tokens=Tokens([token_hex(32)]),
            sender=self.sender,
            base_url=self.settings.base_url,
            relay=_no_relay,
        )

    @cached_property
    def drafts(self) -> Drafts:
        """The issues that this process shows at the desk."""
        from digest.flows.drafts import Drafts

        return Drafts(self.settings.issue_size)

    def cut_off(self, issued_on: date) -> datetime:
        """Return the last instant that counts for the issue of a day."""
        return datetime.combine(issued_on, time(self.settings.cut_off_hour), UTC)

    def next_cut_off(self, now: datetime) -> datetime:
        """Return the first cut-off after an instant."""
        today = self.cut_off(now.astimezone(UTC).date())
        return today if today > now else today + timedelta(days=1)

    def last_cut_off(self, now: datetime) -> datetime:
        """Return the last cut-off that has passed: what the issue of its day serves begins there."""
        return self.next_cut_off(now) - timedelta(days=1)
