"""classify: one label for each sequence (many-to-one; with sequences of one step, one-to-one)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.data.text import Kind
from rnncli.errors import ConfigError, DataError, shown
from rnncli.kernels import losses
from rnncli.tasks.sequences import baselines
from rnncli.tasks.sequences.baselines import NaiveBayes, best_scale
from rnncli.tasks.sequences.config import ClassifyConfig, ClassifyDataConfig
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_files import entries_in, read_examples, texts_in
from rnncli.tasks.sequences.examples import Columns, Examples, only
from rnncli.tasks.sequences.experiment import (
    Answers,
    Fact,
    SequenceExperiment,
    named,
    require_words,
    splits_in,
    word_size,
)
from rnncli.tasks.sequences.predictor import SequencePredictor
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import Loss
from rnncli.training.reports import Confusion, Score

CROSS_ENTROPY = Loss(losses.softmax_cross_entropy, "nats per sequence", 1e4)


class OneAnswer(Answers):
    """Answers of which every sequence has one: a label or a number."""

    kept = (*Answers.kept, "max_length", "truncate")

    @staticmethod
    def read(
        source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None
    ) -> Examples:
        return read_examples(source, data, like, is_label=is_answer)

    @staticmethod
    def of_lines(
        lines: Iterator[Line], name: str, data: Any, like: Any, is_answer: Callable[[str], bool]
    ) -> Callable[[Sequence[Line]], Examples] | None:
        return texts_in(lines, name, data, like, is_answer)

    @staticmethod
    def entries(source: Source, data: Any, like: Any) -> Entries | None:
        return entries_in(source, data, like)

    @staticmethod
    def stand_in(like: Any) -> Examples:
        return Examples("", like, ["1"], [1], None)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> Columns:
        return Columns.from_header(header["columns"])


class Labels(OneAnswer):
    """The labels of the training split, in alphabetical order."""

    def __init__(
        self,
        labels: list[str],
        counts: list[int],
        kind: Kind = "word",
        corrected: tuple[NaiveBayes, float] | None = None,
    ):
        self.labels, self.counts, self.kind, self._corrected = labels, counts, kind, corrected
        self.outputs, self.corrects = len(labels), corrected is not None
        self._number = {label: number for number, label in enumerate(labels)}

    @classmethod
    def of(cls, train: Examples, data: ClassifyDataConfig) -> Labels:
        assert train.labels is not None
        labels = sorted(set(train.labels))
        if len(labels) < 2:
            raise DataError(f"{train.name}: every example is labelled {shown(labels[0])}; to classify takes two labels")
        counts = [train.labels.count(label) for label in labels]
        if data.residual is None:
            return cls(labels, counts, data.tokens)
        if train.texts is None:
            raise ConfigError(f"data.residual: is {data.residual}; a classify takes naive-bayes, of texts; mend it")
        numbers = np.array([labels.index(label) for label in train.labels], np.int32)
        model = NaiveBayes.of(train.texts, numbers.tolist(), len(labels), data.tokens, pairs=True)
        scale = best_scale(model.scores_left_out(train.texts, numbers.tolist()), numbers)
        return cls(labels, counts, data.tokens, (model, scale))

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Labels:
        """Return the labels in the header of a model file."""
        of = header["answers"]
        corrected = (NaiveBayes.from_header(of["naive_bayes"]), float(of["scale"])) if "naive_bayes" in of else None
        return cls(list(of["labels"]), list(of["counts"]), header["data"]["tokens"], corrected)

    def bases(self, examples: Examples, *, own: bool) -> list[np.ndarray] | None:
        """Return the naive Bayes scores (L,) of each text, in the best scale, or None without naive Bayes; own: True
        for the training texts, each of which is left out of its own score.
        """
        if self._corrected is None:
            return None
        if examples.texts is None:
            raise DataError(f"{examples.name}: the model reads texts, and these are numbers")
        model, scale = self._corrected
        if own:
            assert examples.labels is not None
            scores = model.scores_left_out(examples.texts, [self._number[label] for label in examples.labels])
        else:
            scores = model.scores(examples.texts)
        return list((scale * (scores - scores.max(axis=1, keepdims=True))).astype(np.float32))

    def loss(self, config: ClassifyConfig) -> Loss:
        if config.training.class_weights == "none":
            return CROSS_ENTROPY
        counts = np.array(self.counts)
        weights = counts.sum() / (len(counts) * counts)  # their mean over the examples is 1

        def weighted(outputs: Any, targets: Any, per_step: Any, weight: Any, low: int, high: int) -> None:
            losses.softmax_cross_entropy(outputs, targets, per_step, weight, low, high)
            mine = weights[targets[:, low:high]]
            per_step[:, low:high] *= mine
            outputs[:, low:high] *= mine[..., None].astype(outputs.dtype)

        return replace(CROSS_ENTROPY, kernel=weighted)

    def targets(self, examples: Examples) -> list[np.ndarray]:
        assert examples.labels is not None
        return list(np.array([self._number[label] for label in examples.labels], np.int32))

    def unseen(self, examples: Examples) -> dict[int, tuple[str, str]]:
        labels = enumerate(examples.labels or ())
        return {i: (examples.where(i), label) for i, label in labels if label not in self._number}

    def score(self, split: str, train: Examples, held_out: Examples, outputs: Sequence[np.ndarray]) -> Score:
        """Return the accuracy beside the baselines that apply."""
        assert held_out.labels is not None
        assert train.labels is not None
        actual = held_out.labels
        predicted = [self.labels[k] for k in np.stack(outputs).argmax(axis=1)]
        simple = {"majority": baselines.majority(train, held_out)}
        if train.texts is not None:
            simple["naive Bayes"] = baselines.naive_bayes(train, held_out, self.labels, self.kind)
        else:
            simple["nearest neighbour"] = [train.labels[i] for i in baselines.nearest(train, held_out)]
        return Score(
            split,
            "accuracy",
            accuracy(predicted, actual),
            tuple((name, accuracy(labels, actual)) for name, labels in simple.items()),
            f"{len(held_out):,} sequences, macro-F1 {macro_f1(predicted, actual):.4f}",
            higher_is_better=True,
            confusion=confusion(self.labels, predicted, actual),
        )

    def answer(self, sequences: Any, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        chances = output.copy()
        losses.softmax(chances)
        probabilities = {label: float(p) for label, p in zip(self.labels, chances, strict=True)}
        label = self.labels[int(chances.argmax())]
        flat = {f"p({name})": p for name, p in probabilities.items()}
        return {"label": label, "probabilities": probabilities}, [{"label": label, **flat}]

    def is_answer(self, text: str) -> bool:
        return text in self._number

    def to_header(self) -> dict[str, Any]:
        corrected = {}
        if self._corrected is not None:
            model, scale = self._corrected
            corrected = {"naive_bayes": model.to_header(), "scale": scale}
        return {"labels": self.labels, "counts": self.counts, **corrected}

    def fact(self) -> Fact:
        shares = [f"{shown(label)} {count:,}" for label, count in zip(self.labels, self.counts, strict=True)]
        more = f" and {len(shares) - 6} more" if len(shares) > 6 else ""
        return "answers", f"{len(self.labels)} labels: {', '.join(shares[:6])}{more}"


def accuracy(predicted: list[str], actual: list[str]) -> float:
    return sum(p == r for p, r in zip(predicted, actual, strict=True)) / len(actual)


def macro_f1(predicted: list[str], actual: list[str]) -> float:
    """Return the mean of 2·hits / (predicted + actual) over the labels that occur in `actual` or `predicted`."""
    hits = Counter(p for p, r in zip(predicted, actual, strict=True) if p == r)
    both = Counter(predicted) + Counter(actual)
    return sum(2 * hits[label] / both[label] for label in sorted(both)) / len(both)


def confusion(labels: list[str], predicted: list[str], actual: list[str]) -> Confusion:
    """Return the confusion counts: how often each actual label was predicted as each label, `labels` first and then
    those that training never saw."""
    labels = [*labels, *sorted(set(actual) - set(labels))]
    pairs = Counter(zip(actual, predicted, strict=True))
    return Confusion(tuple(labels), tuple(tuple(pairs[mine, other] for other in labels) for mine in labels))


def resolved(config: Any, columns: Columns) -> Any:
    """Return the config of classify or regress in which all nulls that depend on the data are filled in."""
    words = columns.form in ("text", "lines") and config.data.tokens == "word"
    require_words(config, words=words)
    model = config.model
    embedding = word_size(config) if words else model.embedding_size
    found = named(config, columns) | ({"inputs": None} if columns.form == "ts" else {})
    return config.changed(data=found, model={"embedding_size": embedding, "pooling": model.pooling or "last"})


def prepare(
    config: ClassifyConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> SequenceExperiment:
    splits = splits_in(config, source, Labels, only, learnt)
    labels = Labels.from_header(learnt) if learnt else Labels.of(splits.train, config.data)
    return SequenceExperiment(resolved(config, splits.train.columns), splits, labels, context, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SequencePredictor:
    return SequencePredictor(header, arrays, ClassifyConfig, Labels.from_header(header))
