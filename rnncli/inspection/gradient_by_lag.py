"""The gradient by lag: the norm of dL_T/dh_{T−k} at each lag k, where L_T is the loss at one step only.

That step is the last of each sequence. Where a bidirectional network has outputs at every step, the backward
direction is measured separately: its last step is the sequence's first, and L_T is then the loss there. A chain of
tags judges sequences as a whole: there L_T is the cross-entropy of the softmax of that step's outputs. So is it of a
transcript, whose symbols are aligned to no steps: its last symbol is looked for at the last step, its first at the
first.

In a stack, a gradient also comes back to a lower layer through the layers above it, by (k+L−1 choose k) ways in L
layers: it first grows with the lag and seems to last. What a layer itself remembers is measured apart from that: the
gradient enters it at lag 0 only and comes back through its own recurrence, a product of the Jacobians of its steps
(Pascanu et al., 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.kernels.losses import IGNORED
from rnncli.nn.encoder_decoder import EncoderDecoder
from rnncli.nn.network import Model, Network
from rnncli.nn.recurrent import LayerTrace
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, Sample, ThreadPool


class Readings:
    """Norms of one layer trace: arrays (K, N) for N sequences of up to K steps, NaN at lags before a sequence's start.

    hidden: norms of dL_T/dh; state: of the whole state (h, c); alone: the latter if attention passed nothing back;
    own: of the whole state if the gradient came through the layer's own recurrence only. reads_every_step: whether
    attention or a pooling reads all steps of the layer's part.
    """

    def __init__(self, network: Model, trace: LayerTrace):
        self.trace, self.reads_every_step = trace, reads_every_step(network, trace.part)
        self.hidden: list[np.ndarray] = []
        self.state: list[np.ndarray] = []
        self.alone: list[np.ndarray] = []
        self.own: list[np.ndarray] = []

    @property
    def memory(self) -> list[np.ndarray]:
        """The norms that say how far back the layer remembers."""
        return self.state if self.reads_every_step else self.own

    def take(self, trace: LayerTrace, counted: np.ndarray) -> None:
        """Add the norms that a backward pass left, of those sequences for which `counted` (B,) is true."""
        self.hidden.append(_by_lag(trace.work.dh, trace.lengths, counted))
        self.state.append(_by_lag(_state_gradient(trace), trace.lengths, counted))

    def take_alone(self, trace: LayerTrace, counted: np.ndarray) -> None:
        self.alone.append(_by_lag(_state_gradient(trace), trace.lengths, counted))

    def take_own(self, trace: LayerTrace, counted: np.ndarray) -> None:
        self.own.append(_by_lag(_state_gradient(trace), trace.lengths, counted))


def readings_of(network: Model, work: Any) -> list[Readings]:
    """Return empty readings, one per trace of the network."""
    return [Readings(network, trace) for trace in network.traces(work)]


def measure(driver: Backpropagation, sample: Sample, readings: list[Readings]) -> None:
    """Add the norms of a sample to the readings, of which there is one per trace of the network, in the same order."""
    network, work = driver.network, sample.work
    by_step = targets_by_step(driver, sample)
    if driver.loss.of_chain or driver.loss.of_paths:
        driver = Backpropagation(network, CROSS_ENTROPY, driver.pool)
    traces = network.traces(work)
    every = list(zip(readings, traces, strict=True))
    both_ways = len(by_step) > 1 and not traces[-1].part and traces[-1].layer.reverse
    for first in (False, True) if both_ways else (False,):
        targets, counted = at_one_step(by_step, traces[-1].lengths, first=first)
        driver.states(work, targets, 1)
        _take(driver, work, [one for one in every if not both_ways or one[1].layer.reverse == first], counted)
    if isinstance(network, EncoderDecoder) and network.attention:
        driver.states(work, targets, 1, looks_back=False)
        for reading, trace in every:
            if trace.part == "encoder":
                reading.take_alone(trace, counted)


def _take(driver: Backpropagation, work: Any, chosen: list[tuple[Readings, LayerTrace]], counted: np.ndarray) -> None:
    """Add the norms that a backward pass left in the chosen traces, then those through their own recurrence."""
    for reading, trace in chosen:
        reading.take(trace, counted)
    highest = max((trace.layer.index for _, trace in chosen), default=0)
    joined = [one for one in chosen if one[0].reads_every_step or one[1].layer.index < highest]
    if joined:
        driver.forward(work)  # the backward pass has overwritten the activations
    for _, trace in joined:  # of the others, the norms are those that were left: nothing but the recurrence comes back
        own_recurrence(trace, driver.pool)
    for reading, trace in chosen:
        reading.take_own(trace, counted)


def reads_every_step(network: Model, part: str) -> bool:
    """Return True if attention or a pooling reads all steps of this part, so that gradients enter at every lag."""
    if isinstance(network, EncoderDecoder):
        return part == "encoder" and network.attention is not None
    return isinstance(network, Network) and network.shape.pooling not in (None, "last")


def own_recurrence(trace: LayerTrace, pool: ThreadPool) -> None:
    """Leave in the trace the gradients that only come through the layer's own recurrence, entering it at lag 0.

    What enters is the gradient of h at lag 0, or, where attention or a pooling does not read that step, at the newest
    step that it reads. It stands after a forward pass, with the gradients of a backward pass before that; afterwards
    all that the backward pass left of this layer belongs to the new gradients.
    """
    work, last = trace.work, (trace.lengths, np.arange(len(trace.lengths)))
    steps = np.arange(len(work.dh))[:, None]
    got = (work.dh != 0).any(axis=2) & (steps > 0) & (steps <= trace.lengths)
    entering = work.dh[np.where(got, steps, 0).max(axis=0), last[1]]
    for gradient in work.gradients:
        gradient[...] = 0
    work.dh[last] = entering
    pool.over_batch(len(entering), lambda low, high: trace.layer.backward(work, None, trace.extent, low, high))


def targets_by_step(driver: Backpropagation, sample: Sample) -> np.ndarray:
    """Return the targets (N, B, …) of the last N steps; of a loss of paths the first and the last symbol at both ends
    of each sequence, and the blank of an empty transcript."""
    if not driver.loss.of_paths:
        return sample.targets
    symbols, lengths = sample.targets, sample.work.extent.lengths
    every, last = np.arange(len(lengths)), np.maximum((symbols > 0).sum(axis=0) - 1, 0)
    targets = np.full((sample.work.T, len(lengths)), IGNORED, np.int32)
    targets[0] = symbols[0]
    targets[lengths - 1, every] = symbols[last, every]
    return targets


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
