"""The axis of dates: short labels, and below the first, and below each with which it changes, what they are in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = ("%b", "%d")  # as the formats of labels begin that are wider than the way from one tick to the next


def mark_dates(axes: Axes, most: int) -> None:
    """Mark an x axis of dates with at most so many round ones."""
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FixedFormatter

    class Labels(FixedFormatter):
        def __init__(self) -> None:
            super().__init__([])

        def format_ticks(self, values: Sequence[float]) -> list[str]:
            # Of ticks outside the limits nothing is seen: the first that is seen has the second line.
            low, high = sorted(axes.get_xlim())
            seen = [low <= value <= high for value in values]
            labels = iter(date_labels([num2date(value) for value, shown in zip(values, seen, strict=True) if shown]))
            return [next(labels) if shown else "" for shown in seen]

    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=most))
    axes.xaxis.set_major_formatter(Labels())


def date_labels(dates: Sequence[datetime]) -> list[str]:
    """Return the labels of ticks: years, or months of years, or days of months, or times of days."""
    small, large = _parts(dates)
    below = [_written(date, large) for date in dates]
    begins = [of != before for of, before in zip(below, ["", *below], strict=False)]
    if large.startswith(_WIDE) and begins[1:3] == [True, False]:
        begins[0] = False  # which the next one would cover
    return [
        _written(date, small) + (f"\n{of}" if new else "") for date, of, new in zip(dates, below, begins, strict=True)
    ]


def _parts(dates: Sequence[datetime]) -> tuple[str, str]:
    """Return the formats of what tells ticks apart, and of what they are in."""
    if any(date.second for date in dates):
        return "%H:%M:%S", "%d %b %Y"
    if any(date.hour or date.minute for date in dates):
        return "%H:%M", "%d %b %Y"
    if any(date.day > 1 for date in dates):
        return "%d", "%b %Y"
    return ("%b", "%Y") if any(date.month > 1 for date in dates) else ("%Y", "")


def _written(date: datetime, form: str) -> str:
    return date.strftime(form).lstrip("0") if form.startswith("%d") else date.strftime(form)
