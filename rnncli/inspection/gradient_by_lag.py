"""The gradient by lag: the norm of dL_T/dh_{T−k} at each lag k, where L_T is the loss at one step only.

That step is the last of each sequence. Where a bidirectional network has outputs at every step, the backward
direction is measured separately: its last step is the sequence's first, and L_T is then the loss there. A chain of
tags judges sequences as a whole: there L_T is the cross-entropy of the softmax of that step's outputs.
"""

from __future__ import annotations

import math

import numpy as np

from rnncli.inspection.reports import EXPLODING, HEALTHY, LITTLE, MUCH, NO_GRADIENT, VANISHING, Reach
from rnncli.kernels.losses import IGNORED
from rnncli.nn.encoder_decoder import EncoderDecoder
from rnncli.nn.recurrent import LayerTrace
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, Sample

_RESAMPLES, _SEED = 200, 1
_TAILS = 0.025, 0.975
_FLAT = 1e-9  # nats per step; a smaller slope is rounding


class Readings:
    """Norms of one layer trace: arrays (K, N) for N sequences of up to K steps, NaN at lags before a sequence's start.

    hidden: norms of dL_T/dh; state: of the whole state (h, c); alone: the latter if attention passed nothing back.
    """

    def __init__(self, trace: LayerTrace):
        self.trace = trace
        self.hidden: list[np.ndarray] = []
        self.state: list[np.ndarray] = []
        self.alone: list[np.ndarray] = []

    def take(self, trace: LayerTrace, counted: np.ndarray) -> None:
        """Add the norms that a backward pass left, of those sequences for which `counted` (B,) is true."""
        self.hidden.append(_by_lag(trace.work.dh, trace.lengths, counted))
        self.state.append(_by_lag(_state_gradient(trace), trace.lengths, counted))

    def take_alone(self, trace: LayerTrace, counted: np.ndarray) -> None:
        self.alone.append(_by_lag(_state_gradient(trace), trace.lengths, counted))


def measure(driver: Backpropagation, sample: Sample, readings: list[Readings]) -> None:
    """Add the norms of a sample to the readings, of which there is one per trace of the network, in the same order."""
    network, work = driver.network, sample.work
    if driver.loss.of_chain:
        driver = Backpropagation(network, CROSS_ENTROPY, driver.pool)
    traces = network.traces(work)
    targets, counted = at_one_step(sample.targets, traces[-1].lengths)
    driver.states(work, targets, 1)
    both_ways = len(targets) > 1 and not traces[-1].part and traces[-1].layer.reverse
    for reading, trace in zip(readings, traces, strict=True):
        if not (both_ways and trace.layer.reverse):
            reading.take(trace, counted)
    if both_ways:
        targets, counted = at_one_step(sample.targets, traces[-1].lengths, first=True)
        driver.states(work, targets, 1)
        for reading, trace in zip(readings, traces, strict=True):
            if trace.layer.reverse:
                reading.take(trace, counted)
    if isinstance(network, EncoderDecoder) and network.attention:
        driver.states(work, targets, 1, looks_back=False)
        for reading, trace in zip(readings, traces, strict=True):
            if trace.part == "encoder":
                reading.take_alone(trace, counted)


