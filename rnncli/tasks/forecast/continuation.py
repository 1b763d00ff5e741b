"""Rows that go on where others end: those after training data, which are appended, and those of one more split."""

from __future__ import annotations

import numpy as np

from rnncli.errors import DataError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.hierarchy import Hierarchy, require_whole
from rnncli.tasks.forecast.panel import Panel, stacked
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


def rows_after(more: Panel, name: str, before: Panel, last: str) -> Panel:
    """Return of `more`, read from `name`, the rows after the ends of `before`, which `last` names; a note tells where
    others are left out, and a doubt where those have other values. DataError if all are.
    """
    if not (more.timelines and before.timelines):
        return more
    places, kept = {identity: s for s, identity in enumerate(before.ids)}, list[Panel]()
    for s, identity in enumerate(more.ids):
        one = more.one(s)
        old = _rows_up_to(one, before.one(places[identity])) if identity in places else 0
        if old:
            _doubt_others(one, name, before.one(places[identity]), last)
        if old < len(one.values):
            kept.append(one.lasting(len(one.values) - old))
    if not kept:
        raise DataError(f"{name}: has no row after the end of {last}; give it rows after that")
    made = stacked(kept)
    if left_out := len(more.values) - len(made.values):
        note(f"{name}: the {left_out:,} rows up to the end of {last} are left out, {len(made.values):,} follow it")
    return made


def _rows_up_to(one: Panel, before: Panel) -> int:
    """Return how many rows of a series are at times that it has had `before`, as its first row must be."""
    count, last = len(one.values), before.timelines[0]
    begins = last.offset_of(_begin(one, 0))
    return min(1 - begins, count) if begins is not None and begins <= 0 else 0


def _doubt_others(one: Panel, name: str, before: Panel, last: str) -> None:
    """Write a doubt if a series has other values than it had `before` at the same times."""
    shift = one.timelines[0].rows_after(before.timelines[0]) + len(before.values) - len(one.values)
    ours = np.arange(max(0, shift), min(len(before.values), shift + len(one.values)))
    both = before.known[ours] & one.known[ours - shift]
    differ = int((both & (before.values[ours] != one.values[ours - shift])).sum())
    if differ:
        doubt(
            f"{name}: {differ:,} of {int(both.sum()):,} values{_of(one.ids[0])} up to the end of {last} are others "
            "than there; is it the same series?"
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
                f"{name}: begins at {_begin(panel, s)}{_of(panel.ids[s])}, so its {int(panel.lengths[s]):,} rows are "
                f"read alone, and the network reads {context}; rows that begin at {wanted} would be read after the "
                "training data"
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
