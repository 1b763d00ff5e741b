"""A forecast in segments: few long steps in, all steps out at once (SegRNN, Lin et al., 2023, arXiv:2308.11200).

    embedding  e = relu(W·segment + b), one vector for each segment of the context
    encoder    recurrent layers over the segments' vectors
    decoder    one recurrent step for each segment of the horizon, all from the encoder's last state: it reads the
               segment's number and its channel (both embedded), and the segment's known covariates
    head       the segment's values

The paper's decoder has the encoder's weights; here it has its own, because it may read other inputs, and because it
scores a little better (ETTh1, 96 steps, validation split: MSE .638 against .643).
It runs like a `Network`: forward and backward per shard of the batch, weight gradients per share of the columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import inputs
from rnncli.kernels.buffers import zeros
from rnncli.nn.inputs import Linear, LinearHead
from rnncli.nn.network import FLOAT32, Model
from rnncli.nn.parameters import CHANNEL, POSITION, SEGMENT, Parameter, Part, Share, within
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.recurrent import LayerTrace
from rnncli.nn.stack import Stack, StackShape
from rnncli.nn.workspace import StackWork


@dataclass(frozen=True)
class SegmentShape:
    """The settings that determine a segment network's parameters.

    segment: the steps of one segment; segments: the number that are forecast. input_size, known_size, output_size
    are counted per step: the features that are read, the known covariates of the horizon (may be 0), the outputs.
    channels: the number of kinds of series that are distinguished, 1 for none. precision: see `NetworkShape`.
    """

    cell: str
    segment: int
    segments: int
    input_size: int
    output_size: int
    hidden_size: int
    num_layers: int = 1
    known_size: int = 0
    channels: int = 1
    activation: str = "tanh"
    dropout: float = 0.0
    head_starts_at_zero: bool = True
    recurrence: Recurrence = PLAIN
    precision: str = "float32"

    @property
    def channel_size(self) -> int:
        return self.hidden_size // 2 if self.channels > 1 else 0

    @property
    def position_size(self) -> int:
        return self.hidden_size - self.channel_size

    @property
    def encoder(self) -> StackShape:
        return self._stack(self.hidden_size, self.num_layers, 0.0)

    @property
    def decoder(self) -> StackShape:
        return self._stack(self.hidden_size + self.segment * self.known_size, 1, self.dropout)

    def _stack(self, size: int, layers: int, output_dropout: float) -> StackShape:
        return StackShape(
            cell=self.cell,
            input_size=size,
            hidden_size=self.hidden_size,
            num_layers=layers,
            token_input=False,
            embedding_size=None,
            activation=self.activation,
            dropout=self.dropout,
            recurrence=self.recurrence,
            output_dropout=output_dropout,
        )


class Embedding(Part):
    """Vectors (N, D) of N things, written into the decoder's input from column `at` on."""

    def __init__(self, name: str, N: int, D: int, at: int, stream: int):
        self.D, self.at = D, at
        self.table = Parameter(f"{name}.weight", (N, D), within(1.0, stream))
        self.declared = (self.table,)

    def gather(self, which: np.ndarray, x: np.ndarray, low: int, high: int) -> None:
        inputs.gather(self.table.value, which, x, self.at, low, high)

    def scatter(self, dx: np.ndarray, which: np.ndarray, share: Share) -> None:
        columns = share.split(self.D)
        inputs.scatter(share.part(dx), self.at, share.part(which), self.table.gradient, *columns)


class SegmentInput(Linear):
    """The embedding of segments: e = relu(W·x + b), x (S, B, F)."""

    def forward(self, x: np.ndarray, y: np.ndarray, low: int, high: int) -> None:
        super().forward(x, y, low, high)
        np.maximum(y[:, low:high], 0, out=y[:, low:high])

    def squash_grad(self, e: np.ndarray, de: np.ndarray, low: int, high: int) -> None:
        """Turn de, the gradient of the output e, into that of W·x + b, in place."""
        de[:, low:high] *= e[:, low:high] > 0


@dataclass
class SegmentWork:
    """The arrays of B windows: S segments in, M segments out.

    x (S, B, segment·I); known_covariates (B, M, segment·K) of the segments of the horizon; channels (1, B·M) int32,
    the kind of series of each; outputs (1, B, M·segment·O), which the loss overwrites with its gradient. The decoder
    treats every segment of every window as a sequence of one step: window b has numbers b·M to b·M + M − 1.
    """

    x: np.ndarray
    encoder: StackWork
    decoder: StackWork
    positions: np.ndarray
    channels: np.ndarray
    outputs: np.ndarray
    M: int

    @property
    def T(self) -> int:
        return self.encoder.T + self.M

    @property
    def B(self) -> int:
        return self.encoder.B

    @property
    def known_covariates(self) -> np.ndarray:
        """The columns of the decoder's input that hold the known covariates, (B, M, segment·K); write them here."""
        D = self.encoder.x.shape[2]
        return self.decoder.x.reshape(self.B, self.M, -1)[:, :, D:]

    @property
    def written(self) -> np.ndarray:
        """The outputs in the shape in which the decoder's head writes them, (1, B·M, segment·O)."""
        return self.outputs.reshape(1, self.B * self.M, -1)


