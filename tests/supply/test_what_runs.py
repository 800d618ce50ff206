"""What an installation without the test tools lacks: every module must load with what is required at run time."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LOAD = """
import importlib, json, pkgutil, sys
refused = frozenset(json.loads(sys.argv[1]))

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import digest, workers
for package in (digest, workers):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


def required(
    name: str, extras: frozenset[str] = frozenset(), known: dict[str, frozenset[str]] | None = None
) -> set[str]:
    """The distributions that one requires, however far, with those of its extras."""
    known = {} if known is None else known
    key = canonicalize_name(name)
    if key in known and extras <= known[key]:
        return set(known)
    known[key] = known.get(key, frozenset()) | extras
    try:
        wants = distribution(name).requires or []
    except PackageNotFoundError:  # for another platform
        return set(known)
    for want in map(Requirement, wants):
        wanted = [{"extra": extra} for extra in ("", *extras)]
        if want.marker is None or any(want.marker.evaluate(extra) for extra in wanted):
            required(want.name, frozenset(want.extras), known)
    return set(known)


def test_every_module_loads_without_what_only_the_tests_bring() -> None:
    here = required("firstlight-digest")
    others = {
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & here
    }
    assert {"pytest", "hypothesis", "playwright"} <= others, "what the tests bring is told from what is required"
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, json.dumps(sorted(others))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
