"""What an alert mail says: what is wrong, since when, what to do, and what is over. In English, as the desk is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from digest.core.links import web_url
from digest.mail.wording import clip, one_line

_LONGEST_SUBJECT = 78


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alarm in a mail; `doing` is empty where it is over, `url` where there is no page for it."""

    title: str
    label: str
    grave: bool
    details: str
    when: str
    doing: str
    url: str


@dataclass(frozen=True, slots=True)
class AlertWords:
    """What an alert mail says; `began` comes before `over`, and either may be empty."""

    subject: str
    preheader: str
    heading: str
    opening: str
    began: tuple[AlertLine, ...]
    over_heading: str
    over: tuple[AlertLine, ...]
    to_do: str
    see: str
    button: str
    url: str
    closing: str


NAMES = frozenset({*AlertWords.__slots__, "identity"})


def alert_words(body: Mapping[str, Any]) -> AlertWords:
    """Say a notice; raises KeyError or ValueError for one that is not in its form."""
    site = one_line(str(body["site"]))
    began = tuple(_line(one) for one in body["alarms"])
    over = tuple(_line(one) for one in body["over"])
    number = len(began)
    if body["kind"] == "trial":
        heading = "This is a trial"
        opening = "Somebody asked for a trial alert. That it has come means that alerts by mail reach you."
        subject = f"[{site}] A trial alert"
    elif began:
        heading = began[0].title if number == 1 else f"{number} things are wrong"
        opening = "You are told of each once, and once more when it is over."
        more = f", and {number - 1} more" if number > 1 else ""
        subject = f"[{site}] {clip(began[0].title, 50)}{more}"
    else:
        heading = over[0].title if len(over) == 1 else f"{len(over)} alarms are over"
        heading = f"Over: {heading}" if len(over) == 1 else heading
        opening = "For an hour nothing of it was seen any more."
        more = f", and {len(over) - 1} more" if len(over) > 1 else ""
        subject = f"[{site}] Over: {clip(over[0].title, 44)}{more}"
    left_out = int(body.get("left_out", 0))
    closing = "This mail goes to everybody who may sit at the desk. It names no reader."
    if left_out:
        closing = f"There are {left_out} more; the desk lists all. {closing}"
    return AlertWords(
        subject=clip(subject, _LONGEST_SUBJECT),
        preheader=clip(" · ".join(one.title for one in (*began, *over)) or opening, 180),
        heading=heading,
        opening=opening,
        began=began,
        over_heading="Over" if began and over else "",
        over=over,
        to_do="What to do",
        see="See it at the desk",
        button="Open the desk",
        url=web_url(str(body["desk"])),
        closing=closing,
    )


def _line(one: Mapping[str, Any]) -> AlertLine:
    since = datetime.fromisoformat(one["since"])
    over_at = datetime.fromisoformat(one["over_at"]) if one["over_at"] else None
    grave = one["severity"] == "page" and over_at is None
    when = f"from {_time(since)} to {_time(over_at)}" if over_at is not None else f"since {_time(since)}"
    return AlertLine(
        title=one_line(one["title"]),
        label="Over" if over_at else "Now" if grave else "In the morning",
        grave=grave,
        details=one_line(one["details"]) if over_at is None else "",
        when=when,
        doing=one_line(one["what_to_do"]),
        url=web_url(one["link"]),
    )


def _time(at: datetime) -> str:
    return f"{at:%d %b, %H:%M} UTC"


_LINE = AlertLine(title="x", label="x", grave=True, details="x", when="x", doing="x", url="https://x.invalid/")
# Every branch of the templates is taken with it.
PROBE = AlertWords(
    subject="x",
    preheader="x",
    heading="x",
    opening="x",
    began=(_LINE, replace(_LINE, grave=False, details="", doing="", url="")),
    over_heading="x",
    over=(_LINE,),
    to_do="x",
    see="x",
    button="x",
    url="https://x.invalid/",
    closing="x",
)
