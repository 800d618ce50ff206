"""What saving one's preferences changed, in words."""

from __future__ import annotations

from collections.abc import Sequence

from digest.core.cadence import Cadence
from digest.core.interests import InterestKind
from digest.core.preferences import Choices
from digest.flows.preferences import ReaderPreferences
from digest.web.pages import count, day

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KINDS = {
    InterestKind.AUTHOR: "Authors",
    InterestKind.LAB: "Labs",
    InterestKind.KEYWORD: "Keywords",
    InterestKind.SEARCH: "Searches",
    InterestKind.EXCLUSION: "Never shown",
    InterestKind.PAPER: "Papers to start from",
}
_NAMED = 4  # of what was added or removed; the rest is counted
_SWITCHES = {
    "plain_text": ("The mail is plain text alone", "The mail has its full form again"),
    "when_empty": ("When nothing is new, a mail of one line says so", "When nothing is new, no mail comes"),
    "outside": ("One paper comes from outside your usual", "No paper comes from outside your usual"),
}


def changes(before: ReaderPreferences, after: ReaderPreferences) -> list[str]:
    """Say what is different, a sentence each, without their full stops; empty where nothing is."""
    old, new = before.choices, after.choices
    said = []
    if set(old.categories) != set(new.categories):
        said.append(f"Categories: {', '.join(new.categories) or 'all'}")
    for kind, name in KINDS.items():
        had, has = ({one.key: one.words for one in who.interests if one.kind is kind} for who in (before, after))
        parts = [
            f"{_listed([words for key, words in some.items() if key not in others])} {done}"
            for some, others, done in ((has, had, "added"), (had, has, "removed"))
            if some.keys() - others.keys()
        ]
        if parts:
            said.append(f"{name}: {'; '.join(parts)}")
    if old.paper_count != new.paper_count:
        said.append(f"{count(new.paper_count, 'paper')} instead of {old.paper_count}")
    if schedule(old) != schedule(new):
        said.append(f"{schedule(new)} instead of {_lower(schedule(old))}")
    if old.language != new.language:
        said.append("The mail comes in another language")
    said += [
        words[0] if getattr(new, name) else words[1]
        for name, words in _SWITCHES.items()
        if getattr(old, name) != getattr(new, name)
    ]
    if before.pause != after.pause:
        said.append(_paused(after))
    return said


def schedule(chosen: Choices) -> str:
    """Say when digests come: `Every Friday at 07:00 (Asia/Tokyo)`."""
    days = {
        Cadence.DAILY: "Every day",
        Cadence.WEEKDAYS: "Monday to Friday",
        Cadence.WEEKLY: f"Every {WEEKDAYS[chosen.weekday]}",
    }
    return f"{days[chosen.cadence]} at {chosen.hour:02}:00 ({chosen.timezone})"


def _paused(reader: ReaderPreferences) -> str:
    if not reader.pause.paused:
        return "The digest comes again"
    return f"Paused until {day(reader.pause.until)}" if reader.pause.until else "Paused until you resume it here"


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _lower(words: str) -> str:
    return words if words.startswith("Monday") else words[:1].lower() + words[1:]
