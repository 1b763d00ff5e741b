"""What a layer multiplies its input by: values, tokens, or tokens with an embedding.

    Projection        values x (…, I): x·W for all steps at once
    TokenRows         tokens: a one-hot product is a row of W
    FoldedEmbedding   tokens: row of E·W, a table of V rows that is made once per update

All have `pack`, `forward`, `backward` and `weight_gradients`. `low` and `high` are the sequences of one thread's shard;
a `Share` is its part of the output columns.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rnncli.kernels import gemm, inputs
from rnncli.nn.share import Share


class Input(Protocol):
    def pack(self, share: Share) -> None:
        """Refresh this share of what is made from the weights."""

    def forward(self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int) -> None:
        """a (T, B, N) = the input's contribution + bias (N,)."""

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int) -> None:
        """dx (T, B, I) is overwritten."""

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share) -> None:
        """This share's columns of dW, when `backward` of the whole batch is done."""


class ProjectionGradients:
    """The way back through a = x·W, W (I, N)."""

    def __init__(self, W: np.ndarray, dW: np.ndarray):
        self.W, self.dW = W, dW
        self.I, self.N = W.shape
        self.packed_back = gemm.packed_like(self.N, self.I, W.dtype)
        self.zeros = np.zeros(self.I, W.dtype)

    def pack(self, share: Share) -> None:
        gemm.pack_transposed(self.W, self.packed_back, *share.panels(self.I))

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int) -> None:
        """dx = da·Wᵀ"""
        gemm.multiply(da, self.packed_back, self.zeros, dx, 0, len(dx), low, high)

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share) -> None:
        """dW = xᵀ·da"""
        flat_x, flat_da = x.reshape(-1, self.I), da.reshape(-1, self.N)
        gemm.multiply_transposed(flat_x, flat_da, self.dW, *share.columns(self.N), share.scratch)


class Projection(ProjectionGradients):
    """a = x·W + bias, and back."""

    def __init__(self, W: np.ndarray, dW: np.ndarray):
        super().__init__(W, dW)
        self.packed = gemm.packed_like(self.I, self.N, W.dtype)

    def pack(self, share: Share) -> None:
        super().pack(share)
        gemm.pack(self.W, self.packed, *share.panels(self.N))

    def forward(self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int) -> None:
        gemm.multiply(x, self.packed, bias, a, 0, len(a), low, high)


class TokenRows:
    """a = row of the table for each token + bias; the table is W (V, N) itself."""

    def __init__(self, table: np.ndarray, dtable: np.ndarray):
        self.table, self.dtable = table, dtable

    def pack(self, share: Share) -> None:
        pass

    def forward(self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int) -> None:
        inputs.gather_with_bias(self.table, bias, x, a, low, high)

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int) -> None:
        raise TypeError("tokens have no gradient")

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share) -> None:
        inputs.scatter(da, 0, x, self.dtable, *share.columns(self.table.shape[1]))


class FoldedEmbedding(TokenRows):
    """The table is E·W, E (V, I) and W (I, N): exact, and V products of a row in place of T·B."""

    def __init__(self, E: np.ndarray, dE: np.ndarray, W: np.ndarray, dW: np.ndarray):
        shape = (E.shape[0], W.shape[1])
        super().__init__(np.zeros(shape, E.dtype), np.zeros(shape, E.dtype))
        self.E, self.dE = E, dE
        self.W, self.way_back = W, ProjectionGradients(W, dW)

    def pack(self, share: Share) -> None:
        low, high = share.columns(self.table.shape[1])
        gemm.multiply_columns(self.E, self.W, self.table, low, high, share.scratch)
        self.way_back.pack(share)

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share) -> None:
        super().weight_gradients(x, da, share)
        self.way_back.weight_gradients(self.E, self.dtable, share)

    def embedding_gradient(self, *, add: bool) -> None:
        """dE = dtable·Wᵀ, when every share of the weight gradients is done; `add` to what dE holds."""
        if not add:
            self.dE[...] = 0
        gemm.accumulate(self.dtable[None], self.way_back.packed_back, self.dE[None], 0, 1, 0, len(self.dE))
