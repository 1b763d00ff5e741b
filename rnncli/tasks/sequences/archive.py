"""The .ts files of the UCR/UEA archive: after @data one sequence a line, dimension:dimension:label."""

from __future__ import annotations

import numpy as np

from rnncli.data.numeric import is_number
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, shown
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.examples import MISSING, Columns, Examples, finite


def read_archive(source: Source, data: ExamplesConfig, like: Columns | None, *, labelled: bool) -> Examples:
    has_label, begun = True, False
    values: list[np.ndarray] = []
    labels: list[str] = []
    lines: list[int] = []
    for number, line in enumerate(decode(source, data.encoding).splitlines(), start=1):
        line, where = line.strip(), f"{source.name}:{number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, *rest = line[1:].lower().split()
            if key == "timestamps" and rest[:1] == ["true"]:
                raise DataError(f"{where}: time stamps inside sequences are not read; write the values alone")
            if key in ("classlabel", "targetlabel"):
                has_label = rest[:1] == ["true"]
            begun = begun or key == "data"
            continue
        if not begun:
            raise DataError(f"{where}: {shown(line)} stands before @data; is this a .ts file?")
        parts = line.split(":")
        bare = like is not None and not labelled and len(parts) == len(like.inputs)
        label = parts.pop().strip() if has_label and not bare else ""
        if labelled and has_label and label.lower() in MISSING:
            raise DataError(f"{where}: the sequence has no label; add one or remove the line")
        values.append(_dimensions(parts, where, source.name, number))
        if values[-1].shape[1] != values[0].shape[1]:
            raise DataError(f"{where}: {len(parts)} dimensions, and {values[0].shape[1]} on line {lines[0]}")
        labels.append(label)
        lines.append(number)
    if not values:
        raise DataError(f"{source.name}: no sequences; a .ts file has them after @data")
    if labelled and not has_label:
        raise DataError(f"{source.name}: its sequences have no labels (@classLabel false)")
    columns = Columns("ts", inputs=tuple(f"dimension {i + 1}" for i in range(values[0].shape[1])))
    names = [str(i + 1) for i in range(len(values))]
    return Examples(source.name, columns, names, lines, labels if has_label and labelled else None, values=values)


def _dimensions(parts: list[str], where: str, name: str, line: int) -> np.ndarray:
    """(n, C) from the C dimensions of one line."""
    dimensions = []
    for number, part in enumerate(parts, start=1):
        cells = part.split(",")
        odd = next((cell for cell in cells if not is_number(cell)), None)
        if odd is not None:
            what = "is missing" if odd.strip().lower() in MISSING else "is not a number"
            raise DataError(f"{where}: dimension {number}: {shown(odd)} {what}; mend it or remove the line")
        dimensions.append([float(cell) for cell in cells])
        if len(cells) != len(dimensions[0]):
            raise DataError(
                f"{where}: dimension {number} has {len(cells)} steps, the first {len(dimensions[0])}; mend the line"
            )
    if not dimensions:
        raise DataError(f"{where}: no dimensions before the label")
    return finite(np.array(dimensions).T, name, line)
