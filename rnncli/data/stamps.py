"""Time stamps: text to values and back, a whole column at once, and the calendar that the values follow.

A stamp is text. Its value is an integer: the stamp itself if that is one, else seconds since 1970 in its own time
zone. The name of a format is its template, such as "YYYY-MM-DD hh:mm+01:00"; all but its fields is the same in
every stamp, the zone too. The usual formats have a fixed width, and are read and written by position, a column at
once; for all others see `stamp_templates`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from rnncli.data import decimal_times, dotted_months, stamp_templates, strptime_format
from rnncli.errors import DataError

INTEGER = "integer"  # the format of years and counters
HOUR, DAY, WEEK = 3600, 86_400, 604_800  # seconds

_DATES = ("YYYY-MM-DD", "YYYY/MM/DD", "DD.MM.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "YYYY-MM")  # a month has no clock
_DIGITS = ("YYYYMMDD", "YYYYMM", "YYYYMMDDhh", "YYYYMMDDhhmm", "YYYYMMDDhhmmss", "YYYYww")  # dates as whole numbers
DAY_FIRST_DIGITS = ("DDMMYYYY", "MMDDYYYY")  # which are told from numbers only by a whole column
SHORT_YEAR_DIGITS = ("%y%m%d", "%d%m%y", "%m%d%y")  # as are these
_CENTURIES = re.compile("(?:19|20|21)[0-9]{2}")
_CLOCK = re.compile("([ T])[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?")
# Zeros in front are refused: the stamps that follow would not have them. Nanoseconds since 1970 have 19 digits.
_INTEGER = re.compile("0|-?[1-9][0-9]{0,17}|[1-8][0-9]{18}")
_FIXED = re.compile("(?:YYYY[-/]MM[-/]DD|DD[./]MM[./]YYYY|MM/DD/YYYY|YYYY-MM)(?:[ T]hh:mm(?::ss)?(?:Z|[+-][0-9:]+)?)?")
_ISO = "YYYY-MM-DDThh:mm:ss"
_FIELDS = {"YYYY": 1970, "MM": 1, "DD": 1, "hh": 0, "mm": 0, "ss": 0}  # value if absent
_LETTERS = set("".join(_FIELDS))
_YEAR_0, _YEAR_10000 = -62_167_219_200, 253_402_300_800
_MONDAY = 3  # 1970-01-01 is a Thursday, so many days after a Monday
WORKWEEK = (0, 1, 2, 3, 4)  # Monday to Friday
LAST_WEEKDAY = 32  # as the day of a month: its last Monday to Friday


def formats_of(text: str) -> list[str]:
    """Return the formats that `text` is a stamp of, the likelier first: none, one, or more if it can be read in more
    ways, such as with day and month swapped."""
    if _INTEGER.fullmatch(text):
        calendars = _DIGITS if _CENTURIES.match(text) else ()
        return [INTEGER, *(name for name in calendars if len(name) == len(text) and len(read([text], name)))]
    names = []
    for date in _DATES:
        if len(text) == len(date):
            names.append(date)
        elif date.endswith(("DD", "YYYY")) and (found := _CLOCK.fullmatch(text, len(date))):
            gap, seconds, zone = found.groups("")
            names.append(f"{date}{gap}hh:mm{':ss' if seconds else ''}{zone}")
    names = [name for name in names if len(read([text], name))]
    return list(dict.fromkeys([*names, *stamp_templates.templates_of(text)]))


def form_of_all(texts: Sequence[str], known: str = "") -> str | None:
    """Return the format of stamps that might be numbers if their column did not tell, None if it tells nothing: of
    decimal years, and of months with a point. known: the format of other rows of the series."""
    return decimal_times.form_of(texts) or dotted_months.form_of(texts, known)


def is_fixed(name: str) -> bool:
    """True if a format has a fixed width, so that a whole column is read at once."""
    return name == INTEGER or name in (*_DIGITS[:-1], *DAY_FIRST_DIGITS) or _FIXED.fullmatch(name) is not None


def as_strptime(name: str) -> str | None:
    """Return the format of strptime for the times of a format, None if there is none."""
    return None if name == INTEGER else stamp_templates.as_strptime(name)


def has_clock(name: str) -> bool:
    """True if a calendar format tells the time of day."""
    return name != INTEGER and stamp_templates.has_clock(name)


def zone_of(name: str) -> str:
    """Return the time zone at the end of a format, "" if it has none."""
    return stamp_templates.zone_of(name)


def with_other_order(name: str) -> str | None:
    """Return the format with day and month swapped, or None if the format leaves no doubt about their order."""
    found = re.match(r"(DD?|MM?)([-/])(DD?|MM?)\2", name)
    return None if found is None else f"{found[3]}{found[2]}{found[1]}{found[2]}{name[found.end() :]}"


def read(texts: Sequence[str], name: str, *, cut: bool = False) -> np.ndarray:
    """Return the values, int64 (n,), of the leading `texts` that are stamps in the format `name`.

    n is the number of texts, or the index of the first that is no such stamp, such as the 30th of February. cut: True
    to cut fractions of a second off; others than 0 make no stamp otherwise.
    """
    if name == INTEGER:
        return np.array([int(text) for text in takewhile(_INTEGER.fullmatch, texts)], np.int64)
    if strptime_format.is_strptime(name):
        return strptime_format.read(texts, name, cut=cut)[0]
    if decimal_times.is_decimal(name):
        return decimal_times.read(texts, name)
    if not is_fixed(name):
        return stamp_templates.read(texts, name, cut=cut)
    values = _read_fixed(texts, name)
    return stamp_templates.read(texts, name, cut=True) if cut and len(values) < len(texts) else values


def _read_fixed(texts: Sequence[str], name: str) -> np.ndarray:
    width = len(name)
    n = next((i for i, text in enumerate(texts) if len(text) != width), len(texts))
    if n == 0:
        return np.zeros(0, np.int64)
    letters = "".join(texts[:n]).encode("ascii", "replace")  # the ? that replaces is nowhere in a format
    codes = np.frombuffer(letters, np.uint8).reshape(n, width)
    lowest = np.array(["0" if letter in _LETTERS else letter for letter in name], "S1").view(np.uint8)
    choices = np.array([9 if letter in _LETTERS else 0 for letter in name], np.uint8)
    fits = (codes - lowest <= choices).all(axis=1)  # what is below wraps around
    fields = [_field(codes, name.find(field), len(field), absent) for field, absent in _FIELDS.items()]
    year, month, day, hour, minute, second = fields
    fits &= (month >= 1) & (month <= 12)
    starts, lengths = months_starts((year - 1970) * 12 + month - 1)
    fits &= (day >= 1) & (day <= lengths) & (hour < 24) & (minute < 60) & (second < 60)
    values = starts + (day - 1) * DAY + hour * HOUR + minute * 60 + second
    return values if fits.all() else values[: np.argmin(fits)]


def _field(codes: np.ndarray, start: int, width: int, absent: int) -> np.ndarray:
    """Return the numbers, int64 (n,), in `width` digits from column `start` of codes (n, L); `absent` if start < 0."""
    if start < 0:
        return np.full(len(codes), absent, np.int64)
    digits = codes[:, start : start + width].astype(np.int64) - ord("0")
    return digits @ 10 ** np.arange(width)[::-1]


def write(values: np.ndarray, name: str) -> list[str]:
    """Return the stamps in the calendar format `name` of values (n,); raise DataError for years outside 0 to 9999."""
    for wrong, where in ((values < _YEAR_0, "before the year 0"), (values >= _YEAR_10000, "after the year 9999")):
        if wrong.any():
            raise DataError(f"a time stamp {where} cannot be written as {name}")
    if strptime_format.is_strptime(name):
        return strptime_format.write(values, name)
    if decimal_times.is_decimal(name):
        return decimal_times.write(values, name)
    if not is_fixed(name):
        return stamp_templates.write(values, name)
    iso = np.datetime_as_string(values.astype("datetime64[s]")).astype(f"U{len(_ISO)}")
    given = iso.view("U1").reshape(len(values), len(_ISO))
    letters = np.tile(np.array(list(name)), (len(values), 1))
    for field in _FIELDS:
        start, source, width = name.find(field), _ISO.find(field), len(field)
        if start >= 0:
            letters[:, start : start + width] = given[:, source : source + width]
    return ["".join(row) for row in letters.tolist()]


def months_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split seconds (n,) into the month counted from 1970-01, the day of the month from 1, the second of the day."""
    days = values // DAY
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts, _ = months_starts(months)
    return months, days - starts // DAY + 1, values % DAY


