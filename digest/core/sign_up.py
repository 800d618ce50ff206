"""Who may sign up, and how often is too often: the modes of an installation, and the limits of its forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import idna

from digest.errors import SignUpRefused


class SignUpMode(StrEnum):
    """Who may enter an address by themselves."""

    OPEN = "open"
    DOMAINS = "domains"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class SignUp:
    """How an installation takes new readers; `domains` count in one mode only, `.lab.example` means any below it."""

    mode: SignUpMode = SignUpMode.OPEN
    domains: tuple[str, ...] = ()

    def check(self, address: str, *, invited: bool = False) -> None:
        """Raise SignUpRefused where an address may not be entered; who is invited may always.

        The words tell of the installation, never of who is subscribed.
        """
        if invited or self.mode is SignUpMode.OPEN:
            return
        if self.mode is SignUpMode.INVITATION:
            raise SignUpRefused("this digest takes readers by invitation; open the link of yours")
        if not self.lists(domain_of(address)):
            named = ", ".join(f"anything under {one[1:]}" if one.startswith(".") else one for one in self.domains)
            raise SignUpRefused("this digest is for addresses at %(domains)s; enter one of those", domains=named)

    def lists(self, domain: str) -> bool:
        """Say whether a domain, in ASCII, is one of those listed or lies below one."""
        return any(domain.endswith(one) if one.startswith(".") else domain == one for one in self.domains)


def domain_of(address: str) -> str:
    """Return the domain of an address in ASCII and lower case; as it is where IDNA knows no other form."""
    return ascii_domain(address.rpartition("@")[2])


def ascii_domain(domain: str) -> str:
    """Return a domain, or a suffix beginning with a dot, in ASCII and lower case."""
    dot = "." if domain.startswith(".") else ""
    bare = domain.removeprefix(".").rstrip(".").lower()
    if not bare.isascii():
        try:
            bare = idna.encode(bare, uts46=True).decode("ascii")
        except idna.IDNAError:
            return dot + bare
    return dot + bare


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` at once, and then one for every part of the `window`; after a window at rest all again."""

    name: str
    most: int
    window: timedelta

    @property
    def step(self) -> timedelta:
        """How long one use takes to be forgotten."""
        return self.window / self.most


_HOUR = timedelta(hours=1)
POSTS = Limit("posts", 120, timedelta(minutes=10))  # of any kind, by network
SUBSCRIBE = Limit("subscribe", 10, _HOUR)  # by network
SUBSCRIBE_AROUND = Limit("subscribe-around", 60, _HOUR)  # by the wider network
ADDRESS = Limit("address", 5, _HOUR)  # by what was typed
DOMAIN = Limit("domain", 30, _HOUR)
LARGE_DOMAIN = Limit("large-domain", 1_200, _HOUR)
SIGN_IN = Limit("sign-in", 10, _HOUR)  # by network
RIGHTS = Limit("rights", 20, _HOUR)  # by reader: exports, changes of address, erasures
# Where a thousand strangers an hour may come from after a mention in the news, and nobody's mailbox is anybody else's.
_LARGE = frozenset(
    "126.com 163.com aol.com fastmail.com gmail.com gmx.de gmx.net googlemail.com hotmail.com icloud.com libero.it "  # noqa: SIM905
    "live.com mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com pm.me proton.me protonmail.com "
    "qq.com t-online.de web.de yahoo.co.jp yahoo.com yandex.ru".split()
)


def domain_limit(domain: str, sign_up: SignUp) -> Limit:
    """Return the limit for new addresses at one domain: a wide one for large providers and for domains of our own."""
    return LARGE_DOMAIN if domain in _LARGE or sign_up.lists(domain) else DOMAIN
