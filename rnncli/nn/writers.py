"""Networks that write: many tokens in one call, or the best answers.

The kernels are `rnncli.kernels.generation` and `rnncli.kernels.beam`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import beam, gemm, generation, sampling
from rnncli.nn.attention import AdditiveAttention, DotAttention
from rnncli.nn.encoder_decoder import EncoderDecoder, PairWork
from rnncli.nn.inputs import LinearHead, Projection, TokenRows
from rnncli.nn.network import Network
from rnncli.nn.stack import Stack
from rnncli.nn.workspace import LayerState


def packed_weights(stack: Stack, head: LinearHead) -> generation.Weights:
    """Return the weights as they are now, packed for `rnncli.kernels.generation`."""
    dtype, columns = head.bias.value.dtype, stack.layers[0].columns
    products = stack.layers[0].U.products
    first, above = stack.layers[0].input, [layer.input for layer in stack.layers[1:]]
    if isinstance(first, TokenRows):
        table, first_packed = first.table, np.zeros(0, products)
    else:
        assert isinstance(first, Projection)
        table, first_packed = stack.embedding.value, first.packed
    skips = [layer.skip for layer in stack.layers if layer.skip is not None]
    beside = [skip.table if isinstance(skip, TokenRows) else skip.packed[None] for skip in skips]
    packed = gemm.packed_like(stack.shape.hidden_size, columns, products)
    return generation.Weights(
        table=table,
        first=first_packed,
        above=np.stack([packed, *(i.packed for i in above if isinstance(i, Projection))])[1:],
        skips=np.stack(beside) if beside else np.zeros((0, 0, 0), dtype),
        recurrent=np.stack([layer.U_packed for layer in stack.layers]),
        bias=np.stack([layer.bias for layer in stack.layers]),
        bias_hh=np.stack([layer.b_hh.value for layer in stack.layers]),
        own=np.stack([layer.own_packed for layer in stack.layers]),
        activation=stack.activation,
        capped=stack.layers[0].capped,
        head=head.packed,
        head_bias=head.bias.value,
    )


def fresh_state(stack: Stack, head: LinearHead, B: int) -> generation.State:
    """Return arrays for B sequences, all states zero."""
    dtype, shape = head.bias.value.dtype, stack.shape
    return generation.State(
        arrays=stack.cell.zeros(1, B, shape.hidden_size, dtype, (shape.num_layers,)),
        x=np.zeros((1, B, shape.first_size if shape.gathers else 0), dtype),
        logits=np.zeros((1, B, head.O), dtype),
        active=np.full(1, B, np.int32),
    )


class TokenWriter:
    """A token network that writes B sequences at a time.

    It holds the weights as they are now, and the states of the B sequences.
    """

    def __init__(self, network: Network, B: int):
        self.weights = packed_weights(network.stack, network.head)
        self.state = fresh_state(network.stack, network.head, B)
        self._scratch = np.zeros(network.head.O), np.zeros(network.head.O, np.int64)

    def begin(self, state: Sequence[LayerState], logits: np.ndarray) -> None:
        """Start all sequences from the states (1, H) of every layer and the `logits` (V,) that follow them."""
        for l, given in enumerate(state):
            for array, values in zip(generation.states_of(self.state.arrays), given, strict=True):
                array[l, 0] = values
        self.state.logits[...] = logits

    def write(
        self,
        tokens: np.ndarray,
        seeds: np.ndarray,
        number: int,
        rules: sampling.Rules,
        past: generation.Past,
    ) -> None:
        """Write the next N tokens of every sequence to tokens (N, B) int32, from `number` on; seeds (B,) uint64."""
        generation.write(self.weights, self.state, tokens, seeds, number, rules, past, *self._scratch)


_UNKNOWN, _NO_TOKEN = 0, -1
_WAYS = {None: beam.NONE, "dot": beam.DOT, "additive": beam.ADDITIVE, "aligned": beam.ALIGNED}


@dataclass(frozen=True)
class Written:
    """One answer: its tokens (n,) without <end>, the log-probability of the whole answer, in nats, and for each token
    the source place (n,) that attention looked at most.
    """

    tokens: np.ndarray
    score: float
    places: np.ndarray


class PairWriter:
    """Encoder-decoders that write together the best answers to a batch of sources, with the weights as they are now.

    The probability of each token is the mean of those of all models.
    beams: the number of hypotheses that are kept. longest: the maximum number of tokens of an answer. copies: True if
    the unknown token may be written, to stand for the source token in its place: for one that is unknown itself, if
    the source has any.
    """

    def __init__(
        self, models: Sequence[EncoderDecoder], *, beams: int, longest: int, alpha: float, copies: bool = False
    ):
        self.models, self.K, self.N, self.alpha, self.copies = models, beams, longest, alpha, copies
        self.weights = [packed_weights(model.decoder, model.head) for model in models]

    def write(self, works: Sequence[PairWork]) -> list[list[Written]]:
        """Return the up to K best answers for each sequence, best first; each model must have read it into its work."""
        B, K, end = works[0].B, self.K, self.models[0].shape.end
        R = B * K
        states = [self._first_state(model, work) for model, work in zip(self.models, works, strict=True)]
        sights = [self._sight(model, work) for model, work in zip(self.models, works, strict=True)]
        records, live, found = beam.fresh_records(self.N, R), beam.fresh_live(R, K), beam.fresh_found(B, K)
        previous, looked = np.full((1, R), end, np.int32), np.zeros(R, np.int32)
        excluded = _NO_TOKEN if self.copies else _UNKNOWN
        for n in range(self.N):
            for weights, state, sight in zip(self.weights, states, sights, strict=True):
                beam.say(weights, state, sight, previous)
            beam.look(_summed([sight.weights for sight in sights])[0], sights[0], looked)
            running = beam.choose(n, _averaged(states), looked, end, excluded, self.alpha, records, live, found)
            previous[0] = records.tokens[n]
            for state, sight in zip(states, sights, strict=True):
                beam.follow(state.arrays, sight, records.parents[n])
            if not running:
                break
        else:
            beam.finish_all(self.N, self.alpha, live, found)
        return [[_traced(records, found, b, k) for k in range(found.finished[b])] for b in range(B)]

    def _first_state(self, model: EncoderDecoder, work: PairWork) -> generation.State:
        """Return the decoder's states of all rows, after what it was given."""
        state = fresh_state(model.decoder, model.head, work.B * self.K)
        for l, layer in enumerate(work.decoder.directions):
            state.arrays.h[l, 0] = layer.h[0].repeat(self.K, axis=0)
        return state

    def _sight(self, model: EncoderDecoder, work: PairWork) -> beam.Sight:
        R = work.B * self.K
        dtype = model.dtype

        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, dtype)

        ones, flat, deep = np.ones(R, np.int32), zeros(0), zeros(0, 0, 0)
        none = np.zeros(0, model.products)
        attention = model.attention
        if attention is None or work.attention is None or work.encoder is None:
            return beam.Sight(
                way=beam.NONE,
                memory=deep,
                keys=deep,
                lengths=ones,
                ones=ones,
                query_packed=none,
                no_bias=flat,
                energy=flat,
                combine_packed=none,
                combine_bias=flat,
                query=deep,
                raised=zeros(0, 0),
                weights=zeros(1, 0, 0),
                joined=deep,
                combined=deep,
                copied=np.zeros((0, 0), bool),
                places=np.zeros((1, R), np.int32),
            )
        A, H, memory = attention.A, attention.H, work.encoder.y.repeat(self.K, axis=1)
        asking = attention if isinstance(attention, DotAttention) else None
        return beam.Sight(
            way=_WAYS[model.shape.attention],
            memory=memory,
            keys=work.attention.keys.repeat(self.K, axis=1),
            lengths=work.encoder.extent.lengths.repeat(self.K),
            ones=ones,
            query_packed=asking.query.packed if asking else none,
            no_bias=asking.no_bias if asking else flat,
            energy=attention.energy.value if isinstance(attention, AdditiveAttention) else flat,
            combine_packed=attention.combine.projection.packed,
            combine_bias=attention.combine.bias.value,
            query=zeros(1, R, A),
            raised=zeros(R, A),
            weights=zeros(1, R, len(memory)),
            joined=zeros(1, R, H + attention.F),
            combined=zeros(1, R, H),
            copied=_copied(work.encoder.tokens, work.encoder.extent.lengths).repeat(self.K, axis=0),
            places=np.zeros((1, R), np.int32),
        )


def _averaged(states: Sequence[generation.State]) -> np.ndarray:
    """Return outputs (R, V) whose softmax is the mean of what all networks say; of one network, what it says."""
    if len(states) == 1:
        return states[0].logits[0]
    logits = np.concatenate([state.logits for state in states])
    outputs = np.empty_like(logits[0])
    beam.average(logits, outputs)
    return outputs


def _summed(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sum of arrays of one shape; a single one as it is."""
    return arrays[0] if len(arrays) == 1 else sum(arrays[1:], arrays[0])


def _traced(records: beam.Records, found: beam.Found, b: int, k: int) -> Written:
    step = int(found.step[b, k])
    tokens, places = np.zeros(step + 1, np.int32), np.zeros(step + 1, np.int32)
    beam.trace(records, step, found.row[b, k], tokens, places)
    return Written(tokens, float(found.score[b, k]), places)


def _copied(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return which tokens (S, B) of sources may be copied, (B, S): the unknown ones, or all of a source without any."""
    inside = np.arange(len(tokens)) < lengths[:, None]
    unknown = (tokens.T == _UNKNOWN) & inside
    return np.where(unknown.any(axis=1, keepdims=True), unknown, inside)
