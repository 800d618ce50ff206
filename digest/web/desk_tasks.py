"""The desk's page about tasks that are set aside: what killed its worker, to be tried again or forgotten."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from digest.core.trials import may_be_forgotten
from digest.errors import NotFound, TaskNeeded
from digest.flows import trials
from digest.store.engine import reading
from digest.store.trials import SetAside, set_aside
from digest.web.admin import Proven, SignedIn
from digest.web.pages import client_ip, sentence, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/tasks")
TaskId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_BACK = ("/admin/tasks", "Back to the tasks")


@router.get("")
def tasks(site: TheSite, admin: SignedIn) -> Response:
    """Show what is set aside, why, and what can be done about it."""
    found = _set_aside(site)
    return site.pages.desk(
        "tasks.html",
        admin=admin,
        here="tasks",
        aside=[(one, may_be_forgotten(one.work.task)) for one in found],
    )


@router.post("/{task_id}/retry")
def retry(request: Request, site: TheSite, admin: Proven, task_id: TaskId) -> Response:
    """Try a task again, and count anew."""
    try:
        trials.try_again(site.services.engine, task_id, actor=admin.address, now=site.now, ip=client_ip(request))
    except NotFound:
        return _gone(site)
    site.services.kick()
    return to("/admin/tasks")


@router.post("/{task_id}/forget")
def forget(request: Request, site: TheSite, admin: Proven, task_id: TaskId) -> Response:
    """Leave a task undone for a day."""
    try:
        trials.forget(site.services.engine, task_id, actor=admin.address, now=site.now, ip=client_ip(request))
    except NotFound:
        return _gone(site)
    except TaskNeeded as refused:
        return site.pages.notice("That cannot be done", sentence(refused), status=422, way_out=_BACK)
    return to("/admin/tasks")


def tasks_warning(site: Site) -> list[str]:
    """Say that tasks are set aside, for the top of the desk; nothing where none are."""
    found = _set_aside(site)
    if not found:
        return []
    named = ", ".join(one.name for one in found[:3]) + (" and more" if len(found) > 3 else "")
    return [f"Set aside, since it killed its worker three times: {named}. The page of tasks says more."]


def _set_aside(site: Site) -> list[SetAside]:
    with reading(site.services.engine) as session:
        return set_aside(session)


def _gone(site: Site) -> Response:
    words = "This task is not set aside any more: somebody was quicker."
    return site.pages.notice("That cannot be done", words, status=404, way_out=_BACK)
