"""The unit of a column: the sign that all its cells have, or what stands in brackets behind its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BRACKETED = re.compile(r"(.*\S)\s*[\[(]\s*([^\W\d_][^\])]{0,11}|[^\w\s]{1,3}[^\])]{0,8})\s*[\])]\s*")


def unit_of(name: str, signs: Mapping[str, str]) -> tuple[str, str]:
    """Return the name without the unit, and the unit, "" if there is none; signs: of columns, by name."""
    if name in signs:
        return name, signs[name]
    match = _BRACKETED.fullmatch(name)
    return (match[1], match[2].strip()) if match else (name, "")
