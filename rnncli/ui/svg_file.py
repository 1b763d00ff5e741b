"""Output of rich's text as a self-contained SVG file: no web font, and the same bytes whenever it is written."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment
    from rich.text import Text

BACKGROUND, FOREGROUND = (255, 255, 255), (36, 41, 47)
# The eight colours of a terminal and their bright forms, dark enough to be read on white.
PALETTE = [
    (36, 41, 47),
    (176, 32, 32),
    (26, 127, 55),
    (154, 103, 0),
    (9, 105, 218),
    (130, 80, 223),
    (0, 120, 140),
    (110, 119, 129),
    (87, 96, 106),
    (207, 34, 46),
    (45, 164, 78),
    (191, 135, 0),
    (84, 174, 255),
    (163, 113, 247),
    (0, 150, 170),
    (140, 149, 159),
]
ASPECT = 0.632  # width of a character of a 21px font over rich's 20 units; at 21px, rows of shades meet
WORDS = re.compile("[!-~\u00a1-\u036f]+| +|.", re.DOTALL)  # accents stay with their letters
NO_XML = re.compile("[\ufffe\uffff]")
ID = "chart"  # prefix of the names of classes and clips within the file
# Rich's template without its web fonts, its window and the title bar for which it leaves 40 units.
TEMPLATE = """\
<svg viewBox="0 16 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font: 21px Menlo, "DejaVu Sans Mono", Consolas, monospace;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect y="16" width="100%" height="100%" fill="white"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def save(texts: Iterable[Text], path: Path, width: int) -> None:
    """Replace `path` by a picture of `texts`, an empty line between two, in `width` columns; OSError where that fails.

    The picture does not depend on the terminal or the environment. The file is written beside `path` and replaces it
    in one step; a device or a pipe is written to instead.
    """
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme

    # Width and height are both given, since either alone is looked up in the environment.
    console = Console(record=True, file=io.StringIO(), width=width, height=1, legacy_windows=False, highlight=False)
    for number, text in enumerate(texts):
        if number:
            console.print()
        console.print(_Apart(text))
    theme = TerminalTheme(BACKGROUND, FOREGROUND, PALETTE[:8], PALETTE[8:])
    svg = console.export_svg(title="", theme=theme, font_aspect_ratio=ASPECT, code_format=TEMPLATE, unique_id=ID)
    content = NO_XML.sub("\ufffd", svg).encode()
    if path.is_symlink() or (path.exists() and not path.is_file()):  # a device or a pipe is written to, not replaced
        path.write_bytes(content)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:  # also when a signal interrupts the write
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@dataclass(frozen=True)
class _Apart:
    """A text whose words and other characters are separate segments: each stands in its own cell in any font."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        for segment in console.render(self.text, options):
            yield from (Segment(word, segment.style) for word in WORDS.findall(segment.text))
