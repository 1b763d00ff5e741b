"""seq2seq: a text for a text of another length (many-to-many, unequal), such as translation, inflection, dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.data.cutting import Cut
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import WORDS, Kind, tokenize
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Unseen, Vocabulary, token_vocabulary
from rnncli.errors import ConfigError, DataError
from rnncli.tasks.headers import config_in
from rnncli.tasks.seq2seq.config import Seq2seqConfig, SourcesConfig
from rnncli.tasks.seq2seq.edits import shared
from rnncli.tasks.seq2seq.endings import are_words
from rnncli.tasks.seq2seq.pairs import Pairs
from rnncli.tasks.seq2seq.predictor import Writer
from rnncli.tasks.seq2seq.writing import PairExperiment, completed, copies, splits_in
from rnncli.tasks.sizes import with_networks
from rnncli.tasks.task import Context

_FEW, _NETWORKS = 2000, 3  # of three sets of 1,000 words 75.8% are right, 73.2% by one; of one of 9,000 both are equal
_LOOKED_AT = 500  # pairs, evenly spread
_MOSTLY = (
    0.6  # of a target is copied; of inflected words 0.84, of forms that also change at the front 0.64, of dates 0.3
)


class Texts:
    """Prompts that are texts; several columns are joined to one text by a tab, or by a space for word tokens."""

    encodes = True
    kind = "source tokens"
    decimal = "."

    def __init__(self, vocabulary: Vocabulary, data: SourcesConfig):
        self.vocabulary, self.cut, self.unseen = vocabulary, Cut.of(data), Unseen()

    @classmethod
    def of(cls, prompts: Sequence[tuple[str, ...]], data: SourcesConfig) -> Texts:
        texts = (_joined(prompt, data.kind) for prompt in prompts)
        return cls(token_vocabulary(texts, data.kind, data, "the sources"), data)

    def refitted(self, train: Pairs, config: Seq2seqConfig) -> Texts:
        return Texts.of(train.prompts, config.data)

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def encode(
        self, prompts: Sequence[tuple[str, ...]], where: Sequence[str], *, scored: bool = False
    ) -> list[np.ndarray]:
        sources = [self.vocabulary.numbers(self._whole(prompt)).astype(np.int32) for prompt in prompts]
        empty = next((i for i, prompt in enumerate(prompts) if not "".join(prompt).strip()), None)
        if empty is not None:
            raise DataError(f"{where[empty]}: nothing is given; give the pair a source, or remove it")
        for source in sources:
            self.unseen.add(source == UNKNOWN_NUMBER)
        return self.cut.of_all(sources, self.kind, where.__getitem__)

    def tokens(self, prompt: tuple[str, ...]) -> list[str]:
        return self.cut.kept(self._whole(prompt))

    def _whole(self, prompt: tuple[str, ...]) -> list[str]:
        kind = self.vocabulary.kind
        return tokenize(_joined(prompt, kind), kind)

    def to_header(self) -> dict[str, Any]:
        return self.vocabulary.to_header()


def _joined(prompt: tuple[str, ...], kind: Kind) -> str:
    return (" " if kind in WORDS else "\t").join(prompt)


def prepare(
    config: Seq2seqConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> PairExperiment:
    if copies(config) and config.data.min_count == 1:  # a word that was seen once is better copied than known
        config = config.changed(data={"min_count": 2})
    splits = splits_in(config, source, learnt, named=False)
    config = config.completed(data={"tokens": "char"})
    prompts = prompts_in(learnt) if learnt else Texts.of(splits.train.prompts, config.data)
    return PairExperiment(resolved(config, splits), splits, prompts, context, learnt)


def resolved(config: Seq2seqConfig, splits: Splits[Pairs]) -> Seq2seqConfig:
    """Return the config in which all nulls that depend on the data are filled in."""
    attention = _attention(config, splits.train)
    edited = attention == "aligned"
    few = len(splits.train) <= _FEW and not splits.validated["folds"]
    several = edited and few and is_open(config.training.epochs)
    config = completed(config, splits, "edits" if edited else "pairs")
    model = config.model
    embedding = model.hidden_size if model.embedding_size is None and config.data.tokens in WORDS else None
    ways = True if model.encoder_bidirectional is None else model.encoder_bidirectional
    filled = {
        "attention": attention,
        "encoder_bidirectional": ways,
        "embedding_size": model.embedding_size or embedding,
    }
    given, target = splits.train.columns.as_config()
    changes = edited and are_words(splits.train.prompts, splits.train.targets or ())
    config = with_networks(config, _NETWORKS if several else 1)
    config = config.completed(data={"residual": "change-of-ending" if changes else "none"})
    if config.data.residual != "none" and config.data.kind in WORDS:
        raise ConfigError(f"data.residual: changes letters, and data.tokens is {config.data.tokens}; take none")
    return config.changed(data={"source": given, "target": target}, model=filled)


def _attention(config: Seq2seqConfig, train: Pairs) -> str:
    """Return the attention of the config or, where it is null, of the data; ConfigError if nothing can be edited."""
    given, why = config.model.attention, _no_edits(config)
    if given == "aligned" and why:
        raise ConfigError(f"model.attention: aligned {why}")
    return given or ("aligned" if not why and not copies(config) and _are_edited(train) else "dot")


def _no_edits(config: Seq2seqConfig) -> str | None:
    """Return why targets cannot be written as edits, None if they can be."""
    if config.data.kind in WORDS:
        return f"edits letters, and data.tokens is {config.data.tokens}; take dot, or set data.tokens to char"
    if config.training.teacher_forcing < 1:
        return "is where the true edits lead, and training.teacher_forcing is below 1; take dot, or set it to 1"
    return None


def _are_edited(train: Pairs) -> bool:
    """Return True if targets are words that are made of most of the letters of their sources."""
    assert train.targets is not None
    if not are_words(train.prompts, train.targets):
        return False
    step = -(-len(train) // _LOOKED_AT)
    targets = train.targets[::step]
    sources = [_joined(prompt, "char") for prompt in train.prompts[::step]]
    kept = sum(shared(source, target) for source, target in zip(sources, targets, strict=True))
    return kept >= _MOSTLY * sum(map(len, targets))


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Writer:
    return Writer(header, arrays, Seq2seqConfig, prompts_in(header))


def prompts_in(header: Mapping[str, Any]) -> Texts:
    """Return the `Texts` in the header of a model file."""
    return Texts(Vocabulary.from_header(header["prompts"]), config_in(header, Seq2seqConfig).data)
