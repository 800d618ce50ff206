"""docker-compose.yml is valid and speaks of commands and settings that exist."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from digest.cli.main import app
from digest.config import Settings

COMPOSE = Path(__file__).resolve().parent.parent / "docker-compose.yml"


def test_the_file_fits_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def services() -> dict[str, dict[str, object]]:
    from ruamel.yaml import YAML

    parsed: dict[str, dict[str, dict[str, object]]] = YAML(typ="safe").load(COMPOSE)
    return parsed["services"]


def test_every_service_of_ours_runs_a_command_that_exists(services: dict[str, dict[str, object]]) -> None:
    ours = {name: service["command"] for name, service in services.items() if service["image"] == "firstlight"}
    assert set(ours) == {"migrate", "web", "worker", "scheduler"}
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    for command in ours.values():
        assert isinstance(command, list)
        assert command[0] in commands


def test_every_setting_in_it_is_read(services: dict[str, dict[str, object]]) -> None:
    environment = services["web"]["environment"]
    assert isinstance(environment, dict)
    known = {f"DIGEST_{name.upper()}" for name in Settings.model_fields}
    assert set(environment) <= known