def at_one_step(targets: np.ndarray, lengths: np.ndarray, *, first: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return targets with all but one step of each sequence blank, and which sequences (B,) have a target there.

    targets (N, B, …) cover the last N steps; the step kept is each sequence's last, by lengths (B,), or its first.
    """
    N, B = targets.shape[:2]
    kept = targets
    if N > 1:
        rows = np.zeros(B, int) if first else lengths - 1 - (int(lengths.max()) - N)
        kept = np.full_like(targets, IGNORED if targets.ndim == 2 else np.nan)
        kept[rows, np.arange(B)] = targets[rows, np.arange(B)]
    known = kept != IGNORED if kept.ndim == 2 else np.isfinite(kept).any(axis=2)
    return kept, known.any(axis=0)


def norm(vectors: np.ndarray) -> np.ndarray:
    """Return Euclidean norms over the last axis, safe for values whose squares would overflow or vanish."""
    size = np.abs(vectors).max(axis=-1, keepdims=True)
    safe = np.where((size > 0) & np.isfinite(size), size, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # beside an infinity the rest does not matter
        return np.asarray(safe[..., 0] * np.sqrt(((vectors / safe) ** 2).sum(axis=-1)), np.float64)


def mean_by_lag(norms: list[np.ndarray]) -> np.ndarray:
    """Return the mean norm (K,) at each lag over all sequences that are long enough."""
    together = _joined(norms)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.nansum(together, axis=1) / np.maximum((~np.isnan(together)).sum(axis=1), 1))


def left_by_lag(norms: list[np.ndarray], whole: list[np.ndarray]) -> np.ndarray:
    """Return the shares (K,) of the gradient at lag 0 in `whole` that are left in `norms`, both of the same sequences.

    Each lag compares the sequences that are long enough with their own lag 0: other sequences may differ widely.
    """
    together, first = _joined(norms), _joined(whole)[0]
    known = ~np.isnan(together)
    return _shares(np.where(known, together, 0.0).sum(axis=1), np.where(known, first, 0.0).sum(axis=1))


def _shares(sums: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """Return sums / bases; where a base is 0, return 0 for a sum of 0, else 1, as there is nothing to compare with."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.where(bases > 0, sums / bases, np.where(sums > 0, 1.0, 0.0))


def reach(norms: list[np.ndarray]) -> Reach:
    """Return the reach of the curve of all sequences; intervals come from a bootstrap over all sequences."""
    curve = left_by_lag(norms, norms)
    slope, memory = _slope(curve), _memory(curve)
    slopes, memories = _resampled(_joined(norms))
    return Reach(
        decay=None if slope is None else math.exp(slope),
        half_life=_half_life(slope),
        half_life_interval=None if slopes is None else _between(np.array([_half_life(s) or math.inf for s in slopes])),
        memory_1_percent=memory,
        memory_interval=None if memories is None else _whole(_between(memories)),
        left=_left(curve),
        verdict=verdict(curve),
    )


def verdict(curve: np.ndarray) -> str:
    """Return the verdict on a curve of shares by lag, by the rule in `reports.RULE`."""
    if not np.isfinite(curve).all() or curve.max() > MUCH * curve[0] > 0:
        return EXPLODING
    if not curve.max() > 0:
        return NO_GRADIENT
    return VANISHING if curve[-1] < LITTLE * curve[0] else HEALTHY


def _state_gradient(trace: LayerTrace) -> np.ndarray:
    """Return the gradient (T+1, B, S) of the whole state: dh, then of the cell's other states through later steps."""
    return np.concatenate(trace.work.gradients, axis=2)


def _by_lag(gradient: np.ndarray, lengths: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the norms (K, n) of dL/dh at each lag, for the n sequences in `counted`.

    Lag k of sequence b is row lengths[b] − k of `gradient` (T+1, B, H); NaN where the sequence is shorter.
    """
    which = np.flatnonzero(counted)
    lags = np.arange(int(lengths.max()))[:, None]
    rows = lengths[which] - lags
    norms = norm(gradient[np.maximum(rows, 0), which])
    beyond = np.where(np.isnan(norms), np.inf, norms)  # an overflow is infinite; NaN means that there is no step
    return np.where(rows > 0, beyond, np.nan)


def _joined(norms: list[np.ndarray]) -> np.ndarray:
    """Join arrays (K, N) side by side, each padded with NaN to the longest K."""
    K = max(len(part) for part in norms)
    return np.concatenate(
        [np.pad(part, ((0, K - len(part)), (0, 0)), constant_values=np.nan) for part in norms], axis=1
    )


def _slope(curve: np.ndarray) -> float | None:
    """Return the slope in nats per step, fitted by least squares over the lags where a logarithm exists."""
    lags = np.flatnonzero(np.isfinite(curve) & (curve > 0))
    if len(lags) < 2:
        return None
    from_mean = lags - lags.mean()
    return float(from_mean @ np.log(curve[lags]) / (from_mean @ from_mean))


def _half_life(slope: float | None) -> float | None:
    return math.log(0.5) / slope if slope is not None and slope < -_FLAT else None


def _left(curve: np.ndarray) -> float | None:
    return float(curve[-1]) if curve[0] > 0 and not np.isnan(curve[[0, -1]]).any() else None


def _memory(curve: np.ndarray) -> int | None:
    """Return the first lag at which 1% or less of lag 0 is left, or None."""
    few = np.flatnonzero(curve <= LITTLE * curve[0]) if 0 < curve[0] < math.inf else np.zeros(0, int)
    return int(few[0]) if len(few) else None


def _resampled(norms: np.ndarray) -> tuple[list[float | None], np.ndarray] | tuple[None, None]:
    """Return slopes and 1% lags (infinite where never reached) of curves of resampled sequences of `norms` (K, N)."""
    N = norms.shape[1]
    known = ~np.isnan(norms)
    values = np.where(known, norms, 0.0)
    if N < 2 or not np.isfinite(values).all():
        return None, None
    drawn = np.random.default_rng(_SEED).multinomial(N, np.full(N, 1 / N), _RESAMPLES).T.astype(float)
    shares = _shares(values @ drawn, np.where(known, values[0], 0.0) @ drawn)
    curves = np.where(known @ drawn > 0, shares, np.nan)
    memories = [_memory(curve) for curve in curves.T]
    return [_slope(curve) for curve in curves.T], np.array([math.inf if m is None else m for m in memories])


def _between(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return the ends of the middle 95% of the values, with None for infinity."""
    ordered = np.sort(values)
    low, high = (float(ordered[round(tail * (len(ordered) - 1))]) for tail in _TAILS)
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def _whole(ends: tuple[float | None, float | None]) -> tuple[int | None, int | None]:
    low, high = (None if end is None else round(end) for end in ends)
    return low, high
