"""A number that knows how it is written."""

from __future__ import annotations


class Written(float):
    """A number that knows how it is written: with `least` to `most` decimals, or all that it has; other floats are
    rounded to some digits when they are written."""

    least: int
    most: int | None

    def __new__(cls, value: float, least: int = 0, most: int | None = None) -> Written:
        made = super().__new__(cls, value)
        made.least, made.most = least, most
        return made

    @property
    def shown(self) -> float:
        """The number that is written."""
        return float(self) if self.most is None else round(float(self), self.most) + 0.0  # no -0

    def __str__(self) -> str:
        text = repr(self.shown)
        if "e" in text and 1 <= abs(self) < 1e18:
            text = f"{self.shown:.0f}"
        whole, _, decimals = text.partition(".")
        decimals = decimals if decimals.strip("0") else ""
        return text if "e" in text else f"{whole}.{decimals.ljust(self.least, '0')}".rstrip(".")
