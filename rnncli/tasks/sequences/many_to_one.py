"""What classify and regress share: sequences in, one answer for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config, DataConfig
from rnncli.data.source import Source
from rnncli.data.splits import Parts
from rnncli.data.text import tokenize
from rnncli.data.vocabulary import token_vocabulary
from rnncli.errors import ConfigError, DataError
from rnncli.nn.memory import require_memory
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.sequences.example_files import read_examples
from rnncli.tasks.sequences.examples import Columns, Examples, Reading, only
from rnncli.tasks.sequences.learner import ExampleLearner
from rnncli.tasks.sequences.readers import Numbers, Tokens, Words, from_header
from rnncli.tasks.whole_sequences import require_whole_sequences
from rnncli.training.backpropagation import Loss
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool


class Answers(Protocol):
    """What one answer is: a label or a number."""

    outputs: int

    @property
    def corrects(self) -> bool:
        """Whether the network corrects something, so that it should say nothing before it has learnt."""

    def loss(self, class_weights: str) -> Loss: ...

    def bases(self, examples: Examples, *, own: bool) -> list[np.ndarray] | None:
        """What the network corrects, (O,) for each, where it does; `own`: these are the examples it was made from."""

    def targets(self, examples: Examples) -> np.ndarray:
        """(N,) or (N, O) for the loss; DataError names the example whose answer is of another kind."""

    def score(self, split: str, train: Examples, held_out: Examples, outputs: np.ndarray) -> Score: ...

    def said(self, output: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer in an output (O,): nested for JSON, and flat."""

    def to_header(self) -> dict[str, Any]: ...

    def facts(self) -> str: ...

    def is_answer(self, text: str) -> bool:
        """Whether this is how the data write an answer."""


Reader: TypeAlias = "Tokens | Words | Numbers"


def reader_of(train: Examples, data: DataConfig) -> Reader:
    """The reader that the training part calls for."""
    if train.texts is None:
        assert train.values is not None
        return Numbers.of(train.values, next(iter(data.scalings), None))
    if data.tokens == "word":
        return Words.of(tokenize(text, "word") for text in train.texts)
    return Tokens(token_vocabulary(train.texts, data.tokens))


def encode(reader: Reader, examples: Examples) -> list[np.ndarray]:
    """What the network reads of each example."""
    if isinstance(reader, Numbers):
        if examples.values is None:
            raise DataError(f"{examples.name}: the model reads numbers, and these are texts")
        return reader.encode(examples.values, examples.where)
    if examples.texts is None:
        raise DataError(f"{examples.name}: the model reads texts, and these are numbers")
    if isinstance(reader, Words):
        inputs = reader.encode(tokenize(text, "word") for text in examples.texts)
    else:
        inputs = reader.encode(examples.texts)
    empty = next((i for i, x in enumerate(inputs) if not len(x)), None)
    if empty is not None:
        raise DataError(f"{examples.where(empty)}: a text without tokens; remove it")
    return inputs


def reading(data: DataConfig) -> Reading:
    inputs = [data.inputs] if isinstance(data.inputs, (str, int)) else data.inputs
    return Reading(
        data.format, data.text, inputs, data.id, data.time, data.label,
        data.encoding, data.delimiter, data.decimal, data.skip_rows, data.ragged,
    )  # fmt: skip


def examples_in(config: Config, source: Source, notes: list[str], learnt: Mapping[str, Any] | None) -> Parts[Examples]:
    """The examples in `source`, the held-out parts apart."""
    how = reading(config.data)
    whole = read_examples(source, how, notes, Columns.from_header(learnt["columns"]) if learnt else None)
    return Parts(config, whole, lambda other: read_examples(other, how, notes, whole.columns), only)


