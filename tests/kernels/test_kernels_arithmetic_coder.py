"""The arithmetic coder gives back every bit, in as many as their probabilities say."""

import numpy as np
import pytest

from rnncli.kernels.arithmetic_coder import ONE, decode, decoder, encode, encoder, finish
from rnncli.kernels.jit import jit


@jit
def write(coder, ones, bits):
    for i in range(bits.size):
        encode(coder, ones[i], bits[i])


@jit
def read(coder, ones, bits):
    for i in range(bits.size):
        bits[i] = decode(coder, ones[i])


def coded(ones: np.ndarray, bits: np.ndarray) -> bytes:
    coder = encoder(2 * len(bits) + 1)
    write(coder, ones, bits)
    return finish(coder)


def decoded(code: bytes, ones: np.ndarray) -> np.ndarray:
    bits = np.zeros(len(ones), np.int64)
    read(decoder(np.frombuffer(bytearray(code), np.uint8)), ones, bits)
    return bits


@pytest.mark.parametrize("likely", [0.5, 0.9, 0.001, 0.99999])
def test_bits_cost_what_their_probabilities_say(likely: float) -> None:
    draws = np.random.default_rng(3)
    ones = np.full(20_000, min(max(round(likely * ONE), 1), ONE - 1))
    bits = (draws.random(len(ones)) < ones / ONE).astype(np.int64)
    code = coded(ones, bits)
    share = np.where(bits == 1, ones, ONE - ones) / ONE
    assert 8 * len(code) <= -np.log2(share).sum() * 1.001 + 16
    assert (decoded(code, ones) == bits).all()


@pytest.mark.parametrize("seed", range(20))
def test_any_bits_at_any_probabilities_come_back(seed: int) -> None:
    draws = np.random.default_rng(seed)
    ones = draws.choice([1, 2, ONE // 3, ONE // 2, ONE - 2, ONE - 1], 5_000)
    bits = draws.integers(0, 2, len(ones))  # so that the rarest come half of the time
    assert (decoded(coded(ones, bits), ones) == bits).all()


def test_no_bits_take_no_bytes() -> None:
    assert coded(np.zeros(0, np.int64), np.zeros(0, np.int64)) == b""
