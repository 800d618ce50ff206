"""Logs go to standard error and never hold what a traceback's local variables hold."""

import subprocess
import sys

SCRIPT = """
import structlog
from digest.logs import configure_logs
configure_logs()
log = structlog.get_logger("test")
def deliver(address):
    raise ValueError("refused")
try:
    deliver("ada" + "@" + "example.org")
except ValueError:
    log.exception("delivery_failed", delivery=7)
"""


def test_a_traceback_is_logged_without_local_variables() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert "delivery_failed" in ran.stderr
    assert "refused" in ran.stderr
    assert "ada@example.org" not in ran.stderr
