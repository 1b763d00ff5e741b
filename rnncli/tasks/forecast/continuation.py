"""Rows that go on where others end: those after training data, which are appended, and those of one more split."""

from __future__ import annotations

import numpy as np

from rnncli.errors import DataError, shown
from rnncli.notes import doubt
from rnncli.tasks.forecast.hierarchy import Hierarchy, require_whole
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.panel_columns import Columns


def follows(more: Panel, before: Panel) -> bool:
    """True if each series of `more` begins at the time after the end of one in `before`."""
    if not (before.timelines and more.timelines):
        return False
    ends = {name: timeline.stamp(1) for name, timeline in zip(before.ids, before.timelines, strict=True)}
    return all(ends.get(name) == _begin(more, s) for s, name in enumerate(more.ids))


def require_follows(more: Panel, columns: Columns, name: str, before: Panel, last: str) -> None:
    """Raise DataError unless each series of `more`, read from `name`, begins where one of `before` ends, which `last`
    names."""
    places = {identity: s for s, identity in enumerate(before.ids)}
    if columns.hierarchy:
        require_whole(more.ids, before.ids, name)
    for s, identity in enumerate(more.ids):
        if identity not in places:
            raise DataError(f"{name}: has a series {shown(identity)} that {last} has not; remove it")
        if not more.timelines or not before.timelines:
            continue
        begins, expected = _begin(more, s), before.timelines[places[identity]].stamp(1)
        if begins != expected:
            raise DataError(
                f"{name}: begins at {begins}{_of(identity)}; it must go on where {last} ends, at {expected}"
            )


def require_frequency(panel: Panel, name: str, trained: Panel) -> None:
    """Raise DataError unless the rows of `name` are as far apart as those of training."""
    if not (trained.timelines and panel.timelines):
        return
    its, ours = panel.timelines[0].frequency, trained.timelines[0].frequency
    if its != ours:
        raise DataError(
            f"{name}: its rows are one {its} apart, the model's one {ours}; give rows like those it was trained on"
        )


def doubt_beginning(panel: Panel, name: str, trained: Panel, context: int) -> None:
    """Write a doubt if a known series has fewer rows than a context, and does not go on from the training data."""
    if not (panel.timelines and trained.timelines):
        return
    for s in np.flatnonzero(panel.lengths < context).tolist():
        if panel.ids[s] in trained.ids:
            wanted = trained.timelines[trained.ids.index(panel.ids[s])].stamp(1)
            doubt(
                f"{name}: begins at {_begin(panel, s)}{_of(panel.ids[s])}, and the training data end before {wanted}: "
                "no row of them is read; rows that begin there would be appended"
            )
            return


def rows_read(panel: Panel, columns: Columns) -> int:
    """Return how many rows of a file a panel has, without those of the sums of a hierarchy."""
    sums = Hierarchy.of(columns, panel.ids).sums if columns.hierarchy else 0
    return int(panel.lengths[sums:].sum())


def _begin(panel: Panel, s: int) -> str:
    return panel.timelines[s].stamp(1 - int(panel.lengths[s]))


def _of(identity: str) -> str:
    return f" of {shown(identity)}" if identity else ""
