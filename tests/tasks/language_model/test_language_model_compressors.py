"""xz and bzip2 on a held-out text: the size of what they add to that of the training split."""

import bz2
import lzma
import shutil
import subprocess

import numpy as np
import pytest

from rnncli.data.vocabulary import Vocabulary
from rnncli.tasks.language_model import compressors
from rnncli.tasks.language_model.compressors import compressed

TRAIN, SCORED = "the miller went to the mill, ähnlich\n" * 9, "the mill went to the miller, ähnlich\n" * 30


def of(kind, train=TRAIN, scored=SCORED):
    split = [chr(byte) for byte in (train + scored).encode()] if kind == "byte" else list(train + scored)
    cut = len(train.encode()) if kind == "byte" else len(train)
    counts = dict.fromkeys(split[:cut], 1)
    vocabulary = Vocabulary.of_counts(counts, kind, None)
    numbers = {token: number for number, token in enumerate(vocabulary.tokens)}
    ids = np.array([numbers.get(token, 0) for token in split])
    return compressed(vocabulary, ids[:cut], ids[cut:])


@pytest.mark.parametrize(("kind", "units"), [("char", len(SCORED)), ("byte", len(SCORED.encode()))])
def test_the_bits_are_those_that_the_text_adds(kind, units):
    found = of(kind)
    assert found.unit == {"char": "character", "byte": "byte"}[kind]
    text = (TRAIN + SCORED).encode()
    wanted = {
        "xz -9e": compressors._xz(text) - compressors._xz(TRAIN.encode()),
        "bzip2 -9": len(bz2.compress(text)) - len(bz2.compress(TRAIN.encode())),
    }
    assert dict(found.bits) == {name: 8 * size / units for name, size in wanted.items()}


def test_a_text_with_many_unknown_characters_has_no_bits():
    assert of("char", scored=SCORED + "?" * 30) is None
    assert of("char", scored=SCORED * 20 + "?") is not None


@pytest.mark.parametrize("kind", ["char", "byte"])
def test_a_text_of_a_few_lines_has_no_bits_that_rounding_could_make_negative(kind):
    assert of(kind, scored=SCORED[:900]) is None
    assert min(count for _, count in of(kind, scored=SCORED[:1000]).bits) > 0


def test_xz_is_as_small_as_the_command():
    data = bytes(np.random.default_rng(0).choice(list(b"abcdefgh "), 50_000).tolist())
    with_check = len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    assert with_check - 16 <= compressors._xz(data) <= with_check
    if shutil.which("xz"):
        assert (
            len(subprocess.run(["xz", "-9e", "-c"], input=data, capture_output=True, check=True).stdout) == with_check
        )
