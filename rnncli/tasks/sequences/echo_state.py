"""An echo state network (Jaeger, 2001): a fixed random recurrent encoder of series, and a linear read-out.

Three rings of leaky units read each sequence, its values and their differences, from both ends. Means of their states
over segments, and their last states, are features; ridge regression makes the answers of them. Whether each sequence is
scaled by itself, the number of segments, the scale of the inputs and the penalty are those by which each training
sequence is answered best by all the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnncli.data.numeric import FAR, by_itself, changes, never_flat, standard, whole_series
from rnncli.data.typed import array, typed
from rnncli.kernels import random, reservoir
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.gaps import completed, filled, means_of
from rnncli.tasks.sequences.sample import sample, told

UNITS = 100  # of a ring
_LEAKS = (1.0, 0.3, 0.1)  # of the rings: units that follow at once, and such that remember
RING = np.float32(0.95)
_BIAS = 0.2
_SCALES = (0.3, 1.0)  # of the inputs
_SEGMENTS = (1, 8)
_PENALTIES = (1.0, 0.3, 0.1, 3e-2, 1e-2, 1e-3, 1e-4)  # in units of the features' mean square
_SEED = 0
MOST = 500  # training sequences: a fit takes a second or two then, and time by their number cubed
_WORK = 5e6  # steps of all training sequences, times columns: two seconds
_AT_ONCE = 256  # sequences that are answered together
_CLEARLY = 0.98  # of the error of series that are scaled together; below, they are scaled by themselves
_STEPS = 8  # of the shortest series that may be scaled by itself
_ROUNDING = 1e-2  # of the mean and the standard deviation of series that were scaled before
_KEPT, _SCALERS = ("centre", "weights", "intercept"), ("means", "centre", "unit")


def fitted_to(train: Examples, targets: ArrayLike, scaling: str | None) -> EchoState | None:
    """Return the network for targets (N, L) of series, None of texts; scaling: null for the better one."""
    if train.values is None:
        return None
    return EchoState.of(values_of(train), np.array(targets, float), None if scaling is None else scaling == "series")


def scaling_by(echo_state: EchoState | None) -> str | None:
    """Return the value of `data.scaling` by which the network answers best, None for texts."""
    return None if echo_state is None else "series" if echo_state.inputs.by_series else "standard"


def values_of(examples: Examples) -> list[np.ndarray]:
    """Return the values of sequences of numbers with the gaps filled that the network is given filled."""
    return [filled(x, examples.missing) for x in examples.values or ()]


@dataclass(frozen=True)
class _Inputs:
    """What becomes of values (n, C): by themselves first, if `by_series`; means (C,) stand for missing ones; centre and
    unit (2C,) scale them and their differences."""

    means: np.ndarray
    centre: np.ndarray
    unit: np.ndarray
    by_series: bool = False

    @classmethod
    def of(cls, train: Sequence[np.ndarray], by_series: bool) -> _Inputs:
        train = [by_itself(x) for x in train] if by_series else train
        means = means_of(train)
        steps = np.concatenate([_with_differences(completed(x, "mask", means)) for x in train])
        centre, _ = whole_series(steps)
        centre[len(means) :] = 0
        return cls(means, centre, never_flat(np.sqrt(((steps - centre) ** 2).mean(axis=0)), steps), by_series)

    def __call__(self, sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return all sequences one after another (R, 2C), and where each begins and the last one ends (N + 1,)."""
        sequences = [by_itself(x) for x in sequences] if self.by_series else sequences
        all_steps = [_with_differences(completed(x, "mask", self.means)) for x in sequences]
        steps = (np.concatenate(all_steps) - self.centre) / self.unit
        return np.clip(steps, -FAR, FAR).astype(np.float32), np.cumsum([0, *map(len, all_steps)])

    def to_header(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in _SCALERS}
        return arrays | ({"by_series": True} if self.by_series else {})

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> _Inputs:
        means = array(header["means"], "means", None)
        centre = array(header["centre"], "centre", 2 * len(means))
        unit = array(header["unit"], "unit", 2 * len(means), above=0)
        return cls(means, centre, unit, typed(bool, header.get("by_series", False), "by_series"))


