"""What an unquoted YAML word means.

YAML 1.1, which PyYAML follows, turns `no` into False, `1:30` into 90 and `0100` into 64, and leaves
`1e-3` as text. Here a number is what a reader takes for a number, and everything else stays text.
"""

from __future__ import annotations

import math
import re

from rnncli.errors import shown

Scalar = bool | int | float | str | None

CONSTANTS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".nan": math.nan,
    ".inf": math.inf,
    "+.inf": math.inf,
    "-.inf": -math.inf,
}
INTEGER = re.compile(r"[-+]?[0-9]+")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MAX_DIGITS = 100  # Python refuses to convert above 4,300 digits; no key takes even 20


def parse_scalar(text: str) -> Scalar:
    """The value of the unquoted word `text`, as in a YAML file or after `--set key=`.

    Raises ValueError for an integer that is too long or would mean something else elsewhere.
    """
    if text.lower() in CONSTANTS:
        return CONSTANTS[text.lower()]
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits is too long; at most {MAX_DIGITS} are accepted")
    if LEADING_ZERO.fullmatch(text):
        raise ValueError(_leading_zero_message(text, digits))
    return int(text)


def _leading_zero_message(text: str, digits: str) -> str:
    is_octal = not set(digits) & {"8", "9"}
    reading = f", which YAML 1.1 would read as octal {int(text, 8)}" if is_octal else ""
    return f"{text} has a leading zero{reading}; write {int(text)}, or {shown(text)} in quotes if it is text"
