"""Output of rows as a table, CSV, JSON or JSON lines, by default a table on a terminal and CSV in a pipe."""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.data.csv_writer import csv_writer
from rnncli.data.written import Written
from rnncli.errors import DataError
from rnncli.ui.output import Output, narrowed, say, visible, wrapped

if TYPE_CHECKING:
    from rnncli.tasks.answers import Piece, Pieces, Stream

_SURROGATE = re.compile("[\ud800-\udfff]")
TABLE_ROWS = 1000  # of answers that come without end, under one header
GAP = 2  # between two columns
LONGEST = 24  # letters of a word that is not broken for the other columns
_SHORTEST = 8  # cells of a column whose words are broken
DIGITS = 8  # significant digits; float32 has little more than seven


def write_rows(
    rows: Sequence[Mapping[str, Any]],
    nested: Sequence[Mapping[str, Any]],
    form: str | None,
    delimiter: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
) -> None:
    """Write `rows` as table or csv, `nested` as json or jsonl; None is a table on a terminal and CSV in a pipe. All but
    CSV is in UTF-8."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        out.write(json_text([rounded(item) for item in nested], indent=2) + "\n")
    elif form == "jsonl":
        out.write("".join(map(_json_line, nested)))
    elif form == "csv":
        Output(encoding).write(as_csv(rows, delimiter, decimal))
    else:
        write_table(rows, decimal=decimal)


def write_as_they_come(answers: Pieces, form: str | None) -> None:
    """Write each list of pieces as it comes, and a table when its rows are there. After a DataError of the pieces what
    came before it is written whole, and it is raised.
    """
    out = Output()
    form = form or ("lines" if answers.as_lines else "table" if out.terminal else "csv")
    if form == "table":
        _write_as_table(answers.lists, answers.decimal)
        return
    if form == "json":
        texts = json_array(answers.lists)
    elif form == "csv":
        rows = ([row for piece in pieces for row in piece.rows] for pieces in answers.lists)
        out = Output(answers.encoding)
        texts = _csv_blocks(rows, answers.delimiter, answers.decimal, answers.columns)
    elif form == "jsonl":
        texts = ("".join(_json_line(piece.nested) for piece in pieces) for pieces in answers.lists)
    else:
        texts = ("".join(line + "\n" for piece in pieces for line in piece.lines) for pieces in answers.lists)
    for text in texts:
        out.write(text)


def _write_as_table(lists: Iterable[list[Piece]], decimal: str) -> None:
    """Write a table for each TABLE_ROWS rows, which alone are kept: the widths of columns are those of their cells."""
    rows: list[dict[str, Any]] = []
    written = False
    try:
        for pieces in lists:
            for piece in pieces:
                rows += piece.rows
                if len(rows) >= TABLE_ROWS:
                    write_table(rows, decimal=decimal)
                    rows, written = [], True
    except DataError:
        if rows:
            write_table(rows, decimal=decimal)
        raise
    if rows or not written:
        write_table(rows, decimal=decimal)


def json_array(lists: Iterable[list[Piece]]) -> Iterator[str]:
    """Yield the text of one JSON array, indented by two, piece by piece."""
    begun = False
    try:
        for pieces in lists:
            for piece in pieces:
                text = json_text(rounded(piece.nested), indent=2).replace("\n", "\n  ")
                yield (",\n  " if begun else "[\n  ") + text
                begun = True
    except DataError:
        yield "\n]\n" if begun else ""
        raise
    yield "\n]\n" if begun else "[]\n"


def _json_line(item: Mapping[str, Any]) -> str:
    return json_text(rounded(item)) + "\n"


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON, in ASCII where it has surrogates, which stand for bytes that are no UTF-8."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return json.dumps(value, indent=indent) if _SURROGATE.search(text) else text


def write_stream(answers: Stream, form: str | None) -> None:
    """Write each row as soon as it comes: as JSON lines for form json or jsonl, else as CSV under one header; without a
    form as text, where there is one."""
    out = Output()
    if form is None and answers.texts is not None:
        texts = answers.texts
    elif form in ("json", "jsonl"):
        texts = map(_json_line, answers.rows)
    else:
        out = Output(answers.encoding)
        texts = _csv_blocks(([row] for row in answers.rows), answers.delimiter, answers.decimal)
    for text in texts:
        out.write(text)


def _csv_blocks(
    blocks: Iterable[Sequence[Mapping[str, Any]]],
    delimiter: str = ",",
    decimal: str = ".",
    columns: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the text of each block of rows as CSV, the header before the first row; without rows a header of these
    columns."""
    header = True
    for block in blocks:
        yield as_csv(block, delimiter, decimal, header=header)
        header = header and not block
    if header and columns:
        yield as_csv([dict.fromkeys(columns)], delimiter).partition("\n")[0] + "\n"


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",", decimal: str = ".", *, header: bool = True) -> str:
    """Return rows as CSV by RFC 4180, except that a line ends with a line feed alone."""
    text = io.StringIO()
    writer = csv_writer(text, delimiter)
    if rows:
        if header:
            writer.writerow(rows[0])
        writer.writerows([cell(value, decimal) for value in row.values()] for row in rows)
    return text.getvalue()


def write_csv(
    rows: Iterable[Mapping[str, Any]], delimiter: str = ",", decimal: str = ".", encoding: str = "utf-8"
) -> None:
    """Write rows as CSV, however many there are; a value of None gives an empty field."""
    out, pieces = Output(encoding), iter(rows)
    for text in _csv_blocks(iter(lambda: list(itertools.islice(pieces, 1000)), []), delimiter, decimal):
        out.write(text)


