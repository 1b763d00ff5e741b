"""A picture as an element of a page: in the page's font and colours, and in as few bytes as it can be written in."""

from __future__ import annotations

import re

from rnncli.ui.pictures.canvas import (
    BANDS,
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    SOFT,
    YELLOW,
    Draw,
    content_of,
)

_LOOK = {
    "figure.figsize": (5.6, 5.6),  # inches, so that it can be read on a phone
    "font.family": ["sans-serif"],
    "svg.fonttype": "none",
    "xtick.bottom": False,  # the lines of the grid say as much
    "ytick.left": False,
}
_METADATA = re.compile("<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' (?:width|height|version)="[^"]*"')
_NAMED = re.compile(r'(<g) id="[^"]*"')  # and nothing refers to it
_FONT = re.compile(r" font-family: [^;\"]*;")  # a page has its own
_UPRIGHT = re.compile(r' transform="rotate\(-?0 [^"]*"')
_BETWEEN = re.compile(r">\s+<")
_STYLE = re.compile(r'(?<= style=")[^"]*')
_PLACES = re.compile(r' (?:d|x|y|transform|width|height)="[^"]*"')
_DECIMALS = re.compile(r"(\.[1-9])\d*|\.0\d*")
_COMMANDS = re.compile(r'\s*([MLCQz])\s*|\s+(?="$)')  # of a path
_MARKS = re.compile(r"<g([^>]*)>((?:<use [^>]*/>){2,})</g>")
_STYLED = re.compile(r' style="([^"]*)"')
_VARIABLES = {
    INK: "ink",
    SOFT: "soft",
    GRID: "grid",
    PAPER: "paper",
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    PURPLE: "purple",
    SKY: "sky",
    YELLOW: "yellow",
    **{colour: f"band-{i}" for i, colour in enumerate(BANDS, 1)},
}


def inline_svg(draw: Draw) -> str:
    """Return the picture as an <svg> element for a page, in whose font its words are and whose colours it takes."""
    svg = content_of(draw, "svg", _LOOK, transparent=True).decode()
    svg = _METADATA.sub("", svg[svg.index("<svg") :])
    start, rest = svg.split(">", 1)
    svg = _shorter(f"{_SIZE.sub('', start)}>{rest}")
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def _shorter(svg: str) -> str:
    """Return the same picture in less than half the bytes."""
    for what, instead in ((_NAMED, r"\1"), (_FONT, ""), (_UPRIGHT, ""), (_BETWEEN, "><")):
        svg = what.sub(instead, svg)
    svg = _STYLE.sub(lambda found: found[0].replace(": ", ":").replace("; ", ";"), svg)
    svg = _PLACES.sub(lambda found: _COMMANDS.sub(r"\1", _DECIMALS.sub(r"\1", found[0])), svg)
    return _MARKS.sub(_together, svg)


def _together(found: re.Match[str]) -> str:
    """Return a group of marks with their style, where all have the same, written once."""
    attributes, marks = found.groups()
    styles = set(_STYLED.findall(marks))
    if len(styles) != 1 or "style=" in attributes:
        return found[0]
    return f'<g{attributes} style="{styles.pop()}">{_STYLED.sub("", marks)}</g>'
