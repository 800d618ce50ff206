"""What an admin may do: look, edit the issue, or everything."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A viewer looks; an editor also changes the issue and its sending; an owner also sees and changes readers."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"

    def may(self, needed: Role) -> bool:
        """Say whether this role includes another."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
