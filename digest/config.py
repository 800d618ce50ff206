"""The settings of a Firstlight installation, read from `DIGEST_*` variables and an optional `.env` file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from digest import setting_kinds as kinds
from digest.core.language import SOURCE
from digest.core.retention import LEAST_DELIVERIES_DAYS, LEAST_OBSERVATIONS_DAYS, LEAST_RUNS_DAYS
from digest.core.sign_up import SignUpMode
from digest.errors import ConfigError

_ENV_FILE = ".env"
_SECRETS_DIR = "DIGEST_SECRETS_DIR"
_WEAK_WORDS = ("changeme", "change-me", "secret", "password", "example", "default", "firstlight")


class Settings(BaseSettings):
    """Every setting; lists are comma-separated, times are UTC."""

    model_config = SettingsConfigDict(env_prefix="DIGEST_", env_file=_ENV_FILE, extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///var/digest.db", description="sqlite:///path or postgresql://...")
    database_password: str = Field(
        "", description="PostgreSQL's password, where DATABASE_URL names none; best as a file in DIGEST_SECRETS_DIR"
    )
    mark_file: Path | None = Field(
        None,
        description="Where it is noted what a restored database must not send again; without it beside SQLite's file, "
        "or in Redis",
    )
    broker_url: kinds.Broker = Field(
        "memory://", description="Celery's broker: redis://..., or memory:// in one process"
    )
    smtp_url: str = Field(
        "smtp://127.0.0.1:25",
        description="The relay: smtp(s)://name:password@host:port, smtp+unix:///socket or sendmail:///program",
    )
    smtp_connections: int = Field(
        24, ge=1, le=200, description="The most connections to the relay that one process opens"
    )
    domain_limits: kinds.DomainLimits = Field(
        default_factory=list,
        description="Messages at once / a minute to a recipient domain, as in example.org=20/600, *=10/1200",
    )
    warm_up: kinds.WarmUpWords = Field(
        "",
        description="Caps a new sending address's mails a day (UTC) from the day on which it begins, as in "
        "500 from 2026-11-01 double every 2 days",
    )
    base_url: kinds.WebAddress = Field(
        "http://127.0.0.1:8000", description="The site's public address, as links in mail use it"
    )
    secret_key: kinds.WordList = Field(
        default_factory=list, description="Signs links; several, newest first, while one is replaced"
    )
    admins: kinds.MailAddresses = Field(default_factory=list, description="Addresses that may sign in at /admin")
    contact: kinds.Contact = Field(
        "", description="The operator's address: in the User-Agent to sources and in the mail's footer"
    )
    log_level: kinds.LogLevel = Field(
        "info", description="The least level of a line in the log; debug also tells each message's reply"
    )
    site_name: kinds.OneLine = Field("Firstlight", description="The name readers see")
    language: kinds.OfferedLanguage = Field(
        SOURCE, description="The language of mail and pages where a reader has chosen none and a browser names none"
    )
    mail_from: kinds.MailAddress = Field("digest@localhost.localdomain", description="The address the mail comes from")
    dkim_key_file: Path | None = Field(None, description="The private key that signs mail, made by `digest dkim-key`")
    dkim_selector: str = Field("", description="The selector under which the key's DNS record is published")
    verp: bool = Field(
        False,
        description="A return path for each message, if mail to MAIL_FROM's name+anything reaches `digest inbound`",
    )
    hook_secret: kinds.WordList = Field(
        default_factory=list,
        description="Signs feedback posted to /hooks/bounce, off without it; newest first",
    )
    sns_topics: kinds.Topics = Field(
        default_factory=list,
        description="The SNS topics (ARN) whose SES feedback /hooks/sns takes; off without any",
    )
    imap_url: str = Field(
        "", description="The bounce mailbox, read every five minutes: imaps://name:password@host/INBOX"
    )
    postal_address: kinds.OneLine = Field("", description="The sender's postal address, shown in every mail")
    categories: kinds.Categories = Field(
        default_factory=lambda: ["cs.LG", "cs.CL", "cs.CV", "cs.AI", "stat.ML"],
        description="The arXiv categories that are read",
    )
    arxiv_holidays: kinds.Holidays = Field(
        default_factory=list,
        description="More dates on which arXiv announces nothing, as it names them; -2026-06-19 takes one away",
    )
    oai_sets: kinds.WordList = Field(
        default_factory=lambda: ["cs", "stat"], description="The OAI-PMH sets that a back-fill reads"
    )
    github_token: kinds.HeaderValue = Field(
        "", description="A token for GitHub's API; without one 60 repositories an hour are asked for"
    )
    semantic_scholar_key: kinds.HeaderValue = Field(
        "", description="A key for Semantic Scholar's API; optional, makes it answer sooner"
    )
    trusted_proxies: kinds.Networks = Field(
        default_factory=lambda: ["127.0.0.1", "::1"],
        description="Addresses or networks of reverse proxies, whose X-Forwarded-For and -Proto are believed",
    )
    metrics_token: kinds.HardToGuess = Field(
        "", description="Opens /metrics to whoever shows it as a bearer token; at least 16 characters"
    )
    metrics_from: kinds.Networks = Field(
        default_factory=list, description="Opens /metrics to these addresses or networks; off without it and a token"
    )
    alert_webhook: kinds.CalledAddress = Field(
        "", description="Where alerts are posted as signed JSON, beside the mail to the admins; off without it"
    )
    alert_secret: kinds.HardToGuess = Field(
        "", description="Signs what is posted to ALERT_WEBHOOK; at least 16 characters"
    )
    heartbeat_url: kinds.CalledAddress = Field(
        "", description="Called after each good day, so that whoever waits for it notices when none was"
    )
    sign_up: SignUpMode = Field(
        SignUpMode.OPEN, description="Who may sign up: open, domains (those listed below), or invitation"
    )
    sign_up_domains: kinds.Domains = Field(
        default_factory=list, description="Domains that may sign up: lab.example, or .lab.example for all below it"
    )
    keep_pending_days: int = Field(
        30, ge=1, le=3650, description="After how many days a request that was never confirmed is erased"
    )
    keep_unsubscribed_days: int = Field(
        180, ge=1, le=3650, description="After how many days a reader who left is erased"
    )
    keep_ip_days: int = Field(
        90, ge=0, le=3650, description="After how many days the IP address of a consent is shortened to its network"
    )
    cut_off_hour: int = Field(6, ge=0, le=23, description="The hour (UTC) at which a day's issue is frozen")
    issue_size: int = Field(500, ge=10, le=1000, description="The number of papers an issue ranks")
    keep_observations_days: int = Field(
        400,
        ge=LEAST_OBSERVATIONS_DAYS,
        description="How long signals' values are kept; the newest of each stay for good",
    )
    keep_deliveries_days: int = Field(
        180,
        ge=LEAST_DELIVERIES_DAYS,
        description="How long settled deliveries are kept; by them no paper is sent twice within 90 days",
    )
    keep_runs_days: int = Field(
        90, ge=LEAST_RUNS_DAYS, description="How long runs of sources and what they set aside are kept"
    )
    approval: bool = Field(
        False, description="Send no issue that nobody has approved at the desk or with `digest issue approve`"
    )
    outbox_dir: Path | None = Field(None, description="Where the local inbox keeps mail; shown at /inbox when set")
    alive_file: Path | None = Field(
        None, description="Touched every few seconds by a worker or scheduler that is at work, for a health check"
    )
    allow_test_addresses: bool = Field(False, description="Accept addresses under .test and other reserved names")
    demo: bool = Field(False, description="Set by `digest demo` alone: signals are simulated, the secret is its own")

    @model_validator(mode="after")
    def _somebody_may_sign_up(self) -> Settings:
        if self.sign_up is SignUpMode.DOMAINS and not self.sign_up_domains:
            raise ValueError("DIGEST_SIGN_UP is domains, and DIGEST_SIGN_UP_DOMAINS names none")
        return self

    @model_validator(mode="after")
    def _alerts_are_signed(self) -> Settings:
        if self.alert_webhook and not self.alert_secret:
            raise ValueError(
                "DIGEST_ALERT_WEBHOOK is set, and DIGEST_ALERT_SECRET is not; make one with: openssl rand -hex 24"
            )
        return self

    @property
    def host(self) -> str:
        """The host name of the site, for message identifiers and HELO."""
        return urlsplit(self.base_url).hostname or "localhost"

    def strong_secrets(self) -> list[str]:
        """Return the signing secrets, newest first; raises ConfigError where one is missing or weak."""
        if not self.secret_key:
            raise ConfigError("DIGEST_SECRET_KEY is not set; make one with: openssl rand -base64 48")
        return _strong("DIGEST_SECRET_KEY", self.secret_key)

    def hook_secrets(self) -> list[str]:
        """Return the secrets of the webhook, newest first, if there are any; raises ConfigError where one is weak."""
        return _strong("DIGEST_HOOK_SECRET", self.hook_secret)


def _strong(name: str, secrets: list[str]) -> list[str]:
    for secret in secrets:
        if len(secret) < 32 or len(set(secret)) < 12 or any(word in secret.casefold() for word in _WEAK_WORDS):
            raise ConfigError(
                f"{name} is weak: it needs at least 32 random characters; make one with: openssl rand -base64 48"
            )
    return list(secrets)


def read_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and the files of secrets; `overrides` win.

    Raises ConfigError naming the variable.
    """
    try:
        return Settings(_secrets_dir=_secrets_dir(os.environ), **overrides)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        words = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # two settings that contradict each other; the words name both
            raise ConfigError(words) from error
        name = "DIGEST_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name} cannot be used: {words}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file {_ENV_FILE} is not UTF-8 text; save it as UTF-8") from error


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Name the `DIGEST_*` variables, also of the `.env` file, that no setting reads: a misspelt one would go unnoticed.

    Call it after `read_settings`, which refuses a file that cannot be read.
    """
    known = {f"DIGEST_{name.upper()}" for name in Settings.model_fields} | {_SECRETS_DIR}
    written = dotenv_values(_ENV_FILE) if Path(_ENV_FILE).is_file() else {}
    folder = _secrets_dir(environ)
    files = {path.name.upper() for path in folder.iterdir()} if folder else set()
    return sorted(name for name in {*environ, *written, *files} if name.startswith("DIGEST_") and name not in known)


def _secrets_dir(environ: Mapping[str, str]) -> Path | None:
    """Return the folder whose files are settings: the one that is named, or the one that systemd hands over."""
    named = environ.get(_SECRETS_DIR)
    folder = named or environ.get("CREDENTIALS_DIRECTORY")
    if named and not Path(named).is_dir():
        raise ConfigError(f"{_SECRETS_DIR} names {named}, which is no folder; mount the secrets there, or leave it out")
    return Path(folder) if folder and Path(folder).is_dir() else None
