"""The systemd units start commands that exist, are fenced in, and give a sending worker the time it needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import RawConfigParser
from datetime import timedelta
from pathlib import Path

import pytest
from typer.main import get_command

from digest.cli.main import app
from digest.core.delivery import SENDING_LEASE

UNITS = Path(__file__).resolve().parent.parent / "ops" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/firstlight/.venv/bin/digest"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not there; apt-get install systemd")


class Unit(RawConfigParser):
    optionxform = staticmethod(str)  # type: ignore[assignment]

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.read_string(path.read_text(encoding="utf-8"))


def test_there_is_a_unit_for_each_process_and_a_target_that_wants_them() -> None:
    assert [path.name for path in SERVICES] == [
        "firstlight-scheduler.service", "firstlight-web.service", "firstlight-worker@.service",
    ]  # fmt: skip
    wanted = Unit(UNITS / "firstlight.target")["Unit"]["Wants"].split()
    assert {name.replace("@1", "@") for name in wanted} == {path.name for path in SERVICES}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_and_gains_nothing(path: Path) -> None:
    service = Unit(path)["Service"]
    for starts in ("ExecStart", "ExecStartPre"):
        if starts in service:
            program, name, *rest = service[starts].split()
            assert program == INSTALLED
            command = get_command(app).commands[name]  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                command = command.commands[rest[0]]
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= options
    expected = {
        "User": "firstlight", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes",
        "ReadWritePaths": "/var/lib/firstlight", "Restart": "on-failure", "CapabilityBoundingSet": "",
    }  # fmt: skip
    assert {name: service[name] for name in expected} == expected


def test_a_worker_may_wait_as_long_as_a_relay_may_take_and_no_longer_than_its_lease() -> None:
    service = Unit(UNITS / "firstlight-worker@.service")["Service"]
    given = timedelta(seconds=int(service["TimeoutStopSec"]))
    assert timedelta(minutes=10) < given <= SENDING_LEASE
    assert service["KillMode"] == "mixed"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units as they would be installed, with the command of this environment."""
    for path in UNITS.iterdir():
        words = path.read_text(encoding="utf-8").replace(INSTALLED, str(Path(sys.executable).parent / "digest"))
        (tmp_path / path.name).write_text(words, encoding="utf-8")
    return tmp_path


@needs_systemd
def test_systemd_itself_finds_nothing_to_say_about_the_units(here: Path) -> None:
    units = [str(here / name) for name in ("firstlight-web.service", "firstlight-worker@1.service",
                                           "firstlight-scheduler.service", "firstlight.target")]  # fmt: skip
    (here / "firstlight-worker@1.service").symlink_to(here / "firstlight-worker@.service")
    said = subprocess.run([str(ANALYZE), "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in said.stderr.splitlines() if "firstlight" in line]
    assert (said.returncode, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_systemd_counts_the_units_as_well_fenced(path: Path) -> None:
    judged = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--threshold=25", "--no-pager", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-300:] + judged.stderr
