"""Prediction of the next bit of a text from counts of what followed its contexts, mixed with what a network says.

Each context (the last 1 to 6 or 8 bytes, the word so far, or that and the word before it) has adaptive
probabilities, one for each prefix of the byte that follows, and beside each the last bits that were seen there, which
have a probability of their own. A match model follows the longest earlier passage that ends as the text does. Logistic
mixing (Mahoney, 2005) weighs all of them, its weights learn from every bit, and adaptive probability maps correct the
result. The sums are fused multiply-adds in one order, so that all machines compute the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.arithmetic_coder import ONE
from rnncli.kernels.elementary import exp, fma, log
from rnncli.kernels.jit import jit

f32, u64 = np.float32, np.uint64

ORDERS = 9  # bytes of context 1 to 6, 8, the word so far, and the word before it too
_WORD, _TWO_WORDS = 7, 8
INPUTS = 2 * ORDERS + 5  # of each order two; order 0; of the match two; of the network; and a bias
MATCH, NETWORK, BIAS, ZERO = 2 * ORDERS, 2 * ORDERS + 2, 2 * ORDERS + 3, 2 * ORDERS + 4
SETS = 3  # of weights: by the bits before in this byte, by the byte before, by the match
LIMIT = f32(11.5)  # of a logit: the coder knows no rarer bit
_RATE_LIMIT = 255  # of a probability's count, which ends at a mean over so many bits
_CELL = 16  # entries of a context and half a byte: its check, and 15 prefixes of 0 to 3 bits
_STEPS = 33  # of a curve, from a logit of −8 to 8
_MINIMUM = 5  # bytes of a match
_LONGEST = 32
_HALF = np.uint32(1 << 31)  # a probability of a half that nothing was seen of


class Mixing(NamedTuple):
    """What is learnt of a text."""

    cells: np.ndarray  # (ORDERS, cells, 16) uint32: probability · 2^16, count and last bits; [0] the check
    histories: np.ndarray  # (ORDERS, 256) uint32: probability · 2^22 and count after the last bits of a context
    first: np.ndarray  # (256,) uint32: those of order 0
    matches: np.ndarray  # (64,) uint32: by the length of the match, that its bit comes
    places: np.ndarray  # (hashes,) int64: where each hash of the last bytes was seen last, plus 1
    weights: np.ndarray  # (SETS, 1024, INPUTS) float32
    final: np.ndarray  # (256, SETS) float32
    curves: np.ndarray  # (2, 65536, _STEPS) float32: by context, what a probability of the mix turned out to be
    stretched: np.ndarray  # (4096,) float32: ln(p / (1 − p))


class Contexts(NamedTuple):
    """What was read last."""

    last: np.ndarray  # (1,) uint64: the last 8 bytes
    words: np.ndarray  # (2,) uint64: hashes of the word so far and of the one before it
    match: np.ndarray  # (2,) int64: the place that follows an earlier passage, or −1, and the passage's length


class Bit(NamedTuple):
    """What the prediction of one bit was made from."""

    cells: np.ndarray  # (ORDERS,) int64: where the contexts are kept
    hashes: np.ndarray  # (ORDERS,) uint64: of the contexts
    inputs: np.ndarray  # (INPUTS,) float32: logits
    sets: np.ndarray  # (SETS,) int64: the weights in use
    outputs: np.ndarray  # (SETS,) float32: logits
    now: np.ndarray  # (5,) int64; see PARTIAL
    shares: np.ndarray  # (2,) float32; see MIXED


# The bits of this byte so far after a leading 1; the expected byte after a 1, or 0; the two curves that correct the
# mix, and the step on them.
PARTIAL, EXPECTED, FIRST_CURVE, SECOND_CURVE, STEP = range(5)
MIXED, BETWEEN = range(2)  # the probability of the mix; how far it is from a step of the curves to the next


def fresh(bits: int) -> tuple[Mixing, Contexts, Bit]:
    """Return what knows nothing, with 2^bits cells for each order."""
    cells = np.zeros((ORDERS, 1 << bits, _CELL), np.uint32)
    cells[:, :, 1:] = _HALF
    steps = (np.arange(_STEPS) - _STEPS // 2) / 2
    curves = np.empty((2, 1 << 16, _STEPS), f32)
    curves[...] = [_logistic(f32(step)) for step in steps]
    weights = np.full((SETS, 1024, INPUTS), f32(0.15), f32)
    return (
        Mixing(
            cells,
            np.full((ORDERS, 256), _HALF),
            np.full(256, _HALF),
            np.full(64, _HALF),
            np.zeros(1 << min(bits + 2, 22), np.int64),
            weights,
            np.full((256, SETS), f32(1 / SETS), f32),
            curves,
            _stretched(),
        ),
        Contexts(np.zeros(1, u64), np.zeros(2, u64), np.array([-1, 0])),
        Bit(
            np.zeros(ORDERS, np.int64),
            np.zeros(ORDERS, u64),
            np.zeros(INPUTS, f32),
            np.zeros(SETS, np.int64),
            np.zeros(SETS, f32),
            np.zeros(5, np.int64),
            np.zeros(2, f32),
        ),
    )


@jit
def _stretched():
    table = np.empty(4096, f32)
    for i in range(table.size):
        table[i] = f32(log((i + 0.5) / (4095.5 - i)))
    return table


@jit
def _logistic(x):
    return f32(1) / (f32(1) + exp(-x))


@jit
def _mixed(h):
    """Return a hash of a number in which every bit counts."""
    h = (h ^ (h >> u64(31))) * u64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> u64(29))) * u64(0xBF58476D1CE4E5B9)
    return h ^ (h >> u64(32))


@jit
def begin_byte(mixing, contexts, bit, text):
    """Look up the contexts of a byte that begins; the bytes before it stand in `text`."""
    last = contexts.last[0]
    for i in range(ORDERS):
        if i == _WORD:
            context = contexts.words[0] ^ (last & u64(0xFF)) << u64(56)
        elif i == _TWO_WORDS:
            context = contexts.words[0] * u64(0x2545F4914F6CDD1D) ^ contexts.words[1]
        else:
            bytes_of = i + 1 if i < 6 else 8
            context = last if bytes_of == 8 else last & ((u64(1) << u64(8 * bytes_of)) - u64(1))
        bit.hashes[i] = _mixed(context + u64(i + 1) * u64(0xD6E8FEB86659FD93))
        bit.cells[i] = _cell(mixing.cells[i], bit.hashes[i])
    bit.now[PARTIAL] = 1
    place = contexts.match[0]
    bit.now[EXPECTED] = np.int64(text[place]) | 256 if place >= 0 else 0


@jit
def middle_of_byte(mixing, bit):
    """Look up the contexts after half of a byte."""
    for i in range(ORDERS):
        h = _mixed(bit.hashes[i] + u64(bit.now[PARTIAL]) * u64(0x9FB21C651E98DF25))
        bit.cells[i] = _cell(mixing.cells[i], h)


@jit
def _cell(cells, h):
    """Return the cell of a context with this hash: its own, or one of two of which the less used is emptied."""
    check = np.uint32(h >> u64(40)) | np.uint32(1)
    place = np.int64(h & u64(cells.shape[0] - 1))
    other = place ^ 1
    if cells[place, 0] == check:
        return place
    if cells[other, 0] == check:
        return other
    if (cells[place, 1] & np.uint32(0xFF00)) > (cells[other, 1] & np.uint32(0xFF00)):
        place = other
    cells[place, 0] = check
    for j in range(1, _CELL):
        cells[place, j] = _HALF
    return place


@jit
def _node(partial):
    """Return the entry of a cell for the bits so far, which have a leading 1, of this half of the byte."""
    if partial < 16:
        return partial
    depth = _depth(partial) - 4
    return 1 << depth | partial & ((1 << depth) - 1)


@jit
def predict(mixing, contexts, bit, network):
    """Return the probability of a 1 as the next bit in units of 2^−16; network: the logit that a network gives it."""
    x, partial, stretched = bit.inputs, bit.now[PARTIAL], mixing.stretched
    node = _node(partial)
    for i in range(ORDERS):
        entry = mixing.cells[i, bit.cells[i], node]
        history = entry & np.uint32(255)
        seen = entry & np.uint32(0xFF00)
        x[2 * i] = stretched[entry >> np.uint32(20)] if seen else f32(0)
        x[2 * i + 1] = stretched[mixing.histories[i, history] >> np.uint32(20)] if seen else f32(0)
    x[ZERO] = stretched[mixing.first[partial] >> np.uint32(20)]
    length = np.int64(0)
    x[MATCH] = x[MATCH + 1] = f32(0)
    expected = bit.now[EXPECTED]
    depth = _depth(partial)
    if expected and (expected >> (8 - depth)) == partial:
        length = min(contexts.match[1], _LONGEST)
        logit = stretched[mixing.matches[length] >> np.uint32(20)]
        sign = f32(1) if expected >> (7 - depth) & 1 else f32(-1)
        x[MATCH] = sign * logit
        x[MATCH + 1] = sign * f32(min(length, 16)) * f32(0.125)
    x[NETWORK] = network
    x[BIAS] = f32(0.3)
    bit.sets[0] = partial
    bit.sets[1] = np.int64(contexts.last[0] & u64(0xFF))
    bit.sets[2] = 8 * min(length, 31) + depth
    final = mixing.final[partial]
    total = f32(0)
    for s in range(SETS):
        w = mixing.weights[s, bit.sets[s]]
        y = f32(0)
        for i in range(INPUTS):
            y = fma(w[i], x[i], y)
        y = min(max(y, -LIMIT), LIMIT)
        bit.outputs[s] = y
        total = fma(final[s], y, total)
    total = min(max(total, -LIMIT), LIMIT)
    bit.shares[MIXED] = _logistic(total)
    position = (min(max(total, f32(-7.999)), f32(7.999)) + f32(8)) * f32(2)
    step = np.int64(position)
    bit.shares[BETWEEN] = position - f32(step)
    bit.now[STEP] = step
    bit.now[FIRST_CURVE] = bit.sets[1] << 8 | partial
    bit.now[SECOND_CURVE] = np.int64(_mixed(contexts.last[0] & u64(0xFFFF)) & u64(0xFF)) << 8 | partial
    first = _mapped(mixing.curves[0, bit.now[FIRST_CURVE]], bit)
    second = _mapped(mixing.curves[1, bit.now[SECOND_CURVE]], bit)
    p = f32(0.5) * bit.shares[MIXED] + f32(0.25) * (first + second)
    return min(max(np.int64(p * f32(ONE)), 1), ONE - 1)


@jit
def _mapped(curve, bit):
    step, share = bit.now[STEP], bit.shares[BETWEEN]
    return fma(share, curve[step + 1] - curve[step], curve[step])


@jit
def _depth(partial):
    """Return how many bits a byte with a leading 1 has."""
    depth = 0
    while partial > 1:
        partial >>= 1
        depth += 1
    return depth


@jit
def update(mixing, contexts, bit, one, rates):
    """Learn that the next bit was `one` (0 or 1), and go on to the bit after it."""
    partial = bit.now[PARTIAL]
    node = _node(partial)
    for i in range(ORDERS):
        entry = mixing.cells[i, bit.cells[i], node]
        history = entry & np.uint32(255)
        mixing.histories[i, history] = _moved22(mixing.histories[i, history], one, 1023)
        mixing.cells[i, bit.cells[i], node] = _moved16(entry, one)
    mixing.first[partial] = _moved22(mixing.first[partial], one, 1023)
    expected, depth = bit.now[EXPECTED], _depth(partial)
    if expected and (expected >> (8 - depth)) == partial:
        length = min(contexts.match[1], _LONGEST)
        came = np.int64((expected >> (7 - depth) & 1) == one)
        mixing.matches[length] = _moved22(mixing.matches[length], came, 1023)
    truth = f32(one)
    error = (truth - bit.shares[MIXED]) * rates[1]
    final, x = mixing.final[partial], bit.inputs
    for s in range(SETS):
        own = (truth - _logistic(bit.outputs[s])) * rates[0]
        w = mixing.weights[s, bit.sets[s]]
        for i in range(INPUTS):
            w[i] = fma(own, x[i], w[i])
        final[s] = fma(error, bit.outputs[s], final[s])
    _map(mixing.curves[0, bit.now[FIRST_CURVE]], bit, truth)
    _map(mixing.curves[1, bit.now[SECOND_CURVE]], bit, truth)
    bit.now[PARTIAL] = partial << 1 | one


@jit
def _map(curve, bit, truth):
    near = bit.now[STEP] + (1 if bit.shares[BETWEEN] >= f32(0.5) else 0)
    curve[near] = fma(f32(0.02), truth - curve[near], curve[near])


@jit
def _moved22(entry, one, limit):
    """Return a probability of 22 bits, with a count of 10, moved towards a bit."""
    p, n = np.int64(entry >> np.uint32(10)), np.int64(entry & np.uint32(1023))
    p += (((one << 22) - one) - p) * 2 // (2 * n + 3)
    return np.uint32(p << 10 | (n + 1 if n < limit else n))


@jit
def _moved16(entry, one):
    """Return a probability of 16 bits moved towards a bit, its count, and its last bits with this one."""
    p, n, history = np.int64(entry >> np.uint32(16)), np.int64(entry >> np.uint32(8)) & 255, np.int64(entry) & 255
    p += (((one << 16) - one) - p) * 2 // (2 * n + 3)
    history = (max(history, 1) << 1 | one) & 255 if history < 128 else 128 | (history << 1 | one) & 127
    return np.uint32(p << 16 | (n + 1 if n < _RATE_LIMIT else n) << 8 | history)


@jit
def end_byte(mixing, contexts, bit, text, at):
    """Go on from the byte that is complete, and stands in `text` before place `at`."""
    byte = u64(bit.now[PARTIAL] & 255)
    last = contexts.last[0] << u64(8) | byte
    contexts.last[0] = last
    if (byte | u64(32)) - u64(97) < u64(26) or byte >= u64(128):
        contexts.words[0] = _mixed(contexts.words[0] + (byte | u64(32)) + u64(1))
    elif contexts.words[0] != u64(0):
        contexts.words[1] = contexts.words[0]
        contexts.words[0] = u64(0)
    match = contexts.match
    if bit.now[EXPECTED] and bit.now[EXPECTED] & 255 == np.int64(byte):
        match[0] += 1
        match[1] += 1
    else:
        match[0], match[1] = -1, 0
    h = np.int64(_mixed(last & u64(0xFFFFFFFFFF)) & u64(mixing.places.size - 1))
    if match[1] == 0:
        candidate = mixing.places[h] - 1
        if candidate > 0:
            length = _common(text, candidate, at)
            if length >= _MINIMUM:
                match[0], match[1] = candidate, length
    mixing.places[h] = at + 1


@jit
def _common(text, place, later):
    """Return how many bytes before two places agree, up to _LONGEST."""
    n = 0
    while n < min(place, _LONGEST) and text[place - 1 - n] == text[later - 1 - n]:
        n += 1
    return n