def write_table(
    rows: Sequence[Mapping[str, Any]],
    title: str | None = None,
    *,
    figures: Collection[str] = (),
    whole: Collection[str] = (),
    styles: Mapping[str, str] | None = None,
    least_width: int = 0,
    spare: Collection[str] = (),
    lines: int | None = None,
    decimal: str = ".",
) -> list[str]:
    """Write `rows` as a rich table, whose cells are shown and never parsed; return the columns left out that are not
    empty.

    Columns of numbers and those in `figures` are aligned to the right, those in `whole` are never folded. styles: the
    style of each cell that consists of one of its words. least_width: that of the table; a narrower terminal shows
    long lines. spare: columns that are left out, empty ones before others and else in this order, until the terminal is
    wide enough for the rest: no word of up to LONGEST is broken then, no cell has more than `lines`. decimal: the mark
    in numbers.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.width = max(console.width, least_width)
    widths: dict[str, int] = {}
    left_out: list[str] = []
    if spare or whole:
        widths = _fitting(rows, console.width, {*whole, *figures}, spare, lines)
        console.width = max(console.width, sum(widths.values()) + GAP * (len(widths) - 1))
        left_out = [name for name in spare if name not in widths and any(row.get(name) for row in rows)]
        rows = [{name: row[name] for name in widths} for row in rows]
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for name in rows[0] if rows else ():
        numeric = name in figures or all(isinstance(row[name], (int, float)) for row in rows)
        table.add_column(
            Text(visible(name).replace("\n", "\\n")),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=name in whole,
            width=widths.get(name),
        )
    for row in rows:
        texts = [visible(cell(value, decimal)).replace("\n", "\\n") for value in row.values()]
        table.add_row(*(Text(text, style=(styles or {}).get(text, "")) for text in texts))
    titles = wrapped(title, narrowed(console.width, console.file)) if title else []
    parts = [*(Text(line, style="bold") for line in titles), table]
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return left_out
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    Output().write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    return left_out


def say_left_out(columns: Collection[str]) -> None:
    """Say which columns of a table a narrow terminal has no room for, if there are any."""
    if columns:
        say(f"no room for {', '.join(columns)}: widen the terminal, or take -f csv")


def _fitting(
    rows: Sequence[Mapping[str, Any]], width: int, whole: Collection[str], spare: Collection[str], lines: int | None
) -> dict[str, int]:
    """Return the columns for which there is room, and the width of each."""
    from rich.cells import cell_len

    texts = {name: [visible(text) for text in (name, *(cell(row[name]) for row in rows))] for name in rows[0]}
    widest = {name: max(map(cell_len, column)) for name, column in texts.items()}
    least = {name: widest[name] if name in whole else _least(column, lines) for name, column in texts.items()}
    empty = [name for name in spare if not any(row.get(name) for row in rows)]
    for name in [*empty, *(name for name in spare if name not in empty)]:
        wished = widest if name in empty else least  # nothing is folded for a column that says nothing
        if sum(wished[shown] for shown in least) + GAP * (len(least) - 1) <= width:
            break
        least.pop(name, None)
    rest = width - sum(least.values()) - GAP * (len(least) - 1)
    if rest < 0 and not spare and (long := max(least.keys() - {*whole}, key=lambda name: least[name], default=None)):
        least[long] = max(least[long] + rest, _SHORTEST)  # nothing else can give way: its words are broken
    for name, narrow in least.items():
        least[name] += max(0, min(widest[name] - narrow, rest))
        rest -= least[name] - narrow
    return least


def _least(texts: Sequence[str], lines: int | None) -> int:
    """Return the least width of a column in which no word is broken, and no cell has more than so many lines; None are
    any number, and words of LONGEST."""
    from rich.cells import cell_len

    width = max(cell_len(word) for text in texts for word in (text.split() or [""]))
    if lines is None:
        return min(width, LONGEST)
    while any(len(textwrap.wrap(text, width)) > lines for text in texts if text):
        width += 1
    return width


def three_digits(value: float | None) -> str:
    """Return `value` with three significant digits, trailing zeros included; – for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if 1e3 <= abs(float(f"{value:.3g}")) < 1e6:
        return f"{float(f'{value:.3g}'):.0f}"
    digits, _, power = f"{value:#.3g}".rstrip(".").partition("e")
    return f"{digits}e{int(power)}" if power else digits


def cell(value: Any, decimal: str = ".") -> str:
    """Return a value as tables and CSV show it: floats with DIGITS significant digits, or as they are `Written`; None
    as an empty string."""
    if isinstance(value, float):
        return (str(value) if isinstance(value, Written) else _digits(value)).replace(".", decimal)
    return "" if value is None else str(value)


def _digits(value: float) -> str:
    """Return a number with DIGITS significant digits, or as many as a larger whole number has."""
    return f"{value:.0f}" if 10**DIGITS <= abs(value) < 1e15 else f"{value:.{DIGITS}g}"


def rounded(value: Any) -> Any:
    """Return the value with all its floats rounded to DIGITS significant digits, or None where not finite; what is
    `Written` has its own."""
    if isinstance(value, Written) and math.isfinite(value):
        return value.shown
    if isinstance(value, float):
        return float(_digits(value)) if math.isfinite(value) else None  # JSON has neither NaN nor infinity
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    return value
