"""How the threads divide the weight gradients: by whole panels of output columns, so that every sum stays one chain."""

from __future__ import annotations

import numpy as np

from rnncli.kernels import gemm


class Share:
    """One thread's share of the output columns of every weight gradient, in whole panels, and its scratch."""

    def __init__(self, index: int, count: int, dtype: np.dtype):
        self.index, self.count = index, count
        self.scratch = np.zeros(gemm.SCRATCH, dtype)

    def split(self, n: int) -> tuple[int, int]:
        """This thread's part of n units."""
        return n * self.index // self.count, n * (self.index + 1) // self.count

    def panels(self, columns: int) -> tuple[int, int]:
        return self.split(gemm.panels(columns))

    def columns(self, columns: int) -> tuple[int, int]:
        first, last = self.panels(columns)
        return min(first * gemm.PANEL, columns), min(last * gemm.PANEL, columns)
