"""What sqladmin knows of every table: its columns, pages, order, search and keys. Loaded with the first such page.

Only its views are used. Its own application, with forms, log-in and scripts, is never served (decision 0021).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from sqladmin import ModelView
from sqladmin.helpers import get_object_identifier
from sqlalchemy import Engine, LargeBinary, Select, String, Table
from sqlalchemy.exc import DataError, OperationalError, StatementError
from sqlalchemy.orm import Session, load_only, sessionmaker
from sqlmodel import SQLModel
from starlette.requests import Request

from digest.core.merge import storable
from digest.errors import NotFound
from digest.store import tables
from digest.store.dialects import table_of

PAGE = 50
_SUSPECT = ("hash", "token", "secret", "password", "imprint", "mailbox")  # in a column's name: it is not shown
_HARMLESS = frozenset({"content_hash"})
_HIDDEN_KEYS = {"limit_use": {"key"}}  # a keyed hash of whom a limit counts


def hidden(table: Table) -> set[str]:
    """Return the columns of a table that nobody is shown: what could open something, and bytes that say nothing."""
    found = {
        column.name
        for column in table.columns
        if column.name not in _HARMLESS and any(word in column.name for word in _SUSPECT)
    }
    found |= {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
    return found | _HIDDEN_KEYS.get(table.name, set())


def views(engine: Engine) -> Mapping[str, ModelView]:
    """Make a view of every table, by the table's name."""
    maker = sessionmaker(bind=engine, class_=Session, autoflush=False)
    models = [getattr(tables, name) for name in tables.__all__]
    found = {table_of(model).name: _view(model, maker) for model in models}
    return dict(sorted(found.items()))


def _view(model: type[SQLModel], maker: sessionmaker[Session]) -> ModelView:
    table = table_of(model)
    kept_back = hidden(table)
    shown = [column.name for column in table.columns if column.name not in kept_back]
    first_of_index = {
        column.name for index in table.indexes for column in list(index.columns)[:1]
    }  # expressions have none
    keys = [column.name for column in table.primary_key.columns]

    class View(ModelView, model=model):
        column_list = shown
        column_details_list = shown
        # Any other order would be worked out over the whole table.
        column_sortable_list: ClassVar = [name for name in shown if name in first_of_index or name in keys[:1]]
        column_searchable_list: ClassVar = [name for name in shown if _is_text(table.c[name].type)]
        column_default_sort: ClassVar = [(name, True) for name in keys]
        page_size = PAGE
        page_size_options: ClassVar = [PAGE]
        can_create = can_edit = can_delete = can_export = can_import = False

        def list_query(self, request: Request) -> Select[Any]:
            return super().list_query(request).options(_only(model, shown))

        def form_details_query(self, request: Request) -> Select[Any]:
            return super().form_details_query(request).options(_only(model, shown))

    View.session_maker = maker
    View.is_async = False
    View.can_view_details = not set(keys) & kept_back  # a row is named by its key, which must not be one of those
    return View()


def _is_text(kind: Any) -> bool:
    return isinstance(getattr(kind, "impl", kind), String)  # SQLModel wraps its own


def _only(model: type[SQLModel], names: list[str]) -> Any:
    return load_only(*(getattr(model, name) for name in names))


def asked(*, pk: str = "", **fields: str | int) -> Request:
    """Make the request that a view is asked by: of what a browser sent, only what was checked gets there."""
    given = {name: value for name, value in fields.items() if value}
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [],
            "query_string": urlencode(given).encode(),
            "path_params": {"pk": pk},
        }
    )


async def page_of(view: ModelView, request: Request) -> tuple[list[tuple[str, list[Any]]], int, int, int]:
    """Return the rows of a page, each with its key (empty where it has no page) and values; the page, of how many, and
    how many rows there are in all."""
    page = await view.list(request)
    names = columns_of(view)
    rows = [(key_of(view, row), [getattr(row, name) for name in names]) for row in page.rows]
    return rows, page.page, page.max_page(page.count, page.page_size), page.count


async def row_of(view: ModelView, pk: str) -> list[tuple[str, Any]]:
    """Return the columns of a row with their values; raises NotFound."""
    gone = "there is no such row, or it is not shown by itself"
    if not view.can_view_details:
        raise NotFound(gone)
    try:
        row = await view.get_object_for_details(asked(pk=storable(pk)))
    except OperationalError:
        raise
    except (ValueError, TypeError, OverflowError, DataError, StatementError) as error:  # no key of this table
        raise NotFound(gone) from error
    if row is None:
        raise NotFound(gone)
    return [(name, getattr(row, name)) for name in columns_of(view)]


def key_of(view: ModelView, row: Any) -> str:
    """Return what names a row in an address; empty where it has no page of its own."""
    return str(get_object_identifier(row)) if view.can_view_details else ""


def columns_of(view: ModelView) -> list[str]:
    """Return the names of the columns that are shown."""
    return list(view.get_list_columns())


def sortable(view: ModelView) -> Iterator[str]:
    """Return the columns by which a table may be ordered."""
    return (str(name) for name in view.column_sortable_list)
