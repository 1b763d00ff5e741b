"""What `predict` gives: all answers at once, or one by one as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """`nested` is what JSON shows, one object per item; `rows` the same flat, for tables and CSV.

    A CSV is written with the delimiter and the decimal sign of the data it continues. charts: to be drawn.
    """

    nested: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."
    charts: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Stream:
    """Rows as they come."""

    rows: Iterator[dict[str, Any]]
    delimiter: str
    decimal: str


@dataclass(frozen=True)
class Piece:
    """What is written for one input: as lines of text, nested, and flat."""

    lines: list[str]
    nested: dict[str, Any]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Pieces:
    """What is written, input by input as they come."""

    pieces: Iterator[Piece]


Answers = Table | Stream | Pieces
