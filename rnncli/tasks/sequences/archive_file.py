"""The UCR/UEA archive's .ts files: lines of dimension:dimension:label, commas between the values of a dimension.

With @timestamps true each value stands behind its time, (time,value). A missing value is ?, NaN or empty.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np

from rnncli.data.numeric import is_missing, is_number
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, shown
from rnncli.notes import note
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.examples import Columns, Examples, finite

_OUTSIDE_STAMPS = re.compile(r":(?![^(]*\))")  # the colon between dimensions, not one within a time
_STAMPED = re.compile(r"\s*\(([^()]*),([^(),]*)\)\s*(?:,|$)")  # (time, value), of which the time may have commas


def read_archive(source: Source, data: ExamplesConfig, like: Columns | None, *, labelled: bool) -> Examples:
    """Return the examples of a .ts file; see `example_files.read_examples`."""
    has_label, begun, stamped, shorter = True, False, False, 0
    values: list[np.ndarray] = []
    labels: list[str] = []
    lines: list[int] = []
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        line, where = line.strip(), f"{source.name}:{number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, *rest = line[1:].lower().split() or [""]
            stamped = stamped or (key == "timestamps" and rest[:1] == ["true"])
            if key in ("classlabel", "targetlabel"):
                has_label = rest[:1] == ["true"]
            begun = begun or key == "data"
            continue
        if not begun:
            raise DataError(f"{where}: {shown(line)} stands before @data; is this a .ts file?")
        dimensions = re.split(_OUTSIDE_STAMPS, line) if stamped else line.split(":")
        bare = like is not None and not labelled and len(dimensions) == len(like.inputs)
        label = dimensions.pop().strip() if has_label and not bare else ""
        if labelled and has_label and not label:
            raise DataError(f"{where}: the sequence has no label; add one or remove the line")
        steps = _dimensions(dimensions, where, source.name, number, stamped=stamped)
        values.append(gaps.shortened(steps))
        shorter += len(values[-1]) < len(steps)
        if not len(values[-1]):
            raise DataError(f"{where}: the sequence has no values; remove the line")
        gaps.require_taken(values[-1], data.missing, partial(_place, where), learns=labelled)
        if values[-1].shape[1] != values[0].shape[1]:
            raise DataError(f"{where}: {len(dimensions)} dimensions, and {values[0].shape[1]} on line {lines[0]}")
        labels.append(label)
        lines.append(number)
    if not values:
        raise DataError(f"{source.name}: no sequences; a .ts file has them after @data")
    if labelled and not has_label:
        raise DataError(f"{source.name}: its sequences have no labels (@classLabel false)")
    if stamped:
        note(f"{source.name}: the times of (time, value) are left out; steps follow one another as they stand")
    if shorter:
        note(f"{source.name}: {shorter:,} of {len(values):,} sequences end in missing values, which make them shorter")
    columns = Columns("ts", inputs=tuple(f"dimension {i + 1}" for i in range(values[0].shape[1])))
    names = [str(i + 1) for i in range(len(values))]
    given = labels if has_label and labelled else None
    return Examples(source.name, columns, names, lines, given, values=values, missing=data.missing)


def _place(where: str, step: int, dimension: int) -> str:
    return f"{where}: dimension {dimension + 1}, step {step + 1}"


def _dimensions(texts: list[str], where: str, name: str, line: int, *, stamped: bool) -> np.ndarray:
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
        dimensions.append([gaps.value_of(cell) for cell in cells])
        if len(cells) != len(dimensions[0]):
            raise DataError(
                f"{where}: dimension {number} has {len(cells)} steps, the first {len(dimensions[0])}; mend the line"
            )
    if not dimensions:
        raise DataError(f"{where}: no dimensions before the label")
    return finite(np.array(dimensions).T, name, line)
