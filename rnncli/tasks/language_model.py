"""language-model: the next character, byte or word of a text (many-to-many, aligned, state carried across windows)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config
from rnncli.data.source import Source, decode, read_source
from rnncli.data.text import Detokenizer, Kind
from rnncli.data.vocabulary import Vocabulary, describe_unseen, require_learnable
from rnncli.errors import ConfigError, DataError
from rnncli.models.memory import require_memory
from rnncli.models.network import Network, NetworkShape
from rnncli.tasks import ngram
from rnncli.tasks.decoding import Decoder, Sampling
from rnncli.training.backpropagation import CROSS_ENTROPY
from rnncli.training.gradients import Batch
from rnncli.training.reports import Score
from rnncli.training.streams import StreamLearner, Streams, Validation
from rnncli.training.threads import ThreadPool

name = "language-model"
BPTT = 64  # where the config says null
WARM_UP_CHARACTERS = 20_000  # more than enough for the tokens that validation warms up on
UNKNOWN = 0
TOGETHER = 32  # texts that are written at once; more rows than that no longer make the weights' way pay
MOST_KEPT = 4_000_000  # tokens of theirs that are kept until their turn comes


@dataclass(frozen=True)
class Parts:
    """A text cut into its training part and the contiguous parts held out of it.

    Each held-out part is (its text, the text before it, which a model may have read).
    """

    train: str | bytes
    validation: tuple[str | bytes, str | bytes]
    test: tuple[str | bytes, str | bytes] | None


class Trainee:
    """A text and a fresh network for it."""

    def __init__(self, config: Config, source: Source, pool: ThreadPool, notes: list[str]):
        self.config = config = resolved(config)
        kind: Kind = config.data.tokens
        parts = _split(config, _read(source, config))
        self.vocabulary = Vocabulary.build(parts.train, kind)
        require_learnable(self.vocabulary, source.name)
        self.train_ids = self.vocabulary.encode(parts.train)
        if len(self.train_ids) < 2:
            raise DataError(f"{source.name}: the training part has fewer than 2 tokens; give more text")
        held_out = {"validation": parts.validation} | ({"test": parts.test} if parts.test else {})
        self._ids = {
            split: (self.vocabulary.encode(text), self.vocabulary.encode(before))
            for split, (text, before) in held_out.items()
        }
        self._note_unseen(notes)
        training, shape = config.training, network_shape(config, len(self.vocabulary))
        assert training.bptt is not None
        assert training.bptt_stride is not None
        N = len(self.train_ids)
        B = min(training.batch_size, N)
        require_memory(shape, min(training.bptt, -(-N // B)), B)
        self.network = Network(shape)
        self.network.initialise(config.model.recurrent_init, config.model.recurrent_scale, config.training.seed)
        self.learner = StreamLearner(
            self.network, self.train_ids, *self._ids["validation"],
            batch_size=training.batch_size, bptt=training.bptt, stride=training.bptt_stride,
            seed=training.seed, pool=pool,
        )  # fmt: skip
        self.facts = self._facts(source)

    def _note_unseen(self, notes: list[str]) -> None:
        for split, (ids, before) in self._ids.items():
            unseen = int((ids == UNKNOWN).sum())
            if unseen:
                notes.append(f"tokens of the {split} part that the training part lacks: {unseen:,}, scored as <unk>")
            if len(ids) < (1 if len(before) else 2):
                notes.append(f"no {split} part: the training loss stands in for it")

    def _facts(self, source: Source) -> tuple[tuple[str, str], ...]:
        model, kind = self.config.model, self.config.data.tokens
        held_out = ", ".join(f"{len(ids):,} for {split}" for split, (ids, _) in self._ids.items())
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

    def score(self) -> Score | None:
        """The network beside an interpolated 5-gram of the same training part, on the same held-out part."""
        split = "test" if "test" in self._ids else "validation"
        ids, before = self._ids[split]
        scored = ids if len(before) else ids[1:]
        if not len(scored):
            return None
        driver = self.learner.backpropagation
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


def inspected(
    config: Config, source: Source, notes: list[str],
    header: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray] | None,
) -> Batch:  # fmt: skip
    """The first window of the training streams, and its targets."""
    config = resolved(config)
    text = _split(config, _read(source, config)).train
    vocabulary = Vocabulary.from_header(header["vocabulary"]) if header else Vocabulary.build(text, config.data.tokens)
    require_learnable(vocabulary, source.name)
    ids = vocabulary.encode(text)
    if len(ids) < 2:
        raise DataError(f"{source.name}: the training part has fewer than 2 tokens; give more text")
    network = Network(network_shape(config, len(vocabulary)), np.dtype(np.float64))
    network.initialise(config.model.recurrent_init, config.model.recurrent_scale, config.training.seed)
    if arrays is not None:
        network.load(arrays)
    streams = Streams(ids, config.training.batch_size)
    T = min(config.training.bptt or BPTT, streams.L)
    tokens = np.zeros((T, streams.B), np.int32)
    streams.fill(tokens, 0, T)
    return Batch(network, tokens, streams.targets(0, T), CROSS_ENTROPY)


def resolved(config: Config) -> Config:
    """The config with the nulls that this task decides filled in."""
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


def _read(source: Source, config: Config) -> str | bytes:
    if config.data.tokens == "byte":
        return source.content
    hint = "pass --encoding latin-1, or --set data.tokens=byte"
    return decode(source, config.data.encoding, hint=hint)


def _split(config: Config, text: str | bytes) -> Parts:
    """Cut the test part off the end, then the validation part, unless they are files of their own."""
    validation, held_out = config.data.validation, config.data.test
    if sum(part for part in (validation, held_out) if isinstance(part, float)) >= 1:
        raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
    nothing: str | bytes = b"" if isinstance(text, bytes) else ""
    test: tuple[str | bytes, str | bytes] | None = None
    whole = len(text)
    if isinstance(held_out, str):
        test = (_read(read_source(held_out), config), nothing)
    elif held_out:
        cut = _cut(text, held_out * whole, config.data.tokens)
        test = (text[cut:], _end(text[:cut]))
        text = text[:cut]
    if isinstance(validation, str):
        return Parts(text, (_read(read_source(validation), config), nothing), test)
    cut = _cut(text, validation * whole, config.data.tokens)
    return Parts(text[:cut], (text[cut:], _end(text[:cut])), test)


def _end(text: str | bytes) -> str | bytes:
    """As much of what stands before a held-out part as is read to warm up on it."""
    return text[-WARM_UP_CHARACTERS:]


def _cut(text: str | bytes, tail: float, kind: Kind) -> int:
    """Where the last `tail` characters begin; not inside a word where words are the tokens."""
    cut = len(text) - int(tail)
    if kind == "word" and isinstance(text, str):
        while 0 < cut < len(text) and (not text[cut].isspace() or text[cut - 1 : cut + 1] == "\r\n"):
            cut += 1
    return cut


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
