"""Queues, time limits and signs of life: each task has its place, and nothing is given back while it still runs."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.config import read_settings
from digest.core.plan import Task
from digest.errors import ConfigError
from digest.mail.smtp import FINAL_DOT_TIMEOUT
from digest.running import run_worker
from digest.wiring import Services
from workers import tasks
from workers.alive import show_alive
from workers.app import QUEUES, celery_app, time_limit
from workers.counted import Counted, here, is_there
from workers.scheduler import Ticker

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"


def test_every_task_is_counted_and_has_a_queue_that_workers_take_from() -> None:
    routes = celery_app.conf.task_routes
    for task in Task:
        found = getattr(tasks, task.value)
        assert isinstance(celery_app.tasks[found.name], Counted), "else it could kill workers for ever"
        assert routes[found.name]["queue"] in QUEUES
    assert set(routes) == {f"firstlight.{task}" for task in Task}


def test_no_task_is_given_back_while_it_may_still_run() -> None:
    conf = celery_app.conf
    visible_again = conf.broker_transport_options["visibility_timeout"]
    assert conf.task_soft_time_limit < conf.task_time_limit < visible_again
    for task in Task:
        assert time_limit(f"firstlight.{task}") <= timedelta(seconds=conf.task_time_limit)
    limits = conf.task_annotations["firstlight.deliver"]
    assert timedelta(seconds=limits["time_limit"]) == time_limit("firstlight.deliver")
    assert limits["soft_time_limit"] > tasks._LONGEST_RUN.total_seconds() + FINAL_DOT_TIMEOUT
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_transport_options["unacked_restore_throttle"] == 1


def test_a_queue_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match=r"no queue sned; the queues are: send, ingest, score, signals"):
        run_worker(concurrency=1, queues="send, sned")


def test_a_scheduler_shows_that_it_is_alive_by_every_beat_that_goes_well(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "alive"
    wired = Services(read_settings(secret_key=[SECRET], alive_file=file))
    wired.__dict__["engine"] = engine  # a cached property takes what is put there first
    leader, follower = (Ticker(wired, lambda _work: None, live=False) for _ in range(2))
    for one in (leader, follower):
        one.beat_safely()
        assert file.exists(), "who waits for the lead is alive, too"
        file.unlink()

    def fail() -> None:
        raise OSError

    leader.beat = fail  # type: ignore[method-assign,assignment]
    leader.beat_safely()
    assert not file.exists()


def test_a_sign_of_life_that_cannot_be_given_stops_nothing(tmp_path: Path) -> None:
    show_alive(tmp_path / "no folder" / "alive")
    show_alive(None)


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    own = here().process
    assert own.partition("@")[0] == str(os.getpid())
    assert is_there(own)
    assert not is_there(f"{os.getpid()}@1"), "its number was used again"
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not is_there(f"{child}@1")
    assert not is_there("nonsense")
    assert not is_there("")
