"""Double opt-in, and the way out: request, confirm, unsubscribe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Engine

from digest.core.address_faults import address_fault
from digest.core.cadence import known_or_utc, local_date
from digest.core.preferences import chosen
from digest.core.sign_up import SignUp
from digest.core.subscription import ConsentAction
from digest.errors import AddressRefused, SignUpRefused, TokenInvalid, TokenSpent, UnknownZone
from digest.flows.links import Held, held
from digest.flows.preferences import ReaderPreferences, change_preferences, preferences_of
from digest.store import invitations, subscribers
from digest.store.choices import link_generation
from digest.store.engine import writing
from digest.store.subscribers import Evidence, Wishes
from digest.tokens import Tokens, spent_key, token_hash

__all__ = [
    "ReaderPreferences",
    "Subscribed",
    "change_preferences",
    "confirm",
    "preferences_of",
    "request",
    "unsubscribe",
]

CONFIRM_WITHIN = timedelta(days=3)
OPEN = SignUp()
WORDING = "2026-11"  # the version of what form, mail and page say; its words are in templates/consent
_WELCOME_WITH = timedelta(days=7)  # an older issue is no welcome
_LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, as corrected by erratum 1690


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A reader who has just confirmed."""

    subscriber_id: int
    own: Held  # what their links hold
    address: str
    welcomed: bool


def request(
    engine: Engine,
    tokens: Tokens,
    address: str,
    *,
    now: datetime,
    ip: str,
    source: str,
    timezone: str = "UTC",
    hour: int = 8,
    categories: Sequence[str] = (),
    special_use: bool = False,
    sign_up: SignUp = OPEN,
    invitation: str = "",
    language: str = "",
    read_in: str = "",
) -> None:
    """Record that somebody typed an address, and queue a confirmation mail to it where that is due.

    Says nothing of what is known of the address, in words or in time. `special_use` lets the demo and
    tests use addresses under `.test`; `invitation` is the token of one, of which a use is spent. A zone that is
    unknown here counts as UTC: a browser guessed it, not the reader. `language` is the one that mail is wanted in,
    empty for the site's own, and `read_in` the one that the form was read in. Raises AddressRefused or
    PreferencesRefused for what was typed, SignUpRefused for who may not come in.
    """
    typed = readable_address(address, special_use=special_use)
    sign_up.check(typed, invited=bool(invitation))
    choices = chosen(categories=categories, timezone=known_or_utc(timezone), hour=hour, language=language)
    wishes = Wishes(
        timezone=choices.timezone, hour=choices.hour, categories=choices.categories, language=choices.language
    )
    evidence = Evidence(at=now, ip=ip, source=source, wording=WORDING, language=read_in)
    with writing(engine) as session:
        if invitation and not invitations.spend(session, token_hash(invitation), now):
            raise SignUpRefused("this invitation is used up, or too old; ask for another one")
        subscribers.request_subscription(session, typed, tokens.address_hashes(typed), wishes, evidence)


def readable_address(address: str, *, special_use: bool = False) -> str:
    """Return an address with its domain in lower case and NFC throughout; raises AddressRefused.

    Only its form is judged: no look-up leaves the machine, since that would tell by its time.
    """
    if len(address) > _LONGEST_ADDRESS:
        raise AddressRefused("an address has at most %(most)s characters", most=_LONGEST_ADDRESS)
    try:
        checked = validate_email(address.strip(), check_deliverability=False, test_environment=special_use)
    except EmailNotValidError as error:
        fault = address_fault(str(error))
        raise AddressRefused(fault.words) from error
    return checked.normalized


def confirm(engine: Engine, tokens: Tokens, token: str, *, now: datetime, ip: str, language: str = "") -> Subscribed:
    """Confirm a subscription by the link of its mail, and queue a welcome with the newest issue.

    `language` is that of the page with the button.

    Works once and for three days. Raises TokenSpent the second time, TokenInvalid for a link that is
    forged, too old, or overtaken by an unsubscription.
    """
    payload = tokens.verify("confirm", token, now=now, max_age=CONFIRM_WITHIN)
    subscriber_id, delivery_id = whole(payload, "s"), whole(payload, "d")
    evidence = Evidence(at=now, ip=ip, source="confirmation mail", wording=WORDING, language=language)
    with writing(engine) as session:
        if not subscribers.spend(session, spent_key("confirm", delivery_id), "confirm", now):
            raise TokenSpent("this link has been used; you need not do anything more")
        asked = subscribers.request_behind(session, subscriber_id, delivery_id)
        if asked is None or asked.withdrawn:
            raise TokenInvalid("this request was withdrawn; subscribe again to get a new link")
        if not subscribers.apply_consent(session, subscriber_id, ConsentAction.CONFIRM, evidence):
            raise TokenSpent("this subscription is confirmed already; you need not do anything more")
        try:
            on = local_date(asked.timezone, now)
        except UnknownZone:
            on = now.date()
        welcomed = subscribers.queue_welcome(session, subscriber_id, on, now, since=now - _WELCOME_WITH)
        own = held(subscriber_id, link_generation(session, subscriber_id) or 0)
    return Subscribed(subscriber_id, own, asked.address, welcomed)


def unsubscribe(
    engine: Engine, tokens: Tokens, token: str, *, now: datetime, ip: str, source: str, language: str = ""
) -> None:
    """End a subscription at once; doing it again is no error, and the link never expires (RFC 8058).

    `language` is that of the page with the button, empty where no page was read. Raises TokenInvalid for a forged
    link only.
    """
    subscriber_id = whole(tokens.verify("unsubscribe", token, now=now), "s")
    evidence = Evidence(at=now, ip=ip, source=source, wording=WORDING, language=language)
    with writing(engine) as session:
        subscribers.apply_consent(session, subscriber_id, ConsentAction.UNSUBSCRIBE, evidence)


def whole(payload: dict[str, str | int], name: str) -> int:
    """Return a whole number from a token's payload; raises TokenInvalid."""
    value = payload.get(name)
    if not isinstance(value, int):
        raise TokenInvalid("this link is not one of ours; copy it whole from the mail")
    return value
