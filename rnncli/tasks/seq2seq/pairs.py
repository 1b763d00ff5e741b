"""Pairs of an input and the target to write for it, one a line: a TSV without quoting, or a CSV with quotes.

The first line names the columns of a caption file, unless it holds numbers or labels as the others do. It names
those of a seq2seq file if a column is requested by name, or if it looks like names and not like the other lines; where
it may be either, a CSV has names, and with tabs it is a pair like the others. Without names columns have numbers.
`data.header` overrules both.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rnncli.config.data_section import NO_GROUP
from rnncli.data.csv_records import Record, cut_line, from_line, records_of, refuse_nul
from rnncli.data.csv_table import declared_delimiter, quotes_fields, rectangular
from rnncli.data.delimiters import other_delimiter
from rnncli.data.lines import Line
from rnncli.data.numeric import is_number
from rnncli.data.source import GIVEN, Source, decode
from rnncli.data.stray_rows import doubt_row
from rnncli.data.table_header import (
    are_names_of_pairs,
    doubt_names,
    is_data,
    may_be_names,
    refuse_duplicates,
)
from rnncli.data.table_room import require_room
from rnncli.data.typed import typed
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import doubt

_BLOCK = 50  # records that tell whether the first one is like them
SOURCE_NAMES, TARGET_NAMES = ("source", "src", "input", "from"), ("target", "tgt", "trg", "output", "to")


@dataclass(frozen=True)
class PairColumns:
    """The columns of pairs: names in a file with a header, else numbers from 1; `width` columns in all."""

    prompts: tuple[str, ...]
    target: str
    header: bool
    width: int
    delimiter: str

    def to_header(self) -> dict[str, Any]:
        return asdict(self) | {"prompts": list(self.prompts)}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> PairColumns:
        columns = typed(cls, header, "columns")
        numbered = [*columns.prompts, columns.target] if not columns.header else []
        if not columns.prompts or not all(name.isdecimal() for name in numbered):
            raise ValueError("its columns are none")
        return columns

    def as_config(self) -> tuple[list[str | int], str | int]:
        """Return the input columns and the target as a config would name them: by number only if there is no header."""
        if self.header:
            return list(self.prompts), self.target
        return [int(number) for number in self.prompts], int(self.target)

    def are_named_in(self, line: Line) -> bool:
        """True if a first line names the columns as that of the training data did, if only but for case."""
        fields = {field.strip().lower() for field in line.text.split(self.delimiter)}
        return self.header and len(fields) > 1 and fields.issuperset(name.lower() for name in self.prompts)

    def without_names(self, lists: Iterable[list[Line]]) -> Iterator[list[Line]]:
        """Yield bare lines without a first one that has the usual names of columns, which the training data had not;
        tell of another one that looks like none of theirs."""
        for lines in lists:
            first, fields = lines[0], lines[0].text.split(self.delimiter)
            is_cut = self.delimiter == "\t" and len(fields) > 1  # which `of_line` judges
            alike = not self.header and first.number == 1 and len(fields) == self.width
            if names := alike and are_names_of_pairs(fields):
                doubt_names(first.where, first.text)
            elif first.number == 1 and first.name != GIVEN and not is_cut:
                doubt_row(first)
            yield lines[names:]

    def of_line(self, line: Line) -> tuple[str, ...]:
        """Return the input in a bare line: the whole line, or its fields if there are several. Raises DataError if
        there are too few or too many, and for broken CSV.
        """
        tabs = self.delimiter == "\t"
        if len(self.prompts) == 1 and not tabs:
            return (line.text,)
        fields = line.text.split("\t") if tabs else cut_line(line.text, self.delimiter, line.name, line.number)
        if len(fields) == len(self.prompts):
            return tuple(fields)
        if len(fields) == self.width and not self.header:
            return tuple(fields[int(number) - 1] for number in self.prompts)
        plural = "" if len(fields) == 1 else "s"
        raise DataError(
            f"{line.where}: {len(fields)} field{plural}, and the model is given {len(self.prompts)}; correct the line"
        )


@dataclass(frozen=True)
class Pairs:
    """Pairs: prompts hold the cells of each pair's input columns; targets is None if the data have none, groups if all
    pairs of a group need not stay in one split.
    """

    name: str
    columns: PairColumns
    lines: list[int]
    prompts: list[tuple[str, ...]]
    targets: list[str] | None
    groups: list[str] | None = None

    def __len__(self) -> int:
        return len(self.prompts)

    def where(self, number: int) -> str:
        """The place FILE:LINE of a pair, for messages."""
        return f"{self.name}:{self.lines[number]}"

    def inputs(self) -> list[Hashable]:
        """What each pair's target is written for, or the group that the pair is of, to be compared."""
        return list(self.prompts if self.groups is None else self.groups)

    def labels(self, decimal: str) -> list[tuple[str, ...]]:
        """The cells of each pair in the input columns that hold other than numbers, with the columns' names."""
        names = zip(self.columns.prompts, zip(*self.prompts, strict=True), strict=True)
        labelled = [
            [f"{name} {cell.strip()}" for cell in cells]
            for name, cells in names
            if not all(is_number(cell.strip(), decimal) for cell in cells)
        ]
        return list(zip(*labelled, strict=True))


