"""Whole items, such as lines, from a language model that has learnt where they begin and end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile

import numpy as np

from rnncli.data.source import Source
from rnncli.data.text import Detokenizer
from rnncli.data.vocabulary import Vocabulary
from rnncli.notes import doubt, note
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.language_model.splits import corpus_of

_TRIES = 50  # for each item that is asked for, before it is said that there are no more


@dataclass(frozen=True)
class Wanted:
    """What is asked for: the number of items, of at most so many tokens after the prime, of which none is in `known`.

    items: the plural of what they are called.
    """

    items: str
    count: int
    length: int
    known: frozenset[bytes] | None = None


def items_of(source: Source, config: LanguageModelConfig, vocabulary: Vocabulary) -> frozenset[bytes]:
    """Return all items of a text, each as the bytes of its token numbers."""
    ids = corpus_of(source, config).encode(vocabulary)
    ends = np.flatnonzero(ids == vocabulary.end).tolist()
    return frozenset(_key(ids[start + 1 : stop]) for start, stop in pairwise(ends))


def written(
    vocabulary: Vocabulary, begun: np.ndarray, draw: Callable[[int, int], Sequence[Iterator[int]]], wanted: Wanted
) -> Iterator[tuple[int, str]]:
    """Yield items that begin with the tokens `begun`, each with its number. Those that are blank, or known, are left
    out, and their numbers with them.

    draw: returns the endless sequences that go on after `begun`, from a number on and so many of them.
    """
    tried = found = cut = left_out = 0
    most = _TRIES * max(wanted.count, 20)
    while found < wanted.count and tried < most:
        sequences = draw(tried, wanted.count - found)
        for number, sequence in enumerate(sequences, tried):
            drawn = list(islice(takewhile(lambda token: token != vocabulary.end, sequence), wanted.length))
            tokens = np.append(begun, np.array(drawn, np.int64))
            text = _text(vocabulary, tokens)
            is_known = wanted.known is not None and _key(tokens) in wanted.known
            left_out += is_known
            if text.strip() and not is_known:
                found += 1
                cut += len(drawn) == wanted.length
                yield number, text
        tried += len(sequences)
    if cut:
        note(
            f"{cut:,} of {found:,} {wanted.items} had no end after {wanted.length:,} tokens and are cut there; raise -n"
        )
    if found < wanted.count:
        others = f"{left_out:,} others are in the training text" if left_out else "the others are blank"
        doubt(
            f"{found:,} of {wanted.count:,} {wanted.items} are written: of {tried:,} drawn, {others}; ask for fewer, "
            "or raise --temperature"
        )


def _key(tokens: np.ndarray) -> bytes:
    return tokens.astype(np.uint16).tobytes()


def _text(vocabulary: Vocabulary, tokens: Iterable[int]) -> str:
    """Return the text of an item; bytes that are no UTF-8 become surrogates, and bytes again where they are written."""
    detokenizer = Detokenizer(vocabulary.kind, errors="surrogateescape")
    return "".join(detokenizer.push(token) for token in vocabulary.decode(tokens)) + detokenizer.flush()
