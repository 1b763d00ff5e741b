"""Readers of files of sequences with a tag for every step.

    columns   one word a line with its tag, a blank line between sentences (CoNLL); see `tag_columns`
    table     a CSV with one step a row: rows with the same id are a sequence of words, or of numbers

Sequences that are only to be tagged may lack the tags, and even the columns: then each line is a sentence.
"""

from __future__ import annotations

from collections.abc import Callable

from rnncli.config.data_section import NO_GROUP
from rnncli.data.csv_table import Table, read_table
from rnncli.data.lines import Opened
from rnncli.data.numeric import column_index, finite, is_numeric_column
from rnncli.data.source import Source
from rnncli.data.table_rows import TableRows
from rnncli.errors import DataError, UsageError, shown
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.config import LabelledConfig
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_files import dialect, groups_of, label_index, labels_of, place_in
from rnncli.tasks.sequences.examples import MISSING
from rnncli.tasks.sequences.named_rows import leave_names_out, require_width, without_names
from rnncli.tasks.sequences.tag_columns import read_columns
from rnncli.tasks.sequences.tagged import TagColumns, Tagged


def read_tagged(
    source: Source, data: LabelledConfig, like: TagColumns | None = None, *, is_tag: Callable[[str], bool] | None = None
) -> Tagged:
    """Return the sequences in `source`, in the columns of `like` if it is given.

    is_tag: given if the sequences are only to be tagged and need no tags; it recognises a tag. Raises DataError
    naming file and line of a mistake, and UsageError for a column that does not exist.
    """
    table = like.form == "table" if like else data.format == "csv" or source.name.lower().endswith(".csv")
    if table:
        found = read_table(source, **dialect(data, like))
        if like:
            require_width(found.name, len(found.header), like, answered=is_tag is None)
            found = without_names(found, like, data.decimal, is_tag)
        tagged = _from_table(found, data, like, tagged=is_tag is None)
        gaps.tell(tagged)
        return tagged
    if data.group not in (None, NO_GROUP):
        raise UsageError(f"data.group: names a column, and {source.name} has none; remove it, or give a CSV")
    return read_columns(source, data, like, is_tag)


def entries_in(opened: Opened, data: LabelledConfig, like: TagColumns, is_tag: Callable[[str], bool]) -> Entries | None:
    """Return the sequences to be tagged in a CSV one by one, None for a file of another form."""
    if like.form != "table":
        return None
    rows = TableRows(opened, **dialect(data, like, keep_ragged=True))
    leave_names_out(rows, like, data.decimal, is_tag)
    column_index(rows.table([]), str(like.id))
    return Entries(opened, rows, like.id, True, lambda some: _from_table(some, data, like, tagged=False))


def _from_table(table: Table, data: LabelledConfig, like: TagColumns | None, *, tagged: bool) -> Tagged:
    columns = like or _columns_of_table(table, data)
    rows: dict[str, list[int]] = {}
    identity = column_index(table, str(columns.id))
    for number, row in enumerate(table.rows):
        rows.setdefault(row[identity], []).append(number)
    lines = [[table.lines[i] for i in numbers] for numbers in rows.values()]
    tags = None
    if tagged:
        cells = labels_of(table, column_index(table, columns.label))
        tags = [[cells[i] for i in numbers] for numbers in rows.values()]
    words, values = None, None
    used = [column_index(table, name) for name in ([columns.text] if columns.text is not None else columns.inputs)]
    for row, line in zip(table.rows, table.lines, strict=True):
        for index in (identity, *(used if columns.text is not None else ())):
            if row[index].strip().lower() in (("",) if columns.text is not None else MISSING):
                raise DataError(f'{table.name}:{line}: column "{table.header[index]}" is empty; fill the cell')
    if columns.text is not None:
        words = [[table.rows[i][used[0]].strip() for i in numbers] for numbers in rows.values()]
    else:
        steps = gaps.steps_in(table, used, data.decimal, learns=tagged)
        gaps.require_taken(steps, data.missing, lambda row, c: place_in(table, row, used[c]), learns=tagged)
        values = [finite(steps[numbers], f"{table.name}:{table.lines[numbers[0]]}") for numbers in rows.values()]
    every = groups_of(table, data.group) if tagged else None
    groups = None if every is None else [every[numbers[0]] for numbers in rows.values()]
    return Tagged(table.name, columns, list(rows), lines, words, values, tags, groups, data.missing)


def _columns_of_table(table: Table, data: LabelledConfig) -> TagColumns:
    if data.id is None:
        names = ", ".join(shown(name) for name in table.header)
        raise UsageError(
            f"{table.name}: name the column that tells the sequences apart with --set data.id=NAME; columns: {names}"
        )
    if data.text is not None and data.inputs is not None:
        raise UsageError("data.text and data.inputs: a model reads words or numbers; remove one of them")
    identity, label = column_index(table, data.id), label_index(table, data.label)
    listed = data.listed_inputs or []
    read = [column_index(table, column) for column in ([data.text] if data.text is not None else listed)]
    grouped = data.group not in (None, NO_GROUP)
    taken = {
        identity,
        label,
        *(column_index(table, name) for name in (data.time, data.group if grouped else "") if name),
    }
    others = [i for i in range(len(table.header)) if i not in taken]
    text = data.text is not None
    if not read:
        read = [i for i in others if is_numeric_column(table, i, data.decimal)]
        text = not read and len(others) == 1
        read = others if text else read
    if not read:
        raise UsageError(
            f"{table.name}: name the words with --set data.text=NAME, or the numbers with "
            f"--set data.inputs=NAMES; columns: {', '.join(shown(n) for n in table.header)}"
        )
    if label in read:
        raise UsageError(
            f"data.label: {shown(table.header[label])} is also what the model reads; it would see the answer"
        )
    inputs = tuple(table.header[i] for i in read)
    return TagColumns(
        "table",
        inputs[0] if text else None,
        () if text else inputs,
        table.header[identity],
        table.header[label],
        len(table.header),
        None,
        table.headed,
    )