def only(pairs: Pairs, chosen: Sequence[int]) -> Pairs:
    """Return the chosen pairs alone."""
    targets = None if pairs.targets is None else [pairs.targets[i] for i in chosen]
    lines, prompts = [pairs.lines[i] for i in chosen], [pairs.prompts[i] for i in chosen]
    groups = None if pairs.groups is None else [pairs.groups[i] for i in chosen]
    return replace(pairs, lines=lines, prompts=prompts, targets=targets, groups=groups)


def read_pairs(
    source: Source,
    data: Any,
    like: PairColumns | None = None,
    *,
    named: bool = False,
    answered: bool = True,
    grouped: bool = False,
) -> Pairs:
    """Return the pairs in `source`, in the columns of `like` if it is given.

    named: the first line names the columns. answered: the targets are needed. grouped: so is the column `data.group`.
    Raises DataError naming file and line of a mistake, and UsageError for a column that does not exist.
    """
    found, delimiter = _records(source, data, blanks=not answered)
    if not found:
        raise DataError(f"{source.name}: is empty; give it a pair a line")
    header = like.header if like else _has_header(found, data, delimiter, named=named)
    if like and not header and _names_all_the_same(found[:_BLOCK], data.decimal):
        doubt_names(f"{source.name}:{found[0][0]}", delimiter.join(found[0][1]))
        del found[0]
    if header:  # which is the first line that is not blank
        while not any(map(str.strip, found[0][1])):
            del found[0]
    first = [field.strip() for field in found[0][1]]
    columns = like or _columns(source.name, data, first, delimiter, named=named, header=header)
    if header:
        refuse_duplicates(first, source.name, found[0][0])
    kept = rectangular(
        found[1:] if header else found,
        len(first),
        source.name,
        found[0][0],
        data.ragged,
        "header" if header else "the first line",
    )
    if not kept:
        raise DataError(f"{source.name}:{found[0][0]}: column names but no pairs; add some below")
    cut = other_delimiter([found[0][1], *(fields for _, fields in kept[:_BLOCK])])
    places = _places(source.name, columns, first, cut, answered=answered)
    given, target = places[:-1], places[-1]
    return Pairs(
        source.name,
        columns,
        [line for line, _ in kept],
        [tuple(fields[place] for place in given) for _, fields in kept],
        [_answer(source.name, line, fields[target]) for line, fields in kept] if answered else None,
        _groups(source.name, data.group, first if header else None, kept) if grouped else None,
    )


def _groups(name: str, group: str | None, names: list[str] | None, kept: Sequence[Record]) -> list[str] | None:
    """Return the cells of the column `group`, None if none is named; names are None if columns have numbers."""
    if group in (None, NO_GROUP):
        return None
    place = _place(name, str(group), names or [str(i + 1) for i in range(len(kept[0][1]))])
    return [fields[place].strip() for _, fields in kept]


def _answer(name: str, line: int, cell: str) -> str:
    if not cell.strip():
        raise DataError(f"{name}:{line}: nothing is to be written; give the pair a target, or remove it")
    return cell


def _records(source: Source, data: Any, *, blanks: bool) -> tuple[list[Record], str]:
    """Return the records and the delimiter; blanks: with blank lines between them, as empty fields."""
    require_room(source, declared_delimiter(data.delimiter))
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    refuse_nul(text, source.name)
    body = from_line(text, data.skip_rows + 1)
    first = body.lstrip("\n").partition("\n")[0]
    seen = "\t" if source.name.lower().endswith(".tsv") else next((c for c in "\t,;" if c in first), ",")
    delimiter = declared_delimiter(data.delimiter) or seen
    if delimiter != "\t" or data.quoting == "minimal":
        quoted = quotes_fields(source.name, data.quoting)
        records = list(records_of(body, delimiter, source.name, data.skip_rows + 1, quoted=quoted, blanks=blanks))
    else:
        lines = enumerate(body.removesuffix("\n").split("\n"), start=data.skip_rows + 1)
        records = [(number, line.split("\t")) for number, line in lines if blanks or line.strip()]
    width = next((len(fields) for _, fields in records if any(map(str.strip, fields))), 0)
    filled = [(number, fields if any(map(str.strip, fields)) else [""] * width) for number, fields in records]
    return filled if width else [], delimiter


