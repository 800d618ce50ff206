"""The list of licences is that of the tested versions, and every package states its terms."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from tests.supply.licences import PAGE, folded, licence_of, needed, page, pinned

_ROW = re.compile(r"^\| (\S+) \| (\S+) \| (.*) \| (dev)? ?\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    return [row for row in _ROW.findall(PAGE.read_text(encoding="utf-8")) if row[0] != "package"]


def test_the_list_names_every_tested_version() -> None:
    assert {name: version for name, version, *_ in rows()} == pinned()


def test_every_package_states_its_terms_and_none_binds_ours() -> None:
    for name, _, licence, _use in rows():
        assert licence, name
        # What we call over an import must not ask us to publish under its own terms.
        assert not re.search(r"(?<!L)GPL|Affero|SSPL", licence.replace("Lesser General", "L")), (name, licence)


def test_what_runs_is_told_from_what_tests() -> None:
    uses = {folded(name): use for name, _, _, use in rows()}
    assert uses["fastapi"] == uses["css-inline"] == uses["starlette"] == ""
    assert uses["pytest"] == uses["mypy"] == "dev"
    assert "css-inline" in needed()


def test_the_page_is_what_the_command_writes() -> None:
    try:
        installed = {name: distribution(name).version for name in pinned()}
    except PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed here; make .venv/.installed-dev installs all of it")
    if installed != pinned():
        pytest.skip("other versions than those of constraints.txt are installed here")
    assert page() == PAGE.read_text(encoding="utf-8")
    assert "BSD" in licence_of(distribution("httpx"))
