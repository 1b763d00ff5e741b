"""Recurrent layers on top of one another, from tokens or values to the outputs of the topmost at each step.

The stack decides how the first layer is fed (values, one-hot tokens, an embedding looked up or folded into the
layer) and applies the dropout between layers. Models are stacks with something on top: `network`, `encoder_decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.kernels import inputs
from rnncli.kernels.buffers import zeros
from rnncli.kernels.cells import CELLS
from rnncli.kernels.cells.rnn import ACTIVATIONS
from rnncli.nn import dropout
from rnncli.nn.parameters import EMBEDDING, Parameter, Part, Share, embedding_stream, within
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.recurrent import Beside, BidirectionalLayer, LayerTrace, RecurrentLayer
from rnncli.nn.workspace import BidirectionalWork, Extent, LayerWork, StackWork


@dataclass(frozen=True)
class StackShape:
    """The settings that determine a stack's parameters.

    input_size: the size of the vocabulary for token inputs, the number of features for numeric ones; embedding_size
    None with token inputs means one-hot. An embedding of up to fold_up_to tokens is folded into the first layer;
    these are fewer than the steps × sequences of most windows. skip_connections: every layer above the first reads the
    stack's input too (Graves, 2013).
    """

    cell: str
    input_size: int
    hidden_size: int
    num_layers: int
    token_input: bool
    embedding_size: int | None = None
    activation: str = "tanh"
    dropout: float = 0.0
    bidirectional: bool = False
    fold_up_to: int = 320
    skip_connections: bool = False
    recurrence: Recurrence = PLAIN

    @property
    def embedded(self) -> bool:
        return self.token_input and self.embedding_size is not None

    @property
    def width(self) -> int:
        """The number of outputs of a layer at each step."""
        return 2 * self.hidden_size if self.bidirectional else self.hidden_size

    @property
    def folded(self) -> bool:
        return self.embedded and self.input_size <= self.fold_up_to

    @property
    def gathers(self) -> bool:
        """True if embeddings are looked up as values, and not folded."""
        return self.embedded and not self.folded

    @property
    def first_size(self) -> int:
        """The size of the first layer's input at each step: of an embedding, a one-hot vector, or the features."""
        return self.embedding_size if self.token_input and self.embedding_size is not None else self.input_size

    @property
    def reads_values(self) -> bool:
        """True if the first layer reads values: features, or embeddings that were looked up."""
        return not self.token_input or self.gathers


