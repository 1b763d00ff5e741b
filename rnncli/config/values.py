"""Checks of single values that types and ranges cannot express.

Each takes a value as the file gave it and returns it, or raises a refusal. A refusal's text completes the
sentence "training.max_time is 600; ".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from rnncli.config.suggestions import did_you_mean
from rnncli.config.text_encodings import canonical
from rnncli.errors import shown

# Nine digits hold thirty years of seconds; more is a slip, and would overflow somewhere later.
DURATION = re.compile(r"(?=[0-9])(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")


def parse_duration(text: str) -> float:
    """Return the seconds in `text`: whole hours, minutes and seconds, in that order, more than 0 in total.

    Raises ValueError, whose text completes the sentence "max_time is ...; ".
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("must be a duration such as 8s, 10m or 1h30m")
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    total = 3600 * hours + 60 * minutes + seconds
    if total == 0:
        raise ValueError("must be longer than 0 seconds")
    return float(total)


_MILLISECONDS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?ms")


def parse_milliseconds(text: str) -> float:
    """Return the seconds in `text`, such as 25ms or 12.5ms; raise ValueError, worded as by `parse_duration`."""
    if not _MILLISECONDS.fullmatch(text):
        raise ValueError("must be a duration such as 25ms or 12.5ms")
    if not 1 <= (milliseconds := float(text.removesuffix("ms"))) <= 1000:
        raise ValueError("must be from 1ms to 1000ms")
    return milliseconds / 1000


REFUSAL = "rnncli"  # the error type that marks a message as already in our words
COMMON_ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252", "ascii", "shift_jis", "gb18030")
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a file's name
LARGEST_FRACTION = 0.9
LARGEST_COUNT = 10**12  # of anything that is counted
IS_PATH = "a path"  # marks the types of values that, where they are text, name a file


def refusal(rule: str) -> PydanticCustomError:
    """An error that says what a value must be."""
    # The rule goes through the context because braces in the template would be taken for placeholders.
    return PydanticCustomError(REFUSAL, "{rule}", {"rule": rule})


def section(value: Any) -> Any:
    """Return a section's value; an empty section, such as one whose lines are all commented out, takes its defaults."""
    return {} if value is None else value


def usable_path(path: str) -> str:
    """Return `path`; refuse an empty one, and one with what no file name has: a NUL, or half a surrogate pair."""
    if not path or "\0" in path or _NO_BYTE.search(path):
        raise refusal("must be the path of a file")
    return path


def size(value: Any) -> Any:
    """Return `value` if it is a fraction from 0 to 0.9, a number of rows from 1, or a file's path; else refuse it."""
    if isinstance(value, str):
        return usable_path(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_COUNT:
        return value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= LARGEST_FRACTION:  # NaN fails every comparison
        raise refusal(f"must be a fraction from 0 to {LARGEST_FRACTION}, a number of rows, or the path of a file")
    return float(value)


def paths(value: Any) -> Any:
    """Return `value` if it is null, the path of a file, a folder or a pattern, or a list of these; else refuse it."""
    named = value if isinstance(value, list) and value else [value]
    if value is not None and not all(isinstance(path, str) for path in named):
        raise refusal("must be the path of a file, or a list of them")
    for path in named:
        if path is not None:
            usable_path(path)
    return value


def one_of(names: Iterable[str]) -> BeforeValidator:
    """Return a validator that accepts one of `names`, such as the keys of a registry, looked up at each check."""

    def check(value: Any) -> Any:
        if not (isinstance(value, str) and value in names):
            raise refusal(choices(value, names))
        return value

    return BeforeValidator(check, json_schema_input_type=Literal[tuple(names)])


def choices(value: Any, names: Iterable[str]) -> str:
    """Return the message for a value that is none of `names`."""
    listed = ", ".join(name if name.isidentifier() or "-" in name else f'"{name}"' for name in names)
    return f"expected one of {listed}{did_you_mean(value, names) if isinstance(value, str) else ''}"


def each(value: Any) -> list[Any]:
    """Return one value, or a list of values, as a list; refuse an empty list."""
    if value == []:
        raise refusal("must not be an empty list; name one value or more")
    return value if isinstance(value, list) else [value]


def column(value: Any) -> Any:
    """Return `value` if it is a column name, a column number from 1, or null; else refuse it."""
    if value is not None and not _is_column(value):
        raise refusal("must be a column name or a column number from 1")
    return value


def columns(value: Any) -> Any:
    """Return `value` if it is a column name, a column number from 1, or a list of these without repetition."""
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(_is_column(column) for column in listed):
        raise refusal("must be a column name, a column number from 1, or a list of them")
    for index, column in enumerate(listed):
        if column in listed[:index]:
            raise refusal(f"must name each column once, and has {shown(str(column))} twice")
    return value


def _is_column(value: Any) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return (isinstance(value, str) and value != "") or (is_number and value >= 1)


def one_character(value: Any) -> Any:
    """Return `value` if it is a single character that can separate columns; else refuse it."""
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n"\0':
        raise refusal(r'must be one character; a tab is written "\t", with the quotes')
    return value


def encoding_name(name: str) -> str:
    """Return `name` if it is an encoding of files that Python knows; else refuse it."""
    try:
        canonical(name)
    except ValueError:
        hint = did_you_mean(name, COMMON_ENCODINGS) or "; try utf-8, utf-16 or latin-1"
        raise refusal(f"must be an encoding Python knows{hint}") from None
    return name


def searched(value: Any) -> Any:
    """Return what to search by key; refuse what is no section. An empty section searches nothing."""
    if value is not None and not isinstance(value, dict):
        raise refusal("must be a section of keys with what to search, such as model.hidden_size: 32..256")
    return section(value)


def duration(value: Any) -> Any:
    """Return `value`, as text, if it is a duration such as `1h30m`; else refuse it."""
    return _parsed(value, parse_duration)


def milliseconds(value: Any) -> Any:
    """Return `value`, as text, if it is a duration such as `25ms`; else refuse it."""
    return _parsed(value, parse_milliseconds)


def _parsed(value: Any, parse: Callable[[str], float]) -> Any:
    try:
        parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise refusal(str(error)) from None
    return value
