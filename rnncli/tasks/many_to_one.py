"""What classify and regress share: sequences in, one answer for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config, DataConfig
from rnncli.data.example_files import read_examples
from rnncli.data.examples import Columns, Examples, Reading, only
from rnncli.data.scaling import whole_series
from rnncli.data.source import Source
from rnncli.data.text import tokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import DataError
from rnncli.models.memory import require_memory
from rnncli.models.network import Network, NetworkShape
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.parts import Parts
from rnncli.tasks.whole_sequences import require_whole_sequences
from rnncli.training.backpropagation import Loss
from rnncli.training.examples import ExampleLearner
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool

FAR = 1e30  # scaled; sums of larger values leave float32


class Answers(Protocol):
    """What one answer is: a label or a number."""

    outputs: int

    def loss(self, class_weights: str) -> Loss: ...

    def targets(self, examples: Examples) -> np.ndarray:
        """(N,) or (N, O) for the loss; DataError names the example whose answer is of another kind."""

    def score(self, split: str, train: Examples, held_out: Examples, outputs: np.ndarray) -> Score: ...

    def said(self, output: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer in an output (O,): nested for JSON, and flat."""

    def to_header(self) -> dict[str, Any]: ...

    def facts(self) -> str: ...

    def is_answer(self, text: str) -> bool:
        """Whether this is how the data write an answer."""


class Encoder:
    """Sequences to what the network reads: token numbers, or numbers scaled by the training part's mean and spread."""

    def __init__(self, vocabulary: Vocabulary | None, centre: np.ndarray, scale: np.ndarray):
        self.vocabulary, self.centre, self.scale = vocabulary, centre, scale

    @classmethod
    def of(cls, train: Examples, data: DataConfig) -> Encoder:
        """The encoder that the training part calls for."""
        nothing = np.zeros(0)
        if train.texts is not None:
            counts: dict[str, int] = {}
            for text in train.texts:
                for token in tokenize(text, data.tokens):
                    counts[token] = counts.get(token, 0) + 1
            return cls(Vocabulary.of_counts(counts, data.tokens), nothing, nothing)
        assert train.values is not None
        steps = np.concatenate(train.values)
        if data.scaling == "none":
            return cls(None, np.zeros(steps.shape[1]), np.ones(steps.shape[1]))
        return cls(None, *whole_series(steps))

    def encode(self, examples: Examples) -> list[np.ndarray]:
        if self.vocabulary is not None:
            if examples.texts is None:
                raise DataError(f"{examples.name}: the model reads texts, and these are numbers")
            inputs = [self.vocabulary.encode(text).astype(np.int32) for text in examples.texts]
            empty = next((i for i, x in enumerate(inputs) if not len(x)), None)
            if empty is not None:
                raise DataError(f"{examples.where(empty)}: a text without tokens; remove it")
            return inputs
        if examples.values is None:
            raise DataError(f"{examples.name}: the model reads numbers, and these are texts")
        with np.errstate(over="ignore"):
            inputs = [((values - self.centre) / self.scale).astype(np.float32) for values in examples.values]
        beyond = next((i for i, x in enumerate(inputs) if not (np.abs(x) < FAR).all()), None)
        if beyond is not None:
            raise DataError(f"{examples.where(beyond)}: a value is too far from those of the training part; mend it")
        return inputs

    @property
    def size(self) -> int:
        return len(self.centre) if self.vocabulary is None else len(self.vocabulary)

    def to_header(self) -> dict[str, Any]:
        if self.vocabulary is not None:
            return {"vocabulary": self.vocabulary.to_header()}
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Encoder:
        if "vocabulary" in header:
            return cls(Vocabulary.from_header(header["vocabulary"]), np.zeros(0), np.zeros(0))
        return cls(None, np.array(header["centre"], float), np.array(header["scale"], float))


def reading(data: DataConfig) -> Reading:
    inputs = [data.inputs] if isinstance(data.inputs, (str, int)) else data.inputs
    return Reading(
        data.format, data.text, inputs, data.id, data.time, data.label,
        data.encoding, data.delimiter, data.decimal, data.skip_rows, data.ragged,
    )  # fmt: skip


