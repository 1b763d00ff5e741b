"""Readers of examples in lines: of labels and texts to learn from, of texts to be predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice

from rnncli.data.csv_records import cut_line
from rnncli.data.csv_table import declared_delimiter, quotes_fields
from rnncli.data.delimiters import CANDIDATES, other_delimiter
from rnncli.data.lines import Line
from rnncli.data.source import STDIN, UNNAMED, Source, decode, is_table
from rnncli.data.stray_rows import doubt_row
from rnncli.data.table_header import are_names, are_short_names, doubt_name, doubt_names, is_usual_name
from rnncli.errors import DataError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.named_rows import are_names_for
from rnncli.tasks.sequences.written_labels import FORMS, MARK, Cut, cut_at_marks, cut_at_space, cut_at_tab, cut_of

_SEEN = 50  # lines that tell whether another delimiter stands in them
_FEWEST_LABELLED = 5  # lines that begin with a label each, before that is no accident


def labelled_lines(source: Source, data: ExamplesConfig, *, separated: bool) -> Examples:
    """Return the examples in lines of a label and a text; separated: True if a line may have no label, or several."""
    texts, labels, numbers = [], [], []
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DataError(f"{source.name}: is empty; give it an example a line")
    lines = text.split("\n")
    while not lines[-1].strip():
        lines.pop()
    cut = cut_of(lines)
    for number, line in enumerate(lines, start=1):
        label, rest = cut(line)
        if number == 1 and are_names(label, rest):
            doubt_names(f"{source.name}:1", line)
            continue
        if not rest or not (label or (cut is cut_at_tab and separated)):
            raise DataError(f"{source.name}:{number}: {shown(line)} must be {FORMS[cut]}")
        texts.append(rest)
        labels.append(label)
        numbers.append(number)
    ids = [str(i + 1) for i in range(len(texts))]
    return Examples(source.name, Columns("lines"), ids, numbers, labels, texts=texts)


def texts_in(
    lines: Iterator[Line], name: str, data: ExamplesConfig, like: Columns, is_label: Callable[[str], bool]
) -> Callable[[Sequence[Line]], Examples] | None:
    """Return what makes examples to be predicted of lines, one of each, or None if the file `name` is none of lines.

    `lines`, those of the file, are looked at as far as needed.
    """
    if like.form == "text":
        if data.delimiter and not like.headed and name not in UNNAMED:
            first = list(islice(lines, _SEEN))
            _refuse_other_delimiter(first, name, data, like, is_label)
            lines = chain(first, lines)
        beginning = list(islice(lines, data.skip_rows + 1))  # titles, and a header
        if is_table(name) or any(_is_table_row(line, data, like, is_label) for line in beginning):
            return None
        if name not in UNNAMED:
            doubt(f"{name}: read as one text a line, because it has no column {shown(str(like.text))}")
        elif name == STDIN and beginning:
            doubt_row(beginning[0], is_label)
        if not like.headed and beginning and is_usual_name(beginning[0].text):
            doubt_name(beginning[0].where, beginning[0].text)
    elif like.form != "lines":
        return None
    if is_table(name):
        raise DataError(f"{name}: the model reads lines of text; give it the texts alone, one a line")
    if like.form == "lines" and (top := next(lines, None)):
        if any(are_names(*cut_one(top.text)) for cut_one in (cut_at_tab, cut_at_space)):
            doubt_name(top.where, top.text)
        else:
            if name == STDIN:
                doubt_row(top, is_label)
            lines = chain([top], lines)
    cut = _cut_of_labelled(lines, is_label) if name not in UNNAMED and like.form == "lines" else None
    if cut:
        note(f"{name}: every line begins with a label, which is left out of its text")
    marked: list[int] = []

    def text_of(line: Line) -> str:
        if like.form == "lines" and MARK in line.text:
            labels, text = cut_at_marks(line.text)
            if labels and not marked:
                note(f"{line.where}: labels that begin with {MARK} are left out of the texts, here and below")
                marked.append(line.number)
            return text
        return cut(line.text)[1] if cut else line.text.strip()

    def examples(some: Sequence[Line]) -> Examples:
        numbers = [line.number for line in some]
        return Examples(
            name, Columns("lines"), list(map(str, numbers)), numbers, None, texts=[text_of(line) for line in some]
        )

    return examples


def _is_table_row(first: Line, data: ExamplesConfig, like: Columns, is_label: Callable[[str], bool]) -> bool:
    """True if the first line is one of a table as in training: it names the column of texts or, where columns had no
    names, has a label in the place of labels, or names all the same.
    """
    marks = [declared_delimiter(data.delimiter) or ""] if data.delimiter else list(CANDIDATES)
    rows = list(filter(None, (_fields(first, mark, data) for mark in marks)))
    if like.headed:
        return any(_are_columns(row, str(like.text)) for row in rows)
    return any(_is_labelled(row, like, is_label) or are_names_for(like, row, data.decimal, is_label) for row in rows)


def _is_labelled(row: Sequence[str], like: Columns, is_label: Callable[[str], bool]) -> bool:
    """True if a row of a table whose columns have no names has a label in the place of labels."""
    at = int(str(like.label).removeprefix("column")) - 1
    return len(row) > at and is_label(row[at].strip())


def _refuse_other_delimiter(
    first: Sequence[Line], name: str, data: ExamplesConfig, like: Columns, is_label: Callable[[str], bool]
) -> None:
    """Raise DataError if the delimiter of training is in none of these lines, and most have a label at another one."""
    lines = [line for line in first if line.text.strip()]
    own = declared_delimiter(data.delimiter) or ""
    if any(own in line.text for line in lines) or len(lines) < _FEWEST_LABELLED:
        return
    cuts = ([_fields(line, mark, data) for line in lines] for mark in CANDIDATES)
    if any(2 * sum(_is_labelled(row, like, is_label) for row in rows if len(row) > 1) > len(lines) for rows in cuts):
        mend = other_delimiter([[line.text] for line in lines])
        raise DataError(f"{name}: has one column, where the training data had a label and a text{mend}")


def _fields(line: Line, mark: str, data: ExamplesConfig) -> list[str]:
    """Return the fields of a line, none if it is broken CSV."""
    with suppress(DataError):
        return cut_line(line.text, mark, line.name, line.number, quoted=quotes_fields(line.name, data.quoting))
    return []


def _are_columns(row: Sequence[str], text: str) -> bool:
    """True if the fields of a row are names, one of which is `text`, if only but for its case, and no pieces of a text
    between commas.
    """
    names = [field.strip() for field in row]
    spaced = any(field[:1] == " " for field in row) and any(" " in name for name in names)
    if text in names:
        return len({*names}) == len(names) and not spaced
    return len(row) > 1 and are_short_names(row) and text.lower() in map(str.lower, names)


def _cut_of_labelled(lines: Iterator[Line], is_label: Callable[[str], bool]) -> Cut | None:
    """Return how labels are cut off many lines that all begin with one, as those of training do, else None; a text may
    begin with any word.
    """
    found = {cut_at_tab: Counter[str](), cut_at_space: Counter[str]()}
    for line in lines:
        for cut in list(found):
            label, text = cut(line.text)
            if text and is_label(label):
                found[cut][label] += 1
            elif line.text.strip():
                del found[cut]
        if not found:
            return None
    several = [cut for cut, labels in found.items() if labels.total() >= _FEWEST_LABELLED and len(labels) > 1]
    return several[0] if several else None
