"""The linear output layer: outputs (N, B, O) = h (N, B, H)·W + b, over the steps that the loss sees."""

from __future__ import annotations

import math

import numpy as np

from rnncli.kernels import inputs
from rnncli.nn import initialisation
from rnncli.nn.inputs import Projection
from rnncli.nn.parameters import Parameters, Spec
from rnncli.nn.share import Share


class LinearHead:
    """H inputs, O outputs; starts at zero where an untrained network should predict exactly its baseline."""

    def __init__(self, H: int, O: int, starts_at_zero: bool):
        self.H, self.O, self.starts_at_zero = H, O, starts_at_zero

    def specs(self) -> list[Spec]:
        return [Spec("head.weight", (self.O, self.H), transposed=True), Spec("head.bias", (self.O,))]

    def bind(self, parameters: Parameters) -> None:
        self.W, self.b = parameters.view("head.weight"), parameters.view("head.bias")
        self.dW, self.db = parameters.gradient_view("head.weight"), parameters.gradient_view("head.bias")
        self.projection = Projection(self.W, self.dW)

    def initialise(self, seed: int) -> None:
        limit = 0.0 if self.starts_at_zero else 1.0 / math.sqrt(self.H)
        self.W[...] = initialisation.uniform((self.H, self.O), limit, seed, 1)
        self.b[...] = 0

    def pack(self, share: Share) -> None:
        self.projection.pack(share)

    def forward(self, h: np.ndarray, outputs: np.ndarray, low: int, high: int) -> None:
        self.projection.forward(h, self.b, outputs, low, high)

    def backward(self, doutputs: np.ndarray, dh: np.ndarray, low: int, high: int) -> None:
        self.projection.backward(doutputs, dh, low, high)

    def weight_gradients(self, h: np.ndarray, doutputs: np.ndarray, share: Share) -> None:
        self.projection.weight_gradients(h, doutputs, share)
        inputs.column_sums(doutputs.reshape(-1, self.O), self.db, *share.columns(self.O))
