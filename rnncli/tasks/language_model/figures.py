"""The figures of a language model beside its loss: those of n-grams, the units that people know, and verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from rnncli.config.text_encodings import canonical
from rnncli.data.text import BYTES, WORDS
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.corpus import counted
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.splits import HeldOut
from rnncli.tasks.language_model.texts import Texts
from rnncli.training.headline import AMONG, Headline
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK

_BLOCK, _MOST_BLOCKS = 200, 100  # tokens of a block at least, so that blocks share little; and blocks


def headline(kind: str, mean: float, name: str, baseline: float) -> Headline:
    """Return how many equally likely tokens are as hard to tell apart, which is the perplexity."""
    what = {"char": "character", "byte": "byte", "bpe": "token"}.get(kind, "word")
    return Headline(AMONG, exp(mean), exp(baseline), name, what=what)


def further_baselines(held_out: HeldOut | Texts, train: np.ndarray, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Return the nats of each token by further 5-grams of the tokens `train`. Of items none sees another one; of a text
    without items, one sees no line but its own.
    """
    size, end = len(vocabulary), vocabulary.end
    by_counts = partial(ngram.token_losses, train, vocabulary_size=size, line_end=end)
    found = {"interpolated 5-gram": held_out.read_by(by_counts)}
    if end is None and (line_end := int(vocabulary.encode("\n")[0])):
        found["5-gram within lines"] = held_out.read_by(KneserNey(train, size, line_end).losses)
    return found


def in_other_units(
    vocabulary: Vocabulary, scored: np.ndarray, mean: float, encoding: str
) -> tuple[tuple[str, float], ...]:
    """Return the bits per byte of characters, as the file has them in its encoding, or per character of bytes, where
    these are not the bits per token; of byte pairs, which are of UTF-8, both, unless they are the same.
    """
    kind, tokens = vocabulary.kind, vocabulary.tokens
    if kind in WORDS:
        return ()
    units = {}
    if kind in BYTES:  # those from 0x80 to 0xBF go on with a character
        units["character"] = [sum(not "\x80" <= byte < "\xc0" for byte in token or "\n") for token in tokens]
    if kind == "bpe":
        units["byte" if canonical(encoding) == "utf-8" else "byte of UTF-8"] = list(map(len, tokens))
    elif kind != "byte":
        units["byte"] = [_bytes_in(token or "\n", encoding) for token in tokens]
    counts, bits = counted(scored, len(tokens)), len(scored) * mean / math.log(2)
    sizes = {int(counts @ np.array(each)): unit for unit, each in units.items()}
    if counts[UNKNOWN_NUMBER]:
        return ()
    return tuple((f"bits per {unit}", bits / size) for size, unit in sizes.items() if size not in (0, len(scored)))


def _bytes_in(token: str, encoding: str) -> int:
    """Return how many bytes a token takes in the middle of a text in this encoding, behind any byte order mark."""
    once, twice = (text.encode(encoding, "replace") for text in (token, 2 * token))
    return len(twice) - len(once)


def in_blocks(losses: Mapping[str, np.ndarray]) -> Compared:
    """Return losses (N,) of tokens, of the network and of baselines, as those of blocks of neighbouring tokens."""
    N = len(losses[NETWORK])
    starts = np.arange(0, N, max(_BLOCK, -(-N // _MOST_BLOCKS)))
    sizes = np.diff([*starts, N]).astype(float)
    means = {name: np.add.reduceat(one, starts) / sizes for name, one in losses.items()}
    return Compared(means, np.arange(len(starts)), sizes, "block")


def perplexity(mean: float) -> str:
    return f"{exp(mean):.3f}"


def exp(mean: float) -> float:
    return math.exp(mean) if mean < 700 else math.inf
