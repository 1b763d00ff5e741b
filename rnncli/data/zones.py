"""Time zones: the clock of a place and back to UTC, a whole column at once.

Moments are seconds since 1970, int64; "local" ones are what the clock of the zone shows. A zone is a name of the IANA
database, such as Europe/Berlin, as zoneinfo of the standard library knows it, or a constant offset such as +02:00.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import numpy as np

_OFFSET = re.compile("([+-])([0-9]{2})(?::?([0-9]{2}))?")
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = -62_135_000_000, 253_402_200_000  # which zoneinfo can tell of, of the years 1 and 9999
_PROBED = 86_400 * 7  # seconds: no zone changes its clock and back within a week


def offset_seconds(offset: str) -> int:
    """Return the seconds of an offset from UTC such as +01:00, +0100 or +01."""
    found = _OFFSET.fullmatch(offset)
    assert found is not None
    seconds = int(found[2]) * 3600 + int(found[3] or 0) * 60
    return -seconds if found[1] == "-" else seconds


def offset_text(seconds: int, like: str) -> str:
    """Return an offset from UTC in the style of `like`, one of +01:00, +0100 and +01, as far as that can say it."""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    colon, short = ":" if ":" in like else "", len(like) == 3 and not minutes
    return f"{'-' if seconds < 0 else '+'}{hours:02}{'' if short else f'{colon}{minutes:02}'}"


def is_zone(name: str) -> bool:
    """True if the zone is known."""
    from zoneinfo import ZoneInfo

    try:
        return _OFFSET.fullmatch(name) is not None or ZoneInfo(name) is not None
    except (ValueError, OSError, LookupError):  # of what no file may be called, of a folder, of an unknown name
        return False


def known() -> set[str]:
    """Return the names of the zones that this system knows."""
    from zoneinfo import available_timezones

    return available_timezones()


def offsets(utc: np.ndarray, zone: str) -> np.ndarray:
    """Return the seconds by which the clock of the zone differs from UTC, int64 (n,), at the moments utc (n,)."""
    if not utc.size:
        return utc
    low, high = (int(end) // _PROBED for end in (utc.min(), utc.max()))
    starts, found = _changes(zone, low, high)
    return found[np.searchsorted(starts, utc, side="right") - 1]


def moments(local: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last moment in UTC, int64 (n,) each, at which the clock of the zone shows local (n,).

    They differ in the hour that is repeated; the first is after the last where the clock never shows `local`, so that
    it is the moment that a clock without the change would show so.
    """
    before, after = (local - offsets(local + days * 86_400, zone) for days in (-1, 1))
    is_before, is_after = (utc + offsets(utc, zone) == local for utc in (before, after))
    return np.where(is_before | ~is_after, before, after), np.where(is_after | ~is_before, after, before)


@lru_cache(maxsize=64)
def _changes(zone: str, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the moments from which the offset of the zone is another, the first of them being before all others, and
    the offsets, int64 (n,) each, from week `low` to week `high` since 1970."""

    def offset_at(moment: int) -> int:
        utc = (_EPOCH + timedelta(seconds=min(max(moment, _FIRST), _LAST))).replace(tzinfo=timezone.utc)
        return int(utc.astimezone(tzinfo).utcoffset().total_seconds())  # type: ignore[union-attr]

    if _OFFSET.fullmatch(zone):
        return np.array([np.iinfo(np.int64).min]), np.array([offset_seconds(zone)])
    from zoneinfo import ZoneInfo

    tzinfo = ZoneInfo(zone)
    starts, found = [np.iinfo(np.int64).min], [offset_at(low * _PROBED)]
    for week in range(low, high + 1):
        before, after = week * _PROBED, (week + 1) * _PROBED
        while offset_at(after) != found[-1]:
            first = before  # the last moment with the offset so far
            step = after
            while step - first > 1:
                middle = (first + step) // 2
                first, step = (middle, step) if offset_at(middle) == found[-1] else (first, middle)
            starts.append(step)
            found.append(offset_at(step))
            before = step
    return np.array(starts, np.int64), np.array(found, np.int64)
