"""The Jacobian of one recurrent step along the data, ∂s_t/∂s_{t−1} with s the whole state: h, (h, c), ….

Its rows are products with unit vectors from the left. A cell's `backward` computes such products, so that every cell
has a Jacobian without more code. Singular values and products of Jacobians show how a gradient changes on its way
back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from rnncli.inspection.reports import StepJacobians
from rnncli.nn.recurrent import LayerTrace
from rnncli.training.backpropagation import ThreadPool

_WORK = 1e9  # sum of the cubes of matrix sizes whose singular values take a second or less
_MOST = 2 * _WORK  # limit for one sequence; if it takes more, only its last steps are measured
_LARGEST = 2048  # the size of a matrix whose eigenvalues take a few seconds


def step_jacobians(trace: LayerTrace, steps: Sequence[int], b: int) -> np.ndarray:
    """Return the Jacobians (N, S, S) of N steps, counted from 0, of sequence b after a forward pass.

    Element (i, j) is ∂s_t[i]/∂s_{t−1}[j], with s_t the state after the step and s_{t−1} the one before it.
    """
    return np.concatenate([_step_jacobian(trace, t, b) for t in steps])


def _step_jacobian(trace: LayerTrace, t: int, b: int) -> np.ndarray:
    layer, work, H = trace.layer, trace.work, trace.layer.H
    S = state_size(trace)

    def copies(array: np.ndarray, *rows: int) -> np.ndarray:
        """Return these rows of sequence b, copied once for each of the S unit vectors."""
        return np.repeat(array[list(rows), b][:, None], S, axis=1)

    states = len(work.gradients)
    arrays = (copies(array, t, t + 1) if i < states else copies(array, t) for i, array in enumerate(work.arrays))
    gradients = layer.cell.zero_states(1, S, H, np.dtype(np.float64))
    for i, gradient in enumerate(gradients):
        gradient[1] = np.eye(S)[:, i * H : (i + 1) * H]
    layer.cell.backward(type(work.arrays)(*arrays), gradients, layer.weights_back, np.full(1, S, np.int32), 0, S)
    return np.concatenate([gradient[0] for gradient in gradients], axis=1)[None]


def state_size(trace: LayerTrace) -> int:
    return trace.layer.H * len(trace.layer.cell.state_names)


def measure(traces: Sequence[LayerTrace], counted: np.ndarray, pool: ThreadPool) -> list[StepJacobians]:
    """Measure the Jacobians of each trace after a forward pass, along the first sequences that are counted (B,)."""
    cubes = [state_size(trace) ** 3 for trace in traces]
    whole = sum(int(trace.lengths.max()) * cube for trace, cube in zip(traces, cubes, strict=True))
    sequences = np.flatnonzero(counted)[: max(1, int(_WORK / whole))].tolist()
    if max(map(state_size, traces)) > _LARGEST:
        sequences = []
    longest = max(1, int(_MOST / sum(cubes)))
    found = [_Found.room(trace, len(sequences)) for trace in traces]
    jobs = [
        partial(_measure_one, trace, b, min(int(trace.lengths[b]), longest), place, into)
        for trace, into in zip(traces, found, strict=True)
        for place, b in enumerate(sequences)
    ]
    pool.run(jobs)
    return [into.means() for into in found]


class _Found(NamedTuple):
    """Results of n sequences.

    largest, smallest: singular values of the whole state's Jacobian, (K, n) by lag. hidden: the largest of the hidden
    state's alone, (K, n). All are NaN where not measured. exponents: Lyapunov exponents (n,).
    """

    largest: np.ndarray
    smallest: np.ndarray
    hidden: np.ndarray
    exponents: np.ndarray

    @classmethod
    def room(cls, trace: LayerTrace, sequences: int) -> _Found:
        K = int(trace.lengths.max())
        largest, smallest, hidden = (np.full((K, sequences), np.nan) for _ in range(3))
        return cls(largest, smallest, hidden, np.zeros(sequences))

    def means(self) -> StepJacobians:
        overflowed = np.isposinf(self.exponents).any()  # +inf and −inf together would have no mean
        leading = None
        if self.exponents.size:
            leading = math.inf if overflowed else float(np.mean(self.exponents))
        largest, smallest, hidden = map(_means, (self.largest, self.smallest, self.hidden))
        return StepJacobians(len(self.exponents), largest, smallest, hidden, leading)


def _measure_one(trace: LayerTrace, b: int, steps: int, place: int, into: _Found) -> None:
    """Measure the last `steps` steps of sequence b, and write the results into column `place` of `into`."""
    length, H = int(trace.lengths[b]), trace.layer.H
    jacobians = step_jacobians(trace, range(length - steps, length), b)
    into.exponents[place] = lyapunov(jacobians)
    singular = _singular_values(jacobians[::-1])
    into.largest[:steps, place], into.smallest[:steps, place] = singular[:, 0], singular[:, -1]
    alone = singular if jacobians.shape[1] == H else _singular_values(jacobians[::-1, :H, :H])
    into.hidden[:steps, place] = alone[:, 0]


def _singular_values(matrices: np.ndarray) -> np.ndarray:
    """Return the singular values (N, S), largest first; NaN where a matrix is not finite."""
    found = np.full(matrices.shape[:2], np.nan)
    finite = np.isfinite(matrices).all(axis=(1, 2))
    if finite.any():
        found[finite] = np.linalg.svd(matrices[finite], compute_uv=False)
    return found


def _means(values: np.ndarray) -> tuple[float | None, ...]:
    """Return the mean of values (K, n) at each lag over the sequences that were measured there; None without any."""
    known = ~np.isnan(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    return tuple(float(total / count) if count else None for total, count in zip(sums, counts, strict=True))


def lyapunov(jacobians: np.ndarray) -> float:
    """Return the leading Lyapunov exponent along T steps (T, S, S), in nats per step; −inf where nothing comes through.

    The T steps count as one period that repeats (Floquet, 1883): the exponent is ln of the spectral radius of J_T ⋯
    J_1, over T. Of T equal steps it is ln of their spectral radius for every T, even where a complex pair leads: a
    mean growth of vectors would then depend on T, because that growth goes up and down from step to step.
    """
    product, scale = _product(jacobians)
    radius = _spectral_radius(product)
    if radius is None:
        return math.inf
    return (math.log(radius) + scale) / len(jacobians) if radius > 0 else -math.inf


def _product(jacobians: np.ndarray) -> tuple[np.ndarray, float]:
    """Return J_T ⋯ J_1 / e^scale and the scale, so that the product neither overflows nor vanishes."""
    product: np.ndarray = np.eye(jacobians.shape[1])
    scale = 0.0
    for jacobian in jacobians:
        with np.errstate(over="ignore", invalid="ignore"):
            product = jacobian @ product
        largest = float(np.abs(product).max())
        if not (largest > 0 and math.isfinite(largest)):
            return product, scale
        product /= largest
        scale += math.log(largest)
    return product, scale


def spectral_radii(trace: LayerTrace) -> list[tuple[str, float | None]]:
    """Return (gate, spectral radius of its recurrent matrix) of each gate; None if it is not finite or too large."""
    layer = trace.layer
    blocks = [layer.U.value[:, g * layer.H : (g + 1) * layer.H] for g in range(layer.cell.gates)]
    return list(zip(layer.cell.gate_names, map(_spectral_radius, blocks), strict=True))


def _spectral_radius(matrix: np.ndarray) -> float | None:
    if len(matrix) > _LARGEST or not np.isfinite(matrix).all():
        return None
    return float(np.abs(np.linalg.eigvals(matrix.astype(np.float64))).max())
