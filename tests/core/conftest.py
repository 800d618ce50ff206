"""How generated examples run here."""

from __future__ import annotations

from hypothesis import settings

# A machine that does something else meanwhile is no reason to fail; what hangs, the timeout of all tests ends.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
