"""The process that sends stays small."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import Engine

from digest.flows.audience import materialise
from tests.post import FROZEN_AT, UNTIL, add_issue, add_reader


def test_sending_loads_neither_the_learning_nor_the_web() -> None:
    code = (
        "import sys, digest.flows.deliver, digest.flows.subscribe, digest.mail.render\n"
        "print(sorted({'sklearn', 'numpy', 'fastapi', 'starlette', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cutting_and_sending_load_numpy_and_no_more(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", categories=["cs.LG"])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    url = engine.url.render_as_string(hide_password=False)
    code = (
        "import sys; from datetime import timedelta\n"
        "from digest.flows.deliver import deliver_due; from digest.store.engine import open_engine\n"
        "from tests import post\n"
        f"sink = post.Sink(); at = post.at_clock(post.FROZEN_AT + timedelta(hours=2)); engine = open_engine({url!r})\n"
        "deliver_due(engine, post.courier(sink), worker='w', clock=at)\n"
        "print(sink.recipients, sorted({'sklearn', 'scipy', 'numpy', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['ann@example.test'] ['numpy']"
