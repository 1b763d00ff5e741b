"""regress: one number for each sequence (many-to-one)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.data.numeric import FAR, is_number, whole_series
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import WORDS, Kind
from rnncli.data.typed import array, typed
from rnncli.data.units import unit_of
from rnncli.errors import ConfigError, DataError, shown
from rnncli.nn.onnx.graph import Graph
from rnncli.tasks.headers import config_in
from rnncli.tasks.sequences import baselines
from rnncli.tasks.sequences.answers import AnswerInOnnx, Fact, Output
from rnncli.tasks.sequences.averages import SHARES
from rnncli.tasks.sequences.config import RegressConfig, RegressDataConfig
from rnncli.tasks.sequences.echo_state import fitted_to, scaling_by
from rnncli.tasks.sequences.examples import Examples, only
from rnncli.tasks.sequences.experiment import SequenceExperiment, splits_in
from rnncli.tasks.sequences.one_answer import A_HALF, OneAnswer, Usual, resolved, share_in
from rnncli.tasks.sequences.predictor import SequencePredictor
from rnncli.tasks.sequences.ridge import Ridge
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import SQUARED_ERROR, Loss
from rnncli.training.headline import OFF_BY, Headline
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.wrong_answers import DISTANCE, WrongAnswer

USUAL = {
    "numbers": Usual("numbers", "last"),
    "characters": Usual("characters", "last"),
    "words": Usual("numbers of words", "mean", networks=2),
}
LINEAR, HALF = "linear", "linear-half"


class Number(OneAnswer):
    """Answers that are one number each, scaled for training by the training split's mean and standard deviation."""

    outputs = 1
    counted = False

    def __init__(
        self,
        label: str,
        decimal: str,
        centre: float,
        scale: float,
        kind: Kind = "word",
        corrected: Ridge | None = None,
        share: float | None = None,
    ):
        """kind: of the tokens of texts. share: as of `Labels`."""
        self.label, self.decimal, self.centre, self.scale, self.kind = label, decimal, centre, scale, kind
        self.corrected, self.share, self.kinds = corrected, share, 1 if share is None else 2

    @classmethod
    def of(cls, train: Examples, data: RegressDataConfig) -> Number:
        decimal = data.decimal
        values = cls(train.columns.label or "value", decimal, 0.0, 1.0).values(train)
        centre, scale = (float(value) for value in whole_series(values))
        if np.ptp(values) == 0:
            raise DataError(f"{train.name}: every example has the answer {values[0]:g}; there is nothing to learn")
        ridge = None
        if data.residual in (LINEAR, HALF):
            if train.texts is None:
                raise ConfigError(f"data.residual: is {data.residual}, and {train.name} has numbers; take none")
            ridge = Ridge.of(train.texts, values, data.kind)
        share = A_HALF if data.residual == HALF else None
        found = cls(train.columns.label or "value", decimal, centre, scale, data.kind, ridge, share)
        found.echo_state = fitted_to(train, found.targets(train), data.scaling)
        return found

    def refitted(self, train: Examples, config: RegressConfig) -> Number:
        return Number.of(train, config.data)

    @staticmethod
    def strata(examples: Examples, data: RegressDataConfig) -> list[float]:
        """Return the answers as numbers, 0 for one that is none, which `values` refuses by its line."""
        labels, decimal = examples.labels or (), data.decimal
        return [float(label.replace(decimal, ".")) if is_number(label, decimal) else 0.0 for label in labels]

    def loss(self, config: RegressConfig) -> Loss:
        return SQUARED_ERROR

    def values(self, examples: Examples) -> np.ndarray:
        """Return the answers (N,) in the data's own unit; raise DataError if one is not a number."""
        assert examples.labels is not None
        odd = next((i for i, label in enumerate(examples.labels) if not is_number(label, self.decimal)), None)
        if odd is not None:
            raise DataError(f"{examples.where(odd)}: the answer {shown(examples.labels[odd])} is not a number")
        values = np.array([float(label.replace(self.decimal, ".")) for label in examples.labels])
        if not (np.abs(values) < 1e30).all():
            raise DataError(f"{examples.name}: an answer is too large for float32; rescale the data")
        return values

    def bases(self, examples: Examples, *, own: bool) -> list[np.ndarray] | None:
        if self.corrected is None:
            return None
        if examples.texts is None:
            raise DataError(f"{examples.name}: the model reads texts, and these are numbers")
        numbers = (
            self.corrected.answers_left_out(examples.texts, self.values(examples))
            if own
            else self.corrected.answers(examples.texts)
        )
        return self._scaled(numbers, examples)

    def targets(self, examples: Examples) -> list[np.ndarray]:
        return self._scaled(self.values(examples), examples)

    def _scaled(self, numbers: np.ndarray, examples: Examples) -> list[np.ndarray]:
        """Return what a network answers, (1,) float32 each, for numbers (N,)."""
        with np.errstate(over="ignore"):
            scaled = (numbers - self.centre) / self.scale
        if not (np.abs(scaled) < FAR).all():
            raise DataError(f"{examples.name}: an answer is too far from those of the training split; mend it")
        return list(scaled.astype(np.float32)[:, None])

    def average(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        mean: np.ndarray = np.average(outputs, axis=0, weights=self.weights(len(outputs))).astype(np.float32)
        return mean

    def compared(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the errors (N,), in the data's own unit."""
        return self._predicted(outputs) - self.values(held_out)

    def weigh(self, compared: Sequence[np.ndarray]) -> None:
        """Take the share by which the squared errors of the mean are least."""
        some, others = compared
        self.share = min(SHARES, key=lambda share: float(((share * some + (1 - share) * others) ** 2).sum()))

    def _predicted(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(outputs)[:, 0].astype(float) * self.scale + self.centre

    def figure(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Figure:
        error = _rmse(self._predicted(outputs), self.values(held_out))
        return Figure(f"RMSE of {self.label}", error, len(held_out), higher_is_better=False, power=2)

    def score(self, split: str, splits: Splits[Examples], outputs: Sequence[np.ndarray]) -> Score:
        """Return the RMSE beside those of the baselines that apply."""
        held_out, train = splits.held_out[split], splits.train
        actual, figure = self.values(held_out), self.figure(held_out, outputs)
        seen, answered = self.values(train), self.values(splits.answered)
        simple = baselines.of_numbers(train, held_out, seen, self.kind, self.echo_state, self.corrected, answered)
        return Score(
            split,
            figure.name,
            figure.value,
            strongest_first({name: _rmse(numbers, actual) for name, numbers in simple.items()}),
            f"{len(actual):,} sequences",
            headline=self._off_by(self._predicted(outputs), simple["mean"], actual),
        ).judged(
            Compared.of(
                {
                    name: (numbers - actual) ** 2
                    for name, numbers in {NETWORK: self._predicted(outputs), **simple}.items()
                },
                held_out.inputs(),
                "sequence",
            )
        )

    def _off_by(self, predicted: np.ndarray, mean: np.ndarray, actual: np.ndarray) -> Headline:
        """Return how far off the answers are on average, and the mean of training; in percent too where no actual value
        is below zero."""
        ours, theirs = (float(np.abs(answers - actual).sum()) for answers in (predicted, mean))
        name, unit = unit_of(self.label, {})
        size = float(actual.sum()) if (actual >= 0).all() else 0.0
        return Headline(OFF_BY, ours, theirs, "the mean", len(actual), name, unit, size or None)

    def wrong(self, held_out: Examples, outputs: Sequence[np.ndarray]) -> Iterator[WrongAnswer]:
        pairs = zip(self._predicted(outputs).tolist(), self.values(held_out).tolist(), strict=True)
        for i, (predicted, actual) in enumerate(pairs):
            off = abs(predicted - actual)
            yield WrongAnswer(held_out.where(i), held_out.given(i), actual, predicted, DISTANCE, off)

    def answer(self, sequences: Any, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        answer = {self.label: float(output[0]) * self.scale + self.centre}
        return answer, [answer]

    def is_answer(self, text: str) -> bool:
        return is_number(text, self.decimal)

    def in_onnx(self, graph: Graph, outputs: Sequence[str]) -> AnswerInOnnx:
        mean = graph.cast(graph.add("Squeeze", graph.mean(outputs), graph.whole(1)), "float64")
        scale, centre = graph.constant(self.scale, "float64"), graph.constant(self.centre, "float64")
        value = graph.add("Add", graph.add("Mul", mean, scale), centre)
        return AnswerInOnnx(Output("value", value, "float64", ("batch",)))

    def as_in_onnx(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return self._predicted(outputs)

    def about(self) -> dict[str, Any]:
        return {"label": self.label, "value": {"centre": self.centre, "scale": self.scale}}

    def to_header(self) -> dict[str, Any]:
        ridge = {} if self.corrected is None else {"ridge": self.corrected.to_header()}
        ridge |= {} if self.share is None else {"half": True}
        return {"label": self.label, "decimal": self.decimal, "centre": self.centre, "scale": self.scale, **ridge}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Number:
        """Return the answers in the header of a model file."""
        of, kind = header["answers"], config_in(header, RegressConfig).data.kind
        ridge = Ridge.from_header(of["ridge"]) if "ridge" in of else None
        label, decimal = (typed(str, of[name], name) for name in ("label", "decimal"))
        centre, scale = array(of["centre"], "centre"), array(of["scale"], "scale", above=0)
        if decimal not in (".", ","):
            raise ValueError("its decimal mark is none")
        return cls(label, decimal, float(centre), float(scale), kind, ridge, share_in(header))

    def fact(self) -> Fact:
        return "answers", f"{self.label}, mean {self.centre:.4g}, standard deviation {self.scale:.4g}"


def _rmse(predicted: np.ndarray, actual: np.ndarray) -> float:
    return math.sqrt(float(((predicted - actual) ** 2).mean()))


def prepare(
    config: RegressConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> SequenceExperiment:
    splits = splits_in(config, source, Number, only, learnt)
    config = resolved(config, splits, USUAL)
    words = splits.train.texts is not None and config.data.tokens in WORDS
    config = config.completed(data={"residual": "none" if not words else HALF if config.networks > 1 else LINEAR})
    number = Number.from_header(learnt) if learnt else Number.of(splits.train, config.data)
    if splits.train.values:  # sizes may be what is asked
        config = config.completed(training={"jitter": 0.0, "magnitude": 0.0})
    config = config.completed(data={"scaling": scaling_by(number.echo_state)})
    return SequenceExperiment(config, splits, number, context, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SequencePredictor:
    return SequencePredictor(header, arrays, RegressConfig, Number.from_header(header))
