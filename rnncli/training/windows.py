"""Learning from windows of a series: `context` rows in, the next `horizon` rows out, in shuffled batches.

A window is named by its origin, the row of its first forecast. Everything a window is scaled by comes from its context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.data.scaling import scaler
from rnncli.kernels import random
from rnncli.models.network import Network
from rnncli.models.workspace import Workspace
from rnncli.training.backpropagation import SQUARED_ERROR, Backpropagation
from rnncli.training.batches import Stateless
from rnncli.training.threads import ThreadPool

NaiveForecast = Callable[[np.ndarray, int, int], np.ndarray]  # (w, horizon, season) → (horizon, B, C)

_SHUFFLE = 1 << 32  # of the seed's independent random streams, plus the epoch
_EVALUATED_AT_ONCE = 256


@dataclass(frozen=True)
class Windowing:
    """How windows are cut and scaled. `baseline` (see `naive_forecasts`) is what the network corrects."""

    context: int
    horizon: int
    season: int
    scaling: str
    baseline: NaiveForecast
    fixed: tuple[np.ndarray, np.ndarray]  # (centre, scale), each (C,), of the whole series: for scaling "none"

    def contexts(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """(context, B, C) rows before each origin."""
        return rows_before(values, origins, self.context)

    def futures(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """(horizon, B, C) rows from each origin on."""
        return values[origins[None, :] + np.arange(self.horizon)[:, None]]

    def frame(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of contexts w (context, B, C): the scaled input, the baseline forecast, the scale (B, C)."""
        if self.scaling == "none":
            centre, scale = (np.broadcast_to(part, w.shape[1:]) for part in self.fixed)
        else:
            centre, scale = scaler(self.scaling, w, self.season)
        baseline = self.baseline(w, self.horizon, self.season)
        return (w - centre) / scale, baseline, scale

    def origins(self, first: int, last: int) -> np.ndarray:
        """Every origin whose forecast rows lie in first ≤ row < last and whose context exists."""
        return np.arange(max(first, self.context), last - self.horizon + 1)


def rows_before(values: np.ndarray, origins: np.ndarray, count: int) -> np.ndarray:
    """(count, B, C) rows before each origin."""
    return values[origins[None, :] + np.arange(-count, 0)[:, None]]


def to_outputs(values: np.ndarray) -> np.ndarray:
    """(horizon, B, C) → (1, B, horizon·C), as the head writes them."""
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(1, values.shape[1], -1))


def from_outputs(outputs: np.ndarray, C: int) -> np.ndarray:
    """The inverse of `to_outputs`."""
    return outputs.reshape(outputs.shape[1], -1, C).transpose(1, 0, 2)


def in_batches(origins: np.ndarray) -> Iterator[np.ndarray]:
    """`origins` in order, as many at a time as are worth evaluating at once."""
    for start in range(0, len(origins), _EVALUATED_AT_ONCE):
        yield origins[start : start + _EVALUATED_AT_ONCE]


class WindowLearner(Stateless):
    """A network that maps a scaled context to the scaled correction of a baseline forecast."""

    def __init__(
        self, network: Network, values: np.ndarray, windowing: Windowing, train: np.ndarray, valid: np.ndarray,
        *, batch_size: int, bptt: int, seed: int, pool: ThreadPool,
    ):  # fmt: skip
        self.network, self.values, self.windowing = network, values, windowing
        self.train, self.valid, self.seed = train, valid, seed
        self.B = min(batch_size, len(train))
        self.updates_per_epoch = -(-len(train) // self.B)
        self.bptt = min(bptt, windowing.context)
        self.loss = SQUARED_ERROR
        self.backpropagation = Backpropagation(network, self.loss, pool)
        self._workspaces: dict[tuple[int, int, bool], Workspace] = {}

    def gradient(self, update: int) -> tuple[float, int]:
        epoch, batch = divmod(update, self.updates_per_epoch)
        origins = self.train[self._order(epoch)[batch * self.B : (batch + 1) * self.B]]
        x, targets = self._examples(origins)
        lead = self.windowing.context - self.bptt
        work = self._workspace(self.bptt, len(origins), training=True)
        work.dropout_keys = self.network.dropout_keys(self.seed, update)
        work.clear_state()
        if lead:  # steps that no gradient reaches
            before = self._workspace(lead, len(origins), training=False)
            before.clear_state()
            before.x[...] = x[:lead]
            self.backpropagation.forward(before)
            work.set_state(before.state(lead))
        work.x[...] = x[lead:]
        return self.backpropagation.gradient(work, targets, targets.size), targets.size

    def validate(self) -> tuple[float, int]:
        total, count = 0.0, 0
        for origins in in_batches(self.valid):
            x, targets = self._examples(origins)
            work = self._workspace(self.windowing.context, len(origins), training=False)
            work.clear_state()
            work.x[...] = x
            total += self.backpropagation.evaluate(work, targets)
            count += targets.size
        return (total, count) if count else (float("nan"), 0)

    def sample(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The last `bptt` steps of `count` training windows, evenly spread, and their targets."""
        spread = self.train[np.linspace(0, len(self.train) - 1, min(count, len(self.train))).astype(int)]
        x, targets = self._examples(spread)
        return x[-self.bptt :], targets

    def forecast(self, w: np.ndarray) -> np.ndarray:
        """(horizon, B, C) in the series' own units after contexts w (context, B, C)."""
        return forecast(self.network, self.windowing, w, self.backpropagation)

    def _order(self, epoch: int) -> np.ndarray:
        return random.shuffled(len(self.train), self.seed, _SHUFFLE + epoch)

    def _examples(self, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scaled contexts (context, B, C) and scaled corrections (1, B, horizon·C)."""
        x, baseline, scale = self.windowing.frame(self.windowing.contexts(self.values, origins))
        correction = (self.windowing.futures(self.values, origins) - baseline) / scale
        return x, to_outputs(correction.astype(self.network.dtype))

    def _workspace(self, T: int, B: int, *, training: bool) -> Workspace:
        key = (T, B, training)
        if key not in self._workspaces:
            self._workspaces[key] = self.network.workspace(T, B, 1, training=training)
        return self._workspaces[key]


def forecast(network: Network, windowing: Windowing, w: np.ndarray, driver: Backpropagation) -> np.ndarray:
    """(horizon, B, C) in the series' own units after contexts w (context, B, C)."""
    x, baseline, scale = windowing.frame(w)
    work = network.workspace(len(w), w.shape[1], 1, training=False)
    work.x[...] = x
    driver.forward(work)
    return baseline + from_outputs(work.outputs.astype(np.float64), w.shape[2]) * scale
