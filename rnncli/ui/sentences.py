"""Sentences as wide as the terminal, broken between words; an option and its value stay together."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from rnncli.ui.output import visible

if TYPE_CHECKING:
    from rich.console import Console

OPTION = re.compile(r"(--[\w-]+) (?=\S)")
TIED = "\N{NO-BREAK SPACE}"  # textwrap breaks at spaces of ASCII alone


def say(console: Console, text: str, style: str = "", lead: str = "") -> None:
    """Print `text` after `lead`, which further lines are indented by."""
    from rich.text import Text

    for line in wrapped(text, console.width, lead):
        console.print(Text(line, style=style), no_wrap=True, overflow="ignore", crop=False)


def wrapped(text: str, width: int, lead: str = "") -> list[str]:
    """`text` in lines of at most `width` characters, but for a word or an option that is longer by itself."""
    lines = textwrap.wrap(
        OPTION.sub(rf"\1{TIED}", visible(text)),
        width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(TIED, " ") for line in lines]
