"""language-model: the next character, byte or word of a text (many-to-many, aligned, state carried across windows)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config
from rnncli.data.source import Source, read_source
from rnncli.data.text import Detokenizer
from rnncli.data.vocabulary import Vocabulary, describe_unseen, require_learnable
from rnncli.errors import ConfigError, DataError
from rnncli.nn.memory import require_memory
from rnncli.nn.network import FLOAT32, Network, NetworkShape
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.corpus import Corpus
from rnncli.tasks.language_model.decoding import Decoder, Sampling
from rnncli.tasks.language_model.streams import StreamLearner, Validation
from rnncli.tasks.one_direction import require_one_direction
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool

name = "language-model"
BPTT = 64  # where the config says null
UNKNOWN = 0
TOGETHER = 32  # texts that are written at once; more rows than that no longer make the weights' way pay
MOST_KEPT = 4_000_000  # tokens of theirs that are kept until their turn comes


class HeldOut(NamedTuple):
    """A part that is not trained on, and what stands before it in its text, which a model may have read."""

    ids: np.ndarray
    before: np.ndarray


class Parts(NamedTuple):
    """A text's vocabulary, and its tokens by number: the training part, and the contiguous parts held out of it."""

    vocabulary: Vocabulary
    train: np.ndarray
    validation: HeldOut
    test: HeldOut | None


