"""What of a page there is room for: what matters least is left out, and a line says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnncli.ui.page.html import Markup, element, section

ROOM = 300_000  # bytes of a page, so that it fits a mail
_FRAME = 8_000  # of them for what is around the articles
_LINE = 400  # of them for the line of an article that says what is left out


@dataclass(frozen=True)
class Part:
    """A part of an article under a heading, none for its beginning. what: the part in words. rank: parts of a higher
    rank are left out first."""

    html: Markup
    rank: int = 0
    title: str = ""
    what: str = ""


def articles_for(articles: Sequence[Sequence[Part]], commands: Sequence[str], room: int) -> Iterator[Markup]:
    """Yield the inside of each article as far as there is room, from the first to the last that begins; commands: those
    that make a page of one article alone."""
    gone = _without(articles, room - _FRAME - _LINE * len(articles))
    for number, (parts, command) in enumerate(zip(articles, commands, strict=True)):
        if (number, 0) in gone:
            return
        missing = Counter(part.what for k, part in enumerate(parts) if (number, k) in gone)
        inner = list(_sections([part for k, part in enumerate(parts) if (number, k) not in gone]))
        if missing:
            where = f"; they are in the page of this run alone: {command}" if len(articles) > 1 else ""
            whole = Counter(part.what for part in parts)
            words = ", ".join(
                what if count == whole[what] else f"{what} ({count} of {whole[what]})"
                for what, count in missing.items()
            )
            line = f"Left out, so that the page stays below {ROOM // 1000} kB: {words}{where}"
            inner.append(element("p", line, kind="soft"))
        yield Markup("".join(inner))


def _without(articles: Sequence[Sequence[Part]], room: int) -> set[tuple[int, int]]:
    """Return which parts are left out, by article and place: of the highest rank the last, until the others fit."""
    places = [(part.rank, number, k) for number, parts in enumerate(articles) for k, part in enumerate(parts)]
    size = sum(_size(part) for parts in articles for part in parts)
    gone: set[tuple[int, int]] = set()
    for _, number, k in sorted(places, reverse=True):
        if size <= room or (number, k) == (0, 0):
            break
        gone.add((number, k))
        size -= _size(articles[number][k])
    return gone


def _size(part: Part) -> int:
    return len(part.html.encode()) + (len(part.title) + 50 if part.title else 0)


def _sections(parts: Sequence[Part]) -> Iterator[Markup]:
    """Yield the parts, those under one heading in a section."""
    for title in dict.fromkeys(part.title for part in parts):
        inner = [part.html for part in parts if part.title == title]
        yield section(title, *inner) if title else Markup("".join(inner))
