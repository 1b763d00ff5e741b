"""First values of the weights: from the seed alone, the same bits on every machine.

Input and output weights are uniform in ±1/√H as in PyTorch, a token's row of them in ±1, its vector too, but where
there are many in ±0.1; recurrent weights follow `model.recurrent_init`, one H×H block per gate, times
`model.recurrent_scale`; biases start at zero but for the cell's own `initial_bias`, or follow `model.chrono_init`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rnncli.kernels import random
from rnncli.kernels.elementary import log
from rnncli.nn.parameters import First, Start

# Independent random streams of a seed, one for each parameter of a model. Those of a stack follow from its place.
HEAD, WORDS, POOLING = 1, 2, 3
START, QUERY, COMBINE, KEY, ENERGY = 4, 5, 6, 7, 8  # of an encoder-decoder
SEGMENT, POSITION, CHANNEL = 5, 6, 7  # of a segment network


def embedding_stream(place: int) -> int:
    """The stream of the embedding of a stack."""
    return 2 + 10 * place


def layer_stream(place: int, layer: int, *, reverse: bool) -> int:
    """The first of a layer's: W, then U gate by gate; 50 on its memories, from 100 on the cell's own parameters."""
    return 100_000 * place + 1000 * (layer + 1) + (500 if reverse else 0)


EMBEDDING = 0.1  # of many tokens: as large as ±1, vectors of seldom words are noise that training does not remove


def within(limit: float, stream: int) -> First:
    """First values uniform in ±limit."""
    return lambda shape, start: uniform(shape, limit, start.seed, stream)


def uniform(shape: tuple[int, ...], limit: float, seed: int, stream: int) -> np.ndarray:
    """float64 uniform in ±limit; number `stream` of the seed's independent streams."""
    values = np.empty(math.prod(shape))
    random.fill_uniform(values, seed, stream, limit)
    return values.reshape(shape)


def orthogonal_block(size: int, seed: int, stream: int) -> np.ndarray:
    """A random orthogonal matrix (Saxe et al., 2014)."""
    block = uniform((size, size), 1.0, seed, stream)
    random.orthogonalise(block)
    return block


def xavier_block(size: int, seed: int, stream: int) -> np.ndarray:
    """Glorot and Bengio (2010): variance 1/size."""
    return uniform((size, size), math.sqrt(3.0 / size), seed, stream)


def uniform_block(size: int, seed: int, stream: int) -> np.ndarray:
    """PyTorch's default: ±1/√size."""
    return uniform((size, size), 1.0 / math.sqrt(size), seed, stream)


RECURRENT_INITS: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "orthogonal": orthogonal_block,
    "xavier": xavier_block,
    "uniform": uniform_block,
}


def chrono(size: int, longest: int, seed: int, stream: int) -> np.ndarray:
    """log of a memory in steps, uniform between 1 and longest − 1, for each unit (Tallec and Ollivier, 2018)."""
    memories = 1 + (longest - 2) * (uniform((size,), 1.0, seed, stream) + 1) / 2
    return np.array([log(memory) for memory in memories])


def recurrent(gates: int, size: int, stream: int) -> First:
    """First values of U (size, gates·size): one scaled block per gate."""

    def first(shape: tuple[int, ...], start: Start) -> np.ndarray:
        block = RECURRENT_INITS[start.recurrent_init]
        blocks = [start.recurrent_scale * block(size, start.seed, stream + gate) for gate in range(gates)]
        return np.concatenate(blocks).T

    return first


def gate_bias(usual: tuple[float, ...], signs: tuple[int, ...], size: int, stream: int | None) -> First:
    """First values of b_ih: of each gate the usual one, or by its sign memories that are drawn from the stream."""

    def first(shape: tuple[int, ...], start: Start) -> np.ndarray:
        if start.chrono is None or stream is None:
            return np.repeat(usual, size)
        memory = chrono(size, start.chrono, start.seed, stream)
        return np.concatenate([sign * memory for sign in signs])

    return first
