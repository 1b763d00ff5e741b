"""A codec gives back every byte, whatever the threads, and codes what it has seen before in less."""

from collections.abc import Callable

import numpy as np
import pytest

from rnncli.data.vocabulary import Vocabulary
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.compression import Codec, of_model, untrained

pytestmark = pytest.mark.thorough  # its kernels take seconds to compile

Make = Callable[[int | None], Codec]
PROSE = "she sells sea shells by the sea shore; the shells she sells are sea shells, I'm sure. " * 6
TEXTS = {
    "empty": b"",
    "a byte": b"\xff",
    "two bytes": b"\0\0",
    "prose": PROSE.encode(),
    "noise": np.random.default_rng(1).integers(0, 256, 700, np.uint8).tobytes(),
    "zeros": bytes(3000),
    "accents": "Ärger, naïve, 漢字 and 🦊; ".encode() * 9,
    "cut characters": "é漢🦊".encode()[:-1] * 7 + b"\xc3",
    "no UTF-8": PROSE.replace("s", "\xdf").encode("latin-1"),
}


def quiet(share: float) -> None:
    assert 0 <= share <= 1


def round_trip(make: Make, text: bytes) -> bytes:
    code = make(1).encode(np.frombuffer(text, np.uint8), quiet)
    assert make(3).decode(code, len(text), quiet).tobytes() == text
    assert make(3).encode(np.frombuffer(text, np.uint8), quiet) == code
    return code


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_codec_that_knows_nothing_gives_back_every_byte(text: bytes) -> None:
    round_trip(untrained, text)


def of_text(known: str, kind: str) -> Make:
    """What makes codecs with a network for the tokens of a text."""
    vocabulary = Vocabulary.build(known, kind)

    def make(threads: int | None) -> Codec:
        V = len(vocabulary)
        network = Network(NetworkShape("lstm", V, 8, 2, V, token_input=True))
        network.initialise("orthogonal", 1.0, seed=1)
        return of_model(network, vocabulary, threads)

    return make


@pytest.mark.parametrize("kind", ["char", "byte"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_codec_of_a_model_gives_back_what_the_model_cannot_spell(kind: str, text: bytes) -> None:
    round_trip(of_text("naïve, 漢字; sea shells", kind), text)


def test_what_is_repeated_takes_little() -> None:
    once, often = (len(round_trip(untrained, PROSE.encode() * n)) for n in (1, 8))
    assert once < len(PROSE) / 3
    assert often - once < len(PROSE) / 20


def test_noise_takes_hardly_more_than_it_has() -> None:
    assert len(round_trip(untrained, TEXTS["noise"])) < 1.03 * len(TEXTS["noise"])
