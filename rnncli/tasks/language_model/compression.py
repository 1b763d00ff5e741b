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
    """How a network learns while it codes: T tokens of a window, R earlier windows beside each, and the rate."""

    window: int
    replays: int
    rate: float


FROM_NOTHING = Method(window=10, replays=7, rate=3e-3)
FROM_A_RUN = Method(window=20, replays=0, rate=3e-4)


class Codec:
    """A network and counts that code one text, and learn as they do, so that a codec is for one text.

    spelling: of the network's tokens. threads: of training; they change no byte.
    """

    def __init__(self, network: Network, spelling: coding.Spelling, method: Method, threads: int | None = None):
        self.network, self.spelling, self.method = network, spelling, method
        self._pool = ThreadPool(threads)
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
        """Code all of `text` with `coder`."""
        counts = context_mixing.fresh(_bits(len(text)))
        state = fresh_state(self.network.stack, self.network.head, 1)
        sums = np.zeros(len(self.spelling.tokens) + 1, np.int64)
        lessons = _Lessons(self.network, self.method)
        at, last = 0, 0
        while at < len(text):
            tokens = np.full((self.method.window + 1, 1), last, np.int32)
            weights = packed_weights(self.network.stack, self.network.head)
            count, at = coding.code(
                decoding, coder, counts, text, at, weights, state, self.spelling, sums, _RATES, tokens
            )
            self._learn(lessons, tokens[: count + 1, 0])
            last = int(tokens[-1, 0])
            tell(at / len(text))
        self._pool.close()

    def _learn(self, lessons: _Lessons, tokens: np.ndarray) -> None:
        """Learn to predict each of the tokens but the first."""
        work, targets = lessons.next(tokens)
        self._backpropagation.gradient(work, targets, int((targets != IGNORED).sum()))
        work.carry(self.method.window)
        self._optimizer.update(self.method.rate, self._optimizer.gradient_norms())


class _Lessons:
    """The windows that a network learns: those just coded, and beside them earlier ones, read again."""

    def __init__(self, network: Network, method: Method):
        T, B = method.window, 1 + method.replays
        self._work: Workspace = network.workspace(T, B, T, training=False)  # without dropout
        self._work.clear_state()
        self._windows: list[np.ndarray] = []  # the tokens of each so far, and the one before them
        self._following = [0] * method.replays  # the window that each replay reads next
        self._random = np.random.Generator(np.random.PCG64(1))

    def next(self, tokens: np.ndarray) -> tuple[Workspace, np.ndarray]:
        """Return the arrays of the window just coded and of its replays, and their targets."""
        work = self._work
        targets = np.full((work.T, work.B), IGNORED, np.int32)
        self._place(tokens, 0, targets)
        for r, window in enumerate(self._following if self._windows else [], start=1):
            if window == len(self._windows):  # it has caught up
                window = int(self._random.integers(len(self._windows)))
                for layer in work.directions:
                    for state in layer.states.values():
                        state[0, r] = 0
            self._place(self._windows[window], r, targets)
            self._following[r - 1] = window + 1
        self._windows.append(tokens)
        return work, targets

    def _place(self, tokens: np.ndarray, b: int, targets: np.ndarray) -> None:
        work, T = self._work, len(tokens) - 1
        work.tokens[:, b] = 0
        work.tokens[:T, b], targets[:T, b] = tokens[:-1], tokens[1:]


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
