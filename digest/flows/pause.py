"""A reader pauses the digest, until a date of theirs or without an end, and takes it up again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from digest.core.cadence import local_date
from digest.core.language import mark
from digest.core.subscription import ConsentAction, SubscriptionState
from digest.errors import NotFound, PreferencesRefused
from digest.flows.audience import known_zone
from digest.flows.preferences import reader_behind
from digest.flows.reslot import planned_anew
from digest.store.choices import set_pause
from digest.store.engine import writing
from digest.store.reslot import schedule_of
from digest.store.subscribers import Evidence, apply_consent
from digest.tokens import Tokens

LONGEST_PAUSE = timedelta(days=366)


def pause(
    engine: Engine,
    tokens: Tokens,
    token: str,
    *,
    until: date | None,
    now: datetime,
    last_cut_off: datetime,
    ip: str = "",
    source: str = "site",
) -> None:
    """Pause the digest behind a preferences link; `until` is the first date on which one comes again, None for none.

    What is planned is withdrawn, and planned again for dates from `until` on. A second pause replaces the first.
    Raises TokenInvalid, NotFound where no subscription runs, or PreferencesRefused for a date that is past or too far.
    """
    subscriber_id = reader_behind(tokens, token, now)
    with (
        writing(engine) as session,
        planned_anew(session, subscriber_id, now=now, last_cut_off=last_cut_off),
    ):
        schedule = schedule_of(session, subscriber_id)
        if schedule is None or schedule.state not in (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED):
            raise NotFound(mark("there is no running subscription behind this link; subscribe again to get the digest"))
        today = local_date(known_zone(schedule.timezone), now)
        if until is not None and not today < until <= today + LONGEST_PAUSE:
            raise PreferencesRefused(
                "choose a date after %(today)s and within a year, not %(until)s; or none, for no end",
                today=today,
                until=until,
            )
        apply_consent(session, subscriber_id, ConsentAction.PAUSE, Evidence(at=now, ip=ip, source=source))
        set_pause(session, subscriber_id, until)


def resume(
    engine: Engine,
    tokens: Tokens,
    token: str,
    *,
    now: datetime,
    last_cut_off: datetime,
    ip: str = "",
    source: str = "site",
) -> None:
    """End a pause at once: the next digest is that of the next slot. Doing it again changes nothing.

    Raises TokenInvalid.
    """
    subscriber_id = reader_behind(tokens, token, now)
    with (
        writing(engine) as session,
        planned_anew(session, subscriber_id, now=now, last_cut_off=last_cut_off),
    ):
        apply_consent(session, subscriber_id, ConsentAction.RESUME, Evidence(at=now, ip=ip, source=source))
