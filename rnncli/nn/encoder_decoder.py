"""Encoder-decoder: an encoder, or a vector that is given, starts a stack that writes (Sutskever et al., 2014).

    start      h₀ of every decoder layer = tanh(W·v + b), v the encoder's last states or the given vector
    decoder    reads <begin> and the target, and predicts at each step the token that comes next
    attention  of each decoder step over all outputs of the encoder, if the model has attention
    head       one output per target token, and one for <end>

It runs like a `Network`: forward and backward per shard of the batch, weight gradients per share of the columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import attention as attention_kernels
from rnncli.kernels import pooling
from rnncli.kernels.buffers import zeros
from rnncli.nn import dropout
from rnncli.nn.attention import ATTENTIONS, Attention, AttentionWork, Seen
from rnncli.nn.inputs import Linear, LinearHead
from rnncli.nn.network import FLOAT32, Model
from rnncli.nn.parameters import START, Share, within
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.recurrent import LayerTrace
from rnncli.nn.stack import Stack, StackShape
from rnncli.nn.workspace import StackWork

_COMBINED = 50  # the place of the mask for what attention says, beyond those of the decoder's layers


@dataclass(frozen=True)
class PairShape:
    """The settings that determine an encoder-decoder's parameters.

    source_size: the size of the source vocabulary, or the length of the given vector if `encodes` is false.
    target_size: the number of target tokens, without <end>; with aligned attention the last two of them are moves, see
    `rnncli.nn.attention`. attention: a key of ATTENTIONS, or None. precision: see `NetworkShape`.
    """

    cell: str
    source_size: int
    target_size: int
    hidden_size: int
    num_layers: int
    encodes: bool = True
    embedding_size: int | None = None
    activation: str = "tanh"
    dropout: float = 0.0
    attention: str | None = None
    encoder_bidirectional: bool = False
    recurrence: Recurrence = PLAIN
    precision: str = "float32"

    @property
    def encoder(self) -> StackShape:
        return self._stack(self.source_size, self.dropout, bidirectional=self.encoder_bidirectional)

    @property
    def decoder(self) -> StackShape:
        drops_top = self.attention is None  # else what attention says is dropped
        return self._stack(self.target_size + 1, self.dropout if drops_top else 0.0, bidirectional=False)

    @property
    def end(self) -> int:
        """The number of <end> as an output, and of <begin> as an input."""
        return self.target_size

    def _stack(self, tokens: int, output_dropout: float, *, bidirectional: bool) -> StackShape:
        return StackShape(
            cell=self.cell,
            input_size=tokens,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            token_input=True,
            embedding_size=self.embedding_size,
            activation=self.activation,
            dropout=self.dropout,
            output_dropout=output_dropout,
            bidirectional=bidirectional,
            recurrence=self.recurrence,
        )


@dataclass
class PairWork:
    """The arrays of T target steps of B sequences, over S source steps.

    vector, dvector (1, B, F): the vector that starts the decoder; states, dstates (1, B, L·H): the first states of
    its layers; spans (B,): the lengths of the targets; dtop (T, B, H): the gradient of the head's input;
    outputs (T, B, V + 1), which the loss overwrites with its gradient.
    """

    encoder: StackWork | None
    decoder: StackWork
    attention: AttentionWork | None
    vector: np.ndarray
    dvector: np.ndarray
    states: np.ndarray
    dstates: np.ndarray
    dtop: np.ndarray
    outputs: np.ndarray
    spans: np.ndarray
    combined_keys: tuple[np.uint32, ...] = ()

    def of_lengths(self, lengths: np.ndarray | None, spans: np.ndarray) -> PairWork:
        """Return a workspace in the same memory for sources and targets of these lengths.

        lengths (B,) of the sources are sorted, longest first; spans (B,) of the targets may be in any order.
        """
        T = int(spans.max())
        encoder = self.encoder.of_lengths(lengths) if self.encoder is not None and lengths is not None else None
        return PairWork(
            encoder=encoder,
            decoder=self.decoder.of_steps(T),
            attention=self.attention.of_steps(T, encoder.T) if self.attention and encoder else None,
            vector=self.vector,
            dvector=self.dvector,
            states=self.states,
            dstates=self.dstates,
            dtop=self.dtop[:T],
            outputs=self.outputs[:T],
            spans=spans.astype(np.int32),
        )

    @property
    def T(self) -> int:
        return self.decoder.T

    @property
    def B(self) -> int:
        return self.decoder.B


class EncoderDecoder(Model):
    """The model that a `PairShape` describes."""

    def __init__(self, shape: PairShape, dtype: np.dtype = FLOAT32):
        super().__init__(dtype, shape.precision)
        self.shape = shape
        H, F = shape.hidden_size, shape.encoder.width if shape.encodes else shape.source_size
        self.encoder = Stack(shape.encoder, "encoder.", 1) if shape.encodes else None
        first = within(1.0 / math.sqrt(F), START)
        self.F, self.start = F, Linear("start", F, shape.num_layers * H, first)
        self.decoder = Stack(shape.decoder, "decoder.", 2)
        self.attention: Attention | None = ATTENTIONS[shape.attention](H, F, shape.end) if shape.attention else None
        self.head = LinearHead(H, shape.target_size + 1, False)
        read = (self.encoder,) if self.encoder else ()
        looks = (self.attention,) if self.attention else ()
        self.hold(*read, self.decoder, self.start, *looks, self.head)

    def workspace(self, S: int, T: int, B: int, *, training: bool) -> PairWork:
        """Return arrays for up to S source and T target steps of B sequences."""
        shape, dtype = self.shape, self.dtype
        H, wide = shape.hidden_size, shape.num_layers * shape.hidden_size
        vector, states = zeros((1, B, self.F), dtype), zeros((1, B, wide), dtype)
        dropping = training and shape.dropout > 0
        return PairWork(
            encoder=self.encoder.work(S, B, dtype, training=training) if self.encoder else None,
            decoder=self.decoder.work(T, B, dtype, training=training),
            attention=self.attention.work(T, S, B, dtype, dropping=dropping) if self.attention else None,
            vector=vector,
            dvector=vector.copy(),
            states=states,
            dstates=states.copy(),
            dtop=zeros((T, B, H), dtype),
            outputs=zeros((T, B, shape.target_size + 1), dtype),
            spans=np.full(B, T, np.int32),
        )

    def set_dropout(self, work: PairWork, seed: int, update: int) -> None:
        """Set the masks of this update in `work`."""
        self.decoder.draw(work.decoder, seed, update)
        if work.encoder and self.encoder:
            self.encoder.draw(work.encoder, seed, update)
        work.combined_keys = dropout.keys(self.shape.dropout, 1, 100 * self.decoder.place + _COMBINED, seed, update)

    def forward(self, work: PairWork, low: int, high: int) -> None:
        """Compute work.outputs for sequences low ≤ b < high from target tokens, and source tokens or work.vector."""
        self.read(work, low, high)
        self.decoder.forward(work.decoder, low, high)
        if self.attention and work.attention and work.encoder:
            seen = Seen(work.encoder.y, work.encoder.extent.lengths, work.spans, low, high)
            self.attention.follow(work.decoder.tokens, work.attention, low, high)
            self.attention.forward(work.decoder.y, seen, work.attention)
            if work.attention.dropped is not None:
                self._drop(work.attention.combined, work.attention.dropped, work, low, high)
        self.head.forward([self._top(work)], work.outputs, low, high)

    def read(self, work: PairWork, low: int, high: int) -> None:
        """Compute what the decoder's first step needs: its states, and what attention derives from the encoder."""
        if self.encoder and work.encoder:
            self.encoder.forward(work.encoder, low, high)
            H, lengths = self.shape.hidden_size, work.encoder.extent.lengths
            pooling.last(work.encoder.y, lengths, H, work.vector, low, high)
            if self.attention and work.attention:
                self.attention.read(work.encoder.y, work.attention, low, high)
        self.start.forward(work.vector, work.states, low, high)
        attention_kernels.squash(work.states, low, high)
        for layer, place in zip(work.decoder.directions, self._places(), strict=True):
            layer.begin(work.states[0, low:high, place], low, high)

    def backward(self, work: PairWork, low: int, high: int, *, looks_back: bool = True) -> None:
        """Compute everything that the weights' gradients are made from, from dL/d(outputs) in work.outputs.

        looks_back: True if attention's gradient reaches the encoder; else only that of the decoder's first states.
        """
        self.head.backward(work.outputs, [self._dtop(work)], low, high)
        if work.encoder:  # nothing has flowed into it yet
            work.encoder.dy[:, low:high] = 0
        if self.attention and work.attention and work.encoder:
            if work.attention.dropped is not None:
                self._drop(work.dtop, work.dtop, work, low, high)
            seen = Seen(work.encoder.y, work.encoder.extent.lengths, work.spans, low, high)
            self.attention.backward(seen, work.attention, work.dtop, work.decoder.dy, work.encoder.dy)
            if not looks_back:
                work.encoder.dy[:, low:high] = 0
        self.decoder.backward(work.decoder, low, high)
        for layer, place in zip(work.decoder.directions, self._places(), strict=True):
            work.dstates[0, low:high, place] = layer.dh[0, low:high]
        attention_kernels.squash_grad(work.states, work.dstates, low, high)
        self.start.backward(work.dstates, work.dvector, low, high)
        if self.encoder and work.encoder:
            H = self.shape.hidden_size
            pooling.add_last_grad(work.dvector, work.encoder.extent.lengths, H, work.encoder.dy, low, high)
            self.encoder.backward(work.encoder, low, high)

    def weight_gradients(self, work: PairWork, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all sequences."""
        if self.encoder and work.encoder:
            self.encoder.weight_gradients(work.encoder, share)
        self.decoder.weight_gradients(work.decoder, share)
        self.start.weight_gradients(work.vector, work.dstates, share)
        if self.attention and work.attention and work.encoder:
            self.attention.weight_gradients(work.decoder.y, work.encoder.y, work.attention, work.dtop, share)
        self.head.weight_gradients([self._top(work)], work.outputs, share)

    def finish_gradients(self, share: Share) -> None:
        """Complete this share of the gradients, after `weight_gradients` of all shares."""
        if self.encoder:
            self.encoder.finish_gradients(share)
        self.decoder.finish_gradients(share)

    def traces(self, work: PairWork) -> list[LayerTrace]:
        read = self.encoder.traces(work.encoder, "encoder") if self.encoder and work.encoder else []
        return read + self.decoder.traces(work.decoder, "decoder", work.spans)

    def _top(self, work: PairWork) -> np.ndarray:
        return work.attention.y if work.attention else work.decoder.y

    def _dtop(self, work: PairWork) -> np.ndarray:
        return work.dtop if work.attention else work.decoder.dy

    def _drop(self, x: np.ndarray, y: np.ndarray, work: PairWork, low: int, high: int) -> None:
        dropout.drop(self.shape.dropout, x, y, work.combined_keys[0], low, high)

    def _places(self) -> list[slice]:
        """Return the columns of `states` that hold each layer's state."""
        H = self.shape.hidden_size
        return [slice(l * H, (l + 1) * H) for l in range(self.shape.num_layers)]
