"""The UCR/UEA archive's .ts files: lines of dimension:dimension:label, commas between the values of a dimension.

With @timestamps true each value stands behind its time, (time,value). A missing value is ?, NaN or empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from rnncli.data.numeric import finite, is_missing, is_number, value_of
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, shown
from rnncli.notes import note

_OUTSIDE_STAMPS = re.compile(r":(?![^(]*\))")  # the colon between dimensions, not one within a time
_STAMPED = re.compile(r"\s*\(([^()]*),([^(),]*)\)\s*(?:,|$)")  # (time, value), of which the time may have commas


@dataclass
class Archive:
    """The sequences of a .ts file: values (n, C) float64, NaN where missing; labels, empty where there is none; and the
    lines, from 1, on which they stand. labelled: whether the file says that they have labels.
    """

    name: str
    labelled: bool = True
    values: list[np.ndarray] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_archive(source: Source, encoding: str, bare: int | None = None) -> Archive:
    """Return the sequences of a .ts file. bare: how many dimensions a line has that may lack its label.

    Raises DataError naming the line of what cannot be read, and for a file without sequences.
    """
    found, begun, stamped = Archive(source.name), False, False
    text = decode(source, encoding).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        line, where = line.strip(), f"{source.name}:{number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, *rest = line[1:].lower().split() or [""]
            stamped = stamped or (key == "timestamps" and rest[:1] == ["true"])
            if key in ("classlabel", "targetlabel"):
                found.labelled = rest[:1] == ["true"]
            begun = begun or key == "data"
            continue
        if not begun:
            raise DataError(f"{where}: {shown(line)} stands before @data; is this a .ts file?")
        dimensions = re.split(_OUTSIDE_STAMPS, line) if stamped else line.split(":")
        found.labels.append(dimensions.pop().strip() if found.labelled and len(dimensions) != bare else "")
        found.values.append(finite(_dimensions(dimensions, where, stamped=stamped), where))
        found.lines.append(number)
        if found.values[-1].shape[1] != found.values[0].shape[1]:
            first = found.values[0].shape[1]
            raise DataError(f"{where}: {len(dimensions)} dimensions, and {first} on line {found.lines[0]}")
    if not found.values:
        raise DataError(f"{source.name}: no sequences; a .ts file has them after @data")
    if stamped:
        note(f"{source.name}: the times of (time, value) are left out; steps follow one another as they stand")
    return found


def dimensions_of(count: int) -> tuple[str, ...]:
    """Return the names of so many dimensions."""
    return tuple(f"dimension {i + 1}" for i in range(count))


def _dimensions(texts: list[str], where: str, *, stamped: bool) -> np.ndarray:
    """Return (n, C), the values of the C dimensions in one line, NaN where missing; raise DataError for a bad value or
    unequal lengths.

    stamped: True if each value stands in brackets behind its time.
    """
    dimensions = []
    for number, text in enumerate(texts, start=1):
        cells = text.split(",")
        if stamped:
            if rest := _STAMPED.sub("", text):
                raise DataError(f"{where}: dimension {number}: {shown(rest)} is not (time, value); mend it")
            cells = [found[1] for found in _STAMPED.findall(text)]
        odd = next((cell for cell in cells if not (is_number(cell) or is_missing(cell))), None)
        if odd is not None:
            raise DataError(f"{where}: dimension {number}: {shown(odd)} is not a number; mend it or remove the line")
        dimensions.append([value_of(cell) for cell in cells])
        if len(cells) != len(dimensions[0]):
            raise DataError(
                f"{where}: dimension {number} has {len(cells)} steps, the first {len(dimensions[0])}; mend the line"
            )
    if not dimensions:
        raise DataError(f"{where}: no dimensions before the label")
    return np.array(dimensions).T
