"""Letters that are no digest: what somebody waits for, a test for an editor, an alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from digest.core.delivery import DeliveryKind
from digest.flows.letters import Courier, Letter, inert_links, letter_of
from digest.mail import moving_letters
from digest.mail.alert_words import alert_words
from digest.mail.fragments import Rendered
from digest.store.addressees import Reader
from digest.store.deliveries import Claim
from digest.store.specimens import Kept

SPECIMEN_MARK = "[Test]"


def prompt_letter(courier: Courier, claimed: Claim, reader: Reader, at: datetime) -> Letter:
    """Make a letter that somebody waits for; its link counts its age from `at`."""
    identity = f"{claimed.kind}/{claimed.id}"
    if claimed.kind is DeliveryKind.CONFIRMATION:
        token = courier.tokens.sign("confirm", {"s": claimed.subscriber_id or 0, "d": claimed.id}, at=at)
        rendered = courier.renderer.speaking(reader.language).confirmation(f"{courier.base_url}/confirm/{quote(token)}")
    elif claimed.kind is DeliveryKind.SIGN_IN:
        token = courier.tokens.sign("sign-in", {"d": claimed.id}, at=at)
        rendered = courier.renderer.sign_in(f"{courier.base_url}/admin/sign-in/{quote(token)}")
    elif claimed.kind is DeliveryKind.NEW_ADDRESS:
        token = courier.tokens.sign("new-address", {"d": claimed.id}, at=at)
        words = partial(moving_letters.new_address, courier.sender.name)
        rendered = courier.renderer.speaking(reader.language).letter(
            words, f"{courier.base_url}/new-address/{quote(token)}"
        )
    elif claimed.kind is DeliveryKind.MOVED:
        token = courier.tokens.sign("object", {"d": claimed.id}, at=at)
        words = partial(moving_letters.moved, courier.sender.name)
        rendered = courier.renderer.speaking(reader.language).letter(
            words, f"{courier.base_url}/old-address/{quote(token)}"
        )
    else:
        raise ValueError(f"no message is made for a delivery of kind {claimed.kind}")
    return letter_of(courier, rendered, reader.address, identity, at=at, kind=claimed.kind, claimed=claimed)


def specimen_letter(courier: Courier, claimed: Claim, kept: Kept, at: datetime) -> Letter:
    """Make the letter that shows an editor a previewed digest: its links do nothing, its subject says what it is."""
    return letter_of(
        courier,
        Rendered(subject=f"{SPECIMEN_MARK} {kept.subject}", html=kept.html, text=kept.text),
        claimed.address,
        f"{claimed.kind}/{claimed.id}",
        at=at,
        kind=claimed.kind,
        unsubscribe=inert_links(courier.base_url).unsubscribe,
        claimed=claimed,
    )


def alert_letter(courier: Courier, claimed: Claim, body: Mapping[str, Any], recipient: str, at: datetime) -> Letter:
    """Make the mail that tells a notice to one of those who sit at the desk."""
    rendered = courier.renderer.alert(alert_words(body))
    identity = f"{claimed.kind}/{claimed.id}"
    return letter_of(courier, rendered, recipient, identity, at=at, kind=claimed.kind, claimed=claimed)
