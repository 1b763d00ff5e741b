"""Parameters, declared by the parts that use them and held in one flat buffer, with another one for the gradients.

Inside, a matrix that PyTorch stores as (out, in) is stored transposed, (in, out), which the kernels prefer. Outside,
in model files and tables, every array has PyTorch's name, shape and layout, so that `load_state_dict` takes it.

First values come from the seed alone, the same bits on every machine. Input and output weights are uniform in ±1/√H
as in PyTorch, but input weights of one-hot tokens in ±1; embeddings are uniform in ±1, or in ±0.1 if there are many
tokens. Recurrent weights follow `model.recurrent_init`, one H×H block per gate, times `model.recurrent_scale`.
Biases start at zero, except for the cell's own `initial_bias`, or follow `model.chrono_init`.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rnncli.kernels import gemm, random
from rnncli.kernels.buffers import zeros
from rnncli.kernels.elementary import log


class Copies:
    """Memory for copies that are soon forgotten; pages that are new each time would take as long as what is computed
    of them (two groups of a 2 × 128 lstm: 35 ms an update, and 45 with new pages).
    """

    def __init__(self) -> None:
        self._bytes, self._taken = np.zeros(0, np.uint8), 0

    def clear(self) -> None:
        """Forget all copies, and have room for as many from now on."""
        if self._taken > self._bytes.size:
            self._bytes = np.zeros(self._taken, np.uint8)
        self._taken = 0

    def copy(self, x: np.ndarray) -> np.ndarray:
        """Return a contiguous copy."""
        first, last = self._taken, self._taken + x.nbytes
        self._taken += -(-x.nbytes // _LINE) * _LINE
        fits = last <= self._bytes.size
        copied = self._bytes[first:last].view(x.dtype).reshape(x.shape) if fits else np.empty(x.shape, x.dtype)
        copied[...] = x
        return copied


class Share:
    """One thread's share of the output columns of every weight, in units of a vector, and its scratch.

    Work is divided by output columns so that every sum of a gradient stays one chain. sequences: the first of those
    that are summed over, and the one after the last; None for all of a batch.
    """

    def __init__(self, index: int, count: int):
        self.index, self.count = index, count
        self.sequences: tuple[int, int] | None = None
        self._copies = Copies()
        self._parts: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
        self._scratch: dict[np.dtype, np.ndarray] = {}

    def scratch(self, products: np.dtype) -> np.ndarray:
        """Return what products of this kind pack in; see `Parameter.products`."""
        if products not in self._scratch:
            self._scratch[products] = gemm.scratch_like(products)
        return self._scratch[products]

    def over(self, low: int, high: int) -> Share:
        """Return the same share with the same scratch, for sums over the sequences low ≤ b < high alone.

        It takes the place of the one that was returned before, whose parts are overwritten.
        """
        self._copies.clear()
        return self._for((low, high))

    def times(self, n: int) -> Share:
        """Return the same share for a batch that has n sequences in place of each."""
        return self if self.sequences is None else self._for((n * self.sequences[0], n * self.sequences[1]))

    def _for(self, sequences: tuple[int, int]) -> Share:
        share = copy.copy(self)
        share.sequences, share._parts = sequences, {}
        return share

    def part(self, x: np.ndarray) -> np.ndarray:
        """Return x (T, B, …) of the sequences that are summed over: a copy, unless that is all of it.

        It is made once for each x, which is therefore no array that is dropped before the sums are done.
        """
        if self.sequences is None:
            return x
        key = x.ctypes.data, x.shape
        if key not in self._parts:
            self._parts[key] = self._copies.copy(x[:, slice(*self.sequences)])
        return self._parts[key]

    def rows(self, x: np.ndarray) -> np.ndarray:
        """Return the rows (R, N) of x (T, B, N) that are summed over."""
        return self.part(x).reshape(-1, x.shape[2])

    def split(self, n: int) -> tuple[int, int]:
        """Return (first, last), the range of n units that this thread works on."""
        return n * self.index // self.count, n * (self.index + 1) // self.count

    def panels(self, columns: int) -> tuple[int, int]:
        return self.split(gemm.panels(columns))

    def columns(self, columns: int) -> tuple[int, int]:
        first, last = self.split(-(-columns // gemm.UNIT))
        return min(first * gemm.UNIT, columns), min(last * gemm.UNIT, columns)


# Independent random streams of a seed, one for each parameter of a model. Those of a stack follow from its place.
HEAD, WORDS, POOLING = 1, 2, 3
POOLING_BELOW = 70  # of the layers below the topmost, and those that follow
START, QUERY, COMBINE, KEY, ENERGY = 4, 5, 6, 7, 8  # of an encoder-decoder
SEGMENT, POSITION, CHANNEL = 5, 6, 7  # of a segment network
AFFIXES = 50  # of words, and those that follow


def embedding_stream(place: int) -> int:
    """Return the random stream of a stack's embedding."""
    return 2 + 10 * place


