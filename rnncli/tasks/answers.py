"""The answers of `predict`, as a task gives them to be written: a table, a stream, or a piece for each input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Table:
    """An answer as a table: `nested` for JSON, one object per item; `rows` the same, flat, for tables and CSV.

    A CSV is written with the delimiter, the decimal sign and the encoding of the data it continues. charts: to be
    drawn.
    """

    nested: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."
    charts: tuple[Any, ...] = ()
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Stream:
    """An answer as rows that are written as they come. texts: the same as pieces of text, which are written unless
    another format is chosen."""

    rows: Iterator[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."
    texts: Iterator[str] | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Piece:
    """The answer for one input: nested, flat, and as lines of text where a task writes some."""

    nested: dict[str, Any]
    rows: list[dict[str, Any]]
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Pieces:
    """An answer as pieces, one for each input, in lists of those that are written together as they come.

    as_lines: True if they are lines of text unless another format is chosen; else the defaults of a `Table` hold.
    charts: returns, once the lists are read, what can be drawn of them. columns: those of a CSV without rows.
    """

    lists: Iterator[list[Piece]]
    as_lines: bool = False
    delimiter: str = ","
    decimal: str = "."
    charts: Callable[[], tuple[Any, ...]] = lambda: ()
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"


Answers = Table | Stream | Pieces
