"""Lossless coding of bytes by a network that learns as it goes, mixed with counts that do.

Both sides learn the same from what is already coded, so that nothing but the code need be kept. A network of a run
starts from what it was trained on, another one from nothing. A window of tokens is coded step by step, and then the
network learns it by truncated backpropagation through time, with earlier windows beside it, as of a text that is read
several times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnncli.data.text import as_bytes
from rnncli.data.vocabulary import Vocabulary
from rnncli.kernels import arithmetic_coder, coding, context_mixing
from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.workspace import Workspace
from rnncli.nn.writers import fresh_state, packed_weights
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool
from rnncli.training.optimizer import Optimizer

_RATES = np.array([2e-3, 1e-3], np.float32)  # of the two layers of the mix
_FEWEST, _MOST = 10, 22  # binary logarithms of the contexts of an order that are kept

Tell = Callable[[float], None]


@dataclass(frozen=True)
class Method:
    """How a network learns while it codes: B streams, T tokens of a window, and R earlier windows beside each."""

    streams: int
    window: int
    replays: int
    rate: float


FROM_NOTHING = Method(streams=2, window=20, replays=14, rate=3e-3)
FROM_A_RUN = Method(streams=4, window=20, replays=0, rate=3e-4)


class Codec:
    """A network and counts that code one text, and learn as they do, so that a codec is for one text.

    spelling: of the network's tokens. threads: of training; they change no byte.
    """

    def __init__(self, network: Network, spelling: coding.Spelling, method: Method, threads: int | None = None):
        self.network, self.spelling, self.method = network, spelling, method
        self._pool = ThreadPool(threads, network.dtype)
        self._backpropagation = Backpropagation(network, CROSS_ENTROPY, self._pool)
        self._optimizer = Optimizer("adam", network, None, self._pool)

    def encode(self, text: np.ndarray, tell: Tell) -> bytes:
        """Return the code of text (N,) uint8; `tell` is called with the share that is done."""
        coder = arithmetic_coder.encoder(8 * arithmetic_coder.BYTES_PER_BIT * len(text) + 1)
        self._run(False, coder, text.copy(), tell)  # which is written to where it is decoded
        return arithmetic_coder.finish(coder)

    def decode(self, code: bytes, size: int, tell: Tell) -> np.ndarray:
        """Return the text (size,) uint8 that `code` was made of."""
        text = np.zeros(size, np.uint8)
        self._run(True, arithmetic_coder.decoder(np.frombuffer(bytearray(code), np.uint8)), text, tell)
        return text

    def _run(self, decoding: bool, coder: arithmetic_coder.Coder, text: np.ndarray, tell: Tell) -> None:
        """Code all of `text` with `coder`, in streams that stand one after the other in it."""
        if not len(text):
            return
        T, B = self.method.window, min(self.method.streams, len(text))
        each = -(-len(text) // B)
        begins = np.minimum(np.arange(B) * each, len(text))
        place = coding.Place(text, begins.copy(), np.minimum(begins + each, len(text)))
        counts = context_mixing.fresh(_bits(len(text)), B)
        state = fresh_state(self.network.stack, self.network.head, B)
        sums = np.zeros(len(self.spelling.tokens) + 1, np.int64)
        lessons = _Lessons(self.network, self.method, B)
        before = np.zeros(B, np.int32)
        while (place.at < place.ends).any():
            tokens, targets = np.zeros((T + 1, B), np.int32), np.zeros((T, B), np.int32)
            tokens[0] = before
            weights = packed_weights(self.network.stack, self.network.head)
            coding.code(decoding, coder, counts, place, weights, state, self.spelling, sums, _RATES, tokens, targets)
            self._learn(lessons, tokens[:-1], targets)
            before = tokens[-1]
            tell(float((place.at - begins).sum() / len(text)))
        self._pool.close()

    def _learn(self, lessons: _Lessons, tokens: np.ndarray, targets: np.ndarray) -> None:
        work, wanted = lessons.next(tokens, targets)
        self._backpropagation.gradient(work, wanted, int((wanted != IGNORED).sum()))
        work.carry(len(tokens))
        self._optimizer.update(self.method.rate, self._optimizer.gradient_norms())


class _Lessons:
    """The windows that a network learns: those just coded, and beside them earlier ones, read again from some place on."""

    def __init__(self, network: Network, method: Method, B: int):
        T, R = method.window, method.replays
        self.work: Workspace = network.workspace(T, B + R, T, training=True)
        self.work.clear_state()
        self._tokens: list[np.ndarray] = []  # of each window so far (T, B)
        self._targets: list[np.ndarray] = []
        self._replayed = np.zeros((R, 2), np.int64)  # the window and the stream that come next
        self._random = np.random.Generator(np.random.PCG64(1))

    def next(self, tokens: np.ndarray, targets: np.ndarray) -> tuple[Workspace, np.ndarray]:
        """Return the arrays of the windows just coded, (T, B) each, and of others, with all of their targets."""
        T, B = targets.shape
        wanted = np.full((T, self.work.B), IGNORED, np.int32)
        self.work.tokens[:, :B], wanted[:, :B] = tokens, targets
        for r, (window, stream) in enumerate(self._replayed):
            if window == len(self._tokens):  # all is read, or none was yet
                window, stream = self._begin(B + r, B)
            if self._tokens:
                self.work.tokens[:, B + r] = self._tokens[window][:, stream]
                wanted[:, B + r] = self._targets[window][:, stream]
                self._replayed[r] = window + 1, stream
        self._tokens.append(tokens)
        self._targets.append(targets)
        return self.work, wanted

    def _begin(self, row: int, B: int) -> tuple[int, int]:
        """Return a window and a stream drawn at random, for a sequence that starts anew."""
        for layer in self.work.directions:
            for state in layer.states.values():
                state[0, row] = 0
        return int(self._random.integers(max(len(self._tokens), 1))), int(self._random.integers(B))


def untrained(threads: int | None = None) -> Codec:
    """Return a codec whose small network of bytes knows nothing."""
    shape = NetworkShape(cell="lstm", input_size=257, hidden_size=128, num_layers=1, output_size=257, token_input=True)
    network = Network(shape)
    network.initialise("orthogonal", 1.0, seed=1)
    return Codec(network, _spelling([bytes([byte]) for byte in range(256)], are_bytes=True), FROM_NOTHING, threads)


def of_model(network: Network, vocabulary: Vocabulary, threads: int | None = None) -> Codec:
    """Return a codec that begins with a trained network of the characters or bytes in a vocabulary."""
    are_bytes = vocabulary.kind == "byte"
    each = [token.encode("latin-1") if are_bytes else as_bytes(token) for token in vocabulary.tokens[1:]]
    return Codec(network, _spelling(each, are_bytes), FROM_A_RUN, threads)


def _spelling(each: list[bytes], are_bytes: bool) -> coding.Spelling:
    """Return the spelling of tokens 1, 2, …"""
    order = sorted(range(len(each)), key=each.__getitem__)
    spelled = np.zeros((len(each), max(map(len, each))), np.uint8)
    for rank, token in enumerate(order):
        spelled[rank, : len(each[token])] = list(each[token])
    sizes = np.array([len(each[token]) for token in order], np.int64)
    return coding.Spelling(np.array(order, np.int32) + 1, spelled, sizes, are_bytes)


def _bits(size: int) -> int:
    """Return the binary logarithm of the number of contexts to keep of an order, a quarter of the bytes."""
    return min(max((size - 1).bit_length() - 2, _FEWEST), _MOST)
