"""The splits of a text: contiguous ones of a stream, from each file where there are several, or items that are drawn.

Of items, equal ones stay in one split, or a model would be validated on what it has read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.data.files import read_files
from rnncli.data.places import Places
from rnncli.data.source import Source
from rnncli.data.vocabulary import Vocabulary, describe_tokens, note_unknown, require_learnable
from rnncli.errors import ConfigError, DataError
from rnncli.kernels import random
from rnncli.nn.network import Network
from rnncli.notes import doubt, note
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.language_model.corpus import STEP, Corpus, counted
from rnncli.tasks.language_model.items import STREAM, note_own_bytes
from rnncli.tasks.language_model.streams import Validation
from rnncli.tasks.language_model.texts import Losses, Texts
from rnncli.training.backpropagation import Backpropagation

_DRAWN = 1 << 38  # of the seed's independent random streams


class HeldOut(NamedTuple):
    """A split of a stream that is not trained on, and the tokens before it in its text, which a model may have read."""

    ids: np.ndarray
    before: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """The tokens of the split."""
        return self.ids

    @property
    def scored(self) -> np.ndarray:
        """The tokens that are scored: all but the first where nothing precedes it."""
        return self.ids if len(self.before) else self.ids[1:]

    def validation(self, network: Network, driver: Backpropagation, *, known_only: bool = False) -> Validation:
        return Validation(network, self.ids, self.before, driver, known_only=known_only)

    def read_by(self, losses: Losses) -> np.ndarray:
        """Return the nats of each scored token."""
        return losses(self.scored, self.before if len(self.before) else self.ids[:1])


class TextSplits(NamedTuple):
    """A text's vocabulary, and the token numbers of its training split and of the splits held out of it.

    places: of items, or else of tokens. texts: the training split as texts that do not see each other, None of a
    stream.
    """

    vocabulary: Vocabulary
    train: np.ndarray
    validation: HeldOut | Texts
    test: HeldOut | Texts | None
    places: Places
    texts: Texts | None = None


def read_splits(
    config: LanguageModelConfig, source: Source, vocabulary: Vocabulary | None = None, *, extends: bool = False
) -> TextSplits:
    """Return the splits of a text: test is cut off the end, then validation, unless they are files of their own; items
    are drawn for them.

    The vocabulary is that of the training split, or one that is given, to which extends: True adds the tokens of the
    training split that it lacks. Raises DataError if there is too little to learn.
    """
    data = config.data
    shares = [split if isinstance(split, float) else 0.0 for split in (data.test, data.validation)]
    if sum(shares) >= 1:
        raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
    corpus, known = corpus_of(source, config), _Known(vocabulary, extends)
    if data.items != STREAM:
        return _of_items(config, source.name, corpus, shares, known)
    if len(corpus.ends) > 1:
        return _of_files(config, source.name, corpus, shares, known)
    end, cut = _cuts(len(corpus.ids), shares)
    places = Places(np.array([[0, cut]]), np.array([[cut, len(corpus.ids)]]))
    vocabulary = known.of(corpus, corpus.ids[:cut], config, source.name)
    cut, end = corpus.places(vocabulary, [cut, end])
    if cut < 2:
        raise DataError(f"{source.name}: the training split has fewer than 2 tokens; give more text")
    ids = corpus.encode(vocabulary)
    test, validation = _held_out(config, vocabulary, HeldOut(ids[end:], ids[:end]), HeldOut(ids[cut:end], ids[:cut]))
    return TextSplits(vocabulary, ids[:cut], validation or HeldOut(ids[:0], ids[:0]), test, places)


class _Known(NamedTuple):
    """The vocabulary of a model that is gone on with, None without one, and whether it takes new tokens."""

    vocabulary: Vocabulary | None
    extends: bool

    def of(self, corpus: Corpus, train: np.ndarray, config: LanguageModelConfig, name: str) -> Vocabulary:
        """Return the vocabulary to learn with, given the training split in the numbers of its corpus."""
        known = self.vocabulary
        if known is None or self.extends:
            counts = counted(train, len(corpus.tokens))
            known = (
                corpus.vocabulary_of(counts, config.data)
                if known is None
                else known.extended(corpus.seen(counts), config.data)
            )
        require_learnable(known, name)
        return known


def _cuts(N: int, shares: list[float]) -> tuple[int, int]:
    """Return where the test split of N tokens begins, and the validation split before it."""
    end = N - int(shares[0] * N)
    return end, end - int(shares[1] * N)


def _held_out(
    config: LanguageModelConfig, vocabulary: Vocabulary, test: HeldOut | Texts, validation: HeldOut | Texts
) -> list[HeldOut | Texts | None]:
    """Return the splits for test and validation: those given, or the texts of files of their own; no test without
    data.test."""
    found: list[HeldOut | Texts | None] = []
    for split, given in ((config.data.test, test), (config.data.validation, validation)):
        if isinstance(split, str):
            found.append(held_out_text(read_files(split), config, vocabulary))
        else:
            found.append(given if split or given is validation else None)
    return found


def held_out_text(source: Source, config: LanguageModelConfig, vocabulary: Vocabulary) -> HeldOut | Texts:
    """Return a text of its own as a split that is scored, with a note of the tokens in it that are unknown. Each file
    begins as a line does, after a newline, if the vocabulary has it."""
    corpus = corpus_of(source, config, hint="pass --encoding latin-1")
    new = describe_tokens(vocabulary.lacks(corpus.tokens), vocabulary.kind)
    found = _as_held_out(corpus, config, vocabulary)
    note_unknown([found.own], source.name, "scored as <unk>", new)
    return found


def _as_held_out(corpus: Corpus, config: LanguageModelConfig, vocabulary: Vocabulary) -> HeldOut | Texts:
    ids = corpus.encode(vocabulary)
    if config.data.items != STREAM:
        assert vocabulary.end is not None
        return Texts.of_items(ids, np.flatnonzero(ids == vocabulary.end))
    newline = np.array([] if vocabulary.boundary is None else [vocabulary.boundary], ids.dtype)
    if len(corpus.ends) == 1:
        return HeldOut(ids, newline)
    stops = np.array(corpus.ends)
    starts = np.append(0, stops[:-1])
    if len(newline):
        ids, added = np.insert(ids, starts, newline), np.arange(len(starts))
        starts, stops = starts + added, stops + added + 1
    return Texts.of_files(ids, starts, stops, starts)


def _of_files(config: LanguageModelConfig, name: str, corpus: Corpus, shares: list[float], known: _Known) -> TextSplits:
    """Return the splits of several files, each a text of its own, which test and validation are cut off the end of."""
    stops = np.array(corpus.ends)
    starts = np.append(0, stops[:-1])
    cuts = np.array([_cuts(N, shares) for N in (stops - starts).tolist()])
    ends, cut = starts + cuts[:, 0], starts + cuts[:, 1]
    train = corpus.joined(starts, cut)
    vocabulary = known.of(corpus, train, config, name)
    sizes = cut - starts
    if sizes.max() < 2:
        raise DataError(f"{name}: no file has 2 tokens to train on; give more text")
    train, ids = corpus.renumbered(train, vocabulary), corpus.encode(vocabulary)
    behind = np.cumsum(sizes)
    texts = Texts.of_files(train, behind - sizes, behind, behind - sizes)
    whole = Texts.of_files(ids, starts, stops, ends), Texts.of_files(ids, starts, ends, cut)
    test, validation = _held_out(config, vocabulary, *whole)
    assert validation is not None
    places = Places(np.stack([starts, cut], axis=1), np.stack([cut, stops], axis=1))
    return TextSplits(vocabulary, train, validation, test, places, texts)


def _of_items(config: LanguageModelConfig, name: str, corpus: Corpus, shares: list[float], known: _Known) -> TextSplits:
    ends = np.flatnonzero(corpus.ids == 0)
    what = config.data.items
    split = _drawn(corpus.ids, ends, shares, config.training.seed, what)
    pieces = [corpus.joined(ends[:-1][split == k] + 1, ends[1:][split == k] + 1, lead=1) for k in range(3)]
    vocabulary = known.of(corpus, pieces[0], config, name)
    ids = [corpus.renumbered(piece, vocabulary) for piece in pieces]
    train, test, validation = (Texts.of_items(some, np.flatnonzero(some == vocabulary.end)) for some in ids)
    if len(train.starts) < 2:
        raise DataError(
            f"{name}: has {len(train.starts)} of its {what} to train on; give more of them, or hold out less"
        )
    tested, validated = _held_out(config, vocabulary, test, validation)
    assert validated is not None
    places = Places.of_items(np.flatnonzero(split == 0), np.flatnonzero(split))
    return TextSplits(vocabulary, train.ids, validated, tested, places, train)


def _drawn(ids: np.ndarray, ends: np.ndarray, shares: list[float], seed: int, what: str) -> np.ndarray:
    """Return the split of each item, int8 (n,): 0 for training, 1 for test, 2 for validation, drawn by the seed."""
    n = len(ends) - 1
    split = np.zeros(n, np.int8)
    if not any(shares):
        return split
    _, first, kind, copies = np.unique(_digests(ids, ends), return_index=True, return_inverse=True, return_counts=True)
    taken = np.zeros(len(first), np.int8)
    order = np.argsort(first)[random.shuffled(len(first), seed, _DRAWN)].tolist()
    counts, place = copies.tolist(), 0
    for number, share in enumerate(shares, 1):
        left = max(int(share * n), share > 0 and n > 2)  # of few, one at least
        while left and place < len(order):
            if counts[order[place]] <= left:  # what is in the text more often than that is not for it
                taken[order[place]] = number
                left -= counts[order[place]]
            place += 1
    if repeated := n - len(first):
        note(f"{repeated:,} of {n:,} {what} are equal to an earlier one; equal ones are in the same split")
    return taken[kind.reshape(-1)]


def _digests(ids: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return 64 bits of each item, which are equal for equal items and, but for one chance in 2^64, for no others."""
    found = np.zeros(len(ends) - 1, np.uint64)
    edges = np.unique(np.searchsorted(ends, np.arange(0, len(ids) + STEP, STEP)).clip(0, len(found)))
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        starts = ends[low:high] + 1
        lengths = ends[low + 1 : high + 1] - ends[low:high]
        begins = np.cumsum(lengths) - lengths
        place = np.arange(lengths.sum()) - np.repeat(begins, lengths)
        tokens = ids[starts[0] : ends[high] + 1].astype(np.uint64)
        found[low:high] = np.add.reduceat(_mixed(tokens ^ (place.astype(np.uint64) << np.uint64(20))), begins)
    return found