def examples_in(config: Config, source: Source, notes: list[str]) -> Parts[Examples]:
    """The examples in `source`, the held-out parts apart."""
    how = reading(config.data)
    whole = read_examples(source, how, notes)
    return Parts(config, whole, lambda other: read_examples(other, how, notes, whole.columns), only)


class Trainee:
    """Examples and a fresh network for them."""

    def __init__(self, name: str, config: Config, parts: Parts[Examples], answers: Answers, pool: ThreadPool):
        self.name, self.answers, self.parts = name, answers, parts
        self.config = config = resolved(config, parts.train.columns)
        training = config.training
        self.encoder = Encoder.of(parts.train, config.data)
        inputs = self.encoder.encode(parts.train)
        held_out = {
            split: (self.encoder.encode(part), list(answers.targets(part))) for split, part in parts.held_out.items()
        }
        shape = network_shape(config, self.encoder, answers)
        require_memory(shape, max(map(len, inputs)), min(training.batch_size, len(inputs)))
        self.network = Network(shape)
        set_first_weights(self.network, config)
        targets = list(answers.targets(parts.train))
        self.learner = ExampleLearner(
            self.network, inputs, targets, held_out.get("validation", ([], [])),
            loss=answers.loss(training.class_weights), batch_size=training.batch_size, seed=training.seed, pool=pool,
        )  # fmt: skip
        self.facts = self._facts([len(x) for x in inputs])

    def _facts(self, lengths: list[int]) -> tuple[tuple[str, str], ...]:
        model, train = self.config.model, self.parts.train
        kind = f"{self.config.data.tokens} tokens" if train.texts is not None else f"steps of {self.encoder.size}"
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
            "encoder": self.encoder.to_header(),
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
        return self.answers.score(
            split, self.parts.train, part, np.stack(self.learner.outputs(self.encoder.encode(part)))
        )


def resolved(config: Config, columns: Columns) -> Config:
    """The config with every null filled in that the data decide."""
    data, model = config.data, config.model
    require_whole_sequences(config)
    embedding = model.embedding_size
    if embedding is None and columns.form in ("text", "lines") and data.tokens == "word":
        embedding = model.hidden_size
    filled = {"text": columns.text, "inputs": list(columns.inputs) or None, "id": columns.id, "label": columns.label}
    if columns.form == "ts":
        filled["inputs"] = None
    return config.model_copy(
        update={
            "data": data.model_copy(update=filled),
            "model": model.model_copy(update={"embedding_size": embedding, "pooling": model.pooling or "last"}),
        }
    )


def network_shape(config: Config, encoder: Encoder, answers: Answers) -> NetworkShape:
    model = config.model
    return NetworkShape(
        cell=model.cell, input_size=encoder.size, hidden_size=model.hidden_size, num_layers=model.num_layers,
        output_size=answers.outputs, token_input=encoder.vocabulary is not None, embedding_size=model.embedding_size,
        activation=model.activation, dropout=model.dropout, bidirectional=model.bidirectional,
        pooling=model.pooling or "last",
    )  # fmt: skip


class Answerer:
    """A trained many-to-one model."""

    def __init__(self, name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], answers: Answers):
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        self.data, self.answers = config.data, answers
        self.columns = Columns.from_header(header["columns"])
        self.encoder = Encoder.from_header(header["encoder"])
        self.network = Network(network_shape(config, self.encoder, answers))
        self.network.load(arrays)

    def predict(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> Iterable[tuple[str, Any, Any]]:
        """(id, nested, flat) of each example in `source`, read like the training data but for `changes`."""
        data = self.data.model_copy(update=dict(changes))
        examples = read_examples(source, reading(data), notes, self.columns, is_label=self.answers.is_answer)
        pool = ThreadPool(None, self.network.dtype)
        try:
            outputs = self._outputs(self.encoder.encode(examples), pool)
        finally:
            pool.close()
        for identity, output in zip(examples.ids, outputs, strict=True):
            yield identity, *self.answers.said(output)

    def _outputs(self, inputs: Sequence[np.ndarray], pool: ThreadPool) -> list[np.ndarray]:
        learner = ExampleLearner(
            self.network, inputs, [], ([], []), loss=self.answers.loss("none"), batch_size=32, seed=0, pool=pool
        )
        return learner.outputs(inputs)
