"""Lines as dots of braille, 2 × 4 in each character cell."""

from __future__ import annotations

from collections.abc import Iterable

ACROSS, DOWN = 2, 4  # dots in a cell
BLANK = 0x2800  # Unicode's braille pattern without dots; each dot adds one bit
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column] within a cell

Dot = tuple[int, int]  # (column, row) from the top left


class DotCanvas:
    """`cells` maps (row, column) of a cell to the bits of its dots; cells without a dot are not in it."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], int] = {}

    def draw(self, points: Iterable[Dot | None]) -> None:
        """Join consecutive points; None leaves a gap, and a point between two gaps is one dot.

        Points of one column join into a run from the lowest to the highest, so that no spike is lost where many
        share it: what M4 (Jugel et al., 2014) draws from each column's first, last, lowest and highest value.
        """
        before: Dot | None = None
        for point in points:
            if point is not None and point != before:
                self._join(before or point, point)
            before = point

    def _join(self, start: Dot, end: Dot) -> None:
        across, down = end[0] - start[0], end[1] - start[1]
        steps = max(abs(across), abs(down), 1)
        for i in range(steps + 1):
            # Halves round upwards, unlike round()'s: a slope of one half makes steps of equal length.
            self._set(
                start[0] + (2 * i * across + steps) // (2 * steps), start[1] + (2 * i * down + steps) // (2 * steps)
            )

    def _set(self, column: int, row: int) -> None:
        cell = (row // DOWN, column // ACROSS)
        self.cells[cell] = self.cells.get(cell, 0) | BITS[row % DOWN][column % ACROSS]


def braille(bits: int) -> str:
    """The character with these dots."""
    return chr(BLANK + bits)
