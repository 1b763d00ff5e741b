"""One recurrent layer, whatever its cell: it owns the weights, packs them, and calls the cell's kernels on a shard.

`low` and `high` are the sequences of one thread's shard; `panel` ranges are the output columns of one thread's
share of a weight gradient. Every method writes into a `LayerWork`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnncli.kernels import gemm, inputs
from rnncli.kernels.cells.cell import Cell, Weights
from rnncli.nn import initialisation
from rnncli.nn.inputs import FoldedEmbedding, Input, Projection, TokenRows
from rnncli.nn.parameters import Parameters, Spec
from rnncli.nn.share import Share
from rnncli.nn.workspace import Extent, LayerWork

Reads = Literal["values", "tokens", "embedded tokens"]


@dataclass(frozen=True)
class Strand:
    """One layer, or one direction of it, beside what it computed in: B sequences of these lengths (B,), whose own time
    runs as the layer reads them. part: of the model, where it has several."""

    part: str
    layer: RecurrentLayer
    work: LayerWork
    lengths: np.ndarray


class RecurrentLayer:
    """Layer number `index` of a stack, I inputs, H units.

    reads: "values"; "tokens", whose one-hot product is a row of the matrix; or "embedded tokens", whose embedding of I
    is folded into the matrix. prefix, place: the stack's, see `rnncli.nn.stack.Stack`.
    """

    def __init__(
        self, cell: Cell, index: int, I: int, H: int, activation: int, reads: Reads,
        prefix: str = "", place: int = 0, *, reverse: bool = False,
    ):  # fmt: skip
        self.cell, self.index, self.I, self.H, self.prefix, self.place = cell, index, I, H, prefix, place
        self.activation, self.reads = activation, reads
        self.columns = cell.gates * H
        self.reverse = reverse
        name = f"l{index}_reverse" if reverse else f"l{index}"
        self._names = [f"{prefix}rnn.{part}_{name}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        self._own_names = {f"{prefix}rnn.{part}_{name}": width for part, width in cell.own.items()}

    @property
    def directions(self) -> tuple[RecurrentLayer, ...]:
        return (self,)

    def specs(self) -> list[Spec]:
        weight_ih, weight_hh, bias_ih, bias_hh = self._names
        return [
            Spec(weight_ih, (self.columns, self.I), transposed=True),
            Spec(weight_hh, (self.columns, self.H), transposed=True),
            Spec(bias_ih, (self.columns,)),
            Spec(bias_hh, (self.columns,)),
            *(Spec(name, (width * self.H,)) for name, width in self._own_names.items()),
        ]

    def bind(self, parameters: Parameters) -> None:
        """Keep views of this layer's weights and gradients, and room for the packed forms."""
        self.W, self.U, self.b_ih, self.b_hh = (parameters.view(name) for name in self._names)
        self.dW, self.dU, self.db_ih, self.db_hh = (parameters.gradient_view(name) for name in self._names)
        dtype = self.W.dtype
        self.input: Input
        if self.reads == "values":
            self.input = Projection(self.W, self.dW)
        elif self.reads == "tokens":
            self.input = TokenRows(self.W, self.dW)
        else:
            E, dE = (view(f"{self.prefix}embedding.weight") for view in (parameters.view, parameters.gradient_view))
            self.input = FoldedEmbedding(E, dE, self.W, self.dW)
        self.U_packed = gemm.packed_like(self.H, self.columns, dtype)
        self.U_packed_back = gemm.packed_like(self.columns, self.H, dtype)
        self.bias = np.zeros(self.columns, dtype)
        self.own, self.down = (
            [view(name).reshape(width, self.H) for name, width in self._own_names.items()]
            for view in (parameters.view, parameters.gradient_view)
        )
        own = np.zeros((self.cell.own_rows, self.H), dtype)
        self.weights = Weights(self.U_packed, self.b_hh, own, self.activation)
        self.weights_back = Weights(self.U_packed_back, self.b_hh, own, self.activation)

    def initialise(self, method: str, scale: float, seed: int, chrono: int | None = None) -> None:
        stream = 100_000 * self.place + 1000 * (self.index + 1) + (500 if self.reverse else 0)
        # Of a one-hot input a single row arrives: at ±1/√H it would drown, and training would start slowly
        # (tiny Shakespeare, 400 updates: 2.19 nats against 1.85 with ±1).
        limit = 1.0 if self.reads == "tokens" else 1.0 / math.sqrt(self.H)
        self.W[...] = initialisation.uniform((self.I, self.columns), limit, seed, stream)
        self.U[...] = initialisation.recurrent(self.cell.gates, self.H, method, scale, seed, stream + 1).T
        if chrono is None:
            self.b_ih[...] = np.repeat(self.cell.initial_bias, self.H)
        else:
            memory = initialisation.chrono(self.H, chrono, seed, stream + 50)
            self.b_ih[...] = np.concatenate([sign * memory for sign in self.cell.chrono])
        self.b_hh[...] = 0
        for number, own in enumerate(self.own):
            own[...] = initialisation.uniform(own.shape, 1.0 / math.sqrt(self.H), seed, stream + 100 + number)

    def pack(self, share: Share) -> None:
        """Refresh this share of the packed forms after the weights changed."""
        self.input.pack(share)
        gemm.pack(self.U, self.U_packed, *share.panels(self.columns))
        gemm.pack_transposed(self.U, self.U_packed_back, *share.panels(self.H))
        low, high = share.columns(self.columns)
        b_hh = 0 if self.cell.keeps_recurrent_apart else self.b_hh[low:high]
        self.bias[low:high] = self.b_ih[low:high] + b_hh
        if self.own:
            low, high = share.split(self.H)
            np.concatenate([own[:, low:high] for own in self.own], out=self.weights.own[:, low:high])

    def forward(self, work: LayerWork, x: np.ndarray, extent: Extent, low: int, high: int) -> None:
        """x (T, B, I), or tokens (T, B) where it reads tokens; row 0 of every state given."""
        self.input.forward(x, self.bias, work.a, low, high)
        self.cell.forward(work.arrays, self.weights, extent.active, low, high)

    def backward(self, work: LayerWork, dx: np.ndarray | None, extent: Extent, low: int, high: int) -> None:
        """work.dh[1:] holds dL/dh from above; dx (T, B, I) is overwritten where given."""
        work.dh[0, low:high] = 0
        for gradient in work.gradients[1:]:
            gradient[extent.lengths[low:high], np.arange(low, high)] = 0
        self.cell.backward(work.arrays, work.gradients, self.weights_back, extent.active, low, high)
        if dx is not None:
            self.input.backward(work.a, dx, low, high)

    def weight_gradients(self, work: LayerWork, x: np.ndarray, share: Share) -> None:
        """This thread's columns of dW, dU and the biases, after `backward` of the whole batch."""
        low, high = share.columns(self.columns)
        da = work.a.reshape(-1, self.columns)
        dq = work.arrays.q.reshape(-1, self.columns) if self.cell.keeps_recurrent_apart else da
        self.input.weight_gradients(x, work.a, share)
        h_before = work.h[:-1].reshape(-1, self.H)
        gemm.multiply_transposed(h_before, dq, self.dU, low, high, share.scratch)
        inputs.column_sums(da, self.db_ih, low, high)
        if self.cell.keeps_recurrent_apart:
            inputs.column_sums(dq, self.db_hh, low, high)
        else:
            self.db_hh[low:high] = self.db_ih[low:high]
        if self.cell.own_gradient is not None:
            self._own_gradients(work, self.cell.own_gradient, *share.split(self.H))

    def _own_gradients(self, work: LayerWork, kernel: Callable[..., None], low: int, high: int) -> None:
        gradient = np.zeros((self.cell.own_rows, self.H), work.a.dtype)
        kernel(work.arrays, gradient, low, high)
        first = 0
        for own in self.down:
            own[:, low:high] = gradient[first : first + len(own), low:high]
            first += len(own)

    def finish_gradients(self, *, add: bool = False) -> None:
        """What is left to one thread when all shares are done; `add` where another layer has begun dE."""
        if isinstance(self.input, FoldedEmbedding):
            self.input.embedding_gradient(add=add)
