"""classify: one label for each sequence (many-to-one; with sequences of one step, one-to-one), or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import WORDS, Kind
from rnncli.errors import DataError, UsageError, shown
from rnncli.kernels import losses
from rnncli.nn.onnx.graph import Graph
from rnncli.tasks.headers import config_in
from rnncli.tasks.sequences import augmentation, baselines, echo_state
from rnncli.tasks.sequences.answers import AnswerInOnnx, Fact, Output
from rnncli.tasks.sequences.averages import best_share, outputs_of_one, softmax_of
from rnncli.tasks.sequences.chances import Chances, flat_chances
from rnncli.tasks.sequences.config import ClassifyConfig, ClassifyDataConfig
from rnncli.tasks.sequences.corrected import HALF, Corrected
from rnncli.tasks.sequences.echo_state import EchoState, fitted_to, scaling_by
from rnncli.tasks.sequences.examples import Columns, Examples, only
from rnncli.tasks.sequences.experiment import SequenceExperiment, splits_in
from rnncli.tasks.sequences.label_scores import accuracy, by_label, confusion, correct_of, macro_f1
from rnncli.tasks.sequences.label_sets import LabelSets
from rnncli.tasks.sequences.one_answer import A_HALF, OneAnswer, Usual, kept_labels, resolved, share_in
from rnncli.tasks.sequences.predictor import SequencePredictor
from rnncli.tasks.task import Context, Options
from rnncli.training.backpropagation import Loss
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.wrong_answers import PROBABILITY, WrongAnswer

CROSS_ENTROPY = Loss(losses.softmax_cross_entropy, "nats per sequence", 1e4)
USUAL = {
    "numbers": Usual("numbers", "max"),
    "characters": Usual("characters", "max"),
    "words": Usual("words", "max", word_dropout=0.4),
}


class Labels(OneAnswer):
    """The labels of the training split, in alphabetical order."""

    def __init__(
        self,
        labels: list[str],
        counts: list[int],
        kind: Kind = "word",
        corrected: Corrected | None = None,
        share: float | None = None,
    ):
        """share: that of the networks that correct something in the answer, where every second one does; else None."""
        self.labels, self.counts, self.kind, self.corrected = labels, counts, kind, corrected
        self.share, self.kinds = share, 1 if share is None else 2
        self.echo_state = corrected.model if corrected and isinstance(corrected.model, EchoState) else None
        self.outputs = len(labels)
        self._number = {label: number for number, label in enumerate(labels)}

    @classmethod
    def of(cls, train: Examples, data: ClassifyDataConfig) -> Labels:
        assert train.labels is not None
        occurring = Counter(train.labels)
        labels = sorted(occurring)
        if len(labels) < 2:
            raise DataError(f"{train.name}: every example is labelled {shown(labels[0])}; to classify takes two labels")
        counts = [occurring[label] for label in labels]
        number = {label: k for k, label in enumerate(labels)}
        numbers = [number[label] for label in train.labels]
        echo_state = fitted_to(train, np.eye(len(labels))[numbers], data.scaling)
        corrected = Corrected.of(train, numbers, len(labels), data, echo_state)
        found = cls(labels, counts, data.kind, corrected, A_HALF if data.residual == HALF else None)
        found.echo_state = echo_state
        return found

    def refitted(self, train: Examples, config: ClassifyConfig) -> Labels:
        return Labels.of(train, config.data)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Labels:
        """Return the labels in the header of a model file."""
        of = header["answers"]
        kind = config_in(header, ClassifyConfig).data.kind
        labels, counts = kept_labels(of)
        return cls(labels, counts, kind, Corrected.from_header(of, len(labels)), share_in(header))

    def asked(self, options: Options) -> Labels:
        if "threshold" in options:
            raise UsageError(
                "--threshold: is for several labels, and this model gives one to each sequence; leave it out"
            )
        return self

    def bases(self, examples: Examples, *, own: bool) -> list[np.ndarray] | None:
        """Return the scores (L,) that the network corrects for each sequence, or None if it corrects nothing; own: True
        for the training sequences, each of which is left out of its own score.
        """
        if self.corrected is None:
            return None
        numbers = [self._number[label] for label in examples.labels or ()] if own else None
        return self.corrected.bases(examples, numbers)

    def compared(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the probability (N,) of the actual label of each sequence, 0 of one that training never saw."""
        numbers = [self._number.get(label) for label in held_out.labels or ()]
        pairs = zip(outputs, numbers, strict=True)
        return np.array([0.0 if number is None else softmax_of(output)[number] for output, number in pairs])

    def weigh(self, compared: Sequence[np.ndarray]) -> None:
        """Take the share that fits best: of seven sets 7.1% are missed so, 11.1% if all networks correct, 7.6% if none
        does."""
        self.share = best_share(*compared)

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

    def figure(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Figure:
        assert held_out.labels is not None
        return Figure("accuracy", accuracy(self._predicted(outputs), held_out.labels), len(held_out))

    def average(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return outputs_of_one(outputs, self.weights(len(outputs)))

    def _predicted(self, outputs: Sequence[np.ndarray]) -> list[str]:
        return [self.labels[output.argmax()] for output in outputs]

    def score(self, split: str, splits: Splits[Examples], outputs: Sequence[np.ndarray]) -> Score:
        """Return the accuracy beside the baselines that apply."""
        held_out = splits.held_out[split]
        assert held_out.labels is not None
        actual = held_out.labels
        predicted, figure = self._predicted(outputs), self.figure(held_out, outputs)
        simple = baselines.of_labels(splits.train, held_out, self.labels, self.kind, self.echo_state, splits.answered)
        wrong = {NETWORK: predicted, **simple}
        compared = Compared.of(
            {name: [a != b for a, b in zip(labels, actual, strict=True)] for name, labels in wrong.items()},
            held_out.inputs(),
            "sequence",
        )
        return Score(
            split,
            figure.name,
            figure.value,
            strongest_first({k: accuracy(labels, actual) for k, labels in simple.items()}, higher_is_better=True),
            f"{len(held_out):,} sequences, macro-F1 {macro_f1(predicted, actual):.4f}",
            higher_is_better=True,
            confusion=confusion(self.labels, predicted, actual),
            labels=by_label([(label,) for label in predicted], [(label,) for label in actual]),
            headline=correct_of(predicted, simple["majority"], actual, "the most frequent label"),
        ).judged(compared)

    def wrong(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Iterator[WrongAnswer]:
        for i, (output, actual) in enumerate(zip(outputs, held_out.labels or (), strict=True)):
            values = softmax_of(output)
            k = int(values.argmax())
            if self.labels[k] != actual:
                given, chance = held_out.given(i), float(values[k])
                yield WrongAnswer(held_out.where(i), given, actual, self.labels[k], PROBABILITY, chance)

    def answer(self, sequences: Any, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        values = softmax_of(output)
        chances, label = Chances(self._number, values), self.labels[int(values.argmax())]
        return {"label": label, "probabilities": chances}, [{"label": label, **flat_chances(chances)}]

    def is_answer(self, text: str) -> bool:
        return text in self._number

    def in_onnx(self, graph: Graph, outputs: Sequence[str]) -> AnswerInOnnx:
        each = [graph.add("Softmax", one, axis=1) for one in outputs]
        mean = graph.mean(each, self.weights(len(outputs)))
        return AnswerInOnnx(Output("probabilities", mean, "float32", ("batch", self.outputs)))

    def as_in_onnx(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([softmax_of(output) for output in outputs])

    def about(self) -> dict[str, Any]:
        return {"labels": self.labels}

    def to_header(self) -> dict[str, Any]:
        corrected = {} if self.corrected is None else self.corrected.to_header()
        corrected |= {} if self.share is None else {"half": True}
        return {"labels": self.labels, "counts": self.counts, **corrected}

    def fact(self) -> Fact:
        shares = [f"{shown(label)} {count:,}" for label, count in zip(self.labels, self.counts, strict=True)]
        more = f" and {len(shares) - 6} more" if len(shares) > 6 else ""
        return "answers", f"{len(self.labels)} labels: {', '.join(shares[:6])}{more}"


def prepare(
    config: ClassifyConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> SequenceExperiment:
    splits = splits_in(config, source, Labels, only, learnt)
    train = splits.train
    config = resolved(config, splits, USUAL)
    augmented = augmentation.sizes_for(train, config.data.scaling)
    config = config.completed(data={"residual": _residual(splits, config)}, training=augmented)
    if learnt:
        labels = _labels(learnt)
    else:
        labels = Labels.of(train, config.data) if train.sets is None else LabelSets.of(train, config)
    config = config.completed(data={"scaling": scaling_by(labels.echo_state)})
    return SequenceExperiment(config, splits, labels, context, learnt)


def _residual(splits: Splits[Examples], config: ClassifyConfig) -> str:
    """Return what `data.residual` is where it is null."""
    train = splits.train
    if train.sets is not None:
        return "none"
    if train.texts is None:
        if len(train) > echo_state.MOST:
            return "none"
        return HALF if config.networks > 1 and splits.validated["folds"] else "echo-state"
    return "naive-bayes" if config.data.tokens in WORDS else "none"


def _labels(header: Mapping[str, Any]) -> Labels | LabelSets:
    return (LabelSets if Columns.from_header(header["columns"]).separator else Labels).from_header(header)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SequencePredictor:
    return SequencePredictor(header, arrays, ClassifyConfig, _labels(header))
