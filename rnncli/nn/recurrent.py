"""One recurrent layer class for all cells: it owns the weights, packs them, and calls the cell's kernels on a shard.

`low` and `high` bound the sequences of one thread's shard; a `Share` is one thread's share of the output columns.
`forward` and `backward` write into a `LayerWork`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels import gemm, inputs, steps
from rnncli.kernels.cells.cell import Cell, Weights
from rnncli.kernels.cells.recurrence import Locked
from rnncli.nn.dropout import Mask
from rnncli.nn.inputs import FoldedEmbedding, Input, Projection, TokenRows, input_of
from rnncli.nn.parameters import First, Parameter, Part, Share, gate_bias, layer_stream, recurrent, within, zero
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.workspace import BidirectionalWork, Extent, LayerWork

Ways = tuple[np.ndarray, ...]  # the network's input as each direction reads it, or its gradient


class Beside(NamedTuple):
    """What a layer reads beside its input.

    given: the network's input, for a skip connection; rows: the mask of rows of tokens, while some are dropped.
    """

    given: Ways = ()
    rows: Mask | None = None

    def of(self, direction: int) -> Beside:
        return Beside(self.given[direction : direction + 1], self.rows)


ALONE = Beside()


@dataclass(frozen=True)
class LayerTrace:
    """A layer, or one direction of it, with the arrays that it computed in, for B sequences of these lengths (B,).

    Time runs in the order in which the layer reads. part: its part of the model, if the model has several. extent: the
    steps that were computed, of which some may be beyond the lengths.
    """

    part: str
    layer: RecurrentLayer
    work: LayerWork
    lengths: np.ndarray
    extent: Extent


class RecurrentLayer(Part):
    """A recurrent layer of H units that reads I inputs, number `index` of its stack.

    It reads values; or tokens, whose one-hot product is a row of the matrix; or tokens of an `embedding` of I, which
    is folded into the matrix. prefix, place and takes_chrono are those of the stack, see `rnncli.nn.stack.Stack`.

    With a skip connection of skip_size (Graves, 2013), it reads values, and the network's input beside them: of
    skip_size numbers, or of the tokens or the embedding that the arguments name.
    """

    def __init__(
        self,
        cell: Cell,
        index: int,
        I: int,
        H: int,
        *,
        activation: int = 0,
        recurrence: Recurrence = PLAIN,
        embedding: Parameter | None = None,
        reads_tokens: bool = False,
        prefix: str = "",
        place: int = 0,
        takes_chrono: bool = True,
        reverse: bool = False,
        skip_size: int = 0,
    ):
        self.cell, self.index, self.H, self.activation, self.reverse = cell, index, H, activation, reverse
        self.capped = recurrence.capped or None
        self.columns = N = cell.gates * H
        stream = layer_stream(place, index, reverse=reverse)
        way = f"l{index}_reverse" if reverse else f"l{index}"
        # Of a one-hot input a single row arrives: at ±1/√H it would drown, and training would start slowly
        # (tiny Shakespeare, 400 updates: 2.19 nats against 1.85 with ±1).
        limit, usual = 1.0 if reads_tokens and embedding is None else 1.0 / math.sqrt(H), 1.0 / math.sqrt(H)
        memories, self._masks = stream + 50 if takes_chrono else None, stream + 60

        def declare(part: str, *shape: int, first: First = zero, transposed: bool = False) -> Parameter:
            return Parameter(f"{prefix}rnn.{part}_{way}", shape, first, transposed)

        self.W = declare("weight_ih", N, I, first=within(usual if skip_size else limit, stream), transposed=True)
        self.U = declare("weight_hh", N, H, first=recurrent(cell.gates, H, stream + 1), transposed=True)
        self.b_ih = declare("bias_ih", N, first=gate_bias(cell.initial_bias, cell.chrono, H, memories))
        self.b_hh = declare("bias_hh", N)
        self.own = [
            declare(name, width * H, first=within(usual, stream + 100 + number))
            for number, (name, width) in enumerate(cell.own.items())
        ]
        ends = [0, *accumulate(cell.own.values())]
        self._rows_of_own = [slice(first, last) for first, last in pairwise(ends)]
        self.declared = (self.W, self.U, self.b_ih, self.b_hh, *self.own)
        self.input: Input = Projection(self.W)
        self.skip: Input | None = None
        if skip_size:
            S = declare("weight_skip", N, skip_size, first=within(limit, stream + 40), transposed=True)
            self.declared = (*self.declared, S)
            self.skip = input_of(S, embedding, reads_tokens=reads_tokens)
        else:
            self.input = input_of(self.W, embedding, reads_tokens=reads_tokens)
        self.parts = tuple(read for read in (self.input, self.skip) if isinstance(read, Projection | TokenRows))

    @property
    def directions(self) -> tuple[RecurrentLayer, ...]:
        return (self,)

    @cached_property
    def U_packed(self) -> np.ndarray:
        return gemm.packed_like(self.H, self.columns, self.U.products)

    @cached_property
    def U_packed_back(self) -> np.ndarray:
        return gemm.packed_like(self.columns, self.H, self.U.products)

    @cached_property
    def bias(self) -> np.ndarray:
        """The bias that is added to the input contributions."""
        return np.zeros(self.columns, self.U.value.dtype)

    @cached_property
    def own_packed(self) -> np.ndarray:
        """The cell's own parameters as the rows of one array, (n, H)."""
        return np.zeros((self.cell.own_rows, self.H), self.U.value.dtype)

    @property
    def weights(self) -> Weights:
        """The weights that the cell's `forward` reads, with nothing dropped."""
        return self._weights(self.U_packed)

    @property
    def weights_back(self) -> Weights:
        """The weights that the cell's `backward` reads, with nothing dropped."""
        return self._weights(self.U_packed_back)

    def _weights(self, packed: np.ndarray, locked: Locked | None = None) -> Weights:
        return Weights(packed, self.b_hh.value, self.own_packed, self.activation, locked, self.capped)

    def draw(self, work: LayerWork, seed: int, update: int) -> None:
        """Draw the masks of an update for the recurrence, if there are any."""
        if work.drawn is not None:
            work.drawn.draw(self.U, self._masks, seed, update)

    def _drawn(self, work: LayerWork, *, back: bool) -> Weights:
        """Return the weights for a window, with what was drawn for it."""
        drawn, whole = work.drawn, self.U_packed_back if back else self.U_packed
        if drawn is None:
            return self._weights(whole)
        if drawn.U is not None:
            whole = drawn.U.packed_back if back else drawn.U.packed
        return self._weights(whole, drawn.locked)

    def pack(self, share: Share) -> None:
        """Refresh this share of the packed weights after the weights changed."""
        self.input.pack(share)
        if self.skip is not None:
            self.skip.pack(share)
        gemm.pack(self.U.value, self.U_packed, *share.panels(self.columns))
        gemm.pack_transposed(self.U.value, self.U_packed_back, *share.panels(self.H))
        low, high = share.columns(self.columns)
        b_hh = 0 if self.cell.keeps_recurrent_apart else self.b_hh.value[low:high]
        self.bias[low:high] = self.b_ih.value[low:high] + b_hh
        for own, rows in zip(self.own, self._rows_of_own, strict=True):
            low, high = share.split(self.H)
            self.own_packed[rows, low:high] = own.value.reshape(-1, self.H)[:, low:high]

    def forward(
        self, work: LayerWork, x: np.ndarray, extent: Extent, low: int, high: int, beside: Beside = ALONE
    ) -> None:
        """Compute the states from x (T, B, I), or tokens (T, B) if it reads tokens; row 0 of every state is given."""
        if self.skip is None:
            self.input.forward(x, self.bias, work.a, low, high, beside.rows)
        else:
            assert isinstance(self.input, Projection)
            self.skip.forward(beside.given[0], self.bias, work.a, low, high, beside.rows)
            self.input.add(x, work.a, low, high)
        self.cell.forward(work.arrays, self._drawn(work, back=False), extent.active, low, high)

    def backward(
        self, work: LayerWork, dx: np.ndarray | None, extent: Extent, low: int, high: int, *, add: bool = False
    ) -> None:
        """Compute da and dh from work.dh[1:], dL/dh from above, and dx (T, B, I) if it is given; see `Input`."""
        work.dh[0, low:high] = 0
        for gradient in work.gradients[1:]:
            gradient[extent.lengths[low:high], np.arange(low, high)] = 0
        self.cell.backward(work.arrays, work.gradients, self._drawn(work, back=True), extent.active, low, high)
        if dx is not None:
            self.input.backward(work.a, dx, low, high, add=add)

    def skip_backward(self, work: LayerWork, dx: Ways, extent: Extent, low: int, high: int) -> None:
        """Add the gradient of what the skip connection read to dx, after `backward`."""
        assert self.skip is not None
        self.skip.backward(work.a, dx[0], low, high, add=True)

    def weight_gradients(self, work: LayerWork, x: np.ndarray, share: Share, beside: Beside = ALONE) -> None:
        """Compute this share's columns of dW, dU and the other gradients, after `backward` of the whole batch."""
        low, high = share.columns(self.columns)
        da = share.rows(work.a)
        dq = share.rows(work.arrays.q) if self.cell.keeps_recurrent_apart else da
        self.input.weight_gradients(x, work.a, share, beside.rows)
        if self.skip is not None:
            self.skip.weight_gradients(beside.given[0], work.a, share, beside.rows)
        drawn = work.drawn
        h_before = work.h[:-1] if drawn is None or drawn.locked is None else drawn.locked.h
        scratch = share.scratch(self.U.products)
        gemm.multiply_transposed(share.rows(h_before), dq, self.U.gradient, low, high, scratch)
        if drawn is not None and drawn.U is not None:
            drawn.U.drop_gradient(self.U.gradient, low, high)
        inputs.column_sums(da, self.b_ih.gradient, low, high)
        if self.cell.keeps_recurrent_apart:
            inputs.column_sums(dq, self.b_hh.gradient, low, high)
        else:
            self.b_hh.gradient[low:high] = self.b_ih.gradient[low:high]
        if self.cell.own_gradient is not None:
            low, high = share.split(self.H)
            gradient, arrays = np.zeros_like(self.own_packed), map(share.part, work.arrays)
            self.cell.own_gradient(type(work.arrays)(*arrays), gradient, low, high)
            for own, rows in zip(self.own, self._rows_of_own, strict=True):
                own.gradient.reshape(-1, self.H)[:, low:high] = gradient[rows, low:high]

    def finish_gradients(self, share: Share, *, add: bool = False) -> None:
        """Compute this share of the gradients of a folded embedding, after `weight_gradients` of all shares.

        add: True if another layer has begun dE.
        """
        for read in (self.input, self.skip):
            if isinstance(read, FoldedEmbedding):
                read.finish_gradients(share, add=add)


