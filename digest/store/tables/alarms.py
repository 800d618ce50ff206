"""Alarms, what was told of them and to whom, and the good days that were told outside."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict, key, reference


class AlarmRow(SQLModel, table=True):
    """A condition that holds or held: one row for each key, begun anew when it comes back after its end was told."""

    __tablename__ = "alarm"

    key: str = Field(primary_key=True)
    severity: str
    details: str = ""
    since: datetime = instant(nullable=False)
    seen_at: datetime = instant(nullable=False)
    told_at: datetime | None = instant()
    over_at: datetime | None = instant()
    told_over_at: datetime | None = instant()


class AlertNotice(SQLModel, table=True):
    """What was told at once, in plain values; `uid` tells it from others outside, also after a restore.

    It is posted by whoever holds it until `post_until`, and tried again until `post_state` says how it ended.
    """

    __tablename__ = "alert_notice"

    id: int | None = key()
    uid: str
    body: dict[str, Any] = json_dict()
    created_at: datetime = instant(nullable=False)
    post_state: str = Field(index=True)
    post_until: datetime | None = instant()
    post_attempts: int = 0
    post_words: str = ""
    posted_at: datetime | None = instant()


class AlertMail(SQLModel, table=True):
    """Which notice a delivery of kind alert tells; without a foreign key, as deliveries are deleted by themselves."""

    __tablename__ = "alert_mail"

    delivery_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    notice_id: int = reference("alert_notice.id", index=True)


class Heartbeat(SQLModel, table=True):
    """The call that says that a day was good: at most one is answered for each day."""

    day: date = Field(primary_key=True)
    state: str
    attempts: int = 0
    called_at: datetime = instant(nullable=False)
    until: datetime | None = instant()
    words: str = ""


class Outage(SQLModel, table=True):
    """Something outside that could not be used at the last try: since when, and its own words."""

    __tablename__ = "outage"

    name: str = Field(primary_key=True)
    since: datetime = instant(nullable=False)
    seen_at: datetime = instant(nullable=False)
    words: str = ""
