"""What the mails that ask for one thing say: confirm a subscription, sign in. Nothing a visitor typed is in them."""

from __future__ import annotations

from typing import Any

from digest.core.language import Language
from digest.core.links import web_url

NAMES = frozenset({"subject", "preheader", "heading", "opening", "button", "url", "closing", "identity"})


def confirmation(name: str, identity: str, confirm_url: str, say: Language) -> dict[str, Any]:
    """Say what the mail that asks for a confirmation says; `name` is the sender's."""
    return {
        "subject": say("Confirm your subscription to %(name)s", name=name),
        "preheader": say("One step is left: confirm on the page behind the link."),
        "heading": say("Confirm your subscription"),
        "opening": say(
            "This address was entered to receive %(name)s, a daily mail of research papers that are gaining "
            "attention. To receive it, open this page and press the button there.",
            name=name,
        ),
        "button": say("Confirm the subscription"),
        "url": web_url(confirm_url),
        "closing": say(
            "The link works once and for a limited time. If it was not you, do nothing: without a confirmation "
            "there will be no digest."
        ),
        "identity": identity,
    }


def sign_in(name: str, identity: str, sign_in_url: str, say: Language) -> dict[str, Any]:
    """Say what the mail with a sign-in link says; `name` is the sender's."""
    return {
        "subject": say("Sign in to %(name)s", name=name),
        "preheader": say("Your sign-in link; it works once."),
        "heading": say("Sign in to %(name)s", name=name),
        "opening": say("A sign-in with this address was asked for. Open this page to go on."),
        "button": say("Sign in"),
        "url": web_url(sign_in_url),
        "closing": say(
            "The link works once and for a limited time; do not pass it on. If it was not you, do nothing: nobody "
            "can sign in without this link."
        ),
        "identity": identity,
    }
