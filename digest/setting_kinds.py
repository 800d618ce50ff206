"""What a setting may be: types that check a value when it is read, and say in plain words what it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.categories import is_category
from digest.core.pace import read_limits
from digest.core.sign_up import ascii_domain
from digest.core.sns_topic import sns_host
from digest.core.warm_up import read_warm_up
from digest.languages import offered

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_BLANK = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")
_LEVELS = ("debug", "info", "warning", "error")
_BROKERS = frozenset({"memory", "redis", "rediss", "redis+socket", "sentinel"})
_DOMAIN = re.compile(r"\.?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")


def _split(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _read_by(read: Callable[[Any], object]) -> AfterValidator:
    """Refuse what a reader refuses; its own words name what is wrong."""

    def checked(value: Any) -> Any:
        read(value)
        return value

    return AfterValidator(checked)


def _each_read_by(read: Callable[[str], object]) -> AfterValidator:
    return _read_by(lambda values: [read(value) for value in values])


def _header_value(value: str) -> str:
    if not value.isascii() or any(not mark.isprintable() or mark.isspace() for mark in value.strip()):
        raise ValueError("it holds characters that a token does not have; copy it again")
    return value.strip()


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    _ = parts.port  # raises ValueError, saying why, where it is none
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{value!r} is not a web address such as https://digest.example.org")
    return value.rstrip("/")


def _called_address(value: str) -> None:
    parts = urlsplit(value)
    _ = parts.port  # raises ValueError, saying why, where it is none
    if value and not (
        parts.scheme in {"http", "https"} and parts.hostname and value.isascii() and not _BLANK.search(value)
    ):
        raise ValueError("it is not a web address such as https://alerts.example.org/firstlight")
    if value and (parts.fragment or "@" in parts.netloc):
        raise ValueError("it holds a name, a password or a fragment; put what is secret into its path or query")


def _hard_to_guess(value: str) -> None:
    if value and (len(value) < 16 or not value.isascii() or not value.isprintable() or " " in value):
        raise ValueError("it needs at least 16 letters, digits or marks; make one with: openssl rand -hex 24")


def _offered_language(value: str) -> None:
    if value not in offered():
        raise ValueError(f"{value!r} has no catalogue; the languages are: {', '.join(offered())}")


def _known_level(value: str) -> str:
    if value.casefold() not in _LEVELS:
        raise ValueError(f"{value!r} is no level; use one of {', '.join(_LEVELS)}")
    return value.casefold()


def _known_broker(value: str) -> None:
    if value.partition(":")[0] not in _BROKERS:
        raise ValueError("use redis://host:port/number, or memory:// in one process")


def _one_line(value: str) -> None:
    if not value.isprintable():
        raise ValueError("it holds a line break or another control character; write it on one line")


def _fit_for_a_header(value: str) -> None:
    if not value.isascii():
        raise ValueError("it goes into the User-Agent, which is ASCII; give an address or a web address")


def _mail_address(value: str) -> None:
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not a mail address such as digest@example.org")


def _arxiv_category(value: str) -> None:
    if not is_category(value):
        raise ValueError(f"{value!r} is not an arXiv category such as cs.LG")


def _domain(value: str) -> None:
    if not _DOMAIN.fullmatch(ascii_domain(value)):
        raise ValueError(f"{value!r} is not a domain such as lab.example, or .lab.example for all below it")


WordList = Annotated[list[str], NoDecode, BeforeValidator(_split)]
MailAddresses = Annotated[WordList, _each_read_by(_mail_address)]
Categories = Annotated[WordList, _each_read_by(_arxiv_category)]
Holidays = Annotated[WordList, _read_by(ArxivCalendar.of)]
Domains = Annotated[WordList, _each_read_by(_domain)]
DomainLimits = Annotated[WordList, _read_by(read_limits)]
Topics = Annotated[WordList, _each_read_by(sns_host)]
Networks = Annotated[WordList, _each_read_by(partial(ip_network, strict=False))]

HeaderValue = Annotated[str, AfterValidator(_header_value)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
CalledAddress = Annotated[str, _read_by(_called_address)]
HardToGuess = Annotated[str, _read_by(_hard_to_guess)]
OfferedLanguage = Annotated[str, _read_by(_offered_language)]
LogLevel = Annotated[str, AfterValidator(_known_level)]
Broker = Annotated[str, _read_by(_known_broker)]
WarmUpWords = Annotated[str, _read_by(read_warm_up)]
OneLine = Annotated[str, _read_by(_one_line)]
Contact = Annotated[OneLine, _read_by(_fit_for_a_header)]
MailAddress = Annotated[OneLine, _read_by(_mail_address)]
