"""Hugging Face's daily papers: what the community put on the day's page, and how it was received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import httpx

from digest.core.capture import Capture, Cursor, Fetched, Reading, Rejection, RunStatus
from digest.core.errands import Reach
from digest.errors import ConfigError, DeedRefused, RefusedInput
from digest.sources.hf_record import read_record
from digest.sources.http import get
from digest.sources.strict_json import parse_json, text_of

DAILY = "https://huggingface.co/api/daily_papers"
SCOPE = "daily"
REREAD = timedelta(days=1)  # a day's list grows for about two days
REACH = timedelta(days=30)  # how far back missed days are fetched
_NO_LIST = 1  # the whole answer on days without a list
_MAX_ENTRIES = 5_000


class HuggingFace:
    """The `hf` source; its one live scope is `daily`, and its cursor is the last day that was read."""

    name = "hf"

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read one answer of the daily-papers API; raises RefusedInput for anything else."""
        return _read(body, reading, asked=None)

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        """Read each day from the one before the cursor's to today's (UTC), at most 30 days back.

        A day whose answer is refused does not hold up the later ones: the refusal is raised after them, and the
        cursor stays before that day, so that the next run asks again. Raises SourceUnavailable at once.
        """
        if scope != SCOPE:
            raise ConfigError(f"hf has no scope {scope[:40]!r}; its only scope is {SCOPE!r}")
        days, note = _days(cursor, now.date())
        refused: RefusedInput | None = None
        reached = cursor.position
        for day in days:
            try:
                capture = self._day(client, day, now)
            except RefusedInput as fault:
                refused = refused or fault
                continue
            if refused is None:
                reached = day.isoformat()
            if note:
                capture.reason, note = "; ".join(filter(None, (note, capture.reason))), ""
            yield Fetched(capture, Cursor(position=reached))
        if refused is not None:
            raise refused

    def reach_back(self, since: date, today: date, a_day: float) -> Reach:
        """Say how to read from a day on: a request for each; raises DeedRefused for days that are out of reach."""
        if since < today - REACH:
            raise DeedRefused(
                f"hf keeps its lists within reach for {REACH.days} days: begin on {today - REACH} or later"
            )
        return Reach((since + REREAD).isoformat(), (today - since).days + 1)

    def _day(self, client: httpx.Client, day: date, now: datetime) -> Capture:
        origin = f"{DAILY}?date={day}"
        # A day without a list may be answered as an error; that is a matter of the day, not of the service.
        answer = get(client, DAILY, params={"date": day.isoformat()}, accept=(200, 400, 404))
        if answer.status != 200:
            raise RefusedInput(f"{origin}: answered {answer.status}: {answer.body[:200].decode(errors='replace')}")
        return _read(answer.body, Reading(observed_at=now, origin=origin), asked=day)


def _days(cursor: Cursor, today: date) -> tuple[list[date], str]:
    """List the days to ask for, and say which ones are out of reach."""
    try:
        first = date.fromisoformat(cursor.position) - REREAD
    except (ValueError, OverflowError):
        first = today - REREAD
    note = ""
    if first < today - REACH:
        note = f"the days from {first} to {today - REACH - timedelta(days=1)} are too long ago to be fetched"
        first = today - REACH
    first = min(first, today - REREAD)  # also where the clock was once ahead
    return [first + timedelta(days=past) for past in range((today - first).days + 1)], note


def _read(body: bytes, reading: Reading, *, asked: date | None) -> Capture:
    answer = parse_json(body, reading.origin)
    if type(answer) is int and answer == _NO_LIST:
        return Capture(status=RunStatus.QUIET, reason="there is no list for this day, as on weekends")
    if isinstance(answer, dict) and "error" in answer:
        message = text_of(answer["error"], limit=2_000)[:200] or "no message"
        raise RefusedInput(f"{reading.origin}: the service answered with an error: {message}")
    if not isinstance(answer, list):
        raise RefusedInput(
            f"{reading.origin}: not a day's list of papers: a list is expected, not {_kind(answer)}; "
            f"record {DAILY}?date=YYYY-MM-DD"
        )
    if not answer:
        return Capture(status=RunStatus.QUIET, reason="the day's list is empty")
    if len(answer) > _MAX_ENTRIES:
        raise RefusedInput(f"{reading.origin}: {len(answer)} entries are more than a day's list has")
    capture = _read_list(answer, reading)
    if not capture.listings:
        raise RefusedInput(f"{reading.origin}: none of {len(answer)} entries can be read: {capture.rejected[0].reason}")
    return capture if asked is None else _dated(capture, asked)


def _read_list(entries: list[object], reading: Reading) -> Capture:
    capture = Capture()
    seen: set[str] = set()
    for rank, entry in enumerate(entries, start=1):
        try:
            listing = read_record(entry, reading.observed_at, rank=rank, of=len(entries))
        except ValueError as fault:
            capture.rejected.append(Rejection(f"entry {rank}", str(fault), _excerpt(entry)))
            continue
        key = listing.arxiv_id or f"{listing.title_key} {listing.first_author_key}"
        if key in seen:
            reason = "the same paper stands higher up in the list"
            capture.rejected.append(Rejection(f"entry {rank}", reason, listing.title[:200]))
            continue
        seen.add(key)
        capture.listings.append(listing)
    return capture


def _dated(capture: Capture, asked: date) -> Capture:
    """Date the listings with the day that was asked for, unless the service answered with an older day."""
    own = [listing.listed_on for listing in capture.listings if listing.listed_on is not None]
    newest = max(own, default=asked)
    if newest < asked - timedelta(days=1):  # entries of the evening before, UTC, do belong to the day
        capture.status = RunStatus.LATE
        capture.reason = f"asked for {asked}, answered with the list of {newest}"
        return capture
    capture.listings = [replace(listing, listed_on=asked) for listing in capture.listings]
    return capture


def _excerpt(entry: object) -> str:
    """Show how an entry that was set aside began."""
    paper = entry.get("paper", entry) if isinstance(entry, dict) else entry
    if isinstance(paper, dict):
        named = {name: paper[name] for name in ("id", "title") if isinstance(paper.get(name), str)}
        paper = named or sorted(paper)[:10]
    return repr(paper)[:200]


def _kind(answer: object) -> str:
    names = {dict: "an object", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(answer), "a number")
