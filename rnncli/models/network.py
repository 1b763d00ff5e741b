"""A sequence network: input → stacked recurrent layers → linear head, over one shard of the batch at a time.

Training calls, per window:

    pack                     per share of the output columns, after the weights changed
    forward, loss, backward  per shard of the batch (threads do not meet)
    weight_gradients         per share of the output columns, when every shard is done
    finish_gradients         once, when every share is done
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.errors import ModelFileError
from rnncli.kernels import dropout, inputs, random
from rnncli.kernels.cells import CELLS
from rnncli.kernels.rnn import ACTIVATIONS
from rnncli.models import initialisation
from rnncli.models.bidirectional import BidirectionalLayer
from rnncli.models.head import LinearHead
from rnncli.models.parameters import Parameters, Spec
from rnncli.models.pooling import POOLINGS, Pooling, PoolingWork
from rnncli.models.recurrent import Reads, RecurrentLayer
from rnncli.models.share import Share
from rnncli.models.workspace import BidirectionalWork, Extent, LayerWork, Workspace

FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class NetworkShape:
    """Everything that fixes a network's parameters.

    input_size is the vocabulary for token inputs, the number of features for numeric ones; embedding_size None
    with token inputs means one-hot. An embedding of up to fold_up_to tokens, which is fewer than most windows have
    steps × sequences, is folded into the first layer. With a pooling the head sees one vector a sequence.
    """

    cell: str
    input_size: int
    hidden_size: int
    num_layers: int
    output_size: int
    token_input: bool
    embedding_size: int | None = None
    activation: str = "tanh"
    dropout: float = 0.0
    head_starts_at_zero: bool = False
    bidirectional: bool = False
    pooling: str | None = None
    fold_up_to: int = 320

    @property
    def embedded(self) -> bool:
        return self.token_input and self.embedding_size is not None

    @property
    def width(self) -> int:
        """What a layer says a step."""
        return 2 * self.hidden_size if self.bidirectional else self.hidden_size

    @property
    def folded(self) -> bool:
        return self.embedded and self.input_size <= self.fold_up_to

    @property
    def first_size(self) -> int:
        """What the first layer reads a step: of an embedding, of a one-hot vector, of features."""
        return self.embedding_size if self.token_input and self.embedding_size is not None else self.input_size

    @property
    def first_reads(self) -> Reads:
        if not self.token_input:
            return "values"
        if not self.embedded:
            return "tokens"
        return "embedded tokens" if self.folded else "values"


class Network:
    """The network of a `NetworkShape`, in float32 for use or float64 for checks."""

    def __init__(self, shape: NetworkShape, dtype: np.dtype = FLOAT32):
        self.shape, self.dtype = shape, np.dtype(dtype)
        cell, activation = CELLS[shape.cell], ACTIVATIONS[shape.activation]
        self.cell = cell
        layer: Any = BidirectionalLayer if shape.bidirectional else RecurrentLayer
        self.layers: list[Any] = [  # each takes its own kind of work, which `workspace` plans beside it
            layer(
                cell, l, shape.width if l else shape.first_size, shape.hidden_size, activation,
                "values" if l else shape.first_reads,
            )
            for l in range(shape.num_layers)
        ]  # fmt: skip
        self.pooling = POOLINGS[shape.pooling](shape.width, shape.hidden_size) if shape.pooling else None
        self.head = LinearHead(shape.width, shape.output_size, shape.head_starts_at_zero)
        self.parameters = Parameters(self._specs(), self.dtype)
        for part in (*self.layers, *self._pooling, self.head):
            part.bind(self.parameters)

    @property
    def _pooling(self) -> tuple[Pooling, ...]:
        return () if self.pooling is None else (self.pooling,)

    def _specs(self) -> list[Spec]:
        specs = []
        if self.shape.embedded:
            specs.append(Spec("embedding.weight", (self.shape.input_size, self.shape.first_size)))
        for part in (*self.layers, *self._pooling, self.head):
            specs += part.specs()
        return specs

    def initialise(self, recurrent_init: str, recurrent_scale: float, seed: int) -> None:
        """First weights from the seed."""
        if self.shape.embedded:
            table = self.parameters.view("embedding.weight")
            table[...] = initialisation.uniform(table.shape, 1.0, seed, 2)
        for layer in self.layers:
            layer.initialise(recurrent_init, recurrent_scale, seed)
        if self.pooling:
            self.pooling.initialise(seed)
        self.head.initialise(seed)
        self.pack()

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a model file's arrays; ModelFileError names the first that is missing or misshapen."""
        try:
            self.parameters.load(arrays)
        except KeyError as missing:
            raise ModelFileError(f"the model file lacks {missing}; train again or restore a copy") from None
        except ValueError as wrong:
            raise ModelFileError(f"the model file is inconsistent: {wrong}; train again") from None
        self.pack()

    def pack(self, share: Share | None = None) -> None:
        """Refresh the packed weights, or a share of them; call after every change of the parameters."""
        for part in (*self.layers, self.head):
            part.pack(share or Share(0, 1, self.dtype))

    def workspace(self, T: int, B: int, head_steps: int, *, training: bool, input_gradient: bool = False) -> Workspace:
        """Arrays for windows of up to T steps of B sequences, the head seeing the last head_steps of them."""
        dropping = training and self.shape.dropout > 0
        last = len(self.layers) - 1
        shape = self.shape
        values = (T, B, shape.first_size) if shape.first_reads == "values" else (0, 0, 0)
        wanted = shape.first_reads == "values" and (shape.embedded or input_gradient)
        H = shape.hidden_size

        def layer_work(l: int) -> LayerWork | BidirectionalWork:
            drops = dropping and l < last
            if not shape.bidirectional:
                return LayerWork.plan(self.cell, T, B, H, drops, self.dtype)
            tokens, I = l == 0 and shape.first_reads != "values", shape.width if l else shape.first_size
            return BidirectionalWork.plan(self.cell, T, B, H, drops, self.dtype, tokens, I)

        return Workspace(
            tokens=np.zeros((T, B) if shape.token_input else (0, 0), np.int32),
            x=np.zeros(values, self.dtype),
            dx=np.zeros(values, self.dtype) if wanted else None,
            layers=[layer_work(l) for l in range(last + 1)],
            pooling=PoolingWork.plan(T, B, shape.width, self.dtype) if shape.pooling else None,
            outputs=np.zeros((head_steps, B, shape.output_size), self.dtype),
            head_from=T - head_steps,
            extent=Extent.full(T, B),
        )

    def dropout_keys(self, seed: int, update: int) -> tuple[np.uint32, ...]:
        """One mask between layers, and one before the head of a pooling, for each update; none is remembered."""
        if self.shape.dropout == 0:
            return ()
        masks = len(self.layers) - (0 if self.pooling else 1)
        return tuple(np.uint32(int(random.bits(seed, 500 + l, update)) & 0xFFFFFFFF) for l in range(masks))

    def forward(self, work: Workspace, low: int, high: int) -> None:
        """work.outputs for sequences low ≤ b < high, from work.tokens or work.x and the states in row 0."""
        if self._gathers:
            inputs.gather(self.parameters.view("embedding.weight"), work.tokens, work.x, low, high)
        for l, (layer, layer_work) in enumerate(zip(self.layers, work.layers, strict=True)):
            layer.forward(layer_work, self._layer_input(work, l), work.extent, low, high)
            if layer_work.dropped is not None:
                self._drop(layer_work.output, layer_work.dropped, work.dropout_keys[l], low, high)
        if self.pooling and work.pooling:
            self.pooling.forward(work.layers[-1].y, work.extent.lengths, work.pooling, low, high)
            if work.dropout_keys:
                self._drop(work.pooling.pooled, work.pooling.pooled, work.dropout_keys[-1], low, high)
        self.head.forward(self._head_input(work), work.outputs, low, high)

    def backward(self, work: Workspace, low: int, high: int) -> None:
        """From dL/d(outputs) in work.outputs to da of every layer, dL/dh in dh, and dx where it is wanted."""
        top = work.layers[-1].doutput
        if self.pooling and work.pooling:
            self.head.backward(work.outputs, work.pooling.dpooled, low, high)
            if work.dropout_keys:
                self._drop(work.pooling.dpooled, work.pooling.dpooled, work.dropout_keys[-1], low, high)
            self.pooling.backward(work.layers[-1].y, work.extent.lengths, work.pooling, top, low, high)
        else:
            top[: work.head_from, low:high] = 0
            self.head.backward(work.outputs, top[work.head_from :], low, high)
        for l in range(len(self.layers) - 1, 0, -1):
            below = work.layers[l - 1]
            dx = below.doutput
            self.layers[l].backward(work.layers[l], dx, work.extent, low, high)
            if below.dropped is not None:
                self._drop(dx, dx, work.dropout_keys[l - 1], low, high)
        self.layers[0].backward(work.layers[0], work.dx, work.extent, low, high)

    def weight_gradients(self, work: Workspace, share: Share) -> None:
        """This share's columns of every parameter's gradient, when `backward` of all sequences is done."""
        for l, layer in enumerate(self.layers):
            layer.weight_gradients(work.layers[l], self._layer_input(work, l), share)
        self.head.weight_gradients(self._head_input(work), work.outputs, share)
        if self.pooling and work.pooling:
            self.pooling.weight_gradients(work.layers[-1].y, work.pooling, share)
        if self._gathers:
            assert work.dx is not None
            table = self.parameters.gradient_view("embedding.weight")
            inputs.scatter(work.dx, work.tokens, table, *share.split(self.shape.first_size))

    def finish_gradients(self) -> None:
        """What is left to one thread when all shares are done."""
        self.layers[0].finish_gradients()

    @property
    def _gathers(self) -> bool:
        """Whether embeddings are looked up as values, and not folded."""
        return self.shape.embedded and not self.shape.folded

    def _head_input(self, work: Workspace) -> np.ndarray:
        return work.pooling.pooled if work.pooling else work.layers[-1].y[work.head_from :]

    def _layer_input(self, work: Workspace, l: int) -> np.ndarray:
        if l > 0:
            return work.layers[l - 1].y
        return work.x if self.shape.first_reads == "values" else work.tokens

    def _drop(self, x: np.ndarray, y: np.ndarray, key: np.uint32, low: int, high: int) -> None:
        p = self.shape.dropout
        dropout.apply(x, y, key, np.uint32(p * 2**32), self.dtype.type(1 / (1 - p)), low, high)
