"""A sequence network: recurrent layers → pooling, if any → linear head, over one shard of the batch at a time.

With a chain of tags, a conditional random field, the loss reads its parameters beside the head's outputs.

Training calls, per window:

    pack                     per share of the output columns, after the weights changed
    forward, loss, backward  per shard of the batch (threads do not meet)
    weight_gradients         per share of the output columns, when every shard is done
    finish_gradients         per share again, when every share is done

Weight gradients are sums over the sequences of the batch, or of a group of them that a `Share` names; so are the `sums`
of parts, from which `finish_gradients` makes the gradients that are no such sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.errors import ModelFileError
from rnncli.kernels.buffers import zeros
from rnncli.kernels.crf import Chain
from rnncli.kernels.gemm import PRECISIONS
from rnncli.nn import dropout
from rnncli.nn.crf import ChainWork, TagChain
from rnncli.nn.inputs import LinearHead
from rnncli.nn.parameters import Parameters, Part, Share, Start
from rnncli.nn.pooling import POOLINGS, Pooling, PoolingWork
from rnncli.nn.recurrence import PLAIN, Recurrence
from rnncli.nn.recurrent import LayerTrace
from rnncli.nn.stack import Stack, StackShape
from rnncli.nn.words import WordsOfBatch, WordVectors
from rnncli.nn.workspace import BidirectionalWork, LayerWork, Workspace

FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class NetworkShape:
    """The settings that determine a network's parameters; see `StackShape`.

    With a pooling, a key of POOLINGS, the head reads one vector per sequence.
    drops_ends: dropout also precedes the head of every step and, of tokens, the first layer.
    word_dropout: the fraction of words that training takes for unknown ones.
    characters: the number of distinct characters that words are composed from; 0 if they are not composed.
    character_size: the size of each of the two directions that compose them.
    affixes: the kinds of affixes that composed words have, and the number of each; affix_size: that of their vectors.
    crf: True if the outputs of all steps are those of a chain of tags.
    skip_connections: every layer reads the network's input, and the head reads all layers.
    input_dropout, output_dropout: fractions before the first layer, and of what the head reads of the topmost; None
    leaves it to `drops_ends` and the pooling. embedding_dropout, variational_dropout: see `StackShape`.
    tied_embeddings: the head's weights are the embedding's, which is as wide as the one layer that the head reads.
    precision: that of the factors of matrix products, a key of PRECISIONS; of networks in float64 it is that.
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
    drops_ends: bool = False
    word_dropout: float = 0.0
    characters: int = 0
    character_size: int = 0
    affixes: tuple[tuple[str, int], ...] = ()
    affix_size: int = 0
    crf: bool = False
    skip_connections: bool = False
    recurrence: Recurrence = PLAIN
    input_dropout: float | None = None
    output_dropout: float | None = None
    embedding_dropout: float = 0.0
    variational_dropout: bool = False
    tied_embeddings: bool = False
    precision: str = "float32"

    @property
    def dropped_of_input(self) -> float:
        if self.input_dropout is not None:
            return self.input_dropout
        # Numbers are left alone: of a level that is 0 at some steps and larger at all others little is learnt.
        looked_up = self.embedding_size is not None and self.input_size > self.fold_up_to
        vectors = self.token_input and (self.characters > 0 or looked_up)
        return self.dropout if self.drops_ends and vectors else 0.0

    @property
    def dropped_of_output(self) -> float:
        usual = self.dropout if self.drops_ends or self.pooling else 0.0
        return usual if self.output_dropout is None else self.output_dropout

    @property
    def layers_read(self) -> int:
        """The number of layers that the head reads, from the topmost on."""
        return self.num_layers if self.skip_connections else 1

    @property
    def stack(self) -> StackShape:
        size, tokens, embedding = self.input_size, self.token_input, self.embedding_size
        if self.characters:
            composed = 2 * self.character_size + len(self.affixes) * self.affix_size
            size, tokens, embedding = (self.embedding_size or 0) + composed, False, None
        return StackShape(
            cell=self.cell,
            input_size=size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            token_input=tokens,
            embedding_size=embedding,
            activation=self.activation,
            dropout=self.dropout,
            bidirectional=self.bidirectional,
            fold_up_to=self.fold_up_to,
            skip_connections=self.skip_connections,
            recurrence=self.recurrence,
            output_dropout=self.dropped_of_output,
            input_dropout=self.dropped_of_input,
            embedding_dropout=self.embedding_dropout,
            variational_dropout=self.variational_dropout,
            pools=self.pooling is not None,
            tied=self.tied_embeddings,
        )


