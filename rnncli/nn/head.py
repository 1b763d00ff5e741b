"""The linear output layer: outputs (N, B, O) = h (N, B, H)·W + b, over the steps that the loss sees."""

from __future__ import annotations

import math

from rnncli.nn.initialisation import HEAD, within
from rnncli.nn.inputs import Linear
from rnncli.nn.parameters import zero


class LinearHead(Linear):
    """H inputs, O outputs; starts at zero where an untrained network should predict exactly its baseline."""

    def __init__(self, H: int, O: int, starts_at_zero: bool):
        self.H, self.O, self.starts_at_zero = H, O, starts_at_zero
        self.awake = within(1.0 / math.sqrt(H), HEAD)
        super().__init__("head", H, O, zero if starts_at_zero else self.awake)
