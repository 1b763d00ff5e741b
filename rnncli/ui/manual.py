"""The manual on a terminal, a screen at a time, or in a pipe: the Markdown of its pages as lines of text.

Its pages are headings, paragraphs, lists, tables and blocks of code, which is all that is read here: a whole parser of
Markdown would take half of the time that a user waits for a page.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_WIDEST = 100  # columns; longer lines are hard to read
_BLOCK = re.compile(r"^```\w*\n(?P<code>.*?)^```$|^(?P<text>\S.*?)(?=\n\n|\n```|\Z)", re.M | re.S)
_INLINE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|(?<!\w)\*(?P<italic>[^*\s]+)\*")
_STYLES = {"code": "cyan", "bold": "bold", "italic": "italic"}


def write_manual(text: str) -> None:
    """Write Markdown to standard output; in a pipe as plain text of 80 columns, and without a pager."""
    from rnncli.ui.output import Output

    if sys.stdout is None or not sys.stdout.isatty():
        Output().write(rendered(text, 80, styled=False))
        return
    columns, lines = shutil.get_terminal_size()
    shown = rendered(text, min(columns, _WIDEST), styled=True)
    if shown.count("\n") < lines:
        sys.stdout.write(shown)
    else:
        import click

        click.echo_via_pager(shown, color=True)


def rendered(text: str, width: int, *, styled: bool) -> str:
    """Return Markdown as lines of at most `width` columns, but for code; with escape sequences where `styled`."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=styled, color_system="standard" if styled else None)
    for block in _BLOCK.finditer(text):
        if block["text"] is None:
            file.write("".join(f"  {line}\n" for line in block["code"].rstrip("\n").split("\n")))  # never folded
        else:
            for part in _blocks(block["text"]):
                console.print(part, highlight=False)
        console.print()
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().rstrip().split("\n"))


def _blocks(text: str) -> Iterator[RenderableType]:
    """Yield a heading, a table, the items of a list, or a paragraph."""
    from rich.table import Table

    if text.startswith("#"):
        marks, _, title = text.partition(" ")
        heading = _inline(title)
        heading.stylize("bold underline" if len(marks) == 1 else "bold")
        yield heading
    elif text.startswith("|"):
        yield _table(text.split("\n"))
    elif text.startswith("- "):
        items = Table.grid(padding=(0, 1))
        for item in re.split(r"\n- ", text[2:]):
            items.add_row("•", _inline(_joined(item)))
        yield items
    else:
        yield _inline(_joined(text))


def _table(rows: list[str]) -> RenderableType:
    """Return a table from its lines, the second of which is a rule."""
    from rich import box
    from rich.table import Table

    header, _, *body = (
        [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        table.add_column(_inline(name), overflow="fold")
    for cells in body:
        table.add_row(*map(_inline, cells))
    return table


def _joined(text: str) -> str:
    return " ".join(text.split())


def _inline(text: str) -> Text:
    """Return text with `code`, **bold** and *italic* as styles."""
    from rich.text import Text

    found, end = Text(), 0
    for match in _INLINE.finditer(text):
        found.append(text[end : match.start()]).append(match[match.lastgroup or 0], _STYLES[match.lastgroup or "bold"])
        end = match.end()
    return found.append(text[end:])
