"""The process that serves pages stays small: numpy comes with the first search, the learning never."""

from __future__ import annotations

import subprocess
import sys

_HEAVY = "print(sorted({'sklearn', 'scipy', 'numpy'} & set(sys.modules)))"


def test_the_site_loads_no_numbers_before_a_search_and_only_numpy_with_it() -> None:
    code = f"import sys, digest.web.app, digest.web.api\n{_HEAVY}\nimport digest.core.relevance\n{_HEAVY}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['numpy']"]
