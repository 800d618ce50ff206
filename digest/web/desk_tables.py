"""The tables as they are, for owners: to be read, never written, and without what could open something."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from digest.core.merge import storable
from digest.errors import NotFound
from digest.web.admin import SignedInOwner
from digest.web.pages import query_with
from digest.web.site import Site, TheSite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqladmin import ModelView

router = APIRouter(prefix="/admin/tables")

_SHORT = 80  # characters of a value in the list
Table = Annotated[str, Path(max_length=60)]


def _views(request: Request, site: Site) -> Mapping[str, ModelView]:
    """Return the views of this application, made with its first page of a table: they cost a quarter of a second."""
    found: Mapping[str, ModelView] | None = getattr(request.app.state, "table_views", None)
    if found is None:
        from digest.web.table_views import views  # noqa: PLC0415  # see above

        found = request.app.state.table_views = views(site.services.engine)
    return found


def _view(request: Request, site: Site, table: str) -> ModelView:
    found = _views(request, site).get(table)
    if found is None:
        raise NotFound("there is no such table; all of them are listed at /admin/tables")
    return found


@router.get("")
def tables(request: Request, site: TheSite, admin: SignedInOwner) -> Response:
    """List the tables, each with what it holds."""
    listed = [
        (name, (view.model.__doc__ or "").strip().partition("\n")[0]) for name, view in _views(request, site).items()
    ]
    return site.pages.desk("tables.html", admin=admin, here="tables", tables=listed)


@router.get("/{table}")
async def table_page(  # noqa: PLR0917  # the fields of the query
    request: Request,
    site: TheSite,
    admin: SignedInOwner,
    table: Table,
    page: Annotated[int, Query(ge=1, le=10**9)] = 1,
    q: Annotated[str, Query(max_length=100)] = "",
    by: Annotated[str, Query(max_length=60)] = "",
    down: Annotated[str, Query(max_length=1)] = "",
) -> Response:
    """Show a page of a table's rows, newest key first unless another order is asked for."""
    view = _view(request, site, table)
    from digest.web.table_views import asked, columns_of, page_of, sortable  # noqa: PLC0415  # with the views

    orders = list(sortable(view))
    order = by if by in orders else ""
    sort = {"sortBy": order, "sort": "desc" if down else "asc"} if order else {}
    rows, at, pages, count = await page_of(view, asked(page=page, search=storable(q).strip(), **sort))

    def heading(name: str) -> tuple[str, str]:
        turned = "1" if order == name and not down else None
        return name, query_with(request, {"by": name, "down": turned, "page": None}) if name in orders else ""

    base = f"/admin/tables/{table}"
    return site.pages.desk(
        "table.html",
        admin=admin,
        here="tables",
        table=table,
        columns=[heading(name) for name in columns_of(view)],
        order=order,
        down=bool(down),
        rows=[
            (f"{base}/{quote(key, safe='')}" if key else "", [_shown(value, _SHORT) for value in values])
            for key, values in rows
        ],
        count=count,
        q=q,
        searchable=bool(view.column_searchable_list),
        page=at,
        pages=pages,
        before=query_with(request, {"page": at - 1}) if at > 1 else "",
        after=query_with(request, {"page": at + 1}) if at < pages else "",
    )


@router.get("/{table}/{pk:path}")
async def row_page(
    request: Request, site: TheSite, admin: SignedInOwner, table: Table, pk: Annotated[str, Path(max_length=600)]
) -> Response:
    """Show one row, whole."""
    view = _view(request, site, table)
    from digest.web.table_views import row_of  # noqa: PLC0415  # with the views

    fields = [(name, _shown(value)) for name, value in await row_of(view, pk)]
    return site.pages.desk("table_row.html", admin=admin, here="tables", table=table, key=pk, fields=fields)


def _shown(value: Any, most: int = 20_000) -> str:
    """Write a value for the desk, cut to so many characters."""
    if value is None:
        return ""
    text = value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)
    return text if len(text) <= most else f"{text[:most]}…"
