"""Times in a format of strptime, such as "%d. %B %Y, %H Uhr", one by one.

Names of months and days, and marks of the half of a day, are those of the language that LC_TIME names.
"""

from __future__ import annotations

import locale
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import cache

import numpy as np

_EPOCH = datetime(1970, 1, 1)


def is_strptime(form: str) -> bool:
    """True if a format is one of strptime, and no template."""
    return "%" in form


def read(texts: Sequence[str], form: str, *, cut: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what the clock shows in the leading `texts` (n,) that are in the format, in seconds since 1970, int64, and
    their offsets from UTC in seconds, None without %z. Fractions of a second are cut off if `cut`, else they end it."""
    _speak()
    local, offsets = [], []
    for text in texts:
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            break
        if moment.microsecond and not cut:
            break
        local.append((moment.replace(tzinfo=None) - _EPOCH) // timedelta(seconds=1))
        offsets.append((moment.utcoffset() or timedelta()) // timedelta(seconds=1))
    return np.array(local, np.int64), np.array(offsets, np.int64) if "%z" in form else None


def write(local: np.ndarray, form: str, offsets: np.ndarray | None = None) -> list[str]:
    """Return what the clock shows, in seconds since 1970 (n,), at `offsets` (n,) from UTC, as texts in the format."""
    _speak()
    offsets = np.zeros(len(local), np.int64) if offsets is None else offsets
    return [
        (_EPOCH + timedelta(seconds=moment)).replace(tzinfo=timezone(timedelta(seconds=offset))).strftime(form)
        for moment, offset in zip(local.tolist(), offsets.tolist(), strict=True)
    ]


@cache
def _speak() -> None:
    with suppress(locale.Error):
        locale.setlocale(locale.LC_TIME, "")
