"""Sequences with a tag for every step.

    columns   one word a line with its tag, a blank line between sentences (CoNLL); columns cut at tabs or spaces
    table     a CSV with one step a row: rows with the same id are a sequence of words, or of numbers

Sequences that are only to be tagged may lack the tags, and even the columns: then each line is a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rnncli.config.sections import NO_GROUP
from rnncli.data.csv_table import Table, declared_delimiter, read_table, refuse_nul
from rnncli.data.lines import Line, Opened
from rnncli.data.numeric import column_index, is_numeric_column
from rnncli.data.source import Source, decode
from rnncli.data.table_rows import TableRows
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.config import LabelledConfig
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_files import dialect, groups_of, label_index, labels_of, place_in
from rnncli.tasks.sequences.examples import MISSING, finite

_CONLL_U = 10  # columns; words are in the second, parts of speech in the fourth
_UNKNOWN = ("_", "-", "O", "X", "?")  # tags where nobody knows one
_DOCUMENT = "-DOCSTART-"
_BESIDE = 4  # words that are shown on each side of one
_COMMENT = re.compile(r"#\s*[\w.:-]+\s*=")
_CONLL_U_ID = re.compile(r"[0-9]+([-.][0-9]+)?")


@dataclass(frozen=True)
class TagColumns:
    """The columns of steps and tags: by name in a table, else by number from 1 of `width` columns.

    headed: whether the columns of a table have names in the file.
    """

    form: Literal["columns", "table"]
    text: str | None
    inputs: tuple[str, ...]
    id: str | None
    label: str
    width: int
    delimiter: str | None
    headed: bool = True

    def to_header(self) -> dict[str, Any]:
        header = asdict(self) | {"inputs": list(self.inputs)}
        if self.headed:
            del header["headed"]  # which 0.1 had not
        return header

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> TagColumns:
        return cls(**{**header, "inputs": tuple(header["inputs"])})


@dataclass(frozen=True)
class Tagged:
    """Sequences of words, or of values (n, C) float64, of n ≥ 1 steps each; tags is None if the data have none.

    Missing values are NaN, and to be filled as `missing` says; see `gaps`.
    lines are those of the steps; ids are the names of the sequences in the data, or else their numbers from 1.
    """

    name: str
    columns: TagColumns
    ids: list[str]
    lines: list[list[int]]
    words: list[list[str]] | None
    values: list[np.ndarray] | None
    tags: list[list[str]] | None
    groups: list[str] | None = None
    missing: str = "refuse"

    def __len__(self) -> int:
        return len(self.ids)

    def inputs(self) -> list[Hashable]:
        """What each sequence is tagged from, or the group that it is of, to be compared."""
        if self.groups is not None:
            return list(self.groups)
        if self.words is not None:
            return list(map(tuple, self.words))
        assert self.values is not None
        return [(one.shape, one.tobytes()) for one in self.values]

    def answers(self) -> list[tuple[str, ...]]:
        """The tags of each sequence, once each."""
        return [tuple(dict.fromkeys(tags)) for tags in self.tags or ()]

    @property
    def sentences(self) -> list[list[str]] | None:
        """The words of each sequence; None for numbers."""
        return self.words

    def given(self, number: int, step: int) -> str:
        """The word of a step in brackets, between those beside it; of numbers which step it is."""
        if self.words is None:
            return f"{self.ids[number]}, step {step + 1:,}"
        words = self.words[number]
        return " ".join([*words[max(0, step - _BESIDE) : step], f"[{words[step]}]", *words[step + 1 :][:_BESIDE]])

    def where(self, number: int, step: int = 0) -> str:
        """The place FILE:LINE of a step, for messages."""
        return f"{self.name}:{self.lines[number][step]}"


def only(tagged: Tagged, chosen: Sequence[int]) -> Tagged:
    """Return the chosen sequences alone."""
    names = ("ids", "lines", "words", "values", "tags", "groups")
    picked: dict[str, Any] = {
        name: [column[i] for i in chosen] for name in names if (column := getattr(tagged, name)) is not None
    }
    return replace(tagged, **picked)


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
        tagged = _from_table(found, data, like, tagged=is_tag is None)
        gaps.tell(tagged)
        return tagged
    if data.group not in (None, NO_GROUP):
        raise UsageError(f"data.group: names a column, and {source.name} has none; remove it, or give a CSV")
    rows, delimiter = rows_of(source, data)
    if like and is_tag and delimiter is None:
        if source.name.lower().endswith(".csv"):
            raise DataError(f"{source.name}: the model reads columns between tabs or spaces, or sentences, and no CSV")
        if _are_sentences(rows, like, is_tag):
            note(f"{source.name}: each line is read as a sentence")
            full = [(number, fields) for number, fields in rows if fields]
            places = [[number] * len(fields) for number, fields in full]
            return _made(source.name, like, places, [fields for _, fields in full], None)
    return _from_columns(source.name, rows, delimiter, data, like, tagged=is_tag is None)


Rows = list[tuple[int, list[str]]]  # the line of each, and its fields, none on a blank line


def rows_of(source: Source, data: LabelledConfig) -> tuple[Rows, str | None]:
    """Return all lines but comments, cut at the delimiter, and the delimiter; None cuts at spaces.

    Comments begin with #, and have another number of fields than the words; or stand above a sentence with a key and
    its value, such as # sent_id = 7, or with a # of their own above most of the sentences. So does -DOCSTART-.
    """
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    refuse_nul(text, source.name)
    lines = list(enumerate(text.split("\n"), start=1))[data.skip_rows :]
    tabs = any("\t" in line for _, line in lines if not line.startswith(("#", _DOCUMENT)))
    delimiter = declared_delimiter(data.delimiter) or ("\t" if tabs else None)
    rows = [(number, _fields(line, delimiter)) for number, line in lines]
    width = next((len(fields) for _, fields in rows if fields and not fields[0].startswith("#")), 0)
    if not width:
        raise DataError(f"{source.name}: is empty; give it a word and its tag a line, a blank line between sentences")
    firsts = [i for i, (_, fields) in enumerate(rows) if fields and (i == 0 or not rows[i - 1][1])]
    marked = [i for i in firsts if rows[i][1][0].startswith("# ") or rows[i][1][0] == "#"]
    usual = len(marked) > 1 and 2 * len(marked) >= len(firsts)  # a mark above most sentences is none of their words
    tags = {fields[-1] for _, fields in rows if len(fields) == width and not fields[0].startswith("#")}
    kept: Rows = []
    for (number, fields), (_, line) in zip(rows, lines, strict=True):
        if not fields:
            kept.append((number, fields))
            continue
        begins = not kept or not kept[-1][1]
        own = _COMMENT.match(line) is not None or (
            usual and fields[0][:2] in ("#", "# ") and fields[-1] not in tags  # or it is the word #
        )
        comment = line.startswith("#") and (len(fields) != width or (begins and own))
        if not (comment or fields[0].startswith(_DOCUMENT)):
            kept.append((number, fields))
    documents = sum(bool(fields) and fields[0].startswith(_DOCUMENT) for _, fields in rows)
    if documents:
        note(f"{source.name}: left out {documents:,} lines that begin a document ({_DOCUMENT})")
    return kept, delimiter


def _fields(line: str, delimiter: str | None) -> list[str]:
    """Cut a line at the delimiter, or at spaces and tabs alone: other spaces are part of a word."""
    bare = line.strip(" \t\r")
    return [] if not bare else line.split(delimiter) if delimiter else re.split("[ \t]+", bare)


def _are_sentences(rows: Rows, like: TagColumns, is_tag: Callable[[str], bool]) -> bool:
    """True if lines without tabs are whole sentences: neither one word each, nor in columns like the training data's,
    which have as many fields and blank lines between, or tags and what stands for an unknown one.
    """
    full = [fields for _, fields in rows if fields]
    widths = {len(fields) for fields in full}
    if like.delimiter is not None or widths != {like.width}:
        return widths != {1}
    last = max(i for i, (_, fields) in enumerate(rows) if fields)
    parted = any(not fields for _, fields in rows[:last])
    return not parted and not all(is_tag(f[int(like.label) - 1]) or f[int(like.label) - 1] in _UNKNOWN for f in full)


def entries_in(opened: Opened, data: LabelledConfig, like: TagColumns) -> Entries | None:
    """Return the sequences to be tagged in a CSV one by one, None for a file of another form."""
    if like.form != "table":
        return None
    rows = TableRows(opened, **dialect(data, like, keep_ragged=True))
    column_index(rows.table([]), str(like.id))
    return Entries(opened, rows, like.id, True, lambda some: _from_table(some, data, like, tagged=False))


def sentences_in(
    lines: Iterator[Line], name: str, data: LabelledConfig, like: TagColumns
) -> Callable[[Sequence[Line]], Tagged] | None:
    """Return what makes sentences to be tagged of lines, one of each, or None if the file `name` has to be read as a
    whole. `lines`, those of the file, are looked at as far as needed.
    """
    by_columns = like.form == "table" or data.format == "csv" or data.delimiter or data.skip_rows
    if by_columns or name.lower().endswith(".csv") or not _begin_with_sentences(lines, like):
        return None
    note(f"{name}: each line is read as a sentence")

    def sentences(some: Sequence[Line]) -> Tagged:
        words = [_fields(line.text, None) for line in some]
        places = [[line.number] * len(fields) for line, fields in zip(some, words, strict=True)]
        return Tagged(name, like, [str(line.number) for line in some], places, words, None, None)

    return sentences


def _begin_with_sentences(lines: Iterator[Line], like: TagColumns) -> bool:
    """True if one of the first lines, before a blank one among them, shows that each is a sentence: it has another
    number of words than one, than the training data's columns, or than the line before it.
    """
    before = 0
    for line in lines:
        width = len(_fields(line.text, None))
        if "\t" in line.text or (before and not width):
            return False
        if not width or line.text.startswith(("#", _DOCUMENT)):
            continue
        columns = 1 if like.delimiter else like.width
        if width not in (1, columns) or before not in (0, width):
            return True
        before = width
    return False


def _from_columns(
    name: str, rows: Rows, delimiter: str | None, data: LabelledConfig, like: TagColumns | None, *, tagged: bool
) -> Tagged:
    first = next(fields for _, fields in rows if fields)
    width = len(first)
    conll_u = width == _CONLL_U and all(_CONLL_U_ID.fullmatch(fields[0]) for _, fields in rows if fields)
    columns = like or _columns_of(name, data, width, delimiter, conll_u=conll_u)
    bare = not tagged and width == 1  # the words alone
    if width != columns.width and not bare:
        raise DataError(
            f"{name}: has {width} column{'s' if width > 1 else ''}, and the model was trained on {columns.width}"
        )
    if bare:
        note(f"{name}: each line is read as a word; a blank line ends a sentence")
    sentences: list[Rows] = [[]]
    for number, fields in _rectangular(name, rows, width, data.ragged):
        if not fields and sentences[-1]:
            sentences.append([])
        elif fields and not (conll_u and not fields[0].isdecimal()):  # 1-2 and 1.1 are no words
            sentences[-1].append((number, fields))
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        raise DataError(f"{name}: no line of this CoNLL-U file begins with the number of a word")
    at = 0 if bare else int(str(columns.text)) - 1
    words = [[fields[at].strip(" \t\r") for _, fields in sentence] for sentence in sentences]
    label = int(columns.label) - 1
    tags = [[fields[label].strip(" \t\r") for _, fields in sentence] for sentence in sentences] if tagged else None
    found = _made(name, columns, [[number for number, _ in sentence] for sentence in sentences], words, tags)
    for what, cells in (("word", words), ("tag", tags or [])):
        for i, row in enumerate(cells):
            if "" in row:
                raise DataError(f"{found.where(i, row.index(''))}: the {what} is empty; fill it in or remove the line")
    return found


def _made(name: str, columns: TagColumns, lines: list[list[int]], words: list[list[str]], tags: Any) -> Tagged:
    return Tagged(name, columns, [str(i + 1) for i in range(len(words))], lines, words, None, tags)


def _columns_of(name: str, data: LabelledConfig, width: int, delimiter: str | None, *, conll_u: bool) -> TagColumns:
    if width < 2:
        raise DataError(f"{name}: has one column, and a tag takes two: a word and its tag")
    text = data.text or (2 if conll_u else 1)
    label = data.label or (4 if conll_u else width)
    for key, column in (("text", text), ("label", label)):
        if not str(column).isdecimal() or not 1 <= int(column) <= width:
            raise UsageError(f"data.{key}: is {shown(str(column))}, and {name} has {width} columns; give its number")
    if int(text) == int(label):
        raise UsageError(f"data.label: {label} is also what the model reads; it would see the answer")
    return TagColumns("columns", str(text), (), None, str(label), width, delimiter)


def _rectangular(name: str, rows: list[tuple[int, list[str]]], width: int, ragged: str) -> list[tuple[int, list[str]]]:
    odd = [(number, fields) for number, fields in rows if fields and len(fields) != width]
    if odd and ragged == "refuse":
        number, fields = odd[0]
        raise DataError(
            f"{name}:{number}: {len(fields)} column{'' if len(fields) == 1 else 's'}, the first line has {width}; "
            "correct the line, or pass --ragged skip to leave such lines out"
        )
    if odd:
        note(f"left out {len(odd):,} of {len(rows):,} lines without {width} columns, the first {odd[0][0]}")
    return [(number, fields) for number, fields in rows if not fields or len(fields) == width]


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
        values = [finite(steps[numbers], table.name, table.lines[numbers[0]]) for numbers in rows.values()]
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