def _mixed(x: np.ndarray) -> np.ndarray:
    """Return 64 well-mixed bits from the 64 bits of each x, by the finaliser of SplitMix64."""
    z = x + random.GOLDEN
    z = (z ^ (z >> random.S30)) * random.MIX_1
    z = (z ^ (z >> random.S27)) * random.MIX_2
    return np.asarray(z ^ (z >> random.S31))


def corpus_of(
    source: Source, config: LanguageModelConfig, *, hint: str = "pass --encoding latin-1, or --set data.tokens=byte"
) -> Corpus:
    """Return the tokens of a source, cut as the config says; DataError without any items. hint: what mends bytes that
    are no text in the encoding."""
    data = config.data
    if data.kind == "byte":
        note_own_bytes(data.encoding)
    corpus = Corpus(source, data.kind, data.encoding, hint=hint, items=data.items)
    if data.items != STREAM and len(corpus.ids) < 2:
        raise DataError(f"{source.name}: is empty; give it {data.items}, one after another")
    if data.tokens == "bpe" and len(corpus.ends) > 1:
        raise ConfigError("data.tokens: bpe reads one file; join them, or set another, such as char or word")
    if corpus.is_tokenized and data.kind != "whitespace":
        doubt(
            f"{source.name}: looks tokenized already, and data.tokens: word cuts it anew, <unk> into three; perplexity "
            "is per token of that cut. Set data.tokens: whitespace for that of the file as it stands"
        )
    return corpus
