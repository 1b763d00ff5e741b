"""What the network of a classifier may correct, `data.residual`: scores of labels by a baseline that is fitted at once.

naive-bayes       of texts: naive Bayes, also on pairs of words
echo-state        of numbers: an echo state network
echo-state-half   the same, by every second network, the first among them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.data.typed import typed
from rnncli.errors import ConfigError, DataError
from rnncli.tasks.sequences.config import ClassifyDataConfig
from rnncli.tasks.sequences.echo_state import EchoState, values_of
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.naive_bayes import NaiveBayes, best_scale

HALF = "echo-state-half"
_SUITING = {True: ("naive-bayes",), False: ("echo-state", HALF)}  # for texts, and for numbers
_SCALES: dict[type, Sequence[float]] = {NaiveBayes: [k / 20 for k in range(1, 31)], EchoState: list(range(1, 31))}


class Corrected:
    """A baseline, whose scores are multiplied by `scale`, so that their softmax fits best what is left out."""

    def __init__(self, model: NaiveBayes | EchoState, scale: float):
        self.model, self.scale = model, scale

    @property
    def name(self) -> str:
        return "naive-bayes" if isinstance(self.model, NaiveBayes) else "echo-state"

    @classmethod
    def of(
        cls,
        train: Examples,
        numbers: Sequence[int],
        count: int,
        data: ClassifyDataConfig,
        echo_state: EchoState | None,
    ) -> Corrected | None:
        """Return what `data.residual` names, fitted to the training split, whose labels have these numbers below
        `count`; ConfigError if it is for sequences of another kind. echo_state: that of series, which is fitted."""
        if data.residual in (None, "none"):
            return None
        suits = _SUITING[train.texts is not None]
        if data.residual not in suits:
            kind = "numbers" if train.texts is None else "texts"
            raise ConfigError(f"data.residual: is {data.residual}, and {train.name} has {kind}; take {suits[0]}")
        model: NaiveBayes | EchoState | None = echo_state
        if train.texts is not None:
            model = NaiveBayes.of(train.texts, [(k,) for k in numbers], count, data.kind, pairs=True)
        assert model is not None
        found = cls(model, 1.0)
        left_out = found._scores(train, numbers)
        return cls(model, best_scale(left_out, np.array(numbers, np.int32), _SCALES[type(model)]))

    def bases(self, examples: Examples, own: Sequence[int] | None) -> list[np.ndarray]:
        """Return the scores (L,) of each sequence, 0 being the best; own: the numbers of the labels of the training
        sequences, each of which is left out of its own score.
        """
        scores = self._scores(examples, own)
        return list((self.scale * (scores - scores.max(axis=1, keepdims=True))).astype(np.float32))

    def _scores(self, examples: Examples, own: Sequence[int] | None) -> np.ndarray:
        if isinstance(self.model, NaiveBayes):
            if examples.texts is None:
                raise DataError(f"{examples.name}: the model reads texts, and these are numbers")
            texts = examples.texts
            return self.model.scores(texts) if own is None else self.model.scores_left_out(texts, own)
        if examples.values is None:
            raise DataError(f"{examples.name}: the model reads numbers, and these are texts")
        if own is None:
            return self.model.answers(values_of(examples))
        return self.model.answers_left_out(values_of(examples), np.eye(len(self.model.intercept))[own])

    def to_header(self) -> dict[str, Any]:
        kind = "naive_bayes" if isinstance(self.model, NaiveBayes) else "echo_state"
        return {kind: self.model.to_header(), "scale": self.scale}

    @classmethod
    def from_header(cls, answers: Mapping[str, Any], count: int) -> Corrected | None:
        """Return what the `answers` of a model's header, of so many labels, say; None if nothing is corrected."""
        for kind, model in (("naive_bayes", NaiveBayes), ("echo_state", EchoState)):
            if kind in answers:
                scale = typed(float, answers["scale"], "scale")
                if not 0 < scale <= max(_SCALES[model]):
                    raise ValueError(f"a scale is {scale:g}, which no baseline has")
                return cls(model.from_header(answers[kind], count), scale)
        return None
