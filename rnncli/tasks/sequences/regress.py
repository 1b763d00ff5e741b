"""regress: one number for each sequence (many-to-one)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.config.schema import Config
from rnncli.data.numeric import is_number
from rnncli.data.scaling import whole_series
from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError, shown
from rnncli.nn.network import FLOAT32
from rnncli.tasks.sequences import baselines, many_to_one
from rnncli.tasks.sequences.examples import Examples
from rnncli.training.backpropagation import SQUARED_ERROR, Loss
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool

name = "regress"


class Number:
    """One number, scaled by the training part's mean and spread while it is learnt."""

    outputs = 1

    def __init__(self, label: str, decimal: str, centre: float, scale: float):
        self.label, self.decimal, self.centre, self.scale = label, decimal, centre, scale

    @classmethod
    def of(cls, train: Examples, decimal: str) -> Number:
        values = cls(train.columns.label or "value", decimal, 0.0, 1.0).values(train)
        centre, scale = (float(part) for part in whole_series(values))
        if np.ptp(values) == 0:
            raise DataError(f"{train.name}: every example has the answer {values[0]:g}; there is nothing to learn")
        return cls(train.columns.label or "value", decimal, centre, scale)

    corrects = False

    def bases(self, examples: Examples, *, own: bool) -> None:
        """There is nothing to correct."""

    def loss(self, class_weights: str) -> Loss:
        if class_weights != "none":
            raise ConfigError(f"training.class_weights: is {class_weights}, and a regress has no classes; remove it")
        return SQUARED_ERROR

    def values(self, examples: Examples) -> np.ndarray:
        """(N,) in the data's own unit."""
        assert examples.labels is not None
        odd = next((i for i, label in enumerate(examples.labels) if not is_number(label, self.decimal)), None)
        if odd is not None:
            raise DataError(f"{examples.where(odd)}: the answer {shown(examples.labels[odd])} is not a number")
        values = np.array([float(label.replace(self.decimal, ".")) for label in examples.labels])
        if not (np.abs(values) < 1e30).all():
            raise DataError(f"{examples.name}: an answer is beyond what float32 can square; rescale the data")
        return values

    def targets(self, examples: Examples) -> np.ndarray:
        return ((self.values(examples) - self.centre) / self.scale).astype(np.float32)[:, None]

    def score(self, split: str, train: Examples, held_out: Examples, outputs: np.ndarray) -> Score:
        """Root mean squared error beside the training part's mean and the nearest neighbour's answer."""
        right, seen = self.values(held_out), self.values(train)

        def rmse(predicted: np.ndarray) -> float:
            return math.sqrt(float(((predicted - right) ** 2).mean()))

        floors = [("mean", rmse(np.full(len(right), seen.mean())))]
        if train.values is not None:
            floors.append(("nearest neighbour", rmse(seen[baselines.nearest(train, held_out)])))
        network = rmse(outputs[:, 0].astype(float) * self.scale + self.centre)
        return Score(split, f"RMSE of {self.label}", network, tuple(floors), f"{len(right):,} sequences")

    def said(self, output: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        answer = {self.label: float(output[0]) * self.scale + self.centre}
        return answer, answer

    def is_answer(self, text: str) -> bool:
        return is_number(text, self.decimal)

    def to_header(self) -> dict[str, Any]:
        return {"label": self.label, "decimal": self.decimal, "centre": self.centre, "scale": self.scale}

    def facts(self) -> str:
        return f"{self.label}, mean {self.centre:.4g}, standard deviation {self.scale:.4g}"


def prepare(
    config: Config, source: Source, pool: ThreadPool, notes: list[str], dtype: np.dtype = FLOAT32,
    learnt: Mapping[str, Any] | None = None,
) -> many_to_one.Trainee:  # fmt: skip
    parts = many_to_one.examples_in(config, source, notes, learnt)
    number = Number(**learnt["answers"]) if learnt else Number.of(parts.train, config.data.decimal)
    return many_to_one.Trainee(name, config, parts, number, pool, dtype, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> many_to_one.Answerer:
    return many_to_one.Answerer(name, header, arrays, Number(**header["answers"]))
