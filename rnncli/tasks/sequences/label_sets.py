"""classify with several labels for each sequence, or none: each label is learnt by itself (binary relevance)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from rnncli.data.splits import Splits
from rnncli.data.text import Kind
from rnncli.data.typed import typed
from rnncli.errors import ConfigError, DataError, UsageError, shown
from rnncli.kernels import losses
from rnncli.nn.onnx.graph import Graph
from rnncli.tasks.headers import config_in
from rnncli.tasks.sequences import baselines
from rnncli.tasks.sequences.answers import AnswerInOnnx, Fact, Output
from rnncli.tasks.sequences.averages import outputs_of_sets, sigmoids_of
from rnncli.tasks.sequences.chances import Chances, best, flat_chances
from rnncli.tasks.sequences.config import ClassifyConfig
from rnncli.tasks.sequences.echo_state import fitted_to
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.label_scores import (
    at_k,
    by_label,
    correct_of,
    exact_match,
    hamming_loss,
    macro_f1_of_sets,
    micro_f1,
    micro_f1_errors,
)
from rnncli.tasks.sequences.naive_bayes import logs
from rnncli.tasks.sequences.one_answer import OneAnswer, kept_labels
from rnncli.tasks.sequences.written_labels import labels_in
from rnncli.tasks.task import Options
from rnncli.training.backpropagation import Loss
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.wrong_answers import PROBABILITY, WrongAnswer

THRESHOLD = 0.5
_BEST = (1, 3, 5)  # numbers of best labels that are scored

# A uniform guess costs 0.7 nats for each of at most 65,536 labels.
LOSS = Loss(losses.sigmoid_cross_entropy, "nats per sequence, summed over its labels", 1e6)


class LabelSets(OneAnswer):
    """The labels of the training split, in alphabetical order, of which every example has a set.

    counts: how many examples have each. separator: what stands between the labels of an example in the data.
    sequences: the number of examples.
    """

    def __init__(self, labels: list[str], counts: list[int], sequences: int, separator: str, kind: Kind):
        self.labels, self.counts, self.sequences, self.separator, self.kind = labels, counts, sequences, separator, kind
        self.outputs = len(labels)
        self._number = {label: number for number, label in enumerate(labels)}
        self.threshold = THRESHOLD

    @classmethod
    def of(cls, train: Examples, config: ClassifyConfig) -> LabelSets:
        """Return the labels of the training split; ConfigError for what is for one label each."""
        for key, value, default in (
            ("data.residual", config.data.residual, "none"),
            ("training.class_weights", config.training.class_weights, "none"),
        ):
            if value != default:
                raise ConfigError(
                    f"{key}: {value} is for one label each, and {train.name} has several an example; remove it"
                )
        counts = Counter(label for labels in train.sets or () for label in labels)
        if len(counts) < 2:
            raise DataError(f"{train.name}: the examples have {len(counts)} kinds of labels; to classify takes two")
        labels = sorted(counts)
        separator = train.columns.separator or " "
        found = cls(labels, [counts[label] for label in labels], len(train), separator, config.data.kind)
        found.echo_state = fitted_to(train, found.targets(train), config.data.scaling)
        return found

    def refitted(self, train: Examples, config: ClassifyConfig) -> LabelSets:
        return LabelSets.of(train, config)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> LabelSets:
        """Return the labels in the header of a model file."""
        of = header["answers"]
        kind = config_in(header, ClassifyConfig).data.kind
        labels, counts = kept_labels(of)
        sequences = typed(int, of["sequences"], "sequences")
        if sequences < max(counts):
            raise ValueError("a label is of more sequences than there are")
        return cls(labels, counts, sequences, header["columns"]["separator"], kind)

    def asked(self, options: Options) -> LabelSets:
        """Return the same, with the threshold of the command line; UsageError for a matrix of confusions."""
        if asked := {"confusion", "plot"} & options.keys():
            option = min(asked)
            raise UsageError(f"--{option}: several labels have no such matrix; -f json has the scores of each label")
        changed = copy(self)
        changed.threshold = options.get("threshold", self.threshold)
        return changed

    def first_biases(self) -> np.ndarray:
        """Return the log-odds of each label: an update moves a bias by about the learning rate, and those of rare
        labels, which at first are all that is wrong, have far to go.
        """
        counts = np.array(self.counts)
        return logs(counts + 0.5) - logs(self.sequences - counts + 0.5)

    def loss(self, config: ClassifyConfig) -> Loss:
        return LOSS

    def targets(self, examples: Examples) -> list[np.ndarray]:
        targets = np.zeros((len(examples), len(self.labels)), np.uint8)
        for target, labels in zip(targets, examples.sets or (), strict=True):
            target[[self._number[label] for label in labels]] = 1
        return list(targets)

    def unseen(self, examples: Examples) -> dict[int, tuple[str, str]]:
        found = {}
        for i, labels in enumerate(examples.sets or ()):
            new = next((label for label in labels if label not in self._number), None)
            if new is not None:
                found[i] = examples.where(i), new
        return found

    def figure(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Figure:
        assert held_out.sets is not None
        return Figure("micro-F1", micro_f1(self._predicted(outputs), held_out.sets), len(held_out))

    def average(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return outputs_of_sets(outputs)

    def _predicted(self, outputs: Sequence[np.ndarray]) -> list[list[str]]:
        return [self._chosen(sigmoids_of(output)) for output in outputs]

    def score(self, split: str, splits: Splits[Examples], outputs: Sequence[np.ndarray]) -> Score:
        """Return the micro-F1 beside the baselines that apply, and further figures."""
        held_out = splits.held_out[split]
        assert held_out.sets is not None
        actual = held_out.sets
        predicted, figure = self._predicted(outputs), self.figure(held_out, outputs)
        simple = baselines.of_sets(splits.train, held_out, self.labels, self.kind, self.echo_state, splits.answered)
        sets: dict[str, Sequence[Sequence[str]]] = {NETWORK: predicted, **simple}
        errors = {name: micro_f1_errors(labels, actual) for name, labels in sets.items()}
        every = {*self.labels, *(label for labels in actual for label in labels)}
        figures = {
            "macro-F1": macro_f1_of_sets(predicted, actual),
            "exact match": exact_match(predicted, actual),
            "Hamming loss": hamming_loss(predicted, actual, len(every)),
        }
        ranked = [[self.labels[k] for k in best(output, _BEST[-1])] for output in outputs]
        for k in _BEST:
            if k <= len(self.labels):
                figures[f"precision@{k}"], figures[f"recall@{k}"] = at_k(ranked, actual, k)
        return Score(
            split,
            figure.name,
            figure.value,
            strongest_first({k: micro_f1(labels, actual) for k, labels in simple.items()}, higher_is_better=True),
            f"{len(held_out):,} sequences, threshold {self.threshold:g}",
            higher_is_better=True,
            figures=tuple(figures.items()),
            labels=by_label(predicted, actual),
            headline=correct_of(
                list(map(set, predicted)),
                list(map(set, simple["best constant"])),
                list(map(set, actual)),
                "the best constant",
                "with all their labels",
            ),
        ).judged(Compared.of(errors, held_out.inputs(), "sequence"))

    def wrong(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Iterator[WrongAnswer]:
        """Yield the examples with wrong labels, each with the probability that it gave the wrong answer to one of
        them."""
        for i, (output, actual) in enumerate(zip(outputs, held_out.sets or (), strict=True)):
            chances = sigmoids_of(output)
            predicted = self._chosen(chances)
            if missed := set(actual) ^ set(predicted):
                known = [self._number[label] for label in missed if label in self._number]
                sure = max((float(max(chances[k], 1 - chances[k])) for k in known), default=1.0)
                ours, theirs = (self.separator.join(labels) or "none" for labels in (predicted, actual))
                yield WrongAnswer(held_out.where(i), held_out.given(i), theirs, ours, PROBABILITY, sure)

    def answer(self, sequences: Any, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the labels whose probability is at least the threshold, the most probable first."""
        chances = Chances(self._number, sigmoids_of(output))
        chosen = self._chosen(chances.array)
        flat = {"labels": self.separator.join(chosen), **flat_chances(chances)}
        labels = [{"label": label, "probability": chances[label]} for label in chosen]
        return {"labels": labels, "probabilities": chances}, [flat]

    def _chosen(self, chances: np.ndarray) -> list[str]:
        return [self.labels[k] for k in best(chances, int((chances >= self.threshold).sum()))]

    def is_answer(self, text: str) -> bool:
        return all(label in self._number for label in labels_in(text, self.separator))

    def in_onnx(self, graph: Graph, outputs: Sequence[str]) -> AnswerInOnnx:
        mean = graph.mean([graph.add("Sigmoid", one) for one in outputs])
        return AnswerInOnnx(Output("probabilities", mean, "float32", ("batch", self.outputs)))

    def as_in_onnx(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([sigmoids_of(output) for output in outputs])

    def about(self) -> dict[str, Any]:
        return {"labels": self.labels, "several": True, "threshold": self.threshold}

    def to_header(self) -> dict[str, Any]:
        return {"labels": self.labels, "counts": self.counts, "sequences": self.sequences}

    def fact(self) -> Fact:
        mean = sum(self.counts) / self.sequences
        shares = [f"{shown(label)} {count:,}" for label, count in zip(self.labels, self.counts, strict=True)]
        more = f" and {len(shares) - 6} more" if len(shares) > 6 else ""
        return "answers", f"{len(self.labels)} labels, {mean:.3g} a sequence: {', '.join(shares[:6])}{more}"
