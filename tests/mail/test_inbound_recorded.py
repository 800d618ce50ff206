"""The reader against recorded bounces and complaints, beside flufl.bounce alone; expected are the files' own fields.

Run with `-s` to see the table.
"""

from __future__ import annotations

import email
import re
from pathlib import Path

import pytest
from flufl.bounce import all_failures

from digest.mail.inbound import read_inbound

_GROUP = re.compile(rb"\n[ \t]*\n")
_FIELD = re.compile(rb"^([A-Za-z-]+)[ \t]*:[ \t]*(.*)$", re.MULTILINE)
_KINDS = {"hard", "soft"}

Expected = set[tuple[str, str]]


def expected_of(message: bytes) -> Expected:
    """Label a file by its machine-readable fields alone: (kind, recipient) of each group with a status."""
    found: Expected = set()
    for group in _GROUP.split(message.replace(b"\r\n", b"\n")):
        found_here = [
            (name.decode().lower(), value.decode("utf-8", "replace")) for name, value in _FIELD.findall(group)
        ]
        fields = {name: value.strip() for name, value in found_here}
        status = re.match(r"[245]\.\d+\.\d+", fields.get("status", ""))
        recipient = fields.get("final-recipient", "").partition(";")[2].strip().strip("<>")
        if not status or not recipient:
            continue
        action = fields.get("action", "").lower()
        if action.startswith("delayed") or (action.startswith("fail") and status[0][0] == "4"):
            found.add(("soft", recipient))
        elif action.startswith("fail"):
            found.add(("hard", recipient))
    return found


def ours_of(message: bytes) -> Expected:
    return {(str(one.kind), one.recipient) for one in read_inbound(message).reports if str(one.kind) in _KINDS}


def theirs_of(message: bytes) -> Expected | None:
    try:
        later, never = all_failures(email.message_from_bytes(message))
    except Exception:  # noqa: BLE001  # what it raises is what is counted
        return None
    return {("soft", one.decode()) for one in later} | {("hard", one.decode()) for one in never}


def files(shared: Path, *folders: str) -> list[Path]:
    found = sorted(path for folder in folders for path in (shared / "data" / "wire" / folder).glob("*.eml"))
    assert found
    return found


@pytest.mark.shared
def test_recorded_bounces_are_read_right(shared: Path) -> None:  # checklist 71
    rows = {
        "kind and recipient": [0, 0],
        "recipient": [0, 0],
        "something from a free form": [0, 0],
        "tracebacks": [0, 0],
    }
    labelled = free = 0
    wrong = []
    for path in files(shared, "dsn"):
        message = path.read_bytes()
        wanted, ours, theirs = expected_of(message), ours_of(message), theirs_of(message)
        rows["tracebacks"][1] += theirs is None
        theirs = theirs or set()
        if not wanted:
            if not path.name.startswith("rfc3834"):
                free += 1
                rows["something from a free form"][0] += bool({one for _kind, one in ours} - {""})
                rows["something from a free form"][1] += bool(theirs)
            continue
        labelled += 1
        for place, got in enumerate((ours, theirs)):
            rows["kind and recipient"][place] += got == wanted
            rows["recipient"][place] += {one for _kind, one in got} == {one for _kind, one in wanted}
        if ours != wanted:
            wrong.append((path.name, wanted, ours))
    print(f"\n{labelled} files with a status, {free} without\n{'':30}{'ours':>10}{'flufl.bounce':>15}")
    for name, (mine, others) in rows.items():
        print(f"{name:30}{mine:>10}{others:>15}")
    print(*wrong, sep="\n")
    assert labelled >= 80
    assert rows["kind and recipient"][0] >= 0.95 * labelled, wrong
    assert rows["something from a free form"][0] >= 0.9 * free


@pytest.mark.shared
def test_what_is_no_bounce_is_never_taken_for_one(shared: Path) -> None:  # checklist 79
    for path in [*files(shared, "dsn/not_a_bounce"), *(one for one in files(shared, "dsn") if "rfc3834" in one.name)]:
        assert ours_of(path.read_bytes()) == set(), path.name


@pytest.mark.shared
def test_recorded_complaints_are_told_by_their_type(shared: Path) -> None:  # checklist 75
    for path in files(shared, "arf"):
        message = path.read_bytes()
        named = re.search(rb"^Feedback-Type: *(\S+)", message, re.MULTILINE)
        if named is None:
            continue
        wanted = {b"abuse": "complaint", b"opt-out": "unsubscribe"}.get(named[1].strip(), "not-a-bounce")
        assert {str(one.kind) for one in read_inbound(message).reports} == {wanted}, path.name
        if rcpt := re.search(rb"^Original-Rcpt-To: *<?([^\s<>]+)", message, re.MULTILINE):
            assert [one.recipient for one in read_inbound(message).reports] == [rcpt[1].decode()]
