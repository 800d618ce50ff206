"""What must not stand in a log: addresses and tokens, wherever in a text they come."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# An address as people, SMTP servers, URLs and `repr` write it. Rather too much than too little: a password in a URL,
# `//name:password@host`, is one to it as well.
_LOCAL = r"""(?:"[^"\n]{1,64}"|[^\s<>()\[\],;:"'\\/=@|]{1,128})"""  # quoted or not
_DOMAIN = r"""(?:\[[0-9A-Fa-f:.]+\]|[^\s<>()\[\],;:"'\\/=@|%&?!]{1,255})"""  # in whatever letters, or an IP address
_ADDRESS = re.compile(_LOCAL + r"(?:@|%40|&#64;|\\u0040)" + _DOMAIN)
# A signed token ends in 43 letters of base64; a cookie's is as long and has letters of all three kinds.
_SIGNED = re.compile(r"(?<![\w.-])[\w.-]*\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_RANDOM = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{40,}(?![\w-])")
# Whatever stands behind these in an address of the site may act for somebody.
_PERSONAL = re.compile(r"(/(?:confirm|unsubscribe|preferences|sign-in|r|saved|taste)/)[^\s/?\"'<>]{6,}")


def without_secrets(text: str, name_of: Callable[[str], str]) -> str:
    """Return a text in which each address is `name_of` it, and no token of ours is left."""
    if "/" in text or "." in text or len(text) >= 40:
        text = _PERSONAL.sub(r"\1[token]", text)
        text = _SIGNED.sub("[token]", text)
        text = _RANDOM.sub("[token]", text)
    if "@" in text or "%40" in text or "64" in text or "u0040" in text:
        text = _ADDRESS.sub(lambda found: f"[{name_of(_plain(found[0]))}]", text)
    return text


def masked(address: str) -> str:
    """Return an address as those see it who may not know it: `a***@example.org`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"


def all_without_secrets(value: Any, name_of: Callable[[str], str]) -> Any:
    """Return a value of a log line with every text in it redacted, in containers and their keys as well."""
    if isinstance(value, str):
        return without_secrets(value, name_of)
    if isinstance(value, dict):
        return {without_secrets(str(key), name_of): all_without_secrets(one, name_of) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [all_without_secrets(one, name_of) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return without_secrets(str(value), name_of)


def _plain(address: str) -> str:
    for written in ("%40", "&#64;", "\\u0040"):
        address = address.replace(written, "@")
    return address.rstrip(".")