class SegmentNetwork(Model):
    """The model that a `SegmentShape` describes."""

    def __init__(self, shape: SegmentShape, dtype: np.dtype = FLOAT32):
        super().__init__(dtype, shape.precision)
        self.shape = shape
        H, w = shape.hidden_size, shape.segment
        self.F = w * shape.input_size
        self.input = SegmentInput("segment", self.F, H, within(1.0 / math.sqrt(self.F), SEGMENT))
        self.encoder = Stack(shape.encoder, "encoder.", 1)
        self.decoder = Stack(shape.decoder, "decoder.", 2)
        self.position = Embedding("position", shape.segments, shape.position_size, 0, POSITION)
        self.channel = Embedding("channel", shape.channels, shape.channel_size, shape.position_size, CHANNEL)
        self.head = LinearHead(H, w * shape.output_size, shape.head_starts_at_zero)
        self._embeddings = (self.position, self.channel) if shape.channels > 1 else (self.position,)
        self.hold(self.input, self.encoder, self.decoder, *self._embeddings, self.head)

    def workspace(self, S: int, B: int, *, training: bool) -> SegmentWork:
        """Return arrays for S segments of B windows."""
        shape, M, dtype = self.shape, self.shape.segments, self.dtype
        return SegmentWork(
            x=zeros((S, B, self.F), dtype),
            encoder=self.encoder.work(S, B, dtype, training=training, input_gradient=True),
            decoder=self.decoder.work(1, B * M, dtype, training=training, input_gradient=True),
            positions=np.tile(np.arange(M, dtype=np.int32), B)[None],
            channels=zeros((1, B * M), np.int32),
            outputs=zeros((1, B, M * shape.segment * shape.output_size), dtype),
            M=M,
        )

    def set_dropout(self, work: SegmentWork, seed: int, update: int) -> None:
        """Set the masks of this update in `work`."""
        self.encoder.draw(work.encoder, seed, update)
        self.decoder.draw(work.decoder, seed, update)

    def forward(self, work: SegmentWork, low: int, high: int) -> None:
        """Compute work.outputs for windows low ≤ b < high from work.x, work.known_covariates and work.channels."""
        M, first, last = work.M, low * work.M, high * work.M
        self.input.forward(work.x, work.encoder.x, low, high)
        self.encoder.forward(work.encoder, low, high)
        self.position.gather(work.positions, work.decoder.x, first, last)
        if self.shape.channels > 1:
            self.channel.gather(work.channels, work.decoder.x, first, last)
        (start,) = work.decoder.directions
        start.begin(np.repeat(work.encoder.layers[-1].output[-1, low:high], M, axis=0), first, last)
        self.decoder.forward(work.decoder, first, last)
        self.head.forward([work.decoder.y], work.written, first, last)

    def backward(self, work: SegmentWork, low: int, high: int) -> None:
        """Compute everything that the weights' gradients are made from, from dL/d(outputs) in work.outputs."""
        M, first, last = work.M, low * work.M, high * work.M
        self.head.backward(work.written, [work.decoder.dy], first, last)
        self.decoder.backward(work.decoder, first, last)
        (start,) = work.decoder.directions
        work.encoder.dy[:-1, low:high] = 0
        dstate = work.encoder.dy[-1, low:high]
        dstate[...] = start.dh[0, first:last:M]
        for m in range(1, M):
            dstate += start.dh[0, first + m : last : M]
        self.encoder.backward(work.encoder, low, high)
        assert work.encoder.dx is not None
        self.input.squash_grad(work.encoder.x, work.encoder.dx, low, high)

    def weight_gradients(self, work: SegmentWork, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all windows."""
        assert work.encoder.dx is not None
        assert work.decoder.dx is not None
        self.input.weight_gradients(work.x, work.encoder.dx, share)
        self.encoder.weight_gradients(work.encoder, share)
        share = share.times(work.M)
        self.decoder.weight_gradients(work.decoder, share)
        self.position.scatter(work.decoder.dx, work.positions, share)
        if self.shape.channels > 1:
            self.channel.scatter(work.decoder.dx, work.channels, share)
        self.head.weight_gradients([work.decoder.y], work.written, share)

    def finish_gradients(self, share: Share) -> None:
        """Do nothing: all gradients are complete after `weight_gradients`."""

    def traces(self, work: SegmentWork) -> list[LayerTrace]:
        """Return the encoder's traces; the decoder takes only one step from the encoder's last state."""
        return self.encoder.traces(work.encoder, "encoder")