def layer_stream(place: int, layer: int, *, reverse: bool) -> int:
    """Return the first random stream of a layer, that of W; the streams of U follow, gate by gate.

    The stream 40 higher is that of its skip connection, the one 50 higher that of its memories, the two from 60 higher
    on are those of its recurrence's masks, and those from 100 higher on are for the cell's own parameters.
    """
    return 100_000 * place + 1000 * (layer + 1) + (500 if reverse else 0)


_LINE = 64  # bytes: where arrays begin
EMBEDDING = 0.1  # of many tokens: as large as ±1, vectors of seldom words are noise that training does not remove


def within(limit: float, stream: int) -> First:
    """Return a `First` whose values are uniform in ±limit."""
    return lambda shape, start: uniform(shape, limit, start.seed, stream)


def uniform(shape: tuple[int, ...], limit: float, seed: int, stream: int) -> np.ndarray:
    """Return float64 values uniform in ±limit, from number `stream` of the seed's independent streams."""
    values = np.empty(math.prod(shape))
    random.fill_uniform(values, seed, stream, limit)
    return values.reshape(shape)


def orthogonal_block(size: int, seed: int, stream: int) -> np.ndarray:
    """Return a random orthogonal matrix (Saxe et al., 2014)."""
    block = uniform((size, size), 1.0, seed, stream)
    random.orthogonalise(block)
    return block


def xavier_block(size: int, seed: int, stream: int) -> np.ndarray:
    """Return a uniform random matrix of variance 1/size (Glorot and Bengio, 2010)."""
    return uniform((size, size), math.sqrt(3.0 / size), seed, stream)


def uniform_block(size: int, seed: int, stream: int) -> np.ndarray:
    """Return a random matrix uniform in ±1/√size, PyTorch's default."""
    return uniform((size, size), 1.0 / math.sqrt(size), seed, stream)


RECURRENT_INITS: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "orthogonal": orthogonal_block,
    "xavier": xavier_block,
    "uniform": uniform_block,
}


def chrono(size: int, longest: int, seed: int, stream: int) -> np.ndarray:
    """Return for each unit the log of a memory, uniform between 1 and longest − 1 steps (Tallec and Ollivier, 2018)."""
    memories = 1 + (longest - 2) * (uniform((size,), 1.0, seed, stream) + 1) / 2
    return np.array([log(memory) for memory in memories])


def recurrent(gates: int, size: int, stream: int) -> First:
    """Return the `First` of U (size, gates·size): one scaled block per gate."""

    def first(shape: tuple[int, ...], start: Start) -> np.ndarray:
        block = RECURRENT_INITS[start.recurrent_init]
        blocks = [start.recurrent_scale * block(size, start.seed, stream + gate) for gate in range(gates)]
        return np.concatenate(blocks).T

    return first


def gate_bias(usual: tuple[float, ...], signs: tuple[int, ...], size: int, stream: int | None) -> First:
    """Return the `First` of b_ih: the usual value of each gate.

    If the start has `chrono`, it is the gate's sign times the logs of memories that are drawn from the stream.
    """

    def first(shape: tuple[int, ...], start: Start) -> np.ndarray:
        if start.chrono is None or stream is None:
            return np.repeat(usual, size)
        memory = chrono(size, start.chrono, start.seed, stream)
        return np.concatenate([sign * memory for sign in signs])

    return first


@dataclass(frozen=True)
class Start:
    """The settings that determine the first values of all parameters; see `rnncli.nn.parameters`."""

    recurrent_init: str
    recurrent_scale: float
    seed: int
    chrono: int | None = None


First = Callable[[tuple[int, ...], Start], "np.ndarray | float"]  # an inner shape, a start → what is assigned to it


def zero(shape: tuple[int, ...], start: Start) -> float:
    return 0.0


@dataclass(eq=False)
class Parameter:
    """A parameter, declared by the part that uses it: its PyTorch name and shape, and its first values.

    transposed: True if it is stored transposed inside. frozen: True if training leaves it as it is. `value` and
    `gradient` are views of the inner shape, set when a `Parameters` holds it; `products` is then the kind of its
    products with other matrices, as the type that `gemm` packs it in.
    """

    name: str
    shape: tuple[int, ...]
    first: First = zero
    transposed: bool = False
    frozen: bool = False
    value: np.ndarray = field(init=False, repr=False)
    gradient: np.ndarray = field(init=False, repr=False)
    products: np.dtype = field(init=False, repr=False)

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return self.shape[::-1] if self.transposed else self.shape

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def begin(self, start: Start) -> None:
        self.value[...] = self.first(self.inner_shape, start)