class Trainee:
    """Examples and a fresh network for them."""

    def __init__(
        self, name: str, config: Config, parts: Parts[Examples], answers: Answers, pool: ThreadPool, dtype: np.dtype,
        learnt: Mapping[str, Any] | None,
    ):  # fmt: skip
        self.name, self.answers, self.parts = name, answers, parts
        self.config = config = resolved(config, parts.train.columns)
        training = config.training
        self.reader = from_header(learnt["encoder"]) if learnt else reader_of(parts.train, config.data)
        inputs = encode(self.reader, parts.train)
        held_out = {
            split: (encode(self.reader, part), list(answers.targets(part))) for split, part in parts.held_out.items()
        }
        shape = network_shape(config, self.reader, answers)
        require_memory(shape, max(map(len, inputs)), min(training.batch_size, len(inputs)))
        self.network = Network(shape, dtype)
        set_first_weights(self.network, config)
        targets, valid = list(answers.targets(parts.train)), parts.held_out.get("validation")
        self.learner = ExampleLearner(
            self.network, inputs, targets, held_out.get("validation", ([], [])),
            loss=answers.loss(training.class_weights), batch_size=training.batch_size, seed=training.seed, pool=pool,
            lexicon=self.reader.lexicon,
            bases=(answers.bases(parts.train, own=True), None if valid is None else answers.bases(valid, own=False)),
        )  # fmt: skip
        self.facts = self._facts([len(x) for x in inputs])

    def _facts(self, lengths: list[int]) -> tuple[tuple[str, str], ...]:
        model, train = self.config.model, self.parts.train
        kind = f"{self.config.data.tokens} tokens" if train.texts is not None else f"steps of {self.reader.size}"
        span = f"{min(lengths):,} to {max(lengths):,}" if min(lengths) < max(lengths) else f"{lengths[0]:,}"
        ways = "both ways, " if model.bidirectional else ""
        size = self.network.parameters.weights.size
        return (
            ("data", f"{train.name}: {len(train):,} sequences of {span} {kind} to train on{self.parts.facts()}"),
            ("answers", self.answers.facts()),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}, {ways}pooling {model.pooling}, "
                      f"{size:,} parameters"),
        )  # fmt: skip

    def header(self) -> dict[str, Any]:
        data = self.config.data
        kept = ("format", "tokens", "encoding", "delimiter", "decimal", "skip_rows", "ragged")
        return {
            "task": self.name,
            "data": {key: getattr(data, key) for key in kept},
            "model": self.config.model.model_dump(),
            "columns": self.parts.train.columns.to_header(),
            "encoder": self.reader.to_header(),
            "answers": self.answers.to_header(),
        }

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        data = self.config.data.model_copy(update=dict(changes))
        self.parts.held_out["test"] = read_examples(source, reading(data), notes, self.parts.train.columns)
        self.answers.targets(self.parts.held_out["test"])  # refuses what training never saw

    def score(self) -> Score | None:
        split = self.parts.scored()
        if split is None:
            return None
        part = self.parts.held_out[split]
        outputs = self.learner.outputs(encode(self.reader, part), self.answers.bases(part, own=False))
        return self.answers.score(split, self.parts.train, part, np.stack(outputs))


def resolved(config: Config, columns: Columns) -> Config:
    """The config with every null filled in that the data decide."""
    data, model = config.data, config.model
    require_whole_sequences(config)
    words = columns.form in ("text", "lines") and data.tokens == "word"
    if (model.character_size or model.word_dropout) and not words:
        raise ConfigError(
            "model.character_size and model.word_dropout are for data.tokens: word; set that, or remove them"
        )
    embedding = model.hidden_size if words and model.embedding_size is None else model.embedding_size
    filled = {"text": columns.text, "inputs": list(columns.inputs) or None, "id": columns.id, "label": columns.label}
    if columns.form == "ts":
        filled["inputs"] = None
    return config.model_copy(
        update={
            "data": data.model_copy(update=filled),
            "model": model.model_copy(update={"embedding_size": embedding, "pooling": model.pooling or "last"}),
        }
    )


def network_shape(config: Config, reader: Reader, answers: Answers) -> NetworkShape:
    model = config.model
    spelling = len(reader.characters) if isinstance(reader, Words) and model.character_size else 0
    return NetworkShape(
        cell=model.cell, input_size=reader.size, hidden_size=model.hidden_size, num_layers=model.num_layers,
        output_size=answers.outputs, token_input=not isinstance(reader, Numbers), embedding_size=model.embedding_size,
        activation=model.activation, dropout=model.dropout, bidirectional=model.bidirectional,
        pooling=model.pooling or "last", head_starts_at_zero=answers.corrects, word_dropout=model.word_dropout,
        characters=spelling, character_size=model.character_size or 0,
    )  # fmt: skip


class Answerer:
    """A trained many-to-one model."""

    def __init__(self, name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], answers: Answers):
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        self.data, self.answers = config.data, answers
        self.columns = Columns.from_header(header["columns"])
        self.reader = from_header(header["encoder"])
        self.network = Network(network_shape(config, self.reader, answers))
        self.network.load(arrays)

    def predict(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> Iterable[tuple[str, Any, Any]]:
        """(id, nested, flat) of each example in `source`, read like the training data but for `changes`."""
        data = self.data.model_copy(update=dict(changes))
        examples = read_examples(source, reading(data), notes, self.columns, is_label=self.answers.is_answer)
        pool = ThreadPool(None, self.network.dtype)
        try:
            inputs = encode(self.reader, examples)
            learner = ExampleLearner(
                self.network, inputs, [], ([], []), loss=self.answers.loss("none"), batch_size=32, seed=0, pool=pool,
                lexicon=self.reader.lexicon,
            )  # fmt: skip
            outputs = learner.outputs(inputs, self.answers.bases(examples, own=False))
        finally:
            pool.close()
        for identity, output in zip(examples.ids, outputs, strict=True):
            yield identity, *self.answers.said(output)
