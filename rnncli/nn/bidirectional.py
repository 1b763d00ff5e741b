"""Two recurrent layers over the same steps, one from each end (Schuster and Paliwal, 1997), seen as one layer of 2H.

The backward direction starts at each sequence's own end: its input is reversed sequence by sequence, and so is what it
says, so that both are plain layers and padding is never read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.kernels import steps
from rnncli.kernels.cells.cell import Cell
from rnncli.nn.parameters import Part
from rnncli.nn.recurrent import RecurrentLayer
from rnncli.nn.share import Share
from rnncli.nn.workspace import BidirectionalWork, Extent


class BidirectionalLayer(Part):
    """Layer number `index` of a stack, with the arguments and the methods of a `RecurrentLayer`."""

    def __init__(self, cell: Cell, index: int, I: int, H: int, **how: Any):
        self.ahead = RecurrentLayer(cell, index, I, H, **how)
        self.back = RecurrentLayer(cell, index, I, H, reverse=True, **how)
        self.parts = self.directions = (self.ahead, self.back)

    def forward(self, work: BidirectionalWork, x: np.ndarray, extent: Extent, low: int, high: int) -> None:
        """work.output from x."""
        reverse = steps.reverse_tokens if x.ndim == 2 else steps.reverse
        reverse(x, extent.lengths, work.x_back, low, high)
        self.ahead.forward(work.ahead, x, extent, low, high)
        self.back.forward(work.back, work.x_back, extent, low, high)
        steps.join(work.ahead.output, work.back.output, extent.lengths, work.output, low, high)

    def backward(self, work: BidirectionalWork, dx: np.ndarray | None, extent: Extent, low: int, high: int) -> None:
        """work.doutput holds dL/d(output); dx (T, B, I) is overwritten where given."""
        steps.part(work.doutput, extent.lengths, work.ahead.doutput, work.back.doutput, low, high)
        self.ahead.backward(work.ahead, dx, extent, low, high)
        self.back.backward(work.back, work.dx_back if dx is not None else None, extent, low, high)
        if dx is not None:
            assert work.dx_back is not None
            steps.add_reversed(work.dx_back, extent.lengths, dx, low, high)

    def weight_gradients(self, work: BidirectionalWork, x: np.ndarray, share: Share) -> None:
        self.ahead.weight_gradients(work.ahead, x, share)
        self.back.weight_gradients(work.back, work.x_back, share)

    def finish_gradients(self) -> None:
        self.ahead.finish_gradients()
        self.back.finish_gradients(add=True)
