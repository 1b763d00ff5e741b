"""Times of a zone as they are written, and the moments that they stand for.

A time is written with its offset from UTC, with Z or the like, or as the clock of the zone shows it: then the hour that
is repeated when summer time ends is told from the one before it by the order of the rows. Moments are seconds since
1970 in UTC; local times are what the clock shows, in seconds since 1970 too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.data import strptime_format, zones
from rnncli.data.stamps import as_strptime, formats_of, has_clock, read, with_other_order, write, zone_of

MOMENT = "YYYY-MM-DD hh:mm:ssZ"
LOCAL = "YYYY-MM-DD hh:mm:ss"
_OFFSET = re.compile("[+-][0-9]{2}(?::?[0-9]{2})?$")
_MARKS = ("Z", " UTC", "UTC", " GMT", "GMT")  # of an offset of 0


@dataclass(frozen=True)
class ZonedTimes:
    """Times (n,): what the clock shows, the offsets from UTC in seconds, None where they are not written, and the
    format of the last one."""

    local: np.ndarray
    offsets: np.ndarray | None
    form: str

    @property
    def zone(self) -> str:
        """The offset of the last time as a zone, "" where it is not written."""
        return "" if self.offsets is None else zones.offset_text(int(self.offsets[-1]), "+00:00")

    def moments(self, zone: str, groups: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the moments (n,), and a mask of those at which the clock of the zone never shows what is written.

        groups: the places of times that follow one another, in order.
        """
        if self.offsets is not None:
            return self.local - self.offsets, np.zeros(len(self.local), bool)
        first, last = zones.moments(self.local, zone)
        made = first.copy()
        for group in groups if (first < last).any() else ():
            made[group] = _in_order(first[group], last[group])
        return made, first > last


def parsed(texts: Sequence[str], formats: Sequence[str], *, cut: bool = False) -> ZonedTimes | None:
    """Return the times of `texts`, all with an offset from UTC or all without, in one of `formats` but for that offset.

    None if they are written in more forms than one, or tell no time of day. Of two orders of day and month it is the
    one that makes more of them even; None if neither does.
    """
    if formats and strptime_format.is_strptime(formats[0]):
        templates = [name for name in formats_of(texts[0]) if as_strptime(name) == formats[0]]
        if templates and (made := parsed(texts, templates, cut=cut)):
            return made
        local, offsets = strptime_format.read(texts, formats[0], cut=cut)
        return ZonedTimes(local, offsets, formats[0]) if len(local) == len(texts) else None
    clocks = [name for name in formats if has_clock(name)]
    suffixes = [_suffix(text) for text in texts]
    if not clocks or len({bool(suffix) for suffix in suffixes}) > 1:
        return None
    bare = [text[: len(text) - len(suffix)] for text, suffix in zip(texts, suffixes, strict=True)]
    names = list(dict.fromkeys(name.removesuffix(zone_of(name)) for name in clocks))
    names = [name for name in names if name in (names[0], with_other_order(names[0]))]
    readings = [(name, values) for name in names if len(values := read(bare, name, cut=cut)) == len(texts)]
    readings.sort(key=lambda one: evenness(one[1]))
    if not readings or (len(readings) > 1 and evenness(readings[0][1]) == evenness(readings[1][1])):
        return None
    name, local = readings[-1]
    if not suffixes[-1]:
        return ZonedTimes(local, None, name)
    seconds = {suffix: 0 if suffix in _MARKS else zones.offset_seconds(suffix) for suffix in set(suffixes)}
    return ZonedTimes(local, np.array([seconds[suffix] for suffix in suffixes]), name + suffixes[-1])


def moments_of(text: str, form: str, zone: str) -> list[int]:
    """Return the moments that one time in the format `form` stands for: none, one, or the two of a repeated hour."""
    names = [form] if strptime_format.is_strptime(form) else formats_of(text)
    made = parsed([text], [name for name in names if _bare(name) == _bare(form)])
    if made is None:
        return []
    if made.offsets is not None:
        return [int(made.local[0] - made.offsets[0])]
    first, last = zones.moments(made.local, zone)
    return sorted({int(first[0]), int(last[0])}) if first <= last else []


def written(moments: np.ndarray, local: np.ndarray, form: str) -> list[str]:
    """Return times in the format `form`, of moments (n,) at which the clock shows local (n,)."""
    if strptime_format.is_strptime(form):
        return strptime_format.write(local, form, local - moments)
    zone, bare = zone_of(form), _bare(form)
    if zone in _MARKS:
        return [f"{text}{zone}" for text in write(moments, bare)]
    texts = write(local, bare)
    offsets = (local - moments).tolist()
    return (
        [f"{text}{zones.offset_text(one, zone)}" for text, one in zip(texts, offsets, strict=True)] if zone else texts
    )


def evenness(values: np.ndarray) -> tuple[int, int]:
    """Return how likely values (n,) are times that stand one after another, the more the larger: how few of their steps
    go the other way than most, and how many are the commonest that is not 0."""
    steps = np.diff(values)
    _, counts = np.unique(steps[steps != 0], return_counts=True)
    turns = min(np.count_nonzero(steps > 0), np.count_nonzero(steps < 0))
    return -int(turns), int(counts.max()) if counts.size else 0


def _bare(form: str) -> str:
    return form.removesuffix(zone_of(form))


def _suffix(text: str) -> str:
    found = _OFFSET.search(text)
    return found[0] if found else next((mark for mark in _MARKS if text.endswith(mark)), "")


def _in_order(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return first (n,) with last (n,) in its place where the rows are in the second of two hours that are repeated."""
    repeated, made = first < last, first.copy()
    for i in np.flatnonzero(repeated):
        if i and made[i] <= made[i - 1] < last[i]:
            made[i] = last[i]
    begins = int(np.argmin(repeated))  # rows in such an hour, before all others
    if 0 < begins < len(made) - 1 and np.array_equal(made[:begins], first[:begins]):
        is_second = made[begins] - last[begins - 1] == made[begins + 1] - made[begins]
        made[:begins] = last[:begins] if is_second else made[:begins]
    return made
