"""The sequences of the UCR/UEA archive's .ts files as examples."""

from __future__ import annotations

from functools import partial

from rnncli.data.archive import dimensions_of, read_archive
from rnncli.data.source import Source
from rnncli.errors import DataError
from rnncli.notes import note
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.examples import Columns, Examples


def archive_examples(source: Source, data: ExamplesConfig, like: Columns | None, *, labelled: bool) -> Examples:
    """Return the examples of a .ts file; see `example_files.read_examples`."""
    found = read_archive(source, data.encoding, len(like.inputs) if like is not None and not labelled else None)
    if labelled and not found.labelled:
        raise DataError(f"{source.name}: its sequences have no labels (@classLabel false)")
    values = list(map(gaps.shortened, found.values))
    for one, label, line in zip(values, found.labels, found.lines, strict=True):
        where = f"{source.name}:{line}"
        if labelled and not label:
            raise DataError(f"{where}: the sequence has no label; add one or remove the line")
        if not len(one):
            raise DataError(f"{where}: the sequence has no values; remove the line")
        gaps.require_taken(one, data.missing, partial(_place, where), learns=labelled)
    if shorter := sum(len(one) < len(whole) for one, whole in zip(values, found.values, strict=True)):
        note(f"{source.name}: {shorter:,} of {len(values):,} sequences end in missing values, which make them shorter")
    columns = Columns("ts", inputs=dimensions_of(values[0].shape[1]))
    names = [str(i + 1) for i in range(len(values))]
    labels = found.labels if labelled else None
    return Examples(source.name, columns, names, found.lines, labels, values=values, missing=data.missing)


def _place(where: str, step: int, dimension: int) -> str:
    return f"{where}: dimension {dimension + 1}, step {step + 1}"
