"""A config as a person would write it: some keys, each with a comment, and others that are commented out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.config.loading import dump_value

_WIDTH = 100  # of a line with its comment; a longer comment stands above
_COLUMN = 34  # of the comments at most


@dataclass(frozen=True)
class Line:
    """A key with its value and a comment; off: commented out."""

    key: str
    value: Any
    comment: str
    off: bool = False


def commented(sections: Mapping[str, Sequence[Line]]) -> str:
    """Return YAML text that has these lines by section, in this order; those of the section "" at the top level."""
    blocks = []
    for name, lines in sections.items():
        indent = "  " if name else ""
        body = [f"{indent}{'# ' if line.off else ''}{line.key}: {dump_value(line.value)}" for line in lines]
        column = max((len(text) for text in body if len(text) <= _COLUMN), default=0) + 2
        texts = [
            text
            for body_line, line in zip(body, lines, strict=True)
            for text in _with_comment(body_line, _printable(line.comment), column, indent)
        ]
        blocks.append("\n".join(([f"{name}:"] if name else []) + texts))
    return "\n\n".join(blocks) + "\n"


def _with_comment(text: str, comment: str, column: int, indent: str) -> Iterator[str]:
    """Yield the line with its comment behind it, or in lines above it where that does not fit."""
    beside = f"{text:{column}}  # {comment}" if len(text) > column else f"{text:{column}}# {comment}"
    if not comment:
        yield text
    elif len(beside) <= _WIDTH:
        yield beside
    else:
        lead = f"{indent}# "
        yield from textwrap.wrap(comment, _WIDTH, initial_indent=lead, subsequent_indent=lead)
        yield text


def _printable(comment: str) -> str:
    """Return a comment in which nothing ends its line: names of columns and files are part of some."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in comment)
