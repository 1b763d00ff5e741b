"""Products of a layer's input and its weights: for values, tokens, or tokens with an embedding.

    Projection        values x (…, I): x·W for all steps at once
    TokenRows         tokens: a one-hot product is a row of W
    FoldedEmbedding   tokens: a row of E·W, a table of V rows that is computed once per update

All have `pack`, `forward`, `backward` and `weight_gradients`. `low` and `high` bound the sequences of one thread's
shard; a `Share` is a thread's share of the output columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from rnncli.kernels import dropout, gemm, inputs
from rnncli.nn.dropout import Mask
from rnncli.nn.parameters import HEAD, First, Parameter, Part, Rows, Share, within, zero


class Input(Protocol):
    """rows: of tokens, the mask of their rows, in training with embedding dropout."""

    def pack(self, share: Share) -> None:
        """Refresh this share of the arrays that are derived from the weights."""

    def forward(
        self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int, rows: Mask | None = None
    ) -> None:
        """Compute a (T, B, N), the input's contribution plus bias (N,)."""

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int, *, add: bool = False) -> None:
        """Compute dx (T, B, I) from da; with `add`, add it to what dx holds."""

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share, rows: Mask | None = None) -> None:
        """Compute this share's columns of dW, or of what dW is made from, after `backward` of the whole batch."""


class ProjectionGradients(Part):
    """The backward pass of a = x·W, W (I, N)."""

    def __init__(self, W: Parameter | Rows | Transposed):
        self.W = W
        self.I, self.N = W.inner_shape

    @cached_property
    def packed_back(self) -> np.ndarray:
        return gemm.packed_like(self.N, self.I, self.W.products)

    @cached_property
    def zeros(self) -> np.ndarray:
        return np.zeros(self.I, self.W.value.dtype)

    def pack(self, share: Share) -> None:
        gemm.pack_transposed(self.W.value, self.packed_back, *share.panels(self.I))

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int, *, add: bool = False) -> None:
        """Compute dx = da·Wᵀ; with `add`, add it to what dx holds."""
        if add:
            gemm.accumulate(da, self.packed_back, dx, 0, len(dx), low, high)
        else:
            gemm.multiply(da, self.packed_back, self.zeros, dx, 0, len(dx), low, high)

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share, rows: Mask | None = None) -> None:
        """Compute this share's columns of dW = xᵀ·da."""
        gemm.multiply_transposed(
            share.rows(x), share.rows(da), self.W.gradient, *share.columns(self.N), share.scratch(self.W.products)
        )


class Projection(ProjectionGradients):
    """The product a = x·W + bias of values, and its backward pass."""

    @cached_property
    def packed(self) -> np.ndarray:
        return gemm.packed_like(self.I, self.N, self.W.products)

    def pack(self, share: Share) -> None:
        super().pack(share)
        gemm.pack(self.W.value, self.packed, *share.panels(self.N))

    def forward(
        self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int, rows: Mask | None = None
    ) -> None:
        gemm.multiply(x, self.packed, bias, a, 0, len(a), low, high)

    def add(self, x: np.ndarray, a: np.ndarray, low: int, high: int) -> None:
        """Add x·W to a."""
        gemm.accumulate(x, self.packed, a, 0, len(a), low, high)


@dataclass(eq=False)
class Transposed:
    """The transpose of a parameter (V, H) as the matrix of a product; its gradient is an array of its own."""

    of: Parameter

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return self.of.inner_shape[::-1]

    @property
    def value(self) -> np.ndarray:
        return self.of.value.T

    @property
    def products(self) -> np.dtype:
        return self.of.products

    @cached_property
    def gradient(self) -> np.ndarray:
        return np.zeros(self.inner_shape, self.of.value.dtype)


class TiedProjection(Projection):
    """The product of h (…, H) with the transpose of an embedding (V, H)."""

    W: Transposed

    def __init__(self, embedding: Parameter):
        super().__init__(Transposed(embedding))

    def pack(self, share: Share) -> None:
        gemm.pack(self.W.of.value, self.packed_back, *share.panels(self.I))
        gemm.pack_transposed(self.W.of.value, self.packed, *share.panels(self.N))

    @property
    def sums(self) -> list[np.ndarray]:
        return [self.W.gradient]


class Linear(Part):
    """A linear map y = x·W + b with PyTorch's parameters: weight (N, I) with given first values, bias (N,) of zeros."""

    def __init__(self, name: str, I: int, N: int, first: First):
        self.N = N
        self.weight = Parameter(f"{name}.weight", (N, I), first, transposed=True)
        self.bias = Parameter(f"{name}.bias", (N,))
        self.declared = (self.weight, self.bias)
        self.projection = Projection(self.weight)
        self.parts = (self.projection,)

    def forward(self, x: np.ndarray, y: np.ndarray, low: int, high: int) -> None:
        self.projection.forward(x, self.bias.value, y, low, high)

    def backward(self, dy: np.ndarray, dx: np.ndarray, low: int, high: int) -> None:
        self.projection.backward(dy, dx, low, high)

    def weight_gradients(self, x: np.ndarray, dy: np.ndarray, share: Share) -> None:
        self.projection.weight_gradients(x, dy, share)
        inputs.column_sums(share.rows(dy), self.bias.gradient, *share.columns(self.N))


