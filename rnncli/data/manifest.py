"""The files that are recordings, and what each says: named one by one, in a folder, by a pattern, or in a list.

A list, or manifest, is a CSV or TSV with a column `path`, or JSON lines such as {"path": "a.wav", "text": "one two"};
paths in it are relative to its folder, and other columns are kept. Elsewhere the text of a recording stands in a file
of the same name that ends in .txt. Wherever it stands, its words and lines are joined by single spaces. Of a folder
those files count of which each has one recording.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.csv_table import read_table
from rnncli.data.encodings import UTF_8
from rnncli.data.files import Paths, files_of
from rnncli.data.lines import lines_of
from rnncli.data.numeric import column_index
from rnncli.data.sent import is_folder, is_there
from rnncli.data.source import STDIN, Source, decode, is_table, read_source
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note

PATHS = ("path", "file", "filename", "audio", "wav", "image")  # names of a list's column of paths
TEXTS = ("text", "transcript", "transcription", "label")  # names of a column of texts
_LISTS = (".jsonl", ".ndjson")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a pair, as only an escape in JSON can give it


@dataclass(frozen=True)
class Listed:
    """A file with a recording, or with several. name: its path as the list or the user wrote it; where: the place that
    names it, FILE:LINE of a list or else its path. text: what it says, None where that is not known, or in the file
    itself. other: the further columns of a list by name.
    """

    name: str
    where: str
    path: str
    text: str | None = None
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_list(self) -> bool:
        """True if a list names it."""
        return self.where != self.path

    def open(self) -> Source:
        """Return its content; raise DataError naming the line of the list if it cannot be opened."""
        with self.located():
            return read_source(self.path)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Name the line of the list, if one names the file, in what is wrong with the file within the block."""
        try:
            yield
        except (DataError, UsageError) as error:
            if not self.in_list:
                raise
            raise DataError(f"{self.where}: {error}") from None


def listed(path: Paths, data: RecordingsConfig, endings: tuple[str, ...], *, labelled: bool) -> list[Listed]:
    """Return the files that `path` stands for, in order; of a folder those of which the name has one of `endings`.

    labelled: whether each must have a text, unless it is a table. Raises DataError naming the line of a list, and the
    errors of `files_of`.
    """
    if path == "-":
        if labelled:
            raise UsageError("standard input is one recording without a text; name a list of recordings, or a folder")
        return [Listed(STDIN, "-", "-")]
    found = []
    files = files_of(path)
    kept = [file for file in files if _plain(file).endswith(endings)]
    if isinstance(path, str) and is_folder(path):
        left = [file for file in files if file not in kept and not _plain(file).endswith(".txt")]
        if not kept:
            raise DataError(f"{path}: has no recordings; those are files whose names end in {', '.join(endings)}")
        if left:
            more = f" and {len(left) - 1:,} more" if left[1:] else ""
            note(f"{path}: left out {left[0]}{more}: no recordings")
        files = kept
    for file in files:
        if (entries := _of_list(file, data, labelled=labelled)) is not None:
            found += entries
        else:
            found.append(Listed(file, file, file, text_beside(file, data) if labelled and file in kept else None))
    return found


def _plain(path: str) -> str:
    """Return a file's name in small letters, without the ending of a packed one."""
    return path.lower().removesuffix(".gz")


def text_beside(path: str, data: RecordingsConfig) -> str:
    """Return the text in the file beside a recording; raise DataError if there is none."""
    text = text_if_beside(path, data)
    if text is None:
        beside = file_beside(path)
        raise DataError(f"{path}: its text is missing; put what it says into {beside}, or name a list of recordings")
    return text


def text_if_beside(path: str, data: RecordingsConfig) -> str | None:
    """Return the text in the file beside a recording, None if there is none."""
    if not is_there(file_beside(path)):
        return None
    return in_one_line(decode(read_source(file_beside(path)), data.encoding or UTF_8))


def in_one_line(text: str) -> str:
    """Return a text whose words have one space between them, since a transcript is written as one line."""
    return " ".join(text.split())


def file_beside(path: str) -> str:
    """Return the name of the file that the text of a recording stands in, where no list has it."""
    return os.path.splitext(path.removesuffix(".gz"))[0] + ".txt"


def _of_list(path: str, data: RecordingsConfig, *, labelled: bool) -> list[Listed] | None:
    """Return the recordings in a list, or None if the file is none."""
    if _plain(path).endswith(_LISTS):
        rows = _json_rows(read_source(path), data)
    elif is_table(path) or data.format == "csv":
        table = read_table(read_source(path), **data.dialect | {"encoding": data.encoding or UTF_8})
        if named_in(table.header, PATHS) is None:
            return None
        if data.text is not None:
            column_index(table, data.text)
        cells = ((str.strip(cell) for cell in row) for row in table.rows)
        places = (f"{table.name}:{line}" for line in table.lines)
        rows = zip(places, (dict(zip(table.header, row, strict=True)) for row in cells), strict=True)
    else:
        return None
    entries = [_entry(path, where, row, data, labelled=labelled) for where, row in rows]
    if not entries:
        raise DataError(f"{path}: lists no recordings; add a line for each")
    return entries


def named_in(names: Sequence[str], wanted: Collection[str]) -> str | None:
    """Return the name that is, in small letters, the earliest of `wanted`; None if there is none."""
    small = {name.strip().lower(): name for name in reversed(names)}
    return next((small[name] for name in wanted if name in small), None)


def _json_rows(source: Source, data: RecordingsConfig) -> Iterator[tuple[str, dict[str, str]]]:
    for line in (line for some in lines_of(source.pieces(), source.name, data.encoding or UTF_8) for line in some):
        if line.error:
            raise line.error
        if line.blank:
            continue
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise DataError(
                f'{line.where}: {shown(line.text)} is no JSON object; write it as {{"path": "a.wav", "text": "one"}}'
            )
        row = {key: _cell(one) for key, one in value.items() if one is not None}
        if half := _SURROGATE.search("".join(itertools.chain.from_iterable(row.items()))):
            raise DataError(f"{line.where}: has {shown(half.group())}, which is no character; leave it out")
        yield line.where, row


def _cell(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _entry(path: str, where: str, row: dict[str, str], data: RecordingsConfig, *, labelled: bool) -> Listed:
    """Return one line of the list at `path`; DataError if it names no file, or no text where one is needed."""
    key = named_in(list(row), PATHS)
    if key is None or not row[key]:
        raise DataError(f"{where}: names no file; give its path")
    if "\0" in row[key]:
        raise DataError(f"{where}: {shown(row[key])} is no file name: it has a NUL character; mend it")
    text_key = _text_key(where, list(row), data, labelled=labelled)
    file = os.path.join(os.path.dirname(path), row[key])
    if not is_there(file):
        raise DataError(f"{where}: no such file: {file}; paths are relative to the list: mend it, or remove the line")
    other = {name: value for name, value in row.items() if name not in (key, text_key)}
    return Listed(row[key], where, file, None if text_key is None else in_one_line(row[text_key]), other)


def _text_key(where: str, names: list[str], data: RecordingsConfig, *, labelled: bool) -> str | None:
    """Return the name of the column of texts in a list; raise DataError if it has none and one is needed."""
    if isinstance(data.text, int):
        found = names[data.text - 1] if data.text <= len(names) else None
    elif data.text is not None:
        found = data.text if data.text in names else None
    else:
        found = named_in(names, TEXTS)
    if found is None and labelled:
        wanted = "text" if data.text is None else str(data.text)
        raise DataError(f"{where}: has no {shown(wanted)}, which says what the recording says; add it")
    return found
