"""The elements of a page. Text from data is escaped here and nowhere else; a `Markup` has been."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from rnncli.ui.output import visible
from rnncli.ui.page.style import STYLE
from rnncli.ui.pictures.canvas import Draw, inline_svg, is_installed


class Markup(str):
    """HTML, as opposed to text."""


def escaped(text: str) -> str:
    """Return text as HTML, what could control a reader shown."""
    return text if isinstance(text, Markup) else html.escape(visible(text).replace("\ufffe", "").replace("\uffff", ""))


def element(name: str, *inner: str, kind: str = "") -> Markup:
    """Return an element of this name; kind: its class."""
    attribute = f' class="{kind}"' if kind else ""
    return Markup(f"<{name}{attribute}>{''.join(map(escaped, inner))}</{name}>\n")


def section(title: str, *inner: str) -> Markup:
    """Return a section, or nothing where there is nothing in it."""
    return element("section", element("h2", title), *inner) if any(inner) else Markup("")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> Markup:
    """Return a table; numbers: the columns that are aligned to the right."""

    def line(cell: str, cells: Sequence[str]) -> Markup:
        kinds = ["number" if i in numbers else "" for i in range(len(cells))]
        return element("tr", *(element(cell, text, kind=kind) for text, kind in zip(cells, kinds, strict=True)))

    body = element("tbody", *(line("td", row) for row in rows))
    made = element("table", element("thead", line("th", head)) if head else Markup(""), body)
    return element("div", made, kind="wide")


def picture(draw: Draw, caption: str = "") -> Markup:
    """Return a picture with what it shows, or nothing where matplotlib is missing."""
    if not is_installed():
        return Markup("")
    return element("figure", Markup(inline_svg(draw)), *([element("figcaption", caption)] if caption else []))


def whole_page(title: str, *inner: str) -> str:
    head = (
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n'
    )
    body = "".join(map(escaped, inner))
    start = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}</head>\n'
    return f"{start}<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
