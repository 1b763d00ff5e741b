"""Coding of texts by a network and by counts: for each bit a probability of both, and an arithmetic coder.

The network predicts tokens, characters or bytes, and is asked for the bits of the bytes that spell them. In the order
of their spellings, all tokens that begin with given bits are neighbours, so that the probability of a bit is a ratio
of two differences of running sums. Sums are whole numbers, so they do not depend on the machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels import denormals
from rnncli.kernels.arithmetic_coder import decode, encode
from rnncli.kernels.context_mixing import PARTIAL, begin_byte, end_byte, middle_of_byte, predict, update
from rnncli.kernels.elementary import exp, log
from rnncli.kernels.generation import read
from rnncli.kernels.jit import jit

f32 = np.float32

_CERTAIN = f32(9)  # the logit that a network may give: other bytes than it knows may come
_SCALE = f32(1 << 24)  # of a probability relative to the largest


class Spelling(NamedTuple):
    """The V tokens but <unk> in the order of their bytes."""

    tokens: np.ndarray  # (V,) int32
    spelled: np.ndarray  # (V, 4) uint8
    sizes: np.ndarray  # (V,) int64, bytes of each
    are_bytes: bool  # else UTF-8 characters


@jit
def code(decoding, coder, counts, text, at, weights, state, spelling, sums, rates, tokens):
    """Write tokens of text (N,) uint8 from place `at` on to `coder`, or read them from it into `text`.

    They become the rows of tokens (T + 1, 1) from 1 on; row 0 holds the token before them, and 0 is <unk>. Returns how
    many there were, fewer than T at the end of the text, and the place after them. counts: of `context_mixing.fresh`;
    sums (V + 1,) int64 is scratch; rates (2,) are those of the mix.
    """
    word = denormals.flush()
    t = 0
    while t + 1 < tokens.shape[0] and at < text.size:
        read(weights, state, tokens[t : t + 1])
        _accumulate(state.logits[0, 0], spelling.tokens, sums)
        t += 1
        tokens[t, 0], at = _code_token(decoding, coder, counts, text, at, spelling, sums, rates)
    denormals.restore(word)
    return t, at


@jit
def _accumulate(logits, tokens, sums):
    """Write running sums (V + 1,) of the probabilities, in the order of spellings; each token has at least 1."""
    top = logits[0]
    for v in range(logits.size):
        top = max(top, logits[v])
    for r in range(tokens.size):
        sums[r + 1] = sums[r] + np.int64(exp(logits[tokens[r]] - top) * _SCALE) + 1


@jit
def _code_token(decoding, coder, counts, text, at, spelling, sums, rates):
    """Code the bytes of a token, or of a character that is none; return its number, and the place after it."""
    mixing, contexts, bit = counts
    low, high, k, following = 0, spelling.tokens.size, 0, 0
    while True:
        begin_byte(mixing, contexts, bit, text)
        byte = np.int64(text[at])
        for i in range(8):
            if i == 4:
                middle_of_byte(mixing, bit)
            middle = _first_with_one(spelling.spelled, low, high, k, 7 - i)
            one = predict(mixing, contexts, bit, _logit(sums[middle] - sums[low], sums[high] - sums[middle]))
            if decoding:
                y = np.int64(decode(coder, one))
            else:
                y = byte >> (7 - i) & 1
                encode(coder, one, y)
            update(mixing, contexts, bit, y, rates)
            low, high = (middle, high) if y else (low, middle)
        byte = bit.now[PARTIAL] & 255
        text[at] = byte
        at += 1
        k += 1
        end_byte(mixing, contexts, bit, text, at)
        if low < high and spelling.sizes[low] == k:
            return spelling.tokens[low], at
        if k == 1:
            following = 0 if spelling.are_bytes else _following(byte)
        elif byte >> 6 != 2:  # no byte that goes on with a character
            following = 0
        else:
            following -= 1
        if at == text.size or following <= 0:
            return np.int32(0), at


@jit
def _following(byte):
    """Return how many bytes follow the first one of a UTF-8 character."""
    return 0 if byte < 0xC0 else 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3


@jit
def _first_with_one(spelled, low, high, k, shift):
    """Return the first of the tokens from low to high, which agree before it, that has a 1 as this bit of byte k."""
    if k >= spelled.shape[1]:
        return high
    while low < high:
        middle = (low + high) >> 1
        if spelled[middle, k] >> shift & 1:
            high = middle
        else:
            low = middle + 1
    return high


@jit
def _logit(zero, one):
    """Return ln(one / zero), within what a network may be sure of; 0 where it knows neither."""
    if one == 0 and zero == 0:
        return f32(0)
    if one == 0:
        return -_CERTAIN
    if zero == 0:
        return _CERTAIN
    return min(max(f32(log(one / zero)), -_CERTAIN), _CERTAIN)
