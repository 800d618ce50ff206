"""`make audit`: ask for known faults of what is installed; tell an answer from no answer."""

from __future__ import annotations

import subprocess
import sys

NOTHING_KNOWN, FAULTS, NOT_ASKED = 0, 1, 2
_UNREACHABLE = (
    "ConnectionError",
    "ConnectionRefused",
    "NameResolution",
    "Max retries",
    "Timeout",
    "ServiceError",
    "ProxyError",
)


def verdict(status: int, shown: str) -> tuple[int, str]:
    """Judge pip-audit's exit status and its words: 0 nothing is known, 1 something is, 2 nobody was asked."""
    skipped = sum("could not be audited" in line for line in shown.splitlines())
    if status == 0 and skipped:  # an index that knows no advisories answers so, package by package, and all seems well
        return NOT_ASKED, f"nothing is known of {skipped} packages, as they could not be looked up; try elsewhere"
    if status == 0:
        return NOTHING_KNOWN, "no fault is known of what is installed"
    if "known vulnerabilit" in shown and "Fix Versions" in shown:
        return FAULTS, "faults are known: raise the versions in constraints.txt, run the tests, and audit again"
    if any(word in shown for word in _UNREACHABLE):
        return NOT_ASKED, "the advisory service cannot be reached from here: nothing was checked; try where it can be"
    return NOT_ASKED, "pip-audit itself failed: nothing was checked; its words are above"


def main() -> int:
    """Run pip-audit over this environment."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--local",
        "--skip-editable",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
    ]
    ran = subprocess.run([*command, *sys.argv[1:]], capture_output=True, text=True, check=False)
    shown = f"{ran.stdout}\n{ran.stderr}".strip()
    status, words = verdict(ran.returncode, shown)
    sys.stdout.write(f"{shown[-4_000:]}\naudit: {words}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