class TokenRows(Part):
    """A lookup a = table[token] + bias; the table is W (V, N) itself."""

    def __init__(self, W: Parameter):
        self.W = W

    @property
    def table(self) -> np.ndarray:
        return self.W.value

    @property
    def dtable(self) -> np.ndarray:
        return self.W.gradient

    def forward(
        self, x: np.ndarray, bias: np.ndarray, a: np.ndarray, low: int, high: int, rows: Mask | None = None
    ) -> None:
        if rows is None:
            inputs.gather_with_bias(self.table, bias, x, a, low, high)
        else:
            dropout.gather_with_bias(self.table, bias, x, a, *rows, low, high)

    def backward(self, da: np.ndarray, dx: np.ndarray, low: int, high: int, *, add: bool = False) -> None:
        raise TypeError("tokens have no gradient")

    def weight_gradients(self, x: np.ndarray, da: np.ndarray, share: Share, rows: Mask | None = None) -> None:
        columns = share.columns(self.table.shape[1])
        inputs.scatter(share.part(da), 0, share.part(x), self.dtable, *columns)
        if rows is not None:
            dropout.apply_to_table(self.dtable, *rows, *columns)


class FoldedEmbedding(TokenRows):
    """A lookup in the table E·W, E (V, I) and W (I, N): exact, with V products of a row in place of T·B."""

    def __init__(self, E: Parameter, W: Parameter):
        super().__init__(W)
        self.E, self.way_back = E, ProjectionGradients(W)

    @cached_property
    def _tables(self) -> np.ndarray:
        shape = (2, self.E.inner_shape[0], self.W.inner_shape[1])
        return np.zeros(shape, self.W.value.dtype)

    @property
    def table(self) -> np.ndarray:
        return self._tables[0]

    @property
    def dtable(self) -> np.ndarray:
        return self._tables[1]

    def pack(self, share: Share) -> None:
        low, high = share.columns(self.table.shape[1])
        gemm.multiply_columns(self.E.value, self.W.value, self.table, low, high, share.scratch(self.W.products))
        self.way_back.pack(share)

    @property
    def sums(self) -> list[np.ndarray]:
        return [self.dtable]

    def finish_gradients(self, share: Share, *, add: bool) -> None:
        """Compute this share's columns of dW = Eᵀ·dtable, and its rows of dE = dtable·Wᵀ; with `add`, add these to what
        dE holds.
        """
        self.way_back.weight_gradients(self.E.value[None], self.dtable[None], share)
        low, high = share.split(len(self.E.gradient))
        if not add:
            self.E.gradient[low:high] = 0
        gemm.accumulate(self.dtable[None], self.way_back.packed_back, self.E.gradient[None], 0, 1, low, high)


def input_of(W: Parameter, embedding: Parameter | None, *, reads_tokens: bool) -> Input:
    """Return the product with W of values, of one-hot tokens, or of tokens with an embedding that is folded into it."""
    if not reads_tokens:
        return Projection(W)
    return TokenRows(W) if embedding is None else FoldedEmbedding(embedding, W)


class LinearHead(Part):
    """The output layer, (N, B, O) = [h_1 … h_L]·W + b over the steps that the loss reads, h (N, B, H) of each layer.

    The product with W (L·H, O) is a sum of one product a layer, so that nothing has to be joined. Its weights start at
    zero if an untrained network should predict exactly its baseline. tied: the embedding (O, H) that W is the
    transpose of (Press and Wolf, 2017), of a head that reads one layer.
    """

    def __init__(self, H: int, O: int, starts_at_zero: bool, layers: int = 1, tied: Parameter | None = None):
        self.O, self.starts_at_zero = O, starts_at_zero
        self.awake = within(1.0 / math.sqrt(layers * H), HEAD)
        first = zero if starts_at_zero else self.awake
        self.weight = Parameter("head.weight", (O, layers * H), first, transposed=True)
        self.bias = Parameter("head.bias", (O,))
        self.projections: tuple[Projection, ...]
        if tied is None:
            self.declared = (self.weight, self.bias)
            self.projections = tuple(Projection(Rows(self.weight, l * H, H)) for l in range(layers))
        else:
            self.declared = (self.bias,)
            self.projections = (TiedProjection(tied),)
        self.parts = self.projections

    @property
    def packed(self) -> np.ndarray:
        """The packed weights as they are now, those of each layer in a row."""
        return np.stack([projection.packed for projection in self.projections])

    def forward(self, h: Sequence[np.ndarray], y: np.ndarray, low: int, high: int) -> None:
        first, *others = self.projections
        first.forward(h[0], self.bias.value, y, low, high)
        for projection, one in zip(others, h[1:], strict=True):
            projection.add(one, y, low, high)

    def backward(self, dy: np.ndarray, dh: Sequence[np.ndarray], low: int, high: int) -> None:
        for projection, one in zip(self.projections, dh, strict=True):
            projection.backward(dy, one, low, high)

    def weight_gradients(self, h: Sequence[np.ndarray], dy: np.ndarray, share: Share) -> None:
        for projection, one in zip(self.projections, h, strict=True):
            projection.weight_gradients(one, dy, share)
        inputs.column_sums(share.rows(dy), self.bias.gradient, *share.columns(self.O))

    def finish_gradients(self, share: Share) -> None:
        """Add this share's rows of the gradient of tied weights to that of the embedding, complete but for it."""
        for projection in self.projections:
            if isinstance(projection, TiedProjection):
                low, high = share.split(self.O)
                projection.W.of.gradient[low:high] += projection.W.gradient[:, low:high].T
