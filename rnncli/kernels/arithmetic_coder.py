"""A binary arithmetic coder (Witten, Neal and Cleary, 1987), carry-free and in integers alone.

The interval [low, high] of 32 bits is cut at each bit in proportion to its probability, and bytes that both ends share
leave it. A probability is that of a 1, in units of 2^−16, from 1 to 65535, so a bit costs at most 16 bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.jit import jit

ONE = 1 << 16
_TOP, _BYTE, _ALL = np.int64(0xFF000000), np.int64(0xFF), np.int64(0xFFFFFFFF)
LOW, HIGH, CODE, PLACE = range(4)
BYTES_PER_BIT = 2  # that a bit of 16 bits may take


class Coder(NamedTuple):
    """A coder that writes or reads `code` (N,) uint8; `registers` (4,) int64 are low, high, what is read, and the
    number of bytes written or read. Beyond its end a code reads as zeros.
    """

    registers: np.ndarray
    code: np.ndarray


def encoder(size: int) -> Coder:
    """Return a coder that can write `size` bytes."""
    return Coder(np.array([0, 0xFFFFFFFF, 0, 0], np.int64), np.zeros(size, np.uint8))


def decoder(code: np.ndarray) -> Coder:
    """Return a coder that reads `code` (N,) uint8."""
    first = int.from_bytes(code[:4].tobytes().ljust(4, b"\0"), "big")
    return Coder(np.array([0, 0xFFFFFFFF, first, 4], np.int64), code)


@jit
def encode(coder, one, bit):
    """Write a bit, where 1 has the probability `one` in units of 2^−16."""
    r = coder.registers
    middle = r[LOW] + ((r[HIGH] - r[LOW]) * one >> 16)
    if bit:
        r[HIGH] = middle
    else:
        r[LOW] = middle + 1
    while (r[LOW] ^ r[HIGH]) & _TOP == 0:
        coder.code[r[PLACE]] = r[HIGH] >> 24
        r[PLACE] += 1
        _shift(r)


@jit
def decode(coder, one):
    """Return the next bit, where 1 has the probability `one` in units of 2^−16."""
    r = coder.registers
    middle = r[LOW] + ((r[HIGH] - r[LOW]) * one >> 16)
    bit = r[CODE] <= middle
    if bit:
        r[HIGH] = middle
    else:
        r[LOW] = middle + 1
    while (r[LOW] ^ r[HIGH]) & _TOP == 0:
        _shift(r)
        following = np.int64(coder.code[r[PLACE]]) if r[PLACE] < coder.code.size else np.int64(0)
        r[CODE] = (r[CODE] << 8 & _ALL) | following
        r[PLACE] += 1
    return bit


@jit
def _shift(r):
    r[LOW] = r[LOW] << 8 & _ALL
    r[HIGH] = (r[HIGH] << 8 & _ALL) | _BYTE


def finish(coder: Coder) -> bytes:
    """Return all that an encoder wrote, with the byte that ends it; zeros at the end are left out."""
    r = coder.registers
    last = -(-int(r[LOW]) // (1 << 24))  # the first byte of a number from low to high, whose others are zero
    return (coder.code[: int(r[PLACE])].tobytes() + bytes([last])).rstrip(b"\0")
