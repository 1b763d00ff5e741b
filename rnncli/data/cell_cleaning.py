"""Cells as people write them, made plain numbers: marks between thousands, words for missing values, signs of units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_missing, is_number
from rnncli.errors import shown
from rnncli.notes import doubt, note

_SIGN = r"US\$|[$€£¥₹₽₩₺%‰]|°[CF]|USD|EUR|GBP|CHF|JPY|Rs\.?|kr|zł"
_GAP = "[ \t\u00a0\u2009\u202f]*"
_MINUS = "+\u2212-"
_BRACKETED = re.compile(rf"{_GAP}\((.*)\){_GAP}")
_SIGNED = re.compile(
    rf"{_GAP}([{_MINUS}]?){_GAP}({_SIGN})?{_GAP}([{_MINUS}]?)([0-9.,][0-9.,'\u2019 \u00a0\u2009\u202f]*?|[-–—])"
    rf"(?:(?<=[0-9])[.,][-–—]{{1,2}})?{_GAP}({_SIGN})?{_GAP}"
)
_NUMERIC = re.compile(rf"{_GAP}[+-]?[0-9.,][0-9.,' \u00a0\u202f]*")
_ALIKE = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}  # marks between thousands that are written in several ways
_SEEN = 20  # cells that tell whether a column may have signs


def cleaned(cells: Sequence[str], thousands: str | None, missing: Sequence[str] | None, decimal: str) -> list[str]:
    """Return cells without the mark between `thousands` in such numbers, and those that are one of `missing` empty."""
    spaces = _ALIKE.get(thousands or "", re.escape(thousands or ""))
    grouped = re.compile(rf"[ \t]*[+-]?[1-9][0-9]{{0,2}}(?:{spaces}[0-9]{{3}})+(?:{re.escape(decimal)}[0-9]*)?[ \t]*")
    marks, words = re.compile(spaces), set(missing or ())
    numbers = {float(word) for word in words if is_number(word)}
    made = []
    for cell in cells:
        if cell.strip() in words or (numbers and is_number(cell) and float(cell) in numbers):
            made.append("")
        else:
            made.append(marks.sub("", cell.strip()) if thousands and grouped.fullmatch(cell) else cell)
    return made


def without_signs(table: Table, missing: Sequence[str] | None = None) -> Table:
    """Return the table without the sign of a currency, per cent or degrees that most cells of a column have, but those
    that are one of `missing`, with a note of each such column, and a doubt of numbers in it that have none."""
    signs, rows, words = dict[int, str](), table.rows, set(missing or ())
    for i in range(len(table.header)):
        there = (k for k, row in enumerate(rows) if not is_missing(row[i]) and row[i].strip() not in words)
        first = list(islice(there, _SEEN))
        if not (sign := _usual_sign(rows[k][i] for k in first)):
            continue
        present = [*first, *there]
        numbers = {k: number for k in present for its, number in [split_sign(rows[k][i])] if its == sign}
        if 2 * len(numbers) > len(present):
            _doubt_bare(table, i, [k for k in present if k not in numbers and _NUMERIC.fullmatch(rows[k][i])], sign)
            signs[i] = sign
            rows = [[*row[:i], numbers.get(k, row[i]), *row[i + 1 :]] for k, row in enumerate(rows)]
    if not signs:
        return table
    listed = ", ".join(f"{shown(table.header[i])} in {sign}" for i, sign in signs.items())
    note(f"numbers are read, and written, without their signs: {listed}")
    return replace(table, rows=rows, signs={table.header[i]: sign for i, sign in signs.items()})


def _doubt_bare(table: Table, index: int, bare: Sequence[int], sign: str) -> None:
    """Write a doubt if the rows `bare` have a number without the sign of the others in column `index` (from 0)."""
    if bare:
        doubt(
            f"{table.name}:{table.lines[bare[0]]}: {len(bare):,} numbers of the column {shown(table.header[index])} "
            f"have no {sign}, {shown(table.rows[bare[0]][index].strip())} the first; they are read as the others"
        )


def _usual_sign(cells: Iterable[str]) -> str:
    """Return the sign that most of these cells have, "" if that is none."""
    counts = Counter(split_sign(cell)[0] for cell in cells)
    return max(counts, key=lambda sign: counts[sign], default="")


def split_sign(cell: str) -> tuple[str, str]:
    """Return the sign of a number, such as $ or %, and the number; "" and the cell if it is no number with one sign."""
    bracketed = _BRACKETED.fullmatch(cell)  # as accountants write what is negative
    found = _SIGNED.fullmatch(f"-{bracketed[1]}" if bracketed else cell)
    if found is None or bool(found[2]) == bool(found[5]) or (found[1] and found[3]):
        return "", cell
    return found[2] or found[5], f"{found[1]}{found[3]}{found[4]}".replace("\u2212", "-")
