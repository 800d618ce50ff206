"""docker-compose.yml and Dockerfile: valid, careful, and speaking of commands, settings and files that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from digest.cli.main import app
from digest.config import Settings
from digest.mail.smtp import COMMAND_TIMEOUT
from tests.compose.composition import COMPOSE, ROOT, interpolate, read_services

OURS = {"migrate", "web", "worker", "scheduler"}
THEIRS = {"redis", "postgres", "mail"}
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services() -> Services:
    return read_services()


def test_the_file_fits_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_of_ours_runs_a_command_that_exists(services: Services) -> None:
    assert set(services) == OURS | THEIRS
    assert {name for name, service in services.items() if service["image"] == "firstlight"} == OURS
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    for name in OURS:
        assert services[name]["command"][0] in commands


def test_every_setting_in_it_is_read_and_every_secret_is_a_setting(services: Services) -> None:
    known = {f"DIGEST_{name.upper()}" for name in Settings.model_fields}
    for name in OURS:
        assert set(services[name]["environment"]) - {"DIGEST_SECRETS_DIR"} <= known
        for secret in services[name]["secrets"]:
            target = secret if isinstance(secret, str) else secret["target"]
            assert target.upper() in known


def test_no_secret_stands_in_an_environment_where_everybody_who_inspects_a_container_sees_it(
    services: Services,
) -> None:
    declared = YAML(typ="safe").load(COMPOSE)["secrets"]
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in services.values()
        for secret in service.get("secrets", [])
    }
    assert used == set(declared)
    assert {told["file"].split("/")[1] for told in declared.values()} == {"secrets"}
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert {"secrets", ".env"} <= set((ROOT / ".dockerignore").read_text().splitlines())
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD|TOKEN|SMTP_URL", name):
                assert str(value).startswith("/run/secrets"), name
            assert not re.search(r"//[^/@]*:[^/@]*@", str(value)), f"{name} holds a password"


def test_the_others_wait_for_the_migration_and_it_runs_once(services: Services) -> None:
    assert services["migrate"]["command"] == ["db", "upgrade"]
    assert services["migrate"]["restart"].startswith("on-failure")
    for name in OURS - {"migrate"}:
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["postgres"]["condition"] == waits["redis"]["condition"] == "service_healthy"


def test_what_runs_for_long_has_a_health_check_a_restart_policy_limits_and_a_bounded_log(services: Services) -> None:
    for name, service in services.items():
        assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory"}, name
        assert service["logging"]["options"]["max-size"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name != "migrate":
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name
    for name in OURS | {"mail"}:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert services["scheduler"]["deploy"]["replicas"] == 2
    assert services["worker"]["deploy"]["replicas"] >= 2
    assert services["mail"]["profiles"] == ["mail"]


def test_a_worker_gets_the_time_to_drain(services: Services) -> None:
    number, unit = re.fullmatch(r"(\d+)(s|m)", services["worker"]["stop_grace_period"]).groups()  # type: ignore[union-attr]
    grace = timedelta(seconds=int(number) * {"s": 1, "m": 60}[unit])
    assert grace > timedelta(seconds=4 * COMMAND_TIMEOUT), "MAIL, RCPT, DATA and the message may each take as long"


def test_only_this_machine_reaches_what_is_published(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_variables_are_put_in_as_compose_does() -> None:
    given = {"A": "1", "EMPTY": ""}
    assert interpolate("${A:?must}-${B:-two}-${EMPTY:-e}-$$x", given) == "1-two-e-$x"
    with pytest.raises(KeyError, match="must"):
        interpolate("${B:?must}", given)


def instructions() -> list[list[str]]:
    """Read the Dockerfile: each instruction with its arguments, lines that go on joined, comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    return [shlex.split(line) for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def test_the_image_is_built_in_stages_and_runs_as_nobody_in_particular() -> None:
    read = instructions()
    stages = [number for number, words in enumerate(read) if words[0] == "FROM"]
    assert len(stages) == 2
    assert all(re.search(r":[\w.-]*\d", read[number][1]) for number in stages), "a base has a version"
    last = read[stages[-1] :]
    user = [words[1] for words in last if words[0] == "USER"]
    assert len(user) == 1
    assert int(user[0].partition(":")[0]) > 0, "by number, so that the engine can tell it from root"
    assert not [words for words in last if words[0] == "RUN" and "pip" in " ".join(words)]
    after = last[[words[0] for words in last].index("USER") :]
    assert {"ENTRYPOINT", "CMD"} <= {words[0] for words in after}
    assert not {"RUN", "COPY"} & {words[0] for words in after}


def test_nothing_is_fetched_by_address_and_what_is_copied_exists() -> None:
    ignored = set((ROOT / ".dockerignore").read_text().split())
    for words in instructions():
        assert words[0] in {
            "FROM",
            "WORKDIR",
            "RUN",
            "COPY",
            "ENV",
            "USER",
            "EXPOSE",
            "STOPSIGNAL",
            "ENTRYPOINT",
            "CMD",
        }
        assert "://" not in " ".join(words)
        assert not {"curl", "wget", "git"} & set(words)
        if words[0] == "COPY" and not words[1].startswith("--from"):
            for name in words[1:-1]:
                assert (ROOT / name).exists(), name
                assert name not in ignored
