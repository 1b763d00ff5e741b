"""xz -9e and bzip2 -9 on a held-out text, which they may read after the training split, as the network has.

A compressor cannot start from what it has learnt: the bits of the held-out text are those of the training split and the
text together, less those of the training split alone. Of long texts the newest two million tokens of training and the
first million held out count, which take seconds.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable

import numpy as np

from rnncli.data.text import BYTES, as_bytes
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.training.reports import Compressed

MOST_GIVEN, MOST_SCORED = 2_000_000, 1_000_000  # tokens
_REPLACEMENT = {"byte": "?"}  # for an unknown token, of which the text has few
_FEW = 0.01
_SHORTEST = 1_000  # bytes; of less text the difference of two sizes is more rounding than text, and may be negative


def compressed(vocabulary: Vocabulary, train: np.ndarray, scored: np.ndarray) -> Compressed | None:
    """Return the bits per character, or per byte of tokens that are bytes, that compressors need for the tokens
    `scored`, given `train`; None if many of them are unknown, so that their text is not, or if they are too few.
    """
    scored, unit = scored[:MOST_SCORED], "byte" if vocabulary.kind in BYTES else "character"
    if np.count_nonzero(scored == UNKNOWN_NUMBER) > _FEW * len(scored):
        return None
    text = _text(vocabulary, scored)
    given, whole = _bytes(vocabulary, _text(vocabulary, train[-MOST_GIVEN:])), _bytes(vocabulary, text)
    if len(whole) < _SHORTEST:
        return None
    bits = {name: 8 * (size(given + whole) - size(given)) for name, size in COMPRESSORS.items()}
    return Compressed(unit, tuple((name, count / len(text)) for name, count in bits.items()))


def _text(vocabulary: Vocabulary, ids: np.ndarray) -> str:
    tokens = list(vocabulary.tokens)
    tokens[UNKNOWN_NUMBER] = _REPLACEMENT.get(vocabulary.kind, "\N{REPLACEMENT CHARACTER}")
    if vocabulary.end is not None:
        tokens[vocabulary.end] = "\n"
    return "".join([tokens[number] for number in ids.tolist()])


def _bytes(vocabulary: Vocabulary, text: str) -> bytes:
    return text.encode("latin-1") if vocabulary.kind in BYTES else as_bytes(text)


def _xz(data: bytes) -> int:
    """Return the size of what `xz -9e` writes; a dictionary that is no larger than the data saves half a gigabyte."""
    settings = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": max(len(data), 1 << 16)}
    return len(lzma.compress(data, check=lzma.CHECK_NONE, filters=[settings]))


COMPRESSORS: dict[str, Callable[[bytes], int]] = {"xz -9e": _xz, "bzip2 -9": lambda data: len(bz2.compress(data, 9))}
