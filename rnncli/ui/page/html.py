"""The elements of a page. Text from data is escaped here and nowhere else; a `Markup` has been."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from rnncli.ui.output import visible
from rnncli.ui.page.style import STYLE
from rnncli.ui.pictures.canvas import Draw, is_installed, plain
from rnncli.ui.pictures.inline import inline_svg

_LONGEST, _SHORT = 240, 16  # characters of a cell, and of one that is not broken


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


def _is_word(text: str) -> bool:
    """Return True for a cell that is not broken, such as a date."""
    return len(text) <= _SHORT and " " not in text


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = (), kind: str = "wide"
) -> Markup:
    """Return a table; numbers: the columns that are aligned to the right. kind: `wide`, or `facts` if words may be cut
    so that it is as narrow as the page."""

    def line(cell: str, cells: Sequence[str]) -> Markup:
        texts = [plain(text, _LONGEST) for text in cells]
        kinds = ["number" if i in numbers else "word" if _is_word(text) else "" for i, text in enumerate(texts)]
        return element("tr", *(element(cell, text, kind=kind) for text, kind in zip(texts, kinds, strict=True)))

    body = element("tbody", *(line("td", row) for row in rows))
    made = element("table", element("thead", line("th", head)) if head else Markup(""), body)
    return element("div", made, kind=kind)


def picture(draw: Draw, caption: str = "", kind: str = "") -> Markup:
    """Return a picture with what it shows, or nothing where matplotlib is missing. kind: `half` if two of them stand
    side by side where the page is wide."""
    if not is_installed():
        return Markup("")
    shown = [element("figcaption", caption)] if caption else []
    return element("figure", Markup(inline_svg(draw)), *shown, kind=kind)


def whole_page(title: str, *inner: str) -> str:
    head = (
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n'
    )
    body = "".join(map(escaped, inner))
    start = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}</head>\n'
    return f"{start}<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