def months_starts(months: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the second at which each of months (n,), counted from 1970-01, begins, and its length in days."""
    first, after = ((months + k).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for k in (0, 1))
    return first * DAY, after - first


def day_of_week(values: np.ndarray) -> np.ndarray:
    """Return the day of the week of seconds (n,): 0 for Monday … 6 for Sunday."""
    return (values // DAY + _MONDAY) % 7


def weekdays_of(values: np.ndarray, week: Sequence[int] = WORKWEEK, clocks: Sequence[int] = ()) -> np.ndarray:
    """Return the days of seconds (n,), numbered from the Monday before 1970 without those that are not in `week`; if
    there are `clocks`, in seconds of the day, the times of these days at which it is one of them."""
    rank = np.searchsorted(week, day_of_week(values))
    days = (values // DAY + _MONDAY) // 7 * len(week) + rank
    return days * len(clocks) + np.searchsorted(clocks, values % DAY) if len(clocks) else days


def weekday_starts(weekdays: np.ndarray, week: Sequence[int] = WORKWEEK, clocks: Sequence[int] = ()) -> np.ndarray:
    """Return the second at which each weekday (n,) begins, or time of one, numbered as in `weekdays_of`."""
    days, time = np.divmod(weekdays, len(clocks) or 1)
    weeks, rank = np.divmod(days, len(week))
    return (weeks * 7 + np.array(week)[rank] - _MONDAY) * DAY + (np.array(clocks)[time] if len(clocks) else 0)


def days_in_months(months: np.ndarray, day: int) -> np.ndarray:
    """Return the day of each of months (n,) that `day` stands for: 31 the last one, LAST_WEEKDAY the last weekday."""
    starts, lengths = months_starts(months)
    if day != LAST_WEEKDAY:
        return np.minimum(day, lengths)
    return lengths - np.maximum(day_of_week(starts + (lengths - 1) * DAY) - 4, 0)