class Stack(Part):
    """The layers that a `StackShape` describes.

    prefix: the beginning of its parameters' names. place: the number of this stack in its model, which picks its random
    streams. drops_top: True if dropout follows the topmost layer as well. takes_chrono: True if `model.chrono_init`
    applies to this stack.
    """

    def __init__(
        self, shape: StackShape, prefix: str = "", place: int = 0, *, drops_top: bool = False, takes_chrono: bool = True
    ):
        self.shape, self.place, self.drops_top = shape, place, drops_top
        self.cell, self.activation = CELLS[shape.cell], ACTIVATIONS[shape.activation]
        self._reads_values, self._gathers = shape.reads_values, shape.gathers
        limit = 1.0 if shape.folded else EMBEDDING
        first = within(limit, embedding_stream(place))
        self.embedding = Parameter(f"{prefix}embedding.weight", (shape.input_size, shape.first_size), first)
        self.declared = (self.embedding,) if shape.embedded else ()
        layer: Any = BidirectionalLayer if shape.bidirectional else RecurrentLayer

        def reads_input(l: int) -> bool:
            return not l or shape.skip_connections

        self.layers: list[Any] = [  # each takes its own kind of work, which `work` plans beside it
            layer(
                self.cell,
                l,
                shape.width if l else shape.first_size,
                shape.hidden_size,
                activation=self.activation,
                recurrence=shape.recurrence,
                embedding=self.embedding if shape.folded and reads_input(l) else None,
                reads_tokens=reads_input(l) and not shape.reads_values,
                prefix=prefix,
                place=place,
                takes_chrono=takes_chrono,
                skip_size=shape.first_size if l and shape.skip_connections else 0,
            )
            for l in range(shape.num_layers)
        ]
        self.parts = tuple(self.layers)

    def work(self, T: int, B: int, dtype: np.dtype, *, training: bool, input_gradient: bool = False) -> StackWork:
        """Return arrays for up to T steps of B sequences."""
        shape, cell, last = self.shape, self.cell, self.shape.num_layers - 1
        dropping = training and shape.dropout > 0
        drawn = shape.recurrence if training and shape.recurrence.draws else None
        dense = shape.reads_values
        x = zeros((T, B, shape.first_size) if dense else (0, 0, 0), dtype)

        def layer_work(l: int) -> LayerWork | BidirectionalWork:
            drops = dropping and (l < last or self.drops_top)
            if not shape.bidirectional:
                return LayerWork.plan(cell, T, B, shape.hidden_size, drops, dtype, drawn=drawn)
            tokens, I = l == 0 and not dense, shape.width if l else shape.first_size
            return BidirectionalWork.plan(
                cell=cell, T=T, B=B, H=shape.hidden_size, dropout=drops, dtype=dtype, tokens=tokens, I=I, drawn=drawn
            )

        return StackWork(
            tokens=zeros((T, B) if shape.token_input else (0, 0), np.int32),
            x=x,
            dx=zeros(x.shape, x.dtype) if shape.gathers or (dense and input_gradient) else None,
            layers=[layer_work(l) for l in range(last + 1)],
            extent=Extent.full(T, B),
        )

    def traces(self, work: StackWork, part: str = "", lengths: np.ndarray | None = None) -> list[LayerTrace]:
        """Return the traces of all layers or their directions in PyTorch's order; `lengths` replaces the work's own."""
        lengths = work.extent.lengths if lengths is None else lengths
        layers = [direction for layer in self.layers for direction in layer.directions]
        return [LayerTrace(part, *both, lengths, work.extent) for both in zip(layers, work.directions, strict=True)]

    def dropout_keys(self, seed: int, update: int) -> tuple[np.uint32, ...]:
        """Return one mask key for the output of each layer; none if dropout is 0."""
        return dropout.keys(self.shape.dropout, len(self.layers), 100 * self.place, seed, update)

    def draw(self, work: StackWork, seed: int, update: int) -> None:
        """Set all masks of an update in `work`, one of training."""
        work.dropout_keys = self.dropout_keys(seed, update)
        for layer, layer_work in zip(self.layers, work.layers, strict=True):
            layer.draw(layer_work, seed, update)

    def forward(self, work: StackWork, low: int, high: int) -> None:
        """Compute work.y for sequences low ≤ b < high from work.tokens or work.x and the states in row 0."""
        if self._gathers:
            inputs.gather(self.embedding.value, work.tokens, work.x, 0, low, high)
        for l, (layer, layer_work) in enumerate(zip(self.layers, work.layers, strict=True)):
            beside = self._beside(work, l)
            layer.forward(layer_work, self._layer_input(work, l), work.extent, low, high, beside)
            if layer_work.dropped is not None:
                dropout.drop(self.shape.dropout, layer_work.output, layer_work.dropped, work.dropout_keys[l], low, high)

    def backward(self, work: StackWork, low: int, high: int) -> None:
        """Compute da of every layer, dL/dh in dh, and dx if it is wanted, from dL/dy in work.dy.

        With skip connections every layer's output is read from above, and its doutput holds that gradient.
        """
        for l in range(len(self.layers) - 1, -1, -1):
            layer_work = work.layers[l]
            dy = layer_work.doutput
            if layer_work.dropped is not None:
                dropout.drop(self.shape.dropout, dy, dy, work.dropout_keys[l], low, high)
            dx = work.layers[l - 1].doutput if l else work.dx
            add = l > 0 and self.shape.skip_connections
            self.layers[l].backward(layer_work, dx, work.extent, low, high, add=add)
        if self.shape.skip_connections and work.dx is not None:
            for layer, layer_work in zip(self.layers[1:], work.layers[1:], strict=True):
                layer.skip_backward(layer_work, self._both_ways(work, work.dx, "dx_back"), work.extent, low, high)

    def weight_gradients(self, work: StackWork, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all sequences."""
        for l, layer in enumerate(self.layers):
            layer.weight_gradients(work.layers[l], self._layer_input(work, l), share, self._beside(work, l))
        if self._gathers:
            assert work.dx is not None
            inputs.scatter(work.dx, 0, work.tokens, self.embedding.gradient, *share.split(self.shape.first_size))

    def finish_gradients(self) -> None:
        """Complete the gradients on one thread, after `weight_gradients` of all shares."""
        for l, layer in enumerate(self.layers):
            layer.finish_gradients(add=l > 0)

    def _layer_input(self, work: StackWork, l: int) -> np.ndarray:
        if l > 0:
            return work.layers[l - 1].y
        return work.x if self._reads_values else work.tokens

    def _beside(self, work: StackWork, l: int) -> Beside:
        """Return what the skip connections of layer l read."""
        if not l or not self.shape.skip_connections:
            return ()
        return self._both_ways(work, self._layer_input(work, 0), "x_back")

    @staticmethod
    def _both_ways(work: StackWork, given: np.ndarray, back: str) -> Beside:
        """Return an array of the stack's input for each direction: of the backward one that of the first layer."""
        first = work.layers[0]
        return (given, getattr(first, back)) if isinstance(first, BidirectionalWork) else (given,)
