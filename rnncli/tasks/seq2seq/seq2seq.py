"""seq2seq: a text for a text, of another length (many-to-many, unequal): translation, inflection, dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.schema import Config
from rnncli.data.source import Source
from rnncli.data.text import Kind
from rnncli.data.vocabulary import Vocabulary, token_vocabulary
from rnncli.errors import DataError
from rnncli.nn.network import FLOAT32
from rnncli.tasks.seq2seq import writing
from rnncli.tasks.seq2seq.pairs import PairColumns
from rnncli.tasks.whole_sequences import refuse_keys, require_whole_sequences
from rnncli.training.threads import ThreadPool

name = "seq2seq"


class Texts:
    """Sources are texts; several columns are read one after another, a tab (of words, a space) between them."""

    encodes = True
    kind = "source tokens"
    decimal = "."

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    @classmethod
    def of(cls, prompts: Sequence[tuple[str, ...]], kind: Kind) -> Texts:
        return cls(token_vocabulary((_joined(prompt, kind) for prompt in prompts), kind))

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def encode(self, prompts: Sequence[tuple[str, ...]], where: Sequence[str]) -> list[np.ndarray]:
        texts = [_joined(prompt, self.vocabulary.kind) for prompt in prompts]
        sources = [self.vocabulary.encode(text).astype(np.int32) for text in texts]
        empty = next((i for i, prompt in enumerate(prompts) if not "".join(prompt).strip()), None)
        if empty is not None:
            raise DataError(f"{where[empty]}: nothing is given; give the pair a source, or remove it")
        return sources

    def to_header(self) -> dict[str, Any]:
        return self.vocabulary.to_header()


def _joined(prompt: tuple[str, ...], kind: Kind) -> str:
    return (" " if kind == "word" else "\t").join(prompt)


def prepare(
    config: Config, source: Source, pool: ThreadPool, notes: list[str], dtype: np.dtype = FLOAT32,
    learnt: Mapping[str, Any] | None = None,
) -> writing.Trainee:  # fmt: skip
    require_whole_sequences(config)
    refuse_keys(config, {
        "model.bidirectional": "a decoder cannot read what it has not written; set model.encoder_bidirectional",
        "model.pooling": "a seq2seq has no one answer for a whole sequence; remove it",
    })  # fmt: skip
    parts = writing.pairs_in(config, source, notes, learnt, named=False)
    config = _resolved(config, parts.train.columns)
    prompts = prompts_in(learnt) if learnt else Texts.of(parts.train.prompts, config.data.tokens)
    return writing.Trainee(name, config, parts, prompts, pool, dtype, learnt)


def _resolved(config: Config, columns: PairColumns) -> Config:
    model = config.model
    embedding = model.hidden_size if model.embedding_size is None and config.data.tokens == "word" else None
    ways = True if model.encoder_bidirectional is None else model.encoder_bidirectional
    filled = {
        "attention": model.attention or "dot",
        "encoder_bidirectional": ways,
        "embedding_size": model.embedding_size or embedding,
    }
    source, target = columns.as_config()
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"source": source, "target": target}),
            "model": model.model_copy(update=filled),
        }
    )


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> writing.Writer:
    return writing.Writer(name, header, arrays, prompts_in(header))


def prompts_in(header: Mapping[str, Any]) -> Texts:
    """Of a model file."""
    return Texts(Vocabulary.from_header(header["prompts"]))
