"""Times as decimal numbers: years such as 1949.083, whose fractions are twelfths, as R writes monthly series; and
counters such as 0.02 or 1685577600.0.

The name of a format of years is YYYY.ddd, with as many decimals as are written, or YYYY[.ddd] where zeros at their end
are not, and YYYY[.ddd]0 where one is behind a whole year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_FORM = re.compile(r"YYYY(\[?)\.(d+)\]?(0?)")
_YEAR = re.compile(r"[0-9]{4}(?:\.([0-9]{1,15}))?")
_DECIMAL = re.compile(r"-?[0-9]+\.([0-9]{1,9})")
_EPOCH = re.compile(r"([0-9]{9,10})\.([0-9]{1,9})")
_FEWEST_DECIMALS = 2  # tell the twelfths of a year apart
_LONGEST_STEP = 0.6  # years; a rising series with longer ones may be anything
_EVEN = 1.3  # so much longer than its shortest step the longest of a time may be


def is_decimal(form: str) -> bool:
    """True if a format is one of decimal years."""
    return _FORM.fullmatch(form) is not None


def form_of(texts: Sequence[str]) -> str | None:
    """Return the format of decimal years that all of `texts` are in, None if they are not."""
    if not _YEAR.fullmatch(texts[0]):
        return None
    found = [_YEAR.fullmatch(text) for text in texts]
    decimals = [len(one[1] or "") for one in found if one]
    longest = max(decimals, default=0)
    if len(decimals) < len(texts) or longest < _FEWEST_DECIMALS:
        return None
    pointed = "0" if any(text.endswith(".0") for text in texts) else ""
    form = f"YYYY.{'d' * longest}" if min(decimals) == longest else f"YYYY[.{'d' * longest}]{pointed}"
    return form if len(read(texts, form)) == len(texts) else None


def read(texts: Sequence[str], form: str) -> np.ndarray:
    """Return the first second of the month, int64 (n,) since 1970, of the leading `texts` that are in the format."""
    found = _FORM.fullmatch(form)
    assert found is not None
    months = []
    for text in texts:
        year = _YEAR.fullmatch(text)
        if year is None or len(year[1] or "") > len(found[2]) or (not found[1] and len(year[1] or "") < len(found[2])):
            break
        exact = (float(text) - 1970) * 12
        if abs(exact - round(exact)) > 12 * 0.6 * 10.0 ** -len(found[2]) + 1e-6:
            break
        months.append(round(exact))
    return np.array(months, "datetime64[M]").astype("datetime64[s]").astype(np.int64)


def write(values: np.ndarray, form: str) -> list[str]:
    """Return values (n,), in seconds since 1970, as decimal years."""
    found = _FORM.fullmatch(form)
    assert found is not None
    months = values.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    texts = [f"{1970 + month / 12:.{len(found[2])}f}" for month in months.tolist()]
    if not found[1]:
        return texts
    bare = [text.rstrip("0") for text in texts]
    return [f"{text}0" if found[3] and text.endswith(".") else text.rstrip(".") for text in bare]


def looks_like_times(texts: Sequence[str]) -> bool:
    """True for decimal years that rise evenly by less than one, and for seconds since 1970 with decimals that rise."""
    if all(map(_EPOCH.fullmatch, texts)):
        return bool(np.all(np.diff(np.array(texts, np.float64)) > 0))
    if not all(map(_YEAR.fullmatch, texts)) or not any("." in text for text in texts) or len(texts) < 3:
        return False
    years = np.array(texts, np.float64)
    steps = np.diff(years)
    rounding = 10.0 ** -max(len(text.partition(".")[2]) for text in texts)
    even = steps.min() > 0 and steps.max() <= _EVEN * steps.min() + 2 * rounding
    return bool(even and steps.max() < _LONGEST_STEP and 1500 <= years[0] and years[-1] < 2300)


def is_epoch(text: str) -> bool:
    """True if a text is a number of seconds since 1970 with decimals."""
    return _EPOCH.fullmatch(text) is not None


def without_point(texts: Sequence[str]) -> tuple[list[str], int]:
    """Return decimal numbers as whole ones, without their point, and how many decimals all of them have; the texts as
    they are, and 0, if they are no such numbers, or have not equally many."""
    found = _DECIMAL.fullmatch(texts[0])
    if found is None or not all(map(re.compile(f"-?[0-9]+\\.[0-9]{{{len(found[1])}}}").fullmatch, texts)):
        return list(texts), 0
    return [str(int(text.replace(".", ""))) for text in texts], len(found[1])


def with_point(number: int, decimals: int) -> str:
    """Return a whole number with a point before its last `decimals` digits: the inverse of `without_point`."""
    digits = f"{abs(number):0{decimals + 1}}"
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else str(number)


def whole_seconds(texts: Sequence[str]) -> list[str]:
    """Return seconds since 1970 without their fractions, and other texts as they are."""
    return [found[1] if (found := _EPOCH.fullmatch(text)) else text for text in texts]
