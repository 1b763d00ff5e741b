"""Files of one word a line with its tag, a blank line between sentences (CoNLL); columns cut at tabs or spaces.

What is only to be tagged may lack the tags, and even the columns: then each line is a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from rnncli.data.csv_records import refuse_nul
from rnncli.data.csv_table import declared_delimiter
from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note
from rnncli.tasks.sequences.config import LabelledConfig
from rnncli.tasks.sequences.tagged import TagColumns, Tagged

_CONLL_U = 10  # columns; words are in the second, blocks of speech in the fourth
_UNKNOWN = ("_", "-", "O", "X", "?")  # tags where nobody knows one
_DOCUMENT = "-DOCSTART-"
_COMMENT = re.compile(r"#\s*[\w.:-]+\s*=")
_CONLL_U_ID = re.compile(r"[0-9]+([-.][0-9]+)?")
_BLOCK = 4096  # lines at least that are looked at, and tagged, together


Rows = list[tuple[int, list[str]]]  # the line of each, and its fields, none on a blank line


def rows_of(source: Source, data: LabelledConfig) -> tuple[Rows, str | None]:
    """Return all lines but comments, cut at the delimiter, and the delimiter; None cuts at spaces."""
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    refuse_nul(text, source.name)
    lines = list(enumerate(text.split("\n"), start=1))[data.skip_rows :]
    look = _Look.at(lines, data, source.name)
    rows = look.rows(lines)
    look.tell(source.name)
    return rows, look.delimiter


class _Look:
    """What the lines of a file tell, or many of them at its beginning: how they are cut, and which are comments.

    Comments begin with #, and have another number of fields than the words; or stand above a sentence with a key and
    its value, such as # sent_id = 7, or with a # of their own above most of the sentences. So does -DOCSTART-.
    width: the fields of the first line. usual: whether a mark stands above most sentences, and is none of their words.
    tags: the last fields of words.
    """

    def __init__(self, delimiter: str | None, width: int, tags: set[str], *, usual: bool):
        self.delimiter, self.width, self.usual, self.tags = delimiter, width, usual, tags
        self._documents = 0

    @classmethod
    def at(cls, lines: Sequence[tuple[int, str]], data: LabelledConfig, name: str) -> _Look:
        tabs = any("\t" in line for _, line in lines if not line.startswith(("#", _DOCUMENT)))
        delimiter = declared_delimiter(data.delimiter) or ("\t" if tabs else None)
        rows = [_fields(line, delimiter) for _, line in lines]
        width = next((len(fields) for fields in rows if fields and not fields[0].startswith("#")), 0)
        if not width:
            raise _empty(name)
        firsts = [i for i, fields in enumerate(rows) if fields and (i == 0 or not rows[i - 1])]
        marked = [i for i in firsts if rows[i][0].startswith("# ") or rows[i][0] == "#"]
        usual = len(marked) > 1 and 2 * len(marked) >= len(firsts)
        tags = {fields[-1] for fields in rows if len(fields) == width and not fields[0].startswith("#")}
        return cls(delimiter, width, tags, usual=usual)

    def rows(self, lines: Sequence[tuple[int, str]]) -> Rows:
        """Return the lines, which begin with a sentence, without comments."""
        kept: Rows = []
        for number, line in lines:
            fields = _fields(line, self.delimiter)
            if fields and fields[0].startswith(_DOCUMENT):
                self._documents += 1
            elif not (fields and self._is_comment(line, fields, begins=not kept or not kept[-1][1])):
                kept.append((number, fields))
        return kept

    def _is_comment(self, line: str, fields: list[str], *, begins: bool) -> bool:
        own = _COMMENT.match(line) is not None or (
            self.usual and fields[0][:2] in ("#", "# ") and fields[-1] not in self.tags  # or it is the word #
        )
        return line.startswith("#") and (len(fields) != self.width or (begins and own))

    def tell(self, name: str) -> None:
        if self._documents:
            note(f"{name}: left out {self._documents:,} lines that begin a document ({_DOCUMENT})")


def _empty(name: str) -> DataError:
    return DataError(f"{name}: is empty; give it a word and its tag a line, a blank line between sentences")


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


class Columns:
    """The words, and tags if they are read, in the rows of a file `name`, as its first rows tell.

    like: the columns of the training data. tagged: whether tags are read.
    """

    def __init__(
        self,
        name: str,
        rows: Rows,
        delimiter: str | None,
        data: LabelledConfig,
        like: TagColumns | None,
        *,
        tagged: bool,
    ):
        width = next(len(fields) for _, fields in rows if fields)
        is_u = width == _CONLL_U and all(_CONLL_U_ID.fullmatch(fields[0]) for _, fields in rows if fields)
        self.columns = like or _columns_of(name, data, width, delimiter, conll_u=is_u)
        self._bare = not tagged and width == 1  # the words alone
        if width != self.columns.width and not self._bare:
            raise DataError(
                f"{name}: has {width} column{'s' if width > 1 else ''}, and the model was trained on "
                f"{self.columns.width}"
            )
        if self._bare:
            note(f"{name}: each line is read as a word; a blank line ends a sentence")
        self._name, self._width, self._ragged, self._is_u, self._tagged = name, width, data.ragged, is_u, tagged
        self._count, self._odd, self._first_odd = 0, 0, 0

    def read(self, rows: Rows) -> Tagged:
        """Return the sentences in some rows, perhaps none; DataError for what is wrong with them."""
        sentences: list[Rows] = [[]]
        for number, fields in self._rectangular(rows):
            if not fields and sentences[-1]:
                sentences.append([])
            elif fields and not (self._is_u and not fields[0].isdecimal()):  # 1-2 and 1.1 are no words
                sentences[-1].append((number, fields))
        sentences = [sentence for sentence in sentences if sentence]
        places = [[number for number, _ in sentence] for sentence in sentences]
        words = _cells(sentences, 0 if self._bare else int(str(self.columns.text)) - 1)
        tags = _cells(sentences, int(self.columns.label) - 1) if self._tagged else None
        found = _made(self._name, self.columns, places, words, tags)
        for what, cells in (("word", words), ("tag", tags or [])):
            for i, row in enumerate(cells):
                if "" in row:
                    raise DataError(
                        f"{found.where(i, row.index(''))}: the {what} is empty; fill it in or remove the line"
                    )
        return found

    def _rectangular(self, rows: Rows) -> Rows:
        odd = [(number, fields) for number, fields in rows if fields and len(fields) != self._width]
        if odd and self._ragged == "refuse":
            number, fields = odd[0]
            raise DataError(
                f"{self._name}:{number}: {len(fields)} column{'' if len(fields) == 1 else 's'}, the first line has "
                f"{self._width}; correct the line, or pass --ragged skip to leave such lines out"
            )
        self._count, self._odd = self._count + len(rows), self._odd + len(odd)
        self._first_odd = self._first_odd or (odd[0][0] if odd else 0)
        return [(number, fields) for number, fields in rows if not fields or len(fields) == self._width]

    def end(self, sentences: int) -> None:
        """Tell how many lines were left out; DataError if there were no sentences."""
        if self._odd:
            what = f"left out {self._odd:,} of {self._count:,} lines without {self._width} columns"
            note(f"{what}, the first {self._first_odd}")
        if not sentences:
            raise DataError(f"{self._name}: no line of this CoNLL-U file begins with the number of a word")


def _cells(sentences: list[Rows], at: int) -> list[list[str]]:
    return [[fields[at].strip(" \t\r") for _, fields in sentence] for sentence in sentences]


def read_columns(
    source: Source, data: LabelledConfig, like: TagColumns | None, is_tag: Callable[[str], bool] | None
) -> Tagged:
    """Return the sentences in `source`; see `tag_files.read_tagged`."""
    rows, delimiter = rows_of(source, data)
    if like and is_tag and _are_untagged(source.name, rows, delimiter, like, is_tag):
        return _sentences(source.name, rows, like)
    columns = Columns(source.name, rows, delimiter, data, like, tagged=is_tag is None)
    found = columns.read(rows)
    columns.end(len(found))
    return found


def columns_in_blocks(
    opened: Opened, data: LabelledConfig, like: TagColumns, is_tag: Callable[[str], bool]
) -> Iterator[Tagged]:
    """Yield the sentences to be tagged in a file as they come, some together. Its first _BLOCK lines, and those up to
    the next blank one, tell how all are to be read."""
    blocks, name, count = _blocks(opened, data), opened.name, 0
    first = next(blocks, [])
    look = _Look.at(first, data, name)
    rows = look.rows(first)
    untagged = _are_untagged(name, rows, look.delimiter, like, is_tag)
    columns = None if untagged else Columns(name, rows, look.delimiter, data, like, tagged=False)
    for some in chain([rows], map(look.rows, blocks)):
        found = columns.read(some) if columns else _sentences(name, some, like)
        yield replace(found, ids=[str(count + i + 1) for i in range(len(found))])
        count += len(found)
    look.tell(name)
    if columns:
        columns.end(count)


def _blocks(opened: Opened, data: LabelledConfig) -> Iterator[list[tuple[int, str]]]:
    """Yield the lines of a file, with their numbers, in blocks that a blank one ends."""
    held: list[tuple[int, str]] = []
    for line in islice(chain.from_iterable(opened.lines(data.encoding)), data.skip_rows, None):
        if line.error:
            raise line.error
        refuse_nul(line.text, line.name, line.number)
        held.append((line.number, line.text))
        if len(held) >= _BLOCK and line.blank:
            yield held
            held = []
    if held:
        yield held


def _are_untagged(
    name: str, rows: Rows, delimiter: str | None, like: TagColumns, is_tag: Callable[[str], bool]
) -> bool:
    """Return whether each line is a sentence without tags; a note tells so."""
    if not any(fields for _, fields in rows):
        raise _empty(name)
    if delimiter is not None:
        return False
    if name.lower().endswith(".csv"):
        raise DataError(f"{name}: the model reads columns between tabs or spaces, or sentences, and no CSV")
    untagged = _are_sentences(rows, like, is_tag)
    if untagged:
        note(f"{name}: each line is read as a sentence")
    return untagged


def _sentences(name: str, rows: Rows, like: TagColumns) -> Tagged:
    """Return each row as a sentence."""
    full = [(number, fields) for number, fields in rows if fields]
    places = [[number] * len(fields) for number, fields in full]
    return _made(name, like, places, [fields for _, fields in full], None)


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
