"""How the threads divide the weights: by output columns, so that every sum of a gradient stays one chain."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rnncli.kernels import gemm


class Share:
    """One thread's share of the output columns of every weight, in units of a vector, and its scratch."""

    def __init__(self, index: int, count: int, dtype: np.dtype):
        self.index, self.count, self.dtype = index, count, dtype

    @cached_property
    def scratch(self) -> np.ndarray:
        return np.zeros(gemm.SCRATCH, self.dtype)

    def split(self, n: int) -> tuple[int, int]:
        """This thread's part of n units."""
        return n * self.index // self.count, n * (self.index + 1) // self.count

    def panels(self, columns: int) -> tuple[int, int]:
        return self.split(gemm.panels(columns))

    def columns(self, columns: int) -> tuple[int, int]:
        first, last = self.split(-(-columns // gemm.UNIT))
        return min(first * gemm.UNIT, columns), min(last * gemm.UNIT, columns)