@dataclass(frozen=True)
class Rows:
    """Rows of a parameter's inner layout, `count` of them from `first` on: a matrix of its own where it is used."""

    of: Parameter
    first: int
    count: int

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return (self.count, *self.of.inner_shape[1:])

    @property
    def value(self) -> np.ndarray:
        return self.of.value[self.first : self.first + self.count]

    @property
    def products(self) -> np.dtype:
        return self.of.products

    @property
    def gradient(self) -> np.ndarray:
        return self.of.gradient[self.first : self.first + self.count]


class Part:
    """A part of a model: the parameters that it declares and the parts that it consists of, in the file's order."""

    declared: tuple[Parameter, ...] = ()
    parts: tuple[Part, ...] = ()

    def parameters_of_all(self) -> list[Parameter]:
        """Return its own parameters, then those of its parts."""
        return [*self.declared, *(one for part in self.parts for one in part.parameters_of_all())]

    def pack(self, share: Share) -> None:
        """Refresh this share of the arrays that are derived from the weights."""
        for part in self.parts:
            part.pack(share)

    @property
    def sums(self) -> list[np.ndarray]:
        """Its own sums over a batch that are no gradients of parameters; `finish_gradients` makes such of them."""
        return []

    def sums_of_all(self) -> list[np.ndarray]:
        """Return its own sums, then those of its parts."""
        return [*self.sums, *(one for part in self.parts for one in part.sums_of_all())]


class Parameters:
    """The weights and gradients of a model.

    weights, gradient (P,) are flat and C-contiguous; `view` and `gradient_view` return inner-layout views by name.
    """

    def __init__(self, declared: Iterable[Parameter], dtype: np.dtype, products: np.dtype | None = None):
        self.declared = tuple(declared)
        for one in self.declared:
            one.products = dtype if products is None else products
        size = sum(one.size for one in self.declared)
        self._take(zeros((size,), dtype), zeros((size,), dtype))

    def move(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Use these buffers from now on, with the same values. Views taken before stay with the old buffers."""
        weights[...], gradient[...] = self.weights, self.gradient
        self._take(weights, gradient)

    def _take(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        self.weights, self.gradient = weights, gradient
        offset = 0
        for one in self.declared:
            place = slice(offset, offset + one.size)
            one.value = self.weights[place].reshape(one.inner_shape)
            one.gradient = self.gradient[place].reshape(one.inner_shape)
            offset += one.size

    @property
    def trained(self) -> list[slice]:
        """The places in the flat buffers of all parameters that are not frozen, neighbours together."""
        ends = list(itertools.accumulate((one.size for one in self.declared), initial=0))
        spans: list[slice] = []
        for frozen, run in itertools.groupby(range(len(self.declared)), lambda i: self.declared[i].frozen):
            places = list(run)
            if not frozen:
                spans.append(slice(ends[places[0]], ends[places[-1] + 1]))
        return spans

    def named(self, name: str) -> Parameter:
        return next(one for one in self.declared if one.name == name)

    def view(self, name: str) -> np.ndarray:
        return self.named(name).value

    def gradient_view(self, name: str) -> np.ndarray:
        return self.named(name).gradient

    def export(self) -> dict[str, np.ndarray]:
        """Return every weight by name in PyTorch's shape, as contiguous copies."""
        return {one.name: _outside(one, one.value) for one in self.declared}

    def export_gradients(self) -> dict[str, np.ndarray]:
        """Return every gradient by name in PyTorch's shape, as contiguous copies."""
        return {one.name: _outside(one, one.gradient) for one in self.declared}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take weights in PyTorch's shapes. KeyError or ValueError names the one that is missing or misshapen."""
        for one in self.declared:
            array = arrays[one.name]
            if array.shape != one.shape:
                raise ValueError(f"{one.name} has shape {array.shape}, this model needs {one.shape}")
            if array.dtype not in (np.float32, np.float64):
                raise ValueError(f"{one.name} is of type {array.dtype}, this model needs float32")
            one.value[...] = array.T if one.transposed else array


def _outside(one: Parameter, array: np.ndarray) -> np.ndarray:
    return np.array(array.T if one.transposed else array, order="C")
