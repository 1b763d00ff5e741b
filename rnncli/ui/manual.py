"""The manual on a terminal, a screen at a time, or in a pipe: Markdown as text of at most 100 columns."""

from __future__ import annotations

import io
import shutil
import sys

_WIDEST = 100  # columns; longer lines are hard to read


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
    """Markdown as lines of at most `width` columns, with escape sequences where `styled`."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Heading, Markdown
    from rich.text import Text

    class Left(Heading):
        """A heading at the left, as bold as it is high."""

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            yield Text(self.text.plain, style="bold underline" if self.tag == "h1" else "bold")

    class Manual(Markdown):
        elements = Markdown.elements | {"heading_open": Left}

    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=styled, color_system="standard" if styled else None)
    console.print(Manual(text))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().split("\n")).rstrip("\n") + "\n"
