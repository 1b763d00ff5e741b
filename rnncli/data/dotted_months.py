"""Months with a point, such as 01.2020 or 2020.1: one cell alone might be a number, and only a column shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from rnncli.data import stamp_templates

_FORMS = ("MM.YYYY", "M.YYYY", "YYYY.MM", "YYYY.M")  # the padded first, which the other would read too
_POINTED = re.compile(r"[0-9]{1,2}\.[0-9]{4}|[0-9]{4}\.[0-9]{1,2}")
_YEARS = range(1500, 2300)  # numbers have any four digits
_YEAR = 12
_FEWEST = 3  # months show that they follow each other


def form_of(texts: Sequence[str], known: str = "") -> str | None:
    """Return the format of months with a point that half of `texts` or more are in, None if they are not.

    No number is written as 01.2020; the others are months if most of them are evenly apart, by less than a year, where
    a month begins after another. known: the format in which other rows of the series are, in which these may be too.
    """
    if known in _FORMS and len(stamp_templates.read(texts, known)) == len(texts):
        return known
    pointed = [text for text in texts if _POINTED.fullmatch(text)]
    if 2 * len(pointed) < len(texts) or not pointed:
        return None
    read = {form: [month for text in pointed if (month := _month_of(text, form)) is not None] for form in _FORMS}
    form = max(_FORMS, key=lambda one: len(read[one]))
    if 2 * len(read[form]) < len(texts):
        return None
    padded = form == "MM.YYYY" and any(text.startswith("0") for text in pointed)
    return form if padded or _are_even(read[form]) else None


def _month_of(text: str, form: str) -> int | None:
    """Return the month of a text in a format, counted from 1970-01; None if it is in another."""
    values = stamp_templates.read([text], form)
    month = int(values.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)[0]) if len(values) else None
    return month if month is not None and month // _YEAR + 1970 in _YEARS else None


def _are_even(months: Sequence[int]) -> bool:
    distances = np.diff(list(dict.fromkeys(months)))  # of the rows of several series once
    if len(distances) + 1 < _FEWEST:
        return False
    step, count = Counter(distances.tolist()).most_common(1)[0]
    return 2 * count > len(distances) and abs(step) < _YEAR
