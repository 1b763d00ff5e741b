"""Recurrent layers on top of one another, from tokens or values to the outputs of the topmost at each step.

The stack decides how the first layer is fed (values, one-hot tokens, an embedding looked up or folded into the
layer) and applies the dropout between layers. Models are stacks with something on top: `network`, `encoder_decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.kernels import dropout as kernels
from rnncli.kernels import inputs
from rnncli.kernels.buffers import zeros
from rnncli.kernels.cells import CELLS
from rnncli.kernels.cells.rnn import ACTIVATIONS
from rnncli.nn import dropout
from rnncli.nn.parameters import EMBEDDING, Parameter, Part, Share, embedding_stream, within
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.recurrent import Beside, BidirectionalLayer, LayerTrace, RecurrentLayer, Ways
from rnncli.nn.workspace import BidirectionalWork, Extent, LayerWork, StackWork

_INPUT, _ROWS = 90, 91  # the places of their masks, beyond those of any layers


@dataclass(frozen=True)
class StackShape:
    """The settings that determine a stack's parameters.

    input_size: the size of the vocabulary for token inputs, the number of features for numeric ones; embedding_size
    None with token inputs means one-hot. An embedding of up to fold_up_to tokens is folded into the first layer;
    these are fewer than the steps × sequences of most windows. skip_connections: every layer above the first reads the
    stack's input too (Graves, 2013).

    What training drops: dropout, of the outputs of all layers but the topmost; output_dropout, of the topmost's;
    input_dropout, of the values that the first layer reads; embedding_dropout, whole rows of tokens, one-hot or
    embedded, for a window (Merity et al., 2018). variational_dropout: masks are held over the steps of a window (Gal
    and Ghahramani, 2016). pools: the topmost's outputs are dropped after they were pooled, and not by the stack. tied:
    the embedding is the head's weights too, and starts as small as those of many tokens.
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
    output_dropout: float = 0.0
    input_dropout: float = 0.0
    embedding_dropout: float = 0.0
    variational_dropout: bool = False
    pools: bool = False
    tied: bool = False

    @property
    def most_dropped(self) -> float:
        """The largest of the fractions that are dropped somewhere."""
        return max(self.dropout, self.output_dropout, self.input_dropout, self.embedding_dropout)

    def dropped_of(self, layer: int) -> float:
        """Return the fraction of a layer's outputs that is dropped."""
        if layer < self.num_layers - 1:
            return self.dropout
        return 0.0 if self.pools else self.output_dropout

    @property
    def embedded(self) -> bool:
        return self.token_input and self.embedding_size is not None

    @property
    def width(self) -> int:
        """The number of outputs of a layer at each step."""
        return 2 * self.hidden_size if self.bidirectional else self.hidden_size

    @property
    def folded(self) -> bool:
        return self.embedded and self.of_few_tokens and not self.input_dropout

    @property
    def of_few_tokens(self) -> bool:
        return self.input_size <= self.fold_up_to

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
    streams. takes_chrono: True if `model.chrono_init` applies to this stack.
    """

    def __init__(self, shape: StackShape, prefix: str = "", place: int = 0, *, takes_chrono: bool = True):
        self.shape, self.place = shape, place
        self.cell, self.activation = CELLS[shape.cell], ACTIVATIONS[shape.activation]
        self._reads_values, self._gathers = shape.reads_values, shape.gathers
        limit = 1.0 if shape.of_few_tokens and not shape.tied else EMBEDDING
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
        shape, cell = self.shape, self.cell
        drawn = shape.recurrence if training and shape.recurrence.draws else None
        dense = shape.reads_values
        x = zeros((T, B, shape.first_size) if dense else (0, 0, 0), dtype)

        def layer_work(l: int) -> LayerWork | BidirectionalWork:
            drops = training and shape.dropped_of(l) > 0
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
            layers=[layer_work(l) for l in range(shape.num_layers)],
            extent=Extent.full(T, B),
        )

    def traces(self, work: StackWork, part: str = "", lengths: np.ndarray | None = None) -> list[LayerTrace]:
        """Return the traces of all layers or their directions in PyTorch's order; `lengths` replaces the work's own."""
        lengths = work.extent.lengths if lengths is None else lengths
        layers = [direction for layer in self.layers for direction in layer.directions]
        return [LayerTrace(part, *both, lengths, work.extent) for both in zip(layers, work.directions, strict=True)]

    def dropout_keys(self, seed: int, update: int) -> tuple[np.uint32, ...]:
        """Return a mask key for the output of each layer, one for the input, and one for rows of tokens if they are
        dropped; none if nothing is.
        """
        shape, place = self.shape, 100 * self.place
        outputs = dropout.keys(shape.most_dropped, len(self.layers), place, seed, update)
        return (
            *outputs,
            *dropout.keys(shape.most_dropped, 1, place + _INPUT, seed, update),
            *dropout.keys(shape.embedding_dropout, 1, place + _ROWS, seed, update),
        )

    def draw(self, work: StackWork, seed: int, update: int) -> None:
        """Set all masks of an update in `work`, one of training."""
        work.dropout_keys = self.dropout_keys(seed, update)
        for layer, layer_work in zip(self.layers, work.layers, strict=True):
            layer.draw(layer_work, seed, update)

    def forward(self, work: StackWork, low: int, high: int) -> None:
        """Compute work.y for sequences low ≤ b < high from work.tokens or work.x and the states in row 0."""
        if self._gathers:
            inputs.gather(self.embedding.value, work.tokens, work.x, 0, low, high)
        self._drop_input(work, work.x, low, high)
        for l, (layer, layer_work) in enumerate(zip(self.layers, work.layers, strict=True)):
            beside = self._beside(work, l)
            layer.forward(layer_work, self._layer_input(work, l), work.extent, low, high, beside)
            if layer_work.dropped is not None:
                self._drop(
                    self.shape.dropped_of(l), layer_work.output, layer_work.dropped, work.dropout_keys[l], low, high
                )

    def backward(self, work: StackWork, low: int, high: int) -> None:
        """Compute da of every layer, dL/dh in dh, and dx if it is wanted, from dL/dy in work.dy.

        With skip connections every layer's output is read from above, and its doutput holds that gradient.
        """
        for l in range(len(self.layers) - 1, -1, -1):
            layer_work = work.layers[l]
            dy = layer_work.doutput
            if layer_work.dropped is not None:
                self._drop(self.shape.dropped_of(l), dy, dy, work.dropout_keys[l], low, high)
            dx = work.layers[l - 1].doutput if l else work.dx
            add = l > 0 and self.shape.skip_connections
            self.layers[l].backward(layer_work, dx, work.extent, low, high, add=add)
        if self.shape.skip_connections and work.dx is not None:
            for layer, layer_work in zip(self.layers[1:], work.layers[1:], strict=True):
                layer.skip_backward(layer_work, self._both_ways(work, work.dx, "dx_back"), work.extent, low, high)
        if work.dx is not None:
            self._drop_input(work, work.dx, low, high)

    def weight_gradients(self, work: StackWork, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all sequences."""
        for l, layer in enumerate(self.layers):
            layer.weight_gradients(work.layers[l], self._layer_input(work, l), share, self._beside(work, l))
        if self._gathers:
            assert work.dx is not None
            columns = share.split(self.shape.first_size)
            inputs.scatter(share.part(work.dx), 0, share.part(work.tokens), self.embedding.gradient, *columns)

    def finish_gradients(self, share: Share) -> None:
        """Complete this share of the gradients, after `weight_gradients` of all shares."""
        for l, layer in enumerate(self.layers):
            layer.finish_gradients(share, add=l > 0)

    def _layer_input(self, work: StackWork, l: int) -> np.ndarray:
        if l > 0:
            return work.layers[l - 1].y
        return work.x if self._reads_values else work.tokens

    def _drop(self, p: float, x: np.ndarray, y: np.ndarray, key: np.uint32, low: int, high: int) -> None:
        dropout.drop(p, x, y, key, low, high, held=self.shape.variational_dropout)

    def _drop_input(self, work: StackWork, x: np.ndarray, low: int, high: int) -> None:
        """Drop values, or rows of embeddings, of what the first layer reads, x (T, B, I); or of its gradient."""
        if not (work.dropout_keys and self._reads_values):
            return
        if self.shape.input_dropout:
            self._drop(self.shape.input_dropout, x, x, work.dropout_keys[len(self.layers)], low, high)
        if (rows := self._rows(work)) is not None:
            kernels.apply_to_rows(x, work.tokens, *rows, low, high)

    def _rows(self, work: StackWork) -> dropout.Mask | None:
        """Return the mask of the rows of tokens, if any are dropped now."""
        p = self.shape.embedding_dropout
        if not (p and work.dropout_keys):
            return None
        return dropout.mask(p, work.dropout_keys[len(self.layers) + 1], work.y.dtype)

    def _beside(self, work: StackWork, l: int) -> Beside:
        """Return what layer l reads beside the layer below."""
        skips = l > 0 and self.shape.skip_connections
        given = self._both_ways(work, self._layer_input(work, 0), "x_back") if skips else ()
        return Beside(given, None if self._reads_values else self._rows(work))

    @staticmethod
    def _both_ways(work: StackWork, given: np.ndarray, back: str) -> Ways:
        """Return an array of the stack's input for each direction: of the backward one that of the first layer."""
        first = work.layers[0]
        return (given, getattr(first, back)) if isinstance(first, BidirectionalWork) else (given,)
