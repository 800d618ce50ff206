"""What the mails that ask for one thing say: confirm a subscription, sign in. Nothing a visitor typed is in them."""

from __future__ import annotations

from typing import Any

from digest.core.links import web_url

NAMES = frozenset({"subject", "preheader", "heading", "opening", "button", "url", "closing", "identity"})


def confirmation(name: str, identity: str, confirm_url: str) -> dict[str, Any]:
    """Say what the mail that asks for a confirmation says; `name` is the sender's."""
    return {
        "subject": f"Confirm your subscription to {name}",
        "preheader": "One step is left: confirm on the page behind the link.",
        "heading": "Confirm your subscription",
        "opening": f"This address was entered to receive {name}, a daily mail of research papers that are "
        "gaining attention. To receive it, open this page and press the button there.",
        "button": "Confirm the subscription",
        "url": web_url(confirm_url),
        "closing": "The link works once and for a limited time. If it was not you, do nothing: without a "
        "confirmation there will be no digest.",
        "identity": identity,
    }


def sign_in(name: str, identity: str, sign_in_url: str) -> dict[str, Any]:
    """Say what the mail with a sign-in link says; `name` is the sender's."""
    return {
        "subject": f"Sign in to {name}",
        "preheader": "Your sign-in link; it works once.",
        "heading": f"Sign in to {name}",
        "opening": "A sign-in with this address was asked for. Open this page to go on.",
        "button": "Sign in",
        "url": web_url(sign_in_url),
        "closing": "The link works once and for a limited time; do not pass it on. If it was not you, do "
        "nothing: nobody can sign in without this link.",
        "identity": identity,
    }
