"""Time stamps whose fields vary in width: unpadded numbers, names of months, quarters, weeks, clocks of twelve hours.

A template is a text of fields, and everything else stands in every stamp as it is:

    YYYY YY y     year: of four digits; of two, from 1969 to 2068; a count of one or two digits
    MM M MMM      month, with and without a zero in front, behind an M (2020M01)
    Mon Month     its English name, also as MON, mon, MONTH, month
    DD D          day of the month
    q ww w e      quarter; week by ISO 8601, whose stamp is its Monday, with a zero in front or without; its day, from 1
    jjj           day of the year, from 001
    ddd dddd      the day of the week, Mon or Monday, which must be the one of the date
    hh h HH H     hour from 0 to 23, with a zero in front or without; from 01 or 1 to 24, so that a day ends at 24:00
    mm m ss s f   minute, second, a digit of a fraction of it; AM, am: which half of the day

Fractions of a second are read if they are zero, unless they are to be cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import product

import numpy as np

_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october"]
_MONTHS += ["november", "december"]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400

_TOKEN = re.compile(
    "YYYY|YY|y|Month|MONTH|month|Mon|MON|mon|MMM|MM|M|DD|D|hh|HH|h|mm|ss|f+|AM|am|ww|q|jjj|dddd|ddd|H|w|e|m|s"
)
_FIELDS = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<short>[0-9]{2})",
    "y": r"(?P<count>[1-9][0-9]?)",
    "MM": "(?P<month>0[1-9]|1[0-2])",
    "MMM": "M(?P<month>0[1-9]|1[0-2])",
    "M": "(?P<month>0?[1-9]|1[0-2])",
    "DD": "(?P<day>0[1-9]|[12][0-9]|3[01])",
    "D": "(?P<day>0?[1-9]|[12][0-9]|3[01])",
    "q": "(?P<quarter>[1-4])",
    "e": "(?P<weekday>[1-7])",
    "jjj": "(?P<ordinal>[0-3][0-9]{2})",
    "ddd": f"(?P<dayname>{'|'.join(name[:3] for name in _WEEKDAYS)})",
    "dddd": f"(?P<dayname>{'|'.join(_WEEKDAYS)})",
    "ww": "(?P<week>0[1-9]|[1-4][0-9]|5[0-3])",
    "w": "(?P<week>[1-9]|[1-4][0-9]|5[0-3])",
    "hh": "(?P<hour>[01][0-9]|2[0-3])",
    "h": "(?P<hour>[01]?[0-9]|2[0-3])",
    "HH": "(?P<hour>0[1-9]|1[0-9]|2[0-4])",
    "H": "(?P<hour>[1-9]|1[0-9]|2[0-4])",
    "mm": "(?P<minute>[0-5][0-9])",
    "m": "(?P<minute>[1-5]?[0-9])",
    "ss": "(?P<second>[0-5][0-9])",
    "s": "(?P<second>[1-5]?[0-9])",
    "AM": "(?P<half>AM|PM)",
    "am": "(?P<half>am|pm)",
}
for _case in (str.title, str.upper, str.lower):
    _FIELDS[_case("month")] = f"(?P<name>{'|'.join(map(_case, _MONTHS))})"
    _FIELDS[_case("mon")] = f"(?P<name>{'|'.join(_case(name[:3]) for name in _MONTHS)})"
_TOKENS = {*_FIELDS, "f"}
_STRPTIME = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMM": "M%m",
    "MM": "%m",
    "M": "%m",
    "DD": "%d",
    "D": "%d",
    "hh": "%H",
    "h": "%H",
}
_STRPTIME |= {"mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "AM": "%p", "am": "%p"}
_STRPTIME |= {case(name): code for name, code in (("mon", "%b"), ("month", "%B")) for case in (str.title, str.upper)}
_STRPTIME |= {"mon": "%b", "month": "%B", "dddd": "%A", "ddd": "%a", "jjj": "%j"}
_OFFSET = r"Z| ?UTC| ?GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?"
_ZONE = re.compile(rf"(?<=[msfMh])(?:{_OFFSET})$")  # of a template, whose clock ends with one of these letters

# The texts that templates are made from: a date, with the kinds that its parts may be, and a clock after it. Kinds:
# Y year, y a count of years, m month, n behind an M, b its name, d day, q quarter, w week, e its day, j day of a year.
_WEEK = r"W[0-9]{2}|KW ?[0-9]{1,2}"  # KW is German
_NUMBER, _NAME, _YEAR = "[0-9]{1,2}", "[A-Za-z]{3,9}", "[0-9]{4}|[0-9]{2}"
_DATES = (
    (re.compile(rf"([0-9]{{4}})([-/.])({_NUMBER})(\2)({_NUMBER})"), ("Ymd",)),
    (re.compile(rf"({_NUMBER})([-/])({_NUMBER})(\2)({_YEAR})"), ("mdY", "dmY")),
    (re.compile(rf"({_NUMBER})(\.)({_NUMBER})(\.)({_YEAR})"), ("dmY",)),
    (re.compile(rf"({_NUMBER})([-/. ]?)({_NAME})(\2)({_YEAR})"), ("dbY",)),
    (re.compile(rf"({_NAME})( )({_NUMBER})( |, ?)([0-9]{{4}})"), ("bdY",)),
    (re.compile(rf"({_NAME})([-/. ]?)({_YEAR})"), ("bY",)),
    (re.compile(rf"([0-9]{{4}})([-/. ]?)({_NAME})"), ("Yb",)),
    (re.compile(rf"([0-9]{{4}})([-/ ])({_NAME})(\2)({_NUMBER})"), ("Ybd",)),
    (re.compile(r"([0-9]{4})([-/. ]?)(Q[1-4])"), ("Yq",)),
    (re.compile(rf"(Q[1-4])([-/. ]?)({_YEAR})"), ("qY",)),
    (re.compile(r"([0-9]{4})(-?)(M[0-9]{2})"), ("Yn",)),
    (re.compile(r"([0-9]{4})(-?)(W[0-9]{2})(\2)([1-7])"), ("Ywe",)),
    (re.compile(rf"([0-9]{{4}})([-/. ]?)({_WEEK})"), ("Yw",)),
    (re.compile(rf"({_WEEK})([-/. ]?)([0-9]{{4}})"), ("wY",)),
    (re.compile(r"([0-9]{4})(-)([0-9]{3})"), ("Yj",)),
    (re.compile(rf"({_NUMBER})([-/ ])([0-9]{{4}})"), ("mY", "qY")),
    (re.compile(rf"([0-9]{{4}})([-/ ])({_NUMBER})"), ("Ym",)),
    (re.compile(r"([1-9])(-)([0-9]{2})"), ("ym", "mY", "qY")),
    (re.compile(r"([0-9]{4})()([0-9]{2})()([0-9]{2})(?=T)"), ("Ymd",)),
)
_WEEKDAY = re.compile(rf"({'|'.join(_WEEKDAYS)}|{'|'.join(name[:3] for name in _WEEKDAYS)})(,? )")
_CLOCK = re.compile(
    r"(?P<gap>[ T]|, ?)(?P<h>[0-9]{1,2})(?:(?P<s>:?)(?P<m>[0-9]{2})(?:(?P=s)(?P<sec>[0-9]{2})(?P<f>[.,][0-9]{1,9})?)?)?"
    rf"(?P<half> ?(?:[AP]M|[ap]m))?(?P<zone>{_OFFSET})?"
)


def templates_of(text: str) -> list[str]:
    """Return the templates that `text` is a stamp of, the likelier first: padded before unpadded, months first."""
    names: list[str] = []
    weekday = _WEEKDAY.match(text)
    first, named = (weekday.end(), f"{'dddd' if len(weekday[1]) > 3 else 'ddd'}{weekday[2]}") if weekday else (0, "")
    for pattern, orders in _DATES:
        match = pattern.match(text, first)
        clock = None if match is None else _CLOCK.fullmatch(text, match.end())
        if match is None or (clock is None and match.end() < len(text)):
            continue
        texts, separators = match.groups()[::2], [*match.groups()[1::2], ""]
        for order, padded in product(orders, (True, False)):
            for fields in product(*(_fields(kind, text, padded) for kind, text in zip(order, texts, strict=True))):
                day = "".join(f"{field}{separator}" for field, separator in zip(fields, separators, strict=True))
                names += [f"{named}{day}{hour}" for hour in (_clocks(clock) if clock else [""])]
    return [name for name in dict.fromkeys(names) if len(read([text], name, cut=True))]


def _fields(kind: str, text: str, padded: bool) -> list[str]:
    """Return the fields that a part of a date may be, if it is of this kind."""
    if kind == "Y":
        return ["YYYY" if len(text) == 4 else "YY"]
    if kind == "b":
        name = "Month" if text.istitle() else "MONTH" if text.isupper() else "month"
        return [name[:3], name]
    if kind in "md":
        return [kind.upper() * (2 if padded else 1)]
    if kind == "w":
        return [text.rstrip("0123456789") + ("ww" if padded else "w")]
    return [{"y": "y", "q": "Qq" if text[0] == "Q" else "q", "n": "MMM", "e": "e", "j": "jjj"}[kind]]


def _clocks(match: re.Match[str]) -> Iterator[str]:
    if match["m"] is None:  # an hour alone, by ISO 8601
        if match["gap"] == "T" and len(match["h"]) == 2 and not match["half"]:
            yield f"Thh{match['zone'] or ''}"
        return
    gap, s, half = match["gap"], match["s"], match["half"] or ""
    seconds = f"{s}ss" if match["sec"] else ""
    fraction = f"{match['f'][0]}{'f' * (len(match['f']) - 1)}" if match["f"] else ""
    half = half[:-2] + ("AM" if half.isupper() else "am") if half else ""
    hours = ["h"] if len(match["h"]) == 1 else ["hh", "h"] if half else ["hh", "HH", "h"]
    for hour in hours if s else hours[:1]:
        yield f"{gap}{hour}{s}mm{seconds}{fraction}{half}{match['zone'] or ''}"


def as_strptime(name: str) -> str | None:
    """Return the format of strptime for the times of a template, None if there is none."""
    zone = zone_of(name)
    pieces = _pieces(name.removesuffix(zone))
    twelve = not {"AM", "am"}.isdisjoint(pieces)
    codes = {**_STRPTIME, "hh": "%I", "h": "%I"} if twelve else _STRPTIME
    if any(piece in _TOKENS and piece not in codes for piece in pieces):
        return None
    return "".join(codes.get(piece, piece) for piece in pieces) + ("%z" if zone[:1] in ("+", "-") else zone)


def has_clock(name: str) -> bool:
    """True if a template tells the time of day."""
    return not {"hh", "h", "HH", "H"}.isdisjoint(_pieces(name.removesuffix(zone_of(name))))


def zone_of(name: str) -> str:
    """Return the time zone at the end of a template, "" if it has none."""
    found = _ZONE.search(name)
    return found[0] if found else ""


@lru_cache
def _pattern(name: str, cut: bool = False) -> re.Pattern[str]:
    """Return the pattern of the stamps of a template, if `cut` with any fraction of a second, or none."""
    zone = zone_of(name)
    bare = name.removesuffix(zone)
    pieces = _pieces(re.sub("[.,]f+", "", bare) if cut else bare)
    made = [_FIELDS.get(piece) or ("0" * len(piece) if piece[:1] == "f" else re.escape(piece)) for piece in pieces]
    fraction = "(?:[.,][0-9]{1,9})?" if cut else ""
    return re.compile("".join(made).replace(_FIELDS["ss"], _FIELDS["ss"] + fraction) + re.escape(zone))


def count(texts: Sequence[str], name: str) -> int:
    """Return how many of the leading `texts` have the fields of the template `name`."""
    pattern = _pattern(name)
    return next((i for i, text in enumerate(texts) if not pattern.fullmatch(text)), len(texts))


def read(texts: Sequence[str], name: str, *, cut: bool = False) -> np.ndarray:
    """Return the values, int64 (n,), of the leading `texts` that are stamps of the template `name`.

    cut: whether fractions of a second are cut off; others than 0 make no stamp otherwise.
    """
    pattern, values = _pattern(name, cut), []
    for text in texts:
        match = pattern.fullmatch(text)
        value = None if match is None else _seconds(match.groupdict())
        if value is None:
            break
        values.append(value)
    return np.array(values, np.int64)


def _seconds(fields: dict[str, str]) -> int | None:
    """Return seconds since 1970, or None for a day that no calendar has."""
    hour = int(fields.get("hour", 0))
    if "half" in fields:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (fields["half"].lower() == "pm")
    minute, second = int(fields.get("minute", 0)), int(fields.get("second", 0))
    if hour == 24 and (minute or second):
        return None
    try:
        day = _ordinal(fields)
    except ValueError:
        return None
    if "dayname" in fields and not _WEEKDAYS[(day - 1) % 7].startswith(fields["dayname"]):
        return None
    return (day - _EPOCH) * _DAY + hour * 3600 + minute * 60 + second


def _ordinal(fields: dict[str, str]) -> int:
    if "count" in fields:
        year = 2000 + int(fields["count"])
    elif "short" in fields:
        year = 1900 + int(fields["short"])
        year += 100 * (year < 1969)
    else:
        year = int(fields["year"])
    if "week" in fields:
        return date.fromisocalendar(year, int(fields["week"]), int(fields.get("weekday", 1))).toordinal()
    if "ordinal" in fields:
        found = date(year, 1, 1).toordinal() + int(fields["ordinal"]) - 1
        if int(fields["ordinal"]) < 1 or date.fromordinal(found).year != year:
            raise ValueError
        return found
    if "name" in fields:
        month = 1 + next(i for i, name in enumerate(_MONTHS) if name.startswith(fields["name"].lower()))
    else:
        month = 3 * int(fields["quarter"]) - 2 if "quarter" in fields else int(fields["month"])
    return date(year, month, int(fields.get("day", 1))).toordinal()


def write(values: np.ndarray, name: str) -> list[str]:
    """Return the stamps of the template `name` for values (n,) from the year 1 to 9999."""
    zone = zone_of(name)
    tokens, stamps = _pieces(name.removesuffix(zone)), []
    for value in values.tolist():
        ends = not {"HH", "H"}.isdisjoint(tokens) and value % _DAY == 0  # at 24:00 of the day before
        of_week = not {"ww", "w"}.isdisjoint(tokens)
        fields = _written(datetime(1970, 1, 1) + timedelta(seconds=value - ends * _DAY), of_week=of_week)
        fields["HH"], fields["H"] = ("24", "24") if ends else (fields["hh"], fields["h"])
        if "AM" in tokens or "am" in tokens:
            hour = (int(fields["h"]) + 11) % 12 + 1
            fields["h"], fields["hh"] = str(hour), f"{hour:02}"
        stamps.append("".join(fields.get(token, token.replace("f", "0")) for token in tokens) + zone)
    return stamps


def _pieces(bare: str) -> list[str]:
    """Return the fields of a template without its zone, and the texts between them, in order."""
    pieces, end = [], 0
    for token in _TOKEN.finditer(bare):
        pieces += [bare[end : token.start()], token[0]]
        end = token.end()
    return [*pieces, bare[end:]]


def _written(moment: datetime, *, of_week: bool) -> dict[str, str]:
    """Return what each field of a template says of a moment."""
    year, week, weekday = moment.isocalendar()
    year = year if of_week else moment.year
    name, half = _MONTHS[moment.month - 1], "am" if moment.hour < 12 else "pm"
    return {
        "YYYY": f"{year:04}",
        "YY": f"{year % 100:02}",
        "y": str(year - 2000),
        "MM": f"{moment.month:02}",
        "MMM": f"M{moment.month:02}",
        "M": str(moment.month),
        "DD": f"{moment.day:02}",
        "D": str(moment.day),
        "q": str((moment.month + 2) // 3),
        "ww": f"{week:02}",
        "w": str(week),
        "e": str(weekday),
        "jjj": f"{moment.timetuple().tm_yday:03}",
        "dddd": _WEEKDAYS[weekday - 1],
        "ddd": _WEEKDAYS[weekday - 1][:3],
        "hh": f"{moment.hour:02}",
        "h": str(moment.hour),
        "mm": f"{moment.minute:02}",
        "m": str(moment.minute),
        "ss": f"{moment.second:02}",
        "s": str(moment.second),
        **{case[:3]: written[:3] for case, written in _cases(name)},
        **dict(_cases(name)),
        "AM": half.upper(),
        "am": half,
    }


def _cases(name: str) -> tuple[tuple[str, str], ...]:
    """Return the name of a month by the case that its field is written in."""
    return ("Month", name.title()), ("MONTH", name.upper()), ("month", name)
