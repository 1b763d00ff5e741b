"""Baselines of networks with one answer for a sequence, by name: each answers held-out examples from those of training.

of texts     naive Bayes, also on pairs of words, and a linear model
of numbers   the nearest neighbour, step by step and by dynamic time warping; an echo state network
of both      the one answer that is best for all
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from rnncli.data.text import WORDS, Kind
from rnncli.tasks.sequences import linear
from rnncli.tasks.sequences.echo_state import EchoState, fitted_to, values_of
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.naive_bayes import NaiveBayes, OneAgainstRest
from rnncli.tasks.sequences.nearest import nearest, nearest_warped
from rnncli.tasks.sequences.ridge import Ridge

BAYES, BAYES_OF_PAIRS, LINEAR = "naive Bayes", "naive Bayes of pairs", "linear model"
NEAREST, NEAREST_WARPED, ECHO_STATE = "nearest neighbour", "nearest neighbour by DTW", "echo state network"


def of_labels(
    train: Examples,
    held_out: Examples,
    labels: list[str],
    kind: Kind,
    echo_state: EchoState | None = None,
    answered: Examples | None = None,
) -> dict[str, list[str]]:
    """Return the label that each baseline gives each held-out example; echo_state: the one of this training split, if
    it is fitted already; answered: those that tell the one best answer, if others than `train`."""
    assert train.labels is not None
    given = train.labels
    found = {"majority": [majority((answered or train).labels or ())] * len(held_out)}
    if train.texts is None:
        near = nearest_warped(train, held_out, given, lambda predicted, actual: float(predicted != actual))
        targets = [[float(label == one) for label in labels] for one in given]
        echo = _echo_answers(train, held_out, targets, echo_state)
        return found | {
            NEAREST: [given[i] for i in nearest(train, held_out)],
            NEAREST_WARPED: [given[i] for i in near],
            ECHO_STATE: [labels[k] for k in echo.argmax(axis=1)],
        }
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    numbers = [(number[label],) for label in given]
    found[BAYES] = naive_bayes(train, held_out, labels, kind)
    if kind in WORDS:
        found[BAYES_OF_PAIRS] = naive_bayes(train, held_out, labels, kind, pairs=True)
    margins = np.stack(list(linear.labels(train.texts, numbers, len(labels), held_out.texts, kind)))
    return found | {LINEAR: [labels[k] for k in margins.argmax(axis=0)]}


def of_sets(
    train: Examples,
    held_out: Examples,
    labels: list[str],
    kind: Kind,
    echo_state: EchoState | None = None,
    answered: Examples | None = None,
) -> dict[str, list[Sequence[str]]]:
    """Return the labels that each baseline gives each held-out example; echo_state and answered as in `of_labels`."""
    assert train.sets is not None
    given = train.sets
    usual = best_constant((answered or train).sets or ())
    found: dict[str, list[Sequence[str]]] = {"best constant": [usual] * len(held_out)}
    if train.texts is None:
        near = nearest_warped(
            train, held_out, given, lambda predicted, actual: float(len(set(predicted) ^ set(actual)))
        )
        targets = [[float(label in some) for label in labels] for some in given]
        echo = _echo_answers(train, held_out, targets, echo_state)
        return found | {
            NEAREST: [given[i] for i in nearest(train, held_out)],
            NEAREST_WARPED: [given[i] for i in near],
            ECHO_STATE: [[labels[k] for k in np.flatnonzero(one >= 0.5)] for one in echo],
        }
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    numbers = [[number[label] for label in one] for one in given]
    found[BAYES] = list(naive_bayes_sets(train, held_out, labels, kind))
    chosen: list[list[str]] = [[] for _ in held_out.texts]
    for label, margins in zip(
        labels, linear.labels(train.texts, numbers, len(labels), held_out.texts, kind), strict=True
    ):
        for i in np.flatnonzero(margins > 0):
            chosen[i].append(label)
    return found | {LINEAR: list(chosen)}


def of_numbers(
    train: Examples,
    held_out: Examples,
    given: np.ndarray,
    kind: Kind,
    echo_state: EchoState | None = None,
    ridge: Ridge | None = None,
    answered: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the number that each baseline gives each held-out example; given (N,): those of training; echo_state as
    in `of_labels`, its answers in units of their standard deviation from the mean; ridge: the same of texts; answered
    (M,): those that tell the mean, if others than `given`."""
    found = {"mean": np.full(len(held_out), (given if answered is None else answered).mean())}
    if train.texts is None:
        near = nearest_warped(train, held_out, given.tolist(), lambda predicted, actual: (predicted - actual) ** 2)
        centre, scale = given.mean(), given.std()
        echo = _echo_answers(train, held_out, (given[:, None] - centre) / scale, echo_state)[:, 0] * scale + centre
        return found | {NEAREST: given[nearest(train, held_out)], NEAREST_WARPED: given[near], ECHO_STATE: echo}
    assert held_out.texts is not None
    return found | {LINEAR: (ridge or Ridge.of(train.texts, given, kind)).answers(held_out.texts)}


def _echo_answers(train: Examples, held_out: Examples, targets: ArrayLike, fitted: EchoState | None) -> np.ndarray:
    """Return the answers (M, L) of an echo state network that was or is fitted to the targets (N, L) of training."""
    echo_state = fitted or fitted_to(train, targets, None)
    assert echo_state is not None
    return echo_state.answers(values_of(held_out))


def majority(labels: Iterable[str]) -> str:
    """Return the most frequent of these labels or tags, of several the first in alphabetical order."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def best_constant(sets: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the labels that, predicted for every example, have the highest micro-F1 on `sets`."""
    counts = Counter(label for labels in sets for label in labels)
    usual = sorted(counts, key=lambda label: (-counts[label], label))
    hits = accumulate(counts[label] for label in usual)
    # Of the m most frequent ones: 2·hits / (predicted + actual).
    scores = [2 * hit / (m * len(sets) + counts.total()) for m, hit in enumerate(hits, start=1)]
    return tuple(usual[: scores.index(max(scores)) + 1])


def naive_bayes(
    train: Examples, held_out: Examples, labels: list[str], kind: Kind, *, pairs: bool = False
) -> list[str]:
    """Return the label that multinomial naive Bayes gives each held-out text; see `NaiveBayes`."""
    assert train.labels is not None
    assert train.texts is not None
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    numbers = [(number[label],) for label in train.labels]
    model = NaiveBayes.of(train.texts, numbers, len(labels), kind, pairs=pairs)
    return [labels[model.scores([text])[0].argmax()] for text in held_out.texts]


def naive_bayes_sets(train: Examples, held_out: Examples, labels: list[str], kind: Kind) -> list[list[str]]:
    """Return the labels that naive Bayes finds more probable than not, each against the rest, for each text."""
    assert train.sets is not None
    assert train.texts is not None
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    model = OneAgainstRest(train.texts, [[number[label] for label in one] for one in train.sets], len(labels), kind)
    return [[labels[k] for k in np.flatnonzero(model.log_odds(text) >= 0)] for text in held_out.texts]