class BidirectionalLayer(Part):
    """Two recurrent layers, one from each end of the steps (Schuster and Paliwal, 1997), seen as one layer of 2H.

    It has the arguments and the methods of a `RecurrentLayer`. The backward direction starts at each sequence's own
    end: its input is reversed sequence by sequence, and so is its output, so that both are plain layers and padding
    is never read.
    """

    def __init__(self, cell: Cell, index: int, I: int, H: int, **how: Any):
        self.forwards = RecurrentLayer(cell, index, I, H, **how)
        self.backwards = RecurrentLayer(cell, index, I, H, reverse=True, **how)
        self.parts = self.directions = (self.forwards, self.backwards)

    def draw(self, work: BidirectionalWork, seed: int, update: int) -> None:
        self.forwards.draw(work.forwards, seed, update)
        self.backwards.draw(work.backwards, seed, update)

    def forward(
        self, work: BidirectionalWork, x: np.ndarray, extent: Extent, low: int, high: int, beside: Beside = ALONE
    ) -> None:
        """Compute work.output from x (T, B, I), or tokens (T, B)."""
        reverse = steps.reverse_tokens if x.ndim == 2 else steps.reverse
        reverse(x, extent.lengths, work.x_back, low, high)
        self.forwards.forward(work.forwards, x, extent, low, high, beside.of(0))
        self.backwards.forward(work.backwards, work.x_back, extent, low, high, beside.of(1))
        steps.join(work.forwards.output, work.backwards.output, extent.lengths, work.output, low, high)

    def backward(
        self, work: BidirectionalWork, dx: np.ndarray | None, extent: Extent, low: int, high: int, *, add: bool = False
    ) -> None:
        """Compute both directions' gradients from work.doutput, dL/d(output), and dx (T, B, I) if it is given."""
        steps.unjoin(work.doutput, extent.lengths, work.forwards.doutput, work.backwards.doutput, low, high)
        self.forwards.backward(work.forwards, dx, extent, low, high, add=add)
        self.backwards.backward(work.backwards, work.dx_back if dx is not None else None, extent, low, high)
        if dx is not None:
            assert work.dx_back is not None
            steps.add_reversed(work.dx_back, extent.lengths, dx, low, high)

    def skip_backward(self, work: BidirectionalWork, dx: Ways, extent: Extent, low: int, high: int) -> None:
        """Add the gradient of what the skip connections read to dx[0]; dx[1] is overwritten."""
        self.forwards.skip_backward(work.forwards, dx[:1], extent, low, high)
        assert self.backwards.skip is not None
        self.backwards.skip.backward(work.backwards.a, dx[1], low, high)
        steps.add_reversed(dx[1], extent.lengths, dx[0], low, high)

    def weight_gradients(self, work: BidirectionalWork, x: np.ndarray, share: Share, beside: Beside = ALONE) -> None:
        self.forwards.weight_gradients(work.forwards, x, share, beside.of(0))
        self.backwards.weight_gradients(work.backwards, work.x_back, share, beside.of(1))

    def finish_gradients(self, share: Share, *, add: bool = False) -> None:
        self.forwards.finish_gradients(share, add=add)
        self.backwards.finish_gradients(share, add=True)
