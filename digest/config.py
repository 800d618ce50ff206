"""The settings of a Firstlight installation, read from `DIGEST_*` variables and an optional `.env` file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.categories import is_category
from digest.core.language import SOURCE
from digest.core.pace import read_limits
from digest.core.retention import LEAST_DELIVERIES_DAYS, LEAST_OBSERVATIONS_DAYS, LEAST_RUNS_DAYS
from digest.core.sign_up import SignUpMode, ascii_domain
from digest.core.sns_topic import sns_host
from digest.core.warm_up import read_warm_up
from digest.errors import ConfigError
from digest.languages import offered

_ENV_FILE = ".env"
_SECRETS_DIR = "DIGEST_SECRETS_DIR"
_WEAK_WORDS = ("changeme", "change-me", "secret", "password", "example", "default", "firstlight")
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_BLANK = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")
_LEVELS = ("debug", "info", "warning", "error")
_DOMAIN = re.compile(r"\.?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")
WordList = Annotated[list[str], NoDecode]


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
    broker_url: str = Field("memory://", description="Celery's broker: redis://..., or memory:// in one process")
    smtp_url: str = Field(
        "smtp://127.0.0.1:25",
        description="The relay: smtp(s)://name:password@host:port, smtp+unix:///socket or sendmail:///program",
    )
    smtp_connections: int = Field(
        24, ge=1, le=200, description="The most connections to the relay that one process opens"
    )
    domain_limits: WordList = Field(
        default_factory=list,
        description="Messages at once / a minute to a recipient domain, as in example.org=20/600, *=10/1200",
    )
    warm_up: str = Field(
        "",
        description="Caps a new sending address's mails a day (UTC), as in 500 from 2026-11-01 double every 2 days",
    )
    base_url: str = Field("http://127.0.0.1:8000", description="The site's public address, as links in mail use it")
    secret_key: WordList = Field(
        default_factory=list, description="Signs links; several, newest first, while one is replaced"
    )
    admins: WordList = Field(default_factory=list, description="Addresses that may sign in at /admin")
    contact: str = Field(
        "", description="The operator's address: in the User-Agent to sources and in the mail's footer"
    )
    log_level: str = Field(
        "info", description="The least level of a line in the log; debug also tells each message's reply"
    )
    site_name: str = Field("Firstlight", description="The name readers see")
    language: str = Field(
        SOURCE, description="The language of mail and pages where a reader has chosen none and a browser names none"
    )
    mail_from: str = Field("digest@localhost.localdomain", description="The address the mail comes from")
    dkim_key_file: Path | None = Field(None, description="The private key that signs mail, made by `digest dkim-key`")
    dkim_selector: str = Field("", description="The selector under which the key's DNS record is published")
    verp: bool = Field(
        False,
        description="A return path for each message, if mail to MAIL_FROM's name+anything reaches `digest inbound`",
    )
    hook_secret: WordList = Field(
        default_factory=list,
        description="Signs feedback posted to /hooks/bounce, off without it; newest first",
    )
    sns_topics: WordList = Field(
        default_factory=list,
        description="The SNS topics (ARN) whose SES feedback /hooks/sns takes; off without any",
    )
    imap_url: str = Field(
        "", description="The bounce mailbox, read every five minutes: imaps://name:password@host/INBOX"
    )
    postal_address: str = Field("", description="The sender's postal address, shown in every mail")
    categories: WordList = Field(
        default_factory=lambda: ["cs.LG", "cs.CL", "cs.CV", "cs.AI", "stat.ML"],
        description="The arXiv categories that are read",
    )
    arxiv_holidays: WordList = Field(
        default_factory=list,
        description="More dates on which arXiv announces nothing, as it names them; -2026-06-19 takes one away",
    )
    oai_sets: WordList = Field(
        default_factory=lambda: ["cs", "stat"], description="The OAI-PMH sets that a back-fill reads"
    )
    github_token: str = Field(
        "", description="A token for GitHub's API; without one 60 repositories an hour are asked for"
    )
    semantic_scholar_key: str = Field(
        "", description="A key for Semantic Scholar's API; optional, makes it answer sooner"
    )
    trusted_proxies: WordList = Field(
        default_factory=lambda: ["127.0.0.1", "::1"],
        description="Addresses or networks of reverse proxies, whose X-Forwarded-For and -Proto are believed",
    )
    metrics_token: str = Field(
        "", description="Opens /metrics to whoever shows it as a bearer token; at least 16 characters"
    )
    metrics_from: WordList = Field(
        default_factory=list, description="Opens /metrics to these addresses or networks; off without it and a token"
    )
    alert_webhook: str = Field(
        "", description="Where alerts are posted as signed JSON, beside the mail to the admins; off without it"
    )
    alert_secret: str = Field("", description="Signs what is posted to ALERT_WEBHOOK; at least 16 characters")
    heartbeat_url: str = Field(
        "", description="Called after each good day, so that whoever waits for it notices when none was"
    )
    sign_up: SignUpMode = Field(
        SignUpMode.OPEN, description="Who may sign up: open, domains (those listed below), or invitation"
    )
    sign_up_domains: WordList = Field(
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

    @field_validator(
        *("secret_key", "admins", "categories", "oai_sets", "trusted_proxies", "hook_secret", "sns_topics"),
        *("arxiv_holidays", "metrics_from", "domain_limits", "sign_up_domains"),
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value

    @field_validator("github_token", "semantic_scholar_key")
    @classmethod
    def _header_value(cls, value: str) -> str:
        if not value.isascii() or any(not mark.isprintable() or mark.isspace() for mark in value.strip()):
            raise ValueError("it holds characters that a token does not have; copy it again")
        return value.strip()

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError, saying why, where it is none
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{value!r} is not a web address such as https://digest.example.org")
        return value.rstrip("/")

    @field_validator("alert_webhook", "heartbeat_url")
    @classmethod
    def _called_address(cls, value: str) -> str:
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError, saying why, where it is none
        if value and not (
            parts.scheme in {"http", "https"} and parts.hostname and value.isascii() and not _BLANK.search(value)
        ):
            raise ValueError("it is not a web address such as https://alerts.example.org/firstlight")
        if value and (parts.fragment or "@" in parts.netloc):
            raise ValueError("it holds a name, a password or a fragment; put what is secret into its path or query")
        return value

    @field_validator("metrics_token", "alert_secret")
    @classmethod
    def _hard_to_guess(cls, value: str) -> str:
        if value and (len(value) < 16 or not value.isascii() or not value.isprintable() or " " in value):
            raise ValueError("it needs at least 16 letters, digits or marks; make one with: openssl rand -hex 24")
        return value

    @field_validator("trusted_proxies", "metrics_from")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for word in value:
            ip_network(word, strict=False)  # its own words name what is no address and no network
        return value

    @field_validator("language")
    @classmethod
    def _offered_language(cls, value: str) -> str:
        if value not in offered():
            raise ValueError(f"{value!r} has no catalogue; the languages are: {', '.join(offered())}")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.casefold() not in _LEVELS:
            raise ValueError(f"{value!r} is no level; use one of {', '.join(_LEVELS)}")
        return value.casefold()

    @field_validator("domain_limits")
    @classmethod
    def _limits(cls, value: list[str]) -> list[str]:
        read_limits(value)  # its own words name what is no limit
        return value

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value.partition(":")[0] not in {"memory", "redis", "rediss", "redis+socket", "sentinel"}:
            raise ValueError("use redis://host:port/number, or memory:// in one process")
        return value

    @field_validator("warm_up")
    @classmethod
    def _warming(cls, value: str) -> str:
        read_warm_up(value)  # its own words name what is none
        return value

    @field_validator("contact", "site_name", "mail_from", "postal_address")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("it holds a line break or another control character; write it on one line")
        return value

    @field_validator("contact")
    @classmethod
    def _fit_for_a_header(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError("it goes into the User-Agent, which is ASCII; give an address or a web address")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if not _ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is not a mail address such as digest@example.org")
        return value

    @field_validator("admins")
    @classmethod
    def _mail_addresses(cls, values: list[str]) -> list[str]:
        return [cls._mail_address(value) for value in values]

    @field_validator("categories")
    @classmethod
    def _arxiv_categories(cls, values: list[str]) -> list[str]:
        for value in values:
            if not is_category(value):
                raise ValueError(f"{value!r} is not an arXiv category such as cs.LG")
        return values

    @field_validator("arxiv_holidays")
    @classmethod
    def _dates(cls, values: list[str]) -> list[str]:
        ArxivCalendar.of(values)  # its own words name what is no date
        return values

    @field_validator("sns_topics")
    @classmethod
    def _topics(cls, values: list[str]) -> list[str]:
        for value in values:
            sns_host(value)  # its own words name what is no topic
        return values

    @field_validator("sign_up_domains")
    @classmethod
    def _domains(cls, values: list[str]) -> list[str]:
        for value in values:
            if not _DOMAIN.fullmatch(ascii_domain(value)):
                raise ValueError(f"{value!r} is not a domain such as lab.example, or .lab.example for all below it")
        return values

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
