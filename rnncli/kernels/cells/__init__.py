"""The cells by name.

A new cell is one file, one line here, and its naive twin in tests/naive.py: the tests run over this dictionary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnncli.registry import Registry

if TYPE_CHECKING:
    from rnncli.kernels.cells.cell import Cell

CELLS: Registry[Cell] = Registry(
    {
        "rnn": "rnncli.kernels.cells.rnn:CELL",
        "gru": "rnncli.kernels.cells.gru:CELL",
        "lstm": "rnncli.kernels.cells.lstm:CELL",
        "peephole": "rnncli.kernels.cells.peephole:CELL",
        "slstm": "rnncli.kernels.cells.slstm:CELL",
        "rmslstm": "rnncli.kernels.cells.rmslstm:CELL",
    }
)
