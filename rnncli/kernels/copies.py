"""Which sequences of tokens a text has, by hashes of 64 bits that are moved along it (Karp and Rabin, 1987).

What is found of millions of sequences by such hashes is right but for about one in 10^10. A filter (Bloom, 1970) of a
few bits a token takes less room, and now and then finds a sequence that the text lacks.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.jit import jit
from rnncli.kernels.random import mix

u64 = np.uint64
BASE, ONE, S6, LOW6 = u64(0xD1342543DE82EF95), u64(1), u64(6), u64(63)
PROBES = 4  # bits of the filter for each sequence


@jit
def hash_all(tokens, n, out):
    """Write to out (N − n + 1,) uint64 the hashes of all sequences of n tokens of `tokens` (N,); none is 0."""
    oldest, h = ONE, u64(0)
    for _ in range(n):
        oldest *= BASE
    for i in range(tokens.size):
        h = h * BASE + u64(tokens[i] + 1)
        if i >= n:
            h -= u64(tokens[i - n] + 1) * oldest
        if i >= n - 1:
            out[i - n + 1] = mix(h) | ONE


@jit
def hash_last(recent, end, n, token):
    """Return the hash of `token` after the n − 1 newest of the `end` tokens in the ring `recent` (R,)."""
    h = u64(0)
    for k in range(end - n + 1, end):
        h = h * BASE + u64(recent[k % recent.size] + 1)
    return mix(h * BASE + u64(token + 1)) | ONE


@jit
def _bit(h, probe, words):
    return mix(h + u64(probe)) & (u64(words.size) * u64(64) - ONE)


@jit
def remember(hashes, words):
    """Put hashes (N,) into the filter words (W,) uint64, W a power of two."""
    for i in range(hashes.size):
        for probe in range(PROBES):
            bit = _bit(hashes[i], probe, words)
            words[bit >> S6] |= ONE << (bit & LOW6)


@jit
def may_have(h, words):
    """Return True if a hash is in the filter, and seldom if it is not."""
    for probe in range(PROBES):
        bit = _bit(h, probe, words)
        if not (words[bit >> S6] >> (bit & LOW6)) & ONE:
            return False
    return True


@jit
def _slot(h, table):
    """Return where a hash is in table (K,) uint64, K a power of two, or the empty place (0) where it would be."""
    at = h & (u64(table.size) - ONE)
    while table[at] != u64(0) and table[at] != h:
        at = (at + ONE) & (u64(table.size) - ONE)
    return at


@jit
def enter(hashes, table):
    """Enter hashes (N,) into a table that has more places than there are hashes."""
    for i in range(hashes.size):
        table[_slot(hashes[i], table)] = hashes[i]


@jit
def mark(hashes, table, found):
    """Set found (K,) to True at the places of those hashes (N,) that the table has."""
    for i in range(hashes.size):
        at = _slot(hashes[i], table)
        if table[at] != u64(0):
            found[at] = True


@jit
def look_up(hashes, table, found, out):
    """Write to out (N,) whether each of the hashes, all in the table, was marked."""
    for i in range(hashes.size):
        out[i] = found[_slot(hashes[i], table)]
