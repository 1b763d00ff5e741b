"""Bits are predicted from what followed their contexts, and coded with what a network says, in plain Python too."""

import numpy as np
import pytest

from rnncli.kernels import arithmetic_coder, coding, context_mixing
from rnncli.kernels.context_mixing import PARTIAL
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.writers import fresh_state, packed_weights

RATES = np.array([2e-3, 1e-3], np.float32)
LETTERS = "abé漢"
EACH = [letter.encode() for letter in LETTERS]


@pytest.fixture(autouse=True)
def hashes_overflow():
    """They are meant to; only plain Python warns of it."""
    with np.errstate(over="ignore"):
        yield


def bits_of(text: bytes) -> list[float]:
    """What each byte costs by the counts alone, in bits."""
    array = np.frombuffer(bytearray(text), np.uint8)
    mixing, contexts, bit = context_mixing.fresh(10)
    costs = []
    for at, byte in enumerate(text):
        context_mixing.begin_byte(mixing, contexts, bit, array)
        cost = 0.0
        for i in range(8):
            if i == 4:
                context_mixing.middle_of_byte(mixing, bit)
            one = context_mixing.predict(mixing, contexts, bit, np.float32(0)) / arithmetic_coder.ONE
            y = byte >> (7 - i) & 1
            cost -= np.log2(one if y else 1 - one)
            context_mixing.update(mixing, contexts, bit, y, RATES)
        assert bit.now[PARTIAL] & 255 == byte
        context_mixing.end_byte(mixing, contexts, bit, array, at + 1)
        costs.append(float(cost))
    return costs


def test_what_followed_a_context_is_expected_after_it():
    costs = bits_of(b"abcde" * 12)
    assert costs[0] == pytest.approx(8, abs=0.1)
    assert max(costs[-10:]) < 0.5


def test_a_passage_that_came_before_is_followed():
    noise = np.random.default_rng(2).integers(0, 256, 40, np.uint8).tobytes()
    costs = bits_of(noise + noise)
    assert np.mean(costs[:40]) > 7.5
    assert np.mean(costs[50:]) < 1.5


def run(decoding: bool, coder, text: np.ndarray) -> list[int]:
    """Code a text with an untrained network of LETTERS, and return the tokens that it was taken for."""
    network = Network(NetworkShape("lstm", 5, 4, 1, 5, token_input=True))
    network.initialise("orthogonal", 1.0, seed=1)
    order = sorted(range(4), key=EACH.__getitem__)
    spelled = np.array([list(EACH[v].ljust(3, b"\0")) for v in order], np.uint8)
    sizes = np.array([len(EACH[v]) for v in order])
    spelling = coding.Spelling(np.array(order, np.int32) + 1, spelled, sizes, False)
    tokens = np.zeros((len(text) + 1, 1), np.int32)
    count, at = coding.code(
        decoding,
        coder,
        context_mixing.fresh(10),
        text,
        0,
        packed_weights(network.stack, network.head),
        fresh_state(network.stack, network.head, 1),
        spelling,
        np.zeros(5, np.int64),
        RATES,
        tokens,
    )
    assert at == len(text)
    return [int(token) for token in tokens[1 : count + 1, 0]]


def test_tokens_are_found_by_their_bytes_and_what_is_none_is_unknown():
    text = "a漢zébé".encode() + b"\xc3a\xe6\xbc"
    coder = arithmetic_coder.encoder(16 * len(text))
    tokens = run(False, coder, np.frombuffer(bytearray(text), np.uint8))
    assert tokens == [1, 4, 0, 3, 2, 3, 0, 0]
    again = np.zeros(len(text), np.uint8)
    code = np.frombuffer(bytearray(arithmetic_coder.finish(coder)), np.uint8)
    assert run(True, arithmetic_coder.decoder(code), again) == tokens
    assert again.tobytes() == text