@dataclass(frozen=True)
class EchoState:
    """A read-out, weights (L, F) of features less `centre` (F,), and its intercept (L,).

    left_out (N, L): the answers to the training sequences, each by a read-out that did not see it; error: the mean
    squared error of those that were used, a sample of too many. A model file keeps neither.
    """

    inputs: _Inputs
    scale: float
    segments: int
    centre: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray
    left_out: np.ndarray | None = None
    error: float = 0.0

    @classmethod
    def of(cls, train: Sequence[np.ndarray], targets: np.ndarray, by_series: bool | None = None) -> EchoState:
        """Return the best one for values (n, C) with targets (N, L) float64; N is at least 2. by_series: whether each
        sequence is scaled by itself, None for what is better."""
        N, C = len(train), train[0].shape[1]
        most = min(MOST, _WORK * N / sum(map(len, train)) / (8 + C))
        chosen = told(sample(targets.tolist(), int(max(2, most))), N, "the echo state network")
        seen = [train[i] for i in chosen]
        best = cls._best(seen, targets[chosen], bool(by_series))
        if by_series is None and min(map(len, seen)) >= _STEPS and not _are_alike(seen):
            alone = cls._best(seen, targets[chosen], True)
            best = alone if alone.error < _CLEARLY * min(best.error, targets[chosen].var(axis=0).mean()) else best
        left_out = best.answers(train)
        left_out[chosen] = best.left_out
        return replace(best, left_out=left_out)

    @classmethod
    def _best(cls, train: Sequence[np.ndarray], targets: np.ndarray, by_series: bool) -> EchoState:
        inputs = _Inputs.of(train, by_series)
        steps = inputs(train)
        found = (cls._fitted(inputs, steps, targets, *way) for way in product(_SCALES, _SEGMENTS))
        return min(found, key=lambda one: one.error)

    @classmethod
    def _fitted(
        cls, inputs: _Inputs, steps: tuple[np.ndarray, np.ndarray], targets: np.ndarray, scale: float, segments: int
    ) -> EchoState:
        features = _features(*steps, scale, segments)
        N, F = features.shape
        centre, unit = whole_series(features)
        unit = np.maximum(unit, 1e-3 * unit.max())  # a unit that hardly moves tells only of rounding
        features = (features - centre) / unit
        gram, intercept = np.empty((N, N)), targets.mean(axis=0)
        reservoir.gram(features, gram)
        gram /= F
        y = np.ascontiguousarray((targets - intercept).T)
        weights, missed = _best_ridge(gram, y)
        read_out = np.empty((len(y), F))
        reservoir.products(weights, np.ascontiguousarray(features.T), read_out)
        left_out = targets - missed.T
        weights = read_out / F / unit
        return cls(inputs, scale, segments, centre, weights, intercept, left_out, float((missed**2).mean()))

    def answers_left_out(self, sequences: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
        """Return the answers (N, L) to the training sequences, each by a read-out that did not see it."""
        if self.left_out is None:  # it is from a model file
            return EchoState.of(sequences, targets, self.inputs.by_series).answers_left_out(sequences, targets)
        return self.left_out

    def answers(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """Return the answers (N, L) to values (n, C); none depends on the sequences beside it."""
        found = np.empty((len(sequences), len(self.intercept)))
        for first in range(0, len(sequences), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            features = _features(*self.inputs(sequences[some]), self.scale, self.segments) - self.centre
            reservoir.products(features, self.weights, found[some])
        return found + self.intercept

    def to_header(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in _KEPT}
        return {"inputs": self.inputs.to_header(), "scale": self.scale, "segments": self.segments, **arrays}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], count: int | None = None) -> EchoState:
        """Return what `to_header` wrote, of `count` answers if that is known; ValueError where it cannot have."""
        scale, segments = typed(float, header["scale"], "scale"), typed(int, header["segments"], "segments")
        if scale not in _SCALES or segments not in _SEGMENTS:
            raise ValueError("its echo state network has no scale or segments")
        F = 2 * len(_LEAKS) * (segments + 1) * UNITS
        intercept = array(header["intercept"], "intercept", count)
        centre, weights = array(header["centre"], "centre", F), array(header["weights"], "weights", len(intercept), F)
        return cls(_Inputs.from_header(header["inputs"]), scale, segments, centre, weights, intercept)


def _are_alike(sequences: Sequence[np.ndarray]) -> bool:
    """True if the columns of sequences (n, C) all have the same mean and standard deviation, but for rounding."""
    centres, scales = (np.stack(each) for each in zip(*(standard(x, 1) for x in sequences), strict=True))
    size = scales.mean(axis=0)
    return bool(
        (np.ptp(centres, axis=0) <= _ROUNDING * size).all() and (np.ptp(scales, axis=0) <= _ROUNDING * size).all()
    )


def _best_ridge(gram: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `_ridge` does for the penalty with the least error, lowered for as long as the error falls."""
    best = _ridge(gram, _PENALTIES[0], y)
    for penalty in _PENALTIES[1:]:
        found = _ridge(gram, penalty, y)
        if (found[1] ** 2).sum() >= (best[1] ** 2).sum():
            break
        best = found
    return best


def _ridge(gram: np.ndarray, penalty: float, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (L, N) of the examples in a ridge regression with an intercept, and by how much each answer
    misses y (L, N) if its example is left out: w / (A⁻¹_nn − 1 / (N·penalty)), since the centred gram matrix has the
    intercept's direction for an eigenvector, with the eigenvalue 0 (Allen, 1974)."""
    N = len(gram)
    weights, leverage = np.empty_like(y), np.empty(N)
    reservoir.ridge(gram, penalty, y, np.empty((N, N)), np.empty((N, N)), weights, leverage)
    return weights, weights / (leverage - 1 / (N * penalty))


def _features(steps: np.ndarray, starts: np.ndarray, scale: float, segments: int) -> np.ndarray:
    """Return the features (N, F) float64 of the sequences steps[starts[n]:starts[n + 1]]."""
    N, longest = len(starts) - 1, int(np.diff(starts).max())
    states, found = np.zeros((longest + 1, UNITS), np.float32), []
    for v, bias, leak in rings(steps.shape[1], scale):
        for backwards in (False, True):
            features = np.empty((N, segments + 1, UNITS), np.float32)
            reservoir.run(steps, starts, v, bias, RING, leak, backwards, states, features)
            found.append(features.reshape(N, -1))
    return np.concatenate(found, axis=1).astype(float)


def rings(inputs: int, scale: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.float32]]:
    """Yield of each ring its weights of so many inputs v (inputs, H), its bias (H,), and its leak."""
    for k, leak in enumerate(_LEAKS):
        drawn = np.empty((inputs + 1) * UNITS)
        random.fill_uniform(drawn, _SEED, k, 1.0)
        weights = drawn.reshape(inputs + 1, UNITS).astype(np.float32)
        yield weights[1:] * np.float32(scale / (inputs / 2) ** 0.5), weights[0] * np.float32(_BIAS), np.float32(leak)


def _with_differences(x: np.ndarray) -> np.ndarray:
    """Return values (n, C) beside their differences from the step before, (n, 2C)."""
    return np.concatenate([x, changes(x)], axis=1)
