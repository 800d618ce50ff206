"""What `digest init` asks, and how the answers get into the settings file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

import typer

from digest.cli.settings_file import difference, rewritten, values_in, write_settings
from digest.config import Settings, read_settings
from digest.errors import ConfigError, FileUnusable

FILE = Path(".env")
_KEY_FILE = Path("dkim.pem")
_PREFIX = "DIGEST_"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]+@")
_QUESTIONS = {
    "BASE_URL": "The site's public address",
    "ADMINS": "Your mail address; it owns the desk",
    "MAIL_FROM": "The address the mail comes from",
    "SMTP_URL": "The relay, as in smtp://name:password@relay.example.org:587",
    "CONTACT": "The operator's address, which sources and readers are told",
    "POSTAL_ADDRESS": "Your postal address, shown in every mail (many laws ask for it)",
    "CATEGORIES": "The arXiv categories to read",
    "DATABASE_URL": "The database",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The options as they were typed, by setting; empty ones were not."""

    given: Mapping[str, str]
    ask: bool
    force: bool
    dkim: bool


def settle(answers: Answers) -> None:
    """Write the settings file, the secret and the signing key, as far as they are not there yet.

    Raises ConfigError where a value is no good, or where one in the file would change without `force`.
    """
    text = _text()
    held = {name: value for name, value in values_in(text).items() if value}
    fixed = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX) and value}
    known = held | fixed  # the environment wins, as it does when a command runs
    wanted = _asked(answers, known)
    if not known.get("DIGEST_SECRET_KEY") or (answers.force and not _is_strong(known["DIGEST_SECRET_KEY"])):
        wanted["DIGEST_SECRET_KEY"] = token_urlsafe(48)
    settings = _checked(wanted)
    settings.strong_secrets()
    if answers.dkim and not (settings.dkim_key_file or settings.dkim_selector):
        wanted |= _signing(settings.mail_from, datetime.now(UTC))
    made = rewritten(text, wanted)
    changed = sorted(name for name, value in wanted.items() if name in held and held[name] != value)
    _show(text, made)
    if changed and not answers.force:
        raise ConfigError(f"{FILE} holds {', '.join(changed)} already; nothing was written: --force changes it")
    _make_key(wanted, settings.mail_from)
    if made != text:
        write_settings(FILE, made)
    elif FILE.stat().st_mode & 0o077:
        FILE.chmod(0o600)
        typer.echo(f"{FILE} is now for its owner alone", err=True)
    for name in sorted(name for name, value in wanted.items() if fixed.get(name, value) != value):
        typer.echo(f"digest: {name} is set in the environment, too, and that is what counts", err=True)


def _text() -> str:
    try:
        return FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    except OSError as error:
        raise FileUnusable(f"{FILE} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file {FILE} is not UTF-8 text; save it as UTF-8") from error


def _asked(answers: Answers, known: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be written: the options, and what was answered other than by the default."""
    wanted = {f"{_PREFIX}{name}": value for name, value in answers.given.items() if value}
    for name, words in _QUESTIONS.items():
        variable = f"{_PREFIX}{name}"
        if variable in wanted:
            continue
        proposed = known.get(variable) or _proposed(name, {**known, **wanted})
        value = _ask(name, words, proposed) if answers.ask else proposed
        if value and value != known.get(variable) and value != _built_in(name):
            wanted[variable] = value
    return wanted


def _proposed(name: str, so_far: Mapping[str, str]) -> str:
    """Return what is likely, from the answers so far, or else the setting's own default."""
    host = urlsplit(so_far.get("DIGEST_BASE_URL", "")).hostname or ""
    if name == "MAIL_FROM" and "." in host and not host.replace(".", "").isdecimal():
        return f"digest@{host}"
    if name == "CONTACT":
        return so_far.get("DIGEST_ADMINS", "").split(",")[0].strip()
    return _built_in(name)


def _built_in(name: str) -> str:
    default = Settings.model_fields[name.lower()].get_default(call_default_factory=True)
    return ",".join(default) if isinstance(default, list) else str(default)


def _ask(name: str, words: str, proposed: str) -> str:
    shown = _PASSWORD.sub(r"\1...@", proposed) or "none"
    while True:
        answer: str = typer.prompt(f"{words} [{shown}]", default=proposed, show_default=False, err=True).strip()
        try:
            read_settings(**{name.lower(): answer})
        except ConfigError as error:
            if not str(error).startswith(f"{_PREFIX}{name} "):
                raise  # another setting, which this answer does not mend
            typer.echo(f"digest: {error}", err=True)
        else:
            return answer


def _checked(wanted: Mapping[str, str]) -> Settings:
    return read_settings(**{name.removeprefix(_PREFIX).lower(): value for name, value in wanted.items()})


def _is_strong(secret: str) -> bool:
    try:
        read_settings(secret_key=secret).strong_secrets()
    except ConfigError:
        return False
    return True


def _signing(mail_from: str, now: datetime) -> dict[str, str]:
    domain = mail_from.rpartition("@")[2]
    if "." not in domain or domain.endswith(".localdomain"):
        return {}  # no DNS of that name tells anybody the key
    return {"DIGEST_DKIM_KEY_FILE": str(_KEY_FILE), "DIGEST_DKIM_SELECTOR": f"fl{now:%Y%m}"}


def _make_key(wanted: Mapping[str, str], mail_from: str) -> None:
    from digest.mail.dkim import make_key

    if "DIGEST_DKIM_KEY_FILE" in wanted and not _KEY_FILE.exists():  # one that is there was made by a run cut short
        make_key(_KEY_FILE, selector=wanted["DIGEST_DKIM_SELECTOR"], domain=mail_from.rpartition("@")[2])
        typer.echo(f"made {_KEY_FILE}: the key that signs the mail", err=True)


def _show(text: str, made: str) -> None:
    if made == text:
        typer.echo(f"== {FILE}: as it was", err=True)
        return
    typer.echo(f"== {FILE}: {'what changes' if text else 'new, for its owner alone'}", err=True)
    for line in difference(text, made, str(FILE)):
        typer.echo(line, err=True)
