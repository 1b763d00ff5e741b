"""A text coloured by how surprising its tokens are, on a terminal or as one HTML file without a script."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnncli.tasks.scored import ScoredLine, ScoredText
from rnncli.ui.output import Output, putting, visible

LEVELS = (1.0, 2.0, 4.0, 6.0, 9.0)  # bits from which on a token has the next colour
_TERMINAL = (230, 229, 222, 215, 203)  # of the 256 colours, behind black letters
_PAGE = ("#fff7bc", "#fee391", "#fec44f", "#fe9929", "#ec7014")

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.6 ui-monospace, monospace; margin: 2em auto; max-width: 60em; padding: 0 1em; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
span, b {{ color: #111; border-radius: 2px; font-weight: normal; }}
{colours}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{legend}</p>
<pre>
"""


def write_heat(scored: ScoredText) -> None:
    """Write the text to standard output, each token on the colour of its bits, and what the colours mean."""
    out = Output()
    stream = out.stream
    stream.write(" ".join(_coloured(f" {name} ", level) for level, name in enumerate(_names())) + "  bits\n")
    for some in scored.lines:
        for line in some:
            text = "".join(_coloured(piece, level) for piece, level, _ in _pieces(line))
            stream.write(text if text.endswith("\n") else text + "\n")
        stream.flush()


def _coloured(text: str, level: int) -> str:
    shown = visible(text)
    body = shown.removesuffix("\n")
    if not level or not body:
        return shown
    return f"\x1b[48;5;{_TERMINAL[level - 1]};38;5;16m{body}\x1b[0m{shown[len(body) :]}"


def save_heat(scored: ScoredText, path: Path) -> None:
    """Write the text into an HTML file, each token on the colour of its bits, which its tooltip has."""
    title = html.escape(visible(f"How surprising {scored.name} is"))
    colours = "\n".join(f".h{level} {{ background: {colour}; }}" for level, colour in enumerate(_PAGE, start=1))
    legend = " ".join(f'<b class="h{level}">&nbsp;{name}&nbsp;</b>' for level, name in enumerate(_names())) + " bits"
    with putting(path) as file:
        file.write(_HEAD.format(title=title, colours=colours, legend=legend).encode("utf-8", "backslashreplace"))
        for some in scored.lines:
            file.writelines(_as_html(line).encode("utf-8", "backslashreplace") for line in some)
        file.write(b"</pre>\n</body>\n</html>\n")


def _as_html(line: ScoredLine) -> str:
    parts = [
        f'<span class="h{level}" title="{bits:.2f}">{_escaped(piece)}</span>' if level else _escaped(piece)
        for piece, level, bits in _pieces(line)
    ]
    text = "".join(parts)
    return text if line.text == "" or text.endswith(("\n", "\n</span>")) else text + "\n"


def _escaped(piece: str) -> str:
    return html.escape(visible(piece))


def _names() -> Iterable[str]:
    return (f"below {LEVELS[0]:g}", *(f"{bits:g}" for bits in LEVELS))


def _pieces(line: ScoredLine) -> Iterator[tuple[str, int, float]]:
    """Yield each piece of text with its colour, 0 for none, and its bits: of bytes, those of the whole character."""
    pieces, bits = line.pieces(), line.bits.tolist()
    i = 0
    while i < len(pieces):
        j = i + 1
        while j < len(pieces) and not pieces[j]:
            j += 1
        found = sum(one for one in bits[i:j] if one == one)
        yield pieces[i], sum(found >= level for level in LEVELS), found
        i = j