class Model(Part):
    """The interface of every model for training and saving. `work` is of the kind that its own `workspace` returns.

    Call `pack` after every change of the parameters.
    """

    parameters: Parameters
    head: LinearHead

    def __init__(self, dtype: np.dtype, precision: str = "float32"):
        self.dtype = np.dtype(dtype)
        self.products = PRECISIONS[precision] if self.dtype == FLOAT32 else self.dtype

    @property
    def networks(self) -> tuple[Model, ...]:
        """The networks that it consists of, in the order of their weights: itself, unless it is an ensemble."""
        return (self,)

    def hold(self, *parts: Part) -> None:
        """Hold the parameters of these parts, in this order."""
        self.parts = parts
        self.parameters = Parameters(self.parameters_of_all(), self.dtype, self.products)

    def move(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Use these buffers (P,) for weights and gradients from now on; values are copied. Call `pack` afterwards."""
        self.parameters.move(weights, gradient)

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the arrays of a model file; ModelFileError names the first that is missing or misshapen."""
        try:
            self.parameters.load(arrays)
        except KeyError as missing:
            raise ModelFileError(f"the model file lacks {missing}; train again or restore a copy") from None
        except ValueError as wrong:
            raise ModelFileError(f"the model file is inconsistent: {wrong}; train again") from None
        self.pack()

    def pack(self, share: Share | None = None) -> None:
        """Refresh the packed weights, or a share of them; call after every change of the parameters."""
        super().pack(share or Share(0, 1))

    def words_of(self, work: Any) -> WordsOfBatch | None:
        """Return the word vectors that the sequences of a batch share and that are computed first, or None."""
        return None

    def chain_of(self, work: Any) -> Chain:
        """Return what the loss of a chain of tags reads beside the outputs; for a network that has one."""
        raise NotImplementedError

    def initialise(self, recurrent_init: str, recurrent_scale: float, seed: int, chrono: int | None = None) -> None:
        """Set the first weights from the seed; see `rnncli.nn.parameters`."""
        for one in self.parameters.declared:
            one.begin(Start(recurrent_init, recurrent_scale, seed, chrono))
        self.pack()

    def forward(self, work: Any, low: int, high: int) -> None:
        """Compute work.outputs (T, B, O) for sequences low ≤ b < high."""
        raise NotImplementedError

    def backward(self, work: Any, low: int, high: int) -> None:
        """Compute everything that the weights' gradients are made from, from dL/d(outputs) in work.outputs."""
        raise NotImplementedError

    def weight_gradients(self, work: Any, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all sequences."""
        raise NotImplementedError

    def finish_gradients(self, share: Share) -> None:
        """Complete this share of the gradients, after `weight_gradients` of all shares."""
        raise NotImplementedError

    def traces(self, work: Any) -> list[LayerTrace]:
        """Return the recurrent layers that a gradient flows through back in time; the last has the outputs' lengths."""
        raise NotImplementedError


class Network(Model):
    """The network of a `NetworkShape`, in float32 for use or float64 for checks."""

    def __init__(self, shape: NetworkShape, dtype: np.dtype = FLOAT32):
        super().__init__(dtype, shape.precision)
        self.shape = shape
        self.words = (
            WordVectors(
                shape.cell,
                shape.input_size,
                shape.embedding_size or 0,
                shape.characters,
                shape.character_size,
                affixes=shape.affixes,
                A=shape.affix_size,
            )
            if shape.characters
            else None
        )
        self.stack = Stack(shape.stack)
        width, below = self.stack.shape.width, range(shape.num_layers - shape.layers_read, shape.num_layers - 1)
        self.poolings: tuple[Pooling, ...] = ()  # of each layer that the head reads
        if shape.pooling:
            self.poolings = tuple(POOLINGS[shape.pooling](width, shape.hidden_size, l) for l in (*below, None))
        tied = self.stack.embedding if shape.tied_embeddings else None
        self.head = LinearHead(width, shape.output_size, shape.head_starts_at_zero, shape.layers_read, tied)
        self.crf = TagChain(shape.output_size) if shape.crf else None
        composed, chained = (() if part is None else (part,) for part in (self.words, self.crf))
        self.hold(*composed, self.stack, *self.poolings, self.head, *chained)

    @property
    def pooling(self) -> Pooling | None:
        """The pooling of the topmost layer, if there is one."""
        return self.poolings[-1] if self.poolings else None

    def workspace(self, T: int, B: int, head_steps: int, *, training: bool, input_gradient: bool = False) -> Workspace:
        """Return arrays for windows of up to T steps of B sequences, of which the head reads the last head_steps."""
        shape = self.shape
        input_gradient = input_gradient or self.words is not None
        return Workspace(
            **vars(self.stack.work(T, B, self.dtype, training=training, input_gradient=input_gradient)),
            words=self.words.work(T, B) if self.words else None,
            poolings=[PoolingWork.plan(T, B, self.stack.shape.width, self.dtype) for _ in self.poolings],
            crf=ChainWork.plan(T, B, shape.output_size) if shape.crf else None,
            outputs=zeros((head_steps, B, shape.output_size), self.dtype),
            head_from=T - head_steps,
        )

    def dropout_keys(self, seed: int, update: int) -> tuple[np.uint32, ...]:
        """Return the mask keys of an update, the topmost layer's being that of its pooling; none is kept."""
        return self.stack.dropout_keys(seed, update)

    def set_dropout(self, work: Workspace, seed: int, update: int) -> None:
        """Set the masks of this update in `work`."""
        self.stack.draw(work, seed, update)
        work.dropout_keys = self.dropout_keys(seed, update)

    def words_of(self, work: Workspace) -> WordsOfBatch | None:
        if self.words is None or work.words is None or work.dx is None:
            return None
        return WordsOfBatch(self.words, work.words, work.dx)

    def chain_of(self, work: Workspace) -> Chain:
        assert self.crf
        assert work.crf
        return self.crf.chain(work.crf, work.extent.lengths)

    def forward(self, work: Workspace, low: int, high: int) -> None:
        """Compute work.outputs for sequences low ≤ b < high from work.tokens or work.x and the states in row 0."""
        if self.words and work.words:
            self.words.gather(work.words, work.x, low, high)
        self.stack.forward(work, low, high)
        for pooling, pooled, layer in zip(self.poolings, work.poolings, self._read(work), strict=False):
            pooling.forward(layer.y, work.extent.lengths, pooled, low, high)
        if work.pooling is not None:
            self._drop_pooled(work, work.pooling.pooled, low, high)
        self.head.forward(self._head_inputs(work), work.outputs, low, high)
        if work.base is not None:
            work.outputs[0, low:high] += work.base[low:high]

    def backward(self, work: Workspace, low: int, high: int) -> None:
        """Compute da of every layer, dL/dh in dh, and dx if it is wanted, from dL/d(outputs) in work.outputs."""
        read = self._read(work)
        if work.pooling is not None:
            self.head.backward(work.outputs, [one.dpooled for one in work.poolings], low, high)
            self._drop_pooled(work, work.pooling.dpooled, low, high)
            for pooling, pooled, layer in zip(self.poolings, work.poolings, read, strict=True):
                pooling.backward(layer.y, work.extent.lengths, pooled, layer.doutput, low, high)
        else:
            for layer in read:
                layer.doutput[: work.head_from, low:high] = 0
            self.head.backward(work.outputs, [layer.doutput[work.head_from :] for layer in read], low, high)
        self.stack.backward(work, low, high)

    def weight_gradients(self, work: Workspace, share: Share) -> None:
        """Compute this share's columns of every parameter's gradient, after `backward` of all sequences."""
        self.stack.weight_gradients(work, share)
        self.head.weight_gradients(self._head_inputs(work), work.outputs, share)
        for pooling, pooled, layer in zip(self.poolings, work.poolings, self._read(work), strict=False):
            pooling.weight_gradients(layer.y, pooled, share)
        if self.crf and work.crf:
            self.crf.weight_gradients(work.crf, work.extent.lengths, work.outputs, share)

    def finish_gradients(self, share: Share) -> None:
        """Complete this share of the gradients, after `weight_gradients` of all shares."""
        self.stack.finish_gradients(share)
        self.head.finish_gradients(share)

    def traces(self, work: Workspace) -> list[LayerTrace]:
        return self.stack.traces(work)

    def _drop_pooled(self, work: Workspace, pooled: np.ndarray, low: int, high: int) -> None:
        if work.dropout_keys and self.shape.dropped_of_output:
            key = work.dropout_keys[self.shape.num_layers - 1]
            dropout.drop(self.shape.dropped_of_output, pooled, pooled, key, low, high)

    def _read(self, work: Workspace) -> list[LayerWork | BidirectionalWork]:
        """Return the layers that the head reads, the topmost last."""
        return work.layers[-self.shape.layers_read :]

    def _head_inputs(self, work: Workspace) -> list[np.ndarray]:
        if work.poolings:
            return [one.pooled for one in work.poolings]
        return [layer.y[work.head_from :] for layer in self._read(work)]
