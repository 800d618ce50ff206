"""The process that sends stays small."""

from __future__ import annotations

import subprocess
import sys


def test_sending_loads_neither_the_learning_nor_the_web() -> None:
    code = (
        "import sys, digest.flows.deliver, digest.flows.subscribe, digest.mail.render\n"
        "print(sorted({'sklearn', 'numpy', 'fastapi', 'starlette', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
