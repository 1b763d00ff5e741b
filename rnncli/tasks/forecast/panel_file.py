"""A panel in a model file: small things as JSON, numbers as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.data.timeline import Timeline
from rnncli.tasks.forecast.panel import Column, Panel

_PREFIX = "panel."


def saved(panel: Panel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `loaded` takes: JSON, and arrays by name."""
    arrays: dict[str, np.ndarray] = {"values": panel.values, "known": panel.known.astype(np.uint8)}
    words: dict[str, list[str]] = {}
    groups = {"past": panel.past, "ahead": panel.ahead, "static": panel.static} | {
        f"coming.{s}": coming for s, coming in enumerate(panel.coming)
    }
    for group, columns in groups.items():
        for name, column in columns.items():
            if column.dtype.kind == "U":
                words[f"{group}.{name}"] = column.tolist()
            else:
                arrays[f"{group}.{name}"] = column
    header = {
        "ids": list(panel.ids),
        "lengths": panel.lengths.tolist(),
        "words": words,
        "columns": {group: list(columns) for group, columns in groups.items() if columns},
        "timelines": [timeline.to_header() for timeline in panel.timelines],
    }
    return header, {_PREFIX + name: np.ascontiguousarray(array) for name, array in arrays.items()}


def loaded(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Panel:
    """The inverse of `saved`; KeyError or ValueError for what cannot have come from there."""

    def columns(group: str) -> dict[str, Column]:
        return {name: column(f"{group}.{name}") for name in header["columns"].get(group, ())}

    def column(name: str) -> Column:
        words = header["words"].get(name)
        return np.array(words, dtype=np.str_) if words is not None else arrays[_PREFIX + name]

    ids, lengths = tuple(map(str, header["ids"])), [int(length) for length in header["lengths"]]
    values, known = arrays[_PREFIX + "values"], arrays[_PREFIX + "known"].astype(bool)
    if len(lengths) != len(ids) or min(lengths) < 1 or sum(lengths) != len(values):
        raise ValueError("its series do not have the rows that it says")
    panel = Panel(
        ids=ids,
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        values=values,
        known=known,
        past=columns("past"),
        ahead=columns("ahead"),
        coming=tuple(columns(f"coming.{s}") for s in range(len(ids))),
        static=columns("static"),
        timelines=tuple(Timeline.from_header(one) for one in header["timelines"]),
    )
    shapes = {column.shape for column in (*panel.past.values(), *panel.ahead.values())}
    whole = (
        len(set(ids)) == len(ids)
        and values.ndim == 2
        and known.shape == values.shape
        and shapes <= {(len(values),)}
        and {column.shape for column in panel.static.values()} <= {(len(ids),)}
        and all(column.ndim == 1 for coming in panel.coming for column in coming.values())
        and len(panel.timelines) in (0, len(ids))
    )
    if not whole:
        raise ValueError("its columns do not have the rows that it says")
    return panel
