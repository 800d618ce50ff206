"""What saving one's preferences changed, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digest.core.cadence import Cadence
from digest.core.interests import InterestKind
from digest.core.language import Language, mark
from digest.core.preferences import Choices, Pause
from digest.flows.preferences import ReaderPreferences

KINDS = {
    InterestKind.AUTHOR: mark("Authors"),
    InterestKind.LAB: mark("Labs"),
    InterestKind.KEYWORD: mark("Keywords"),
    InterestKind.SEARCH: mark("Searches"),
    InterestKind.EXCLUSION: mark("Never shown"),
    InterestKind.PAPER: mark("Papers to start from"),
}
_NAMED = 4  # of what was added or removed; the rest is counted
_SWITCHES = {
    "plain_text": (mark("The mail is plain text alone."), mark("The mail has its full form again.")),
    "when_empty": (
        mark("When nothing is new, a mail of one line says so."),
        mark("When nothing is new, no mail comes."),
    ),
    "outside": (
        mark("One paper comes from outside your usual."),
        mark("No paper comes from outside your usual."),
    ),
}


def changes(before: ReaderPreferences, after: ReaderPreferences, say: Language) -> list[str]:
    """Say what is different, a sentence each; empty where nothing is."""
    old, new = before.choices, after.choices
    said = []
    if set(old.categories) != set(new.categories):
        said.append(say("Categories: %(words)s.", words=", ".join(new.categories) or say("all of them")))
    said += _interests(before, after, say)
    if old.paper_count != new.paper_count:
        said.append(
            say("%(count)s papers in a digest, instead of %(before)s.", count=new.paper_count, before=old.paper_count)
        )
    if schedule(old, say) != schedule(new, say):
        said.append(say("When: %(now)s; before: %(before)s.", now=schedule(new, say), before=schedule(old, say)))
    if old.language != new.language:
        said.append(say("The words around the papers are in another language."))
    said += [
        say(words[0] if getattr(new, name) else words[1])
        for name, words in _SWITCHES.items()
        if getattr(old, name) != getattr(new, name)
    ]
    if before.pause != after.pause:
        said.append(f"{paused(after.pause, say)}." if after.pause.paused else say("The digest comes again."))
    return said


def schedule(chosen: Choices, say: Language) -> str:
    """Say when digests come: `every Friday at 07:00 (Asia/Tokyo)`."""
    hour, zone = f"{chosen.hour:02}:00", chosen.timezone
    if chosen.cadence is Cadence.WEEKLY:
        weekday = say.weekday(chosen.weekday)
        return say("every %(weekday)s at %(hour)s (%(zone)s)", weekday=weekday, hour=hour, zone=zone)
    if chosen.cadence is Cadence.WEEKDAYS:
        return say("Monday to Friday at %(hour)s (%(zone)s)", hour=hour, zone=zone)
    return say("every day at %(hour)s (%(zone)s)", hour=hour, zone=zone)


def paused(pause: Pause, say: Language) -> str:
    """Say that and until when a digest is paused, without a full stop; empty where it is not."""
    if not pause.paused:
        return ""
    if pause.until is None:
        return say("Paused until you resume it here")
    return say("Paused until %(day)s", day=say.date(pause.until))


def _interests(before: ReaderPreferences, after: ReaderPreferences, say: Language) -> Iterator[str]:
    for kind, name in KINDS.items():
        had, has = ({one.key: one.words for one in who.interests if one.kind is kind} for who in (before, after))
        added = [words for key, words in has.items() if key not in had]
        removed = [words for key, words in had.items() if key not in has]
        if added:
            yield say("%(kind)s: %(words)s added.", kind=say(name), words=_listed(added, say))
        if removed:
            yield say("%(kind)s: %(words)s removed.", kind=say(name), words=_listed(removed, say))


def _listed(words: Sequence[str], say: Language) -> str:
    more = len(words) - _NAMED
    named = list(words[:_NAMED])
    return say.listed([*named, say.count("%(num)s more", "%(num)s more", more)] if more > 0 else named)
