"""How well text stands out from its ground: the contrast of two colours (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

from typing import NamedTuple

ENOUGH = 4.5  # for text of ordinary size


class Colour(NamedTuple):
    """Red, green, blue and opacity, each 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def over(self, ground: Colour) -> Colour:
        """Return what is seen where this lies over an opaque ground."""
        if self.alpha >= 1:
            return self
        mixed = (mine * self.alpha + its * (1 - self.alpha) for mine, its in zip(self[:3], ground[:3], strict=True))
        return Colour(*mixed)

    def __str__(self) -> str:
        """Write it as CSS does: `#9a4a06`."""
        return "#" + "".join(f"{round(255 * part):02x}" for part in self[:3])


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two opaque colours, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
