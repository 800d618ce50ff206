"""The kinds of column that the tables share: keys, references, UTC instants, JSON of plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, TypeDecorator
from sqlmodel import Field

BigKey = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """A UTC instant: refuses naive values on the way in, gives aware UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must carry its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def key() -> Any:
    """A surrogate primary key."""
    return Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))


def reference(target: str, *, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """A foreign key to `table.column`."""
    column: Column[int] = Column(BigKey, ForeignKey(target), nullable=nullable, index=index, primary_key=primary_key)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def instant(*, nullable: bool = True, index: bool = False) -> Any:
    """A column of UTC instants."""
    column: Column[datetime] = Column(Instant, nullable=nullable, index=index)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def json_list() -> Any:
    """A column holding a JSON array of plain values."""
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False))


def json_dict() -> Any:
    """A column holding a JSON object of plain values."""
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