def _has_header(found: list[Record], data: Any, delimiter: str, *, named: bool) -> bool:
    """True if the first record names the columns: see the module's docstring."""
    if data.header is not None:
        return bool(data.header)
    columns = (*_listed(data, named=named), *_list(data.target))
    if any(isinstance(column, str) for column in columns) or _is_name(data.group):
        return True
    first, *rest = [record for i, record in enumerate(found[:_BLOCK]) if not i or record[1] != found[0][1]]
    if named:  # the targets are all different, and would tell nothing
        pair = is_data(_inputs(first), list(map(_inputs, rest)), data.decimal)
        if pair:
            doubt("the first line is a pair like the others, so it names no columns; they have numbers")
        return not pair
    names, told = reads_names(first[1], [fields for _, fields in rest], delimiter)
    if told:
        doubt(told)
    return names


def _names_all_the_same(found: list[Record], decimal: str) -> bool:
    """True if the first record of a file for a model whose training data had no names surely names its columns: by the
    usual names, or by words above numbers.
    """
    first, *rest = [fields for _, fields in found]
    alike = [fields for fields in rest if len(fields) == len(first)]
    above_numbers = any(
        bool(name.strip()) and not is_number(name, decimal) and all(is_number(cell, decimal) for cell in cells)
        for name, *cells in zip(first, *alike, strict=True)
    )
    return bool(alike) and len(first) > 1 and (above_numbers or may_be_names(first, alike) is True)


def reads_names(first: list[str], rest: list[list[str]], delimiter: str) -> tuple[bool, str]:
    """Return whether the first record of a seq2seq file names the columns, and what is to be told where it may not."""
    names = may_be_names(first, rest)
    if names is not None:
        return names, ""
    line = f"the first line, {shown(delimiter.join(first))},"
    if delimiter == "\t":
        return False, f"{line} is read as a pair; if it names the columns, --set data.header=true"
    return True, f"{line} names the columns; if it is a pair, --set data.header=false"


def _inputs(record: Record) -> Record:
    return record[0], record[1][:-1]


def _listed(data: Any, *, named: bool) -> list[Any]:
    """Return the input columns that the config names."""
    return _list(data.inputs if named else data.source)


def _list(columns: Any) -> list[Any]:
    return [] if columns is None else list(columns) if isinstance(columns, list) else [columns]


def _columns(name: str, data: Any, first: list[str], delimiter: str, *, named: bool, header: bool) -> PairColumns:
    """Return the columns that the config names. If it names none: those with the usual names, or else the first as
    source and the second as target; for a caption the last is the target, and all others are its input.
    """
    chosen = _listed(data, named=named)
    target = next(iter(_list(data.target)), None)
    lower = [field.lower() for field in first]
    if len(first) < 2:
        raise DataError(f"{name}: has one column, and a pair takes two; separate them with a tab, or name a delimiter")
    names = first if header else [str(i + 1) for i in range(len(first))]
    if target is None:
        by_name = next((i for i, field in enumerate(lower) if header and field in TARGET_NAMES), None)
        target = names[by_name] if by_name is not None else names[-1 if named else 1]
    target = names[_place(name, target, names)]
    if not chosen and named:
        chosen = [column for column in names if column not in (target, data.group)]
    if not chosen:
        by_name = next((i for i, field in enumerate(lower) if header and field in SOURCE_NAMES), None)
        chosen = [names[0 if by_name is None else by_name]]
    prompts = tuple(names[_place(name, column, names)] for column in chosen)
    if target in prompts:
        raise UsageError(f"data.target: {shown(target)} is also what the model is given; it would see the answer")
    return PairColumns(prompts, target, header, len(first), delimiter)


def _is_name(group: str | None) -> bool:
    return group is not None and group != NO_GROUP and not group.isdecimal()


def _place(name: str, column: str | int, names: list[str], cut: str = "") -> int:
    if column in names:
        return names.index(str(column))
    if str(column).isdecimal() and 1 <= int(column) <= len(names):
        return int(column) - 1
    raise UsageError(f"no column {shown(str(column))} in {name}; columns: {', '.join(map(shown, names))}{cut}")


def _places(name: str, columns: PairColumns, first: list[str], cut: str, *, answered: bool) -> list[int]:
    """Return the indices of the input columns, then the target's, which may be −1 if targets are not needed; cut: how
    another delimiter is named, if one would cut the lines.
    """
    if columns.header:
        places = [_place(name, column, first, cut) for column in columns.prompts]
        return [*places, _place(name, columns.target, first, cut) if answered else -1]
    wanted = [int(column) - 1 for column in columns.prompts]
    if len(first) == columns.width:
        return [*wanted, int(columns.target) - 1]
    if not answered and len(first) == len(wanted):  # without the target's column
        return [*range(len(wanted)), -1]
    has = "1 column" if len(first) == 1 else f"{len(first)} columns"
    raise DataError(f"{name}: has {has}, and the training data had {columns.width}{cut}")
