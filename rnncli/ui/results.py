"""Output of rows as a table, CSV, JSON or JSON lines, by default a table on a terminal and CSV in a pipe."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from rnncli.data.digits import Written
from rnncli.tasks.task import Piece
from rnncli.ui.output import Output, visible

DIGITS = 8  # significant digits; float32 has little more than seven


def write_rows(
    rows: Sequence[Mapping[str, Any]],
    nested: Sequence[Mapping[str, Any]],
    form: str | None,
    delimiter: str = ",",
    decimal: str = ".",
) -> None:
    """Write `rows` as table or csv, `nested` as json or jsonl; None is a table on a terminal and CSV in a pipe."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        out.write(json.dumps([rounded(item) for item in nested], ensure_ascii=False, indent=2) + "\n")
    elif form == "jsonl":
        out.write("".join(json.dumps(rounded(item), ensure_ascii=False) + "\n" for item in nested))
    elif form == "csv":
        out.write(as_csv(rows, delimiter, decimal))
    else:
        write_table(rows)


def write_as_they_come(pieces: Iterable[Piece], form: str | None) -> None:
    """Write lines of text (form None) or JSON lines one by one; write a table, CSV or JSON when all are there."""
    out = Output()
    if form is None or form == "jsonl":
        for piece in pieces:
            lines = piece.lines if form is None else [json.dumps(rounded(piece.nested), ensure_ascii=False)]
            out.write("".join(line + "\n" for line in lines))
        return
    every = list(pieces)
    write_rows([row for piece in every for row in piece.rows], [piece.nested for piece in every], form)


def write_stream(rows: Iterable[Mapping[str, Any]], form: str | None, delimiter: str, decimal: str) -> None:
    """Write each row as soon as it comes: as JSON lines for form json or jsonl, else as CSV under one header."""
    out, begun = Output(), False
    for row in rows:
        if form in ("json", "jsonl"):
            out.write(json.dumps(rounded(row), ensure_ascii=False) + "\n")
            continue
        text = as_csv([row], delimiter, decimal)
        out.write(text.partition("\n")[2] if begun else text)
        begun = True


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",", decimal: str = ".") -> str:
    """Return rows as CSV by RFC 4180, except that a line ends with a line feed alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    if rows:
        writer.writerow(rows[0])
        writer.writerows(
            [cell(value).replace(".", decimal) if isinstance(value, float) else cell(value) for value in row.values()]
            for row in rows
        )
    return text.getvalue()


def write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV, however many there are; a value of None gives an empty field."""
    out = Output()
    pieces, names = iter(rows), None
    while block := list(itertools.islice(pieces, 1000)):
        text = as_csv(block)
        if names is not None:
            text = text.partition("\n")[2]
        names = list(block[0])
        out.write(text)


def write_table(
    rows: Sequence[Mapping[str, Any]],
    title: str | None = None,
    *,
    figures: Collection[str] = (),
    whole: Collection[str] = (),
    styles: Mapping[str, str] | None = None,
    least_width: int = 0,
) -> None:
    """Write `rows` as a rich table, whose cells are shown and never parsed.

    Columns of numbers and those in `figures` are aligned to the right, those in `whole` are never folded. styles: the
    style of each cell that consists of one of its words. least_width: that of the table; a narrower terminal shows
    long lines.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in rows[0] if rows else ():
        numeric = name in figures or all(isinstance(row[name], (int, float)) for row in rows)
        table.add_column(
            Text(visible(name).replace("\n", "\\n")),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=name in whole,
        )
    for row in rows:
        texts = [visible(cell(value)).replace("\n", "\\n") for value in row.values()]
        table.add_row(*(Text(text, style=(styles or {}).get(text, "")) for text in texts))
    console = Console(highlight=False)
    console.width = max(console.width, least_width)
    if title:
        console.print(Text(visible(title), style="bold"))
    console.print(table)


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


def cell(value: Any) -> str:
    """Return a value as tables and CSV show it: floats with DIGITS significant digits, or as they are `Written`; None
    as an empty string."""
    if isinstance(value, Written):
        return str(value)
    return _digits(value) if isinstance(value, float) else "" if value is None else str(value)


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


class GeneratedText:
    """Writes pieces of numbered texts in order: as text with an empty line between two, or one JSON line each."""

    def __init__(self, form: str, seed: int, echo: str):
        self.out = Output()
        self.json, self.seed, self.echo = form == "jsonl", seed, echo
        self._number = -1
        self._pieces: list[str] = []

    def write(self, number: int, piece: str) -> None:
        if number != self._number:
            self._end_text()
            self._number = number
            self._put(self.echo)
        self._put(piece)

    def _put(self, piece: str) -> None:
        self._pieces.append(piece)
        if not self.json and piece:
            self.out.write(piece)

    def _end_text(self, last: bool = False) -> None:
        if self._number < 0:
            return
        text = "".join(self._pieces)
        self._pieces.clear()
        if self.json:
            line = {"seed": self.seed + self._number, "text": text}
            raw = any(0xD800 <= ord(character) <= 0xDFFF for character in text)  # bytes that are no UTF-8
            self.out.write(json.dumps(line, ensure_ascii=raw) + "\n")
        elif not last:
            self.out.write("\n\n")
        elif self.out.terminal and not text.endswith("\n"):
            self.out.write("\n")  # so that the prompt starts on a line of its own

    def __enter__(self) -> GeneratedText:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_text(last=True)
