"""The cells by name.

A new cell is one file, one line here, and its naive twin in tests/naive.py: the tests run over this dictionary.
"""

from __future__ import annotations

from rnncli.kernels.cells import gru, lstm, peephole, rnn, slstm
from rnncli.kernels.cells.cell import Cell

CELLS: dict[str, Cell] = {
    "rnn": rnn.CELL,
    "gru": gru.CELL,
    "lstm": lstm.CELL,
    "peephole": peephole.CELL,
    "slstm": slstm.CELL,
}