class Trainee:
    """A text and a fresh network for it."""

    def __init__(
        self, config: Config, source: Source, pool: ThreadPool, notes: list[str], dtype: np.dtype = FLOAT32,
        learnt: Mapping[str, Any] | None = None,
    ):  # fmt: skip
        self.config = config = resolved(config)
        parts = read_parts(config, source, Vocabulary.from_header(learnt["vocabulary"]) if learnt else None)
        self.vocabulary, self.train_ids = parts.vocabulary, parts.train
        self._held_out = {"validation": parts.validation} | ({"test": parts.test} if parts.test else {})
        self._note_unseen(notes)
        training, shape = config.training, network_shape(config, len(self.vocabulary))
        assert training.bptt is not None
        assert training.bptt_stride is not None
        N = len(self.train_ids)
        B = min(training.batch_size, N)
        require_memory(shape, min(training.bptt, -(-N // B)), B)
        self.network = Network(shape, dtype)
        set_first_weights(self.network, config)
        self.learner = StreamLearner(
            self.network, self.train_ids, *parts.validation,
            batch_size=training.batch_size, bptt=training.bptt, stride=training.bptt_stride,
            seed=training.seed, pool=pool,
        )  # fmt: skip
        self.facts = self._facts(source)

    def _note_unseen(self, notes: list[str]) -> None:
        for split, (ids, before) in self._held_out.items():
            unseen = int((ids == UNKNOWN).sum())
            if unseen:
                notes.append(f"tokens of the {split} part that the training part lacks: {unseen:,}, scored as <unk>")
            if len(ids) < (1 if len(before) else 2):
                notes.append(f"no {split} part: the training loss stands in for it")

    def _facts(self, source: Source) -> tuple[tuple[str, str], ...]:
        model, kind = self.config.model, self.config.data.tokens
        held_out = ", ".join(f"{len(ids):,} for {split}" for split, (ids, _) in self._held_out.items())
        size = self.network.parameters.weights.size
        return (
            ("data", f"{source.name}: {len(self.train_ids):,} {kind} tokens to train on, {held_out}"),
            ("vocabulary", f"{len(self.vocabulary) - 1:,} distinct tokens and <unk>"),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}, {size:,} parameters"),
        )

    def header(self) -> dict[str, Any]:
        return {
            "task": name,
            "data": {"tokens": self.config.data.tokens, "encoding": self.config.data.encoding},
            "model": self.config.model.model_dump(),
            "vocabulary": self.vocabulary.to_header(),
        }

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        """A text of its own."""
        config = self.config.model_copy(update={"data": self.config.data.model_copy(update=dict(changes))})
        ids = _corpus(source, config).encode(self.vocabulary)
        if len(ids) < 2:
            raise DataError(f"{source.name}: has fewer than 2 tokens; nothing in it can be scored")
        self._held_out["test"] = HeldOut(ids, ids[:0])
        unseen = int((ids == UNKNOWN).sum())
        if unseen:
            notes.append(f"tokens of {source.name} that the training part lacks: {unseen:,}, scored as <unk>")

    def score(self) -> Score | None:
        """The network beside an interpolated 5-gram of the same training part, on the same held-out part."""
        split = "test" if "test" in self._held_out else "validation"
        ids, before = self._held_out[split]
        scored = ids if len(before) else ids[1:]
        if not len(scored):
            return None
        driver = self.learner.backpropagation
        self.learner.free()  # training is over, and scoring takes room
        total, count = Validation(self.network, ids, before, driver).run()
        floor = ngram.cross_entropy(self.train_ids, scored, before if len(before) else ids[:1], len(self.vocabulary))
        bits = total / count / np.log(2)
        return Score(
            split, driver.loss.unit, total / count, (("interpolated 5-gram", floor),),
            f"{count:,} tokens, perplexity {_perplexity(total / count):.3f}, {bits:.3f} bits per token",
        )  # fmt: skip


def _perplexity(nats: float) -> float:
    return math.exp(nats) if nats < 700 else math.inf


prepare = Trainee


def resolved(config: Config) -> Config:
    """The config with the nulls that this task decides filled in."""
    require_one_direction(config)
    if config.data.format not in (None, "text"):
        raise ConfigError(
            f"data.format: is {config.data.format}, and a language-model reads text; change it, or the task"
        )
    training, model = config.training, config.model
    bptt = training.bptt or max(BPTT, training.bptt_stride or 0)
    filled = training.model_copy(update={"bptt": bptt, "bptt_stride": training.bptt_stride or bptt})
    embedding = model.embedding_size
    if embedding is None and config.data.tokens == "word":
        embedding = model.hidden_size
    return config.model_copy(
        update={"training": filled, "model": model.model_copy(update={"embedding_size": embedding})}
    )


def network_shape(config: Config, vocabulary_size: int) -> NetworkShape:
    model = config.model
    return NetworkShape(
        cell=model.cell, input_size=vocabulary_size, hidden_size=model.hidden_size, num_layers=model.num_layers,
        output_size=vocabulary_size, token_input=True, embedding_size=model.embedding_size,
        activation=model.activation, dropout=model.dropout,
    )  # fmt: skip


def read_parts(config: Config, source: Source, vocabulary: Vocabulary | None = None) -> Parts:
    """Cut the test part off the end, then the validation part, unless they are files of their own.

    The vocabulary is that of the training part, where none is given. DataError if it teaches nothing.
    """
    data = config.data
    shares = [part if isinstance(part, float) else 0.0 for part in (data.validation, data.test)]
    if sum(shares) >= 1:
        raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
    corpus = _corpus(source, config)
    N = len(corpus.ids)
    end = N - int(shares[1] * N)
    cut = end - int(shares[0] * N)
    if vocabulary is None:
        vocabulary = corpus.vocabulary(cut)
    require_learnable(vocabulary, source.name)
    if cut < 2:
        raise DataError(f"{source.name}: the training part has fewer than 2 tokens; give more text")
    ids = corpus.encode(vocabulary)

    def held_out(part: str | float | None, low: int, high: int) -> HeldOut:
        if isinstance(part, str):
            return HeldOut(_corpus(read_source(part), config).encode(vocabulary), ids[:0])
        return HeldOut(ids[low:high], ids[:low])

    test = held_out(data.test, end, N) if data.test else None
    return Parts(vocabulary, ids[:cut], held_out(data.validation, cut, end), test)


def _corpus(source: Source, config: Config) -> Corpus:
    hint = "pass --encoding latin-1, or --set data.tokens=byte"
    return Corpus(source, config.data.tokens, config.data.encoding, hint=hint)


class LanguageModel:
    """A trained language model: continues a text, and names the most probable next tokens."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.notes: list[str] = []
        self.vocabulary = Vocabulary.from_header(header["vocabulary"])
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        self.network = Network(network_shape(config, len(self.vocabulary)))
        self.network.load(arrays)

    def generate(self, prime: str, how: Sampling, length: int, count: int = 1) -> Iterator[Iterator[str]]:
        """`count` texts of `length` tokens after `prime`, from seeds how.seed, how.seed + 1, …, each as pieces.

        Texts are written some at a time, and read in order. A character may take several bytes, so not every token is
        a piece.
        """
        decoder = Decoder(self.network, UNKNOWN)
        known = self.vocabulary.decode(self.encode(prime, "the prime"))
        logits = decoder.read(self._beginning(prime, "the prime"))
        together = max(1, min(TOGETHER, MOST_KEPT // max(length, 1)))
        for start in range(0, count, together):
            batch = min(together, count - start)
            written = decoder.write(logits, replace(how, seed=how.seed + start), batch)
            for b in range(batch):
                yield self._pieces(known, itertools.islice(written.sequence(b), length))

    def _pieces(self, before: list[str], tokens: Iterator[int]) -> Iterator[str]:
        # Bytes that are no UTF-8 become surrogates, and bytes again where they are written.
        detokenizer = Detokenizer(self.vocabulary.kind, errors="surrogateescape")
        for word in before:
            detokenizer.push(word)
        for token in tokens:
            yield detokenizer.push(self.vocabulary.tokens[token])
        yield detokenizer.flush()

    def next_tokens(self, line: str, top: int, where: str) -> list[tuple[str, float]]:
        """The `top` most probable tokens after `line`, with their probabilities."""
        decoder = Decoder(self.network, UNKNOWN)
        chances = decoder.probabilities(decoder.read(self._beginning(line, where)))
        best = np.argsort(-chances, kind="stable")[:top]
        return [(self.vocabulary.tokens[v], float(chances[v])) for v in best if v != UNKNOWN]

    def encode(self, text: str, where: str) -> np.ndarray:
        """Token numbers. A word that the model has never seen is read as <unk>, with a note; a character cannot be:
        DataError names each."""
        unseen = self.vocabulary.unseen(text)
        if unseen and self.vocabulary.kind == "word":
            note = f"{where}: {describe_unseen(unseen, 'word')} is read as <unk>"
            self.notes += [note] if note not in self.notes else []
        elif unseen:
            raise DataError(
                f"{where}: {describe_unseen(unseen, self.vocabulary.kind)} does not occur in what the model was "
                "trained on; remove it, or train on a text that has it"
            )
        return self.vocabulary.encode(text)

    def _beginning(self, text: str, where: str) -> np.ndarray:
        """The tokens of `text` as the beginning of a line, or the first known token where there is nothing."""
        ids = self.encode(text, where)
        newline = self.vocabulary.encode("\n")
        if newline[0] != UNKNOWN:
            return np.concatenate([newline, ids])
        return ids if len(ids) else np.ones(1, np.int32)


load = LanguageModel
