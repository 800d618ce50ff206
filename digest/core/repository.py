"""The GitHub repository of a paper, found in what the paper says of itself."""

from __future__ import annotations

import re

_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}"
_FULL_NAME = re.compile(rf"({_OWNER})/([A-Za-z0-9._-]{{1,100}})")
_ADDRESS = re.compile(
    rf"(?<![\w.@/-])(?:https?://)?(?:www\.)?github\.com/({_OWNER})/([A-Za-z0-9._-]{{1,100}})", re.IGNORECASE
)
_OWN_WORDS = re.compile(r"\b(?:code|implementation|source|repository|released?|available|project|checkpoints?)\b", re.I)
_WORD = re.compile(r"\S+")
_BEFORE = 160  # characters in which an address is said to be the paper's own
_MOST_SEARCHED = 20_000
# Pages of the site itself, which nobody's account can be called.
_NO_OWNERS = frozenset(
    _WORD.findall(
        "about apps blog collections contact customer-stories enterprise events explore features issues join login "
        "marketplace notifications orgs pricing pulls readme search security settings site sponsors stars topics "
        "trending users"
    )
)


def full_name(text: str) -> str:
    """Return `owner/name` as given where GitHub could have such a repository, else an empty string."""
    match = _FULL_NAME.fullmatch(text)
    return _accepted(match[1], match[2]) if match else ""


def repository_at(url: str) -> str:
    """Return the `owner/name` of a GitHub address, also of a page inside the repository; empty for any other."""
    match = _ADDRESS.match(url.strip())
    return _accepted(match[1], match[2]) if match else ""


def repositories(code_url: str, comment: str, abstract: str) -> tuple[str, ...]:
    """Return the paper's own repositories, the likeliest first, none twice.

    `code_url` is what a source states to be the code; next come the authors' comment and the abstract. An abstract
    that names several without saying which is its own names none: they may be what the paper builds upon.
    """
    found = [repository_at(code_url), *_mentioned(comment, alone=True), *_mentioned(abstract, alone=False)]
    unique: dict[str, str] = {}
    for name in found:
        if name:
            unique.setdefault(name.casefold(), name)
    return tuple(unique.values())


def _mentioned(text: str, *, alone: bool) -> list[str]:
    text = text[:_MOST_SEARCHED]
    own: list[str] = []
    others: list[str] = []
    for match in _ADDRESS.finditer(text):
        name = _accepted(match[1], match[2])
        if name:
            before = text[max(match.start() - _BEFORE, 0) : match.start()]
            (own if _OWN_WORDS.search(before) else others).append(name)
    if own:
        return own
    return others if alone or len({name.casefold() for name in others}) == 1 else []


def _accepted(owner: str, name: str) -> str:
    name = name.rstrip(".").removesuffix(".git")  # the full stop is the sentence's
    if owner.casefold() in _NO_OWNERS or not name.strip("."):
        return ""
    return f"{owner}/{name}"
