"""Recursive forecasts: a network learns one step ahead and reads its own forecasts (Salinas et al., 2020).

In training it reads the actual values. A drawn path reads its own draws, so that the rows of a path belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.nn.network import FLOAT32, Network
from rnncli.nn.workspace import LayerState
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.decoders import DRAWN, Decoder, Direct, Sizes, drawn_each, generators
from rnncli.tasks.forecast.losses import ForecastLoss
from rnncli.tasks.forecast.windows import Frame
from rnncli.training.backpropagation import Backpropagation

Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]  # what the loss reads, scales → one correction each


@dataclass(frozen=True)
class Carried:
    """The carried state of a recurrent network for B series: the states of every layer, and its last outputs (B, O)."""

    state: list[LayerState]
    outputs: np.ndarray


class Recursive(Direct):
    """A decoder whose network outputs the next row at every step, also beyond the horizon it was trained for."""

    def __init__(self, network: Network, sizes: Sizes, bptt: int | None = None):
        Decoder.__init__(self, network, sizes)
        self.T = sizes.context + sizes.horizon - 1
        self.bptt = max(min(bptt or self.T, self.T), sizes.horizon)
        self.lag = sizes.lag if sizes.lag <= sizes.context else 1  # as seasonal naive does where a season does not fit

    @classmethod
    def build(
        cls,
        model: ForecastModelConfig,
        sizes: Sizes,
        B: int,
        dtype: np.dtype = FLOAT32,
        *,
        head_starts_at_zero: bool = True,
        precision: str = "float32",
    ) -> Network:
        one_step = replace(sizes, horizon=1, known_covariates=0, past=sizes.past + sizes.known_covariates)
        return Direct.build(model, one_step, B, dtype, head_starts_at_zero=head_starts_at_zero, precision=precision)

    @property
    def _head_steps(self) -> int:
        return self.sizes.horizon

    def steps(self, frame: Frame) -> np.ndarray:
        """Return the inputs (context + horizon − 1, B, I), with the actual values of rows ahead."""
        assert frame.coming is not None
        later = frame.coming[:-1]
        x = np.concatenate([frame.x, later])
        return self._read_with(frame, x, 0, len(x))

    def _read_with(self, frame: Frame, x: np.ndarray, first: int, last: int) -> np.ndarray:
        """Return the inputs of the rows from `first` on: values x (last − first, B, C) and all that goes with them.

        A known covariate is that of the next row; a past covariate after the context is the last known one.
        """
        contexts, T, sizes = frame.contexts, len(frame.x), self.sizes
        rows = np.arange(first, last)
        columns = [x]
        if sizes.masked:
            came = np.ones_like(contexts.known[:1]) if frame.coming_known is None else frame.coming_known
            known = np.concatenate([contexts.known, came])
            columns.append(known[np.minimum(rows, len(known) - 1)].astype(np.float64))
        columns += [
            contexts.past[np.minimum(rows, T - 1)],
            contexts.known_covariates[np.minimum(rows + 1, len(contexts.known_covariates) - 1)],
            np.repeat(contexts.static[None], len(rows), axis=0),
        ]
        return np.concatenate(columns, axis=2)

    def arranged(self, values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values, self.network.dtype)

    def read(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.reshape(*outputs.shape[:2], self.sizes.targets, -1)

    def targets(self, frame: Frame, corrections: np.ndarray) -> np.ndarray:
        """Return the targets: each row minus the row `lag` before it, or minus 0 if `lag` is 0."""
        assert frame.coming is not None
        base = self._corrected(np.concatenate([frame.x, frame.coming]), self.sizes.context, frame)
        return self.arranged(np.where(np.isnan(corrections), np.nan, frame.coming - base))

    def _corrected(self, x: np.ndarray, first: int, frame: Frame) -> np.ndarray:
        """Return for each row of x from `first` on the row `lag` before it, (n, …, B, C); zeros if `lag` is 0.

        Where padding leaves fewer rows than `lag`, it is the row before, as seasonal naive takes the last value.
        """
        lag = self.lag
        if lag == 0:
            return np.zeros_like(x[first:])
        base = x[first - lag : len(x) - lag]
        if frame.lengths is None:
            return base
        return np.where(frame.lengths < lag, x[first - 1 : len(x) - 1], base)

    def point(self, frame: Frame, driver: Backpropagation, loss: ForecastLoss) -> np.ndarray:
        return self._unrolled(frame, driver, lambda p, scale: loss.point(p), 1)[0]

    def draws(
        self, frame: Frame, driver: Backpropagation, loss: ForecastLoss, count: int, seed: int
    ) -> np.ndarray | None:
        """Return corrections (count, horizon, B, C), drawn as whole paths; None without a distribution."""
        sample, each = loss.sample, generators(frame, seed)
        if sample is None:
            return None

        def drawn(p: np.ndarray, scale: np.ndarray) -> np.ndarray:
            values = drawn_each(sample, p, 1, each, scale)[0]
            return values if loss.signed else values / scale

        return self._unrolled(frame, driver, drawn, count)

    def quantiles(
        self,
        frame: Frame,
        driver: Backpropagation,
        loss: ForecastLoss,
        levels: Sequence[float],
        seed: int,
    ) -> np.ndarray | None:
        drawn = self.draws(frame, driver, loss, DRAWN, seed)
        return None if drawn is None else np.quantile(drawn, levels, axis=0)

    def _unrolled(
        self, frame: Frame, driver: Backpropagation, answer: Answer, count: int, carried: Carried | None = None
    ) -> np.ndarray:
        """Return corrections (count, horizon, B, C) of the baseline; each path reads its own forecasts."""
        (T, B, C), horizon = frame.x.shape, len(frame.baseline)
        x = np.concatenate([frame.x, np.zeros((horizon, B, C))])
        carried = carried or self.begun(frame, driver)
        work = self.network.workspace(1, B * count, 1, training=False)
        work.set_state([tuple(np.tile(state, (count, 1)) for state in layer) for layer in carried.state])
        paths = np.tile(x[:, None], (1, count, 1, 1))
        scale = np.broadcast_to(frame.scale, (count, B, C))
        outputs = np.tile(carried.outputs, (count, 1))
        for k in range(horizon):
            p = outputs.astype(np.float64).reshape(count, B, C, -1)
            paths[T + k] = self._corrected(paths[: T + k + 1], T + k, frame)[0] + answer(p, scale)
            if k + 1 < horizon:
                rows = [self._read_with(frame, path[None], T + k, T + k + 1) for path in paths[T + k]]
                work.x[0] = np.concatenate(rows, axis=1)[0]
                driver.forward(work)
                outputs = work.outputs[0]
                work.carry(1)
        baseline = (frame.baseline - frame.centre) / frame.scale
        return paths[T:].swapaxes(0, 1) - baseline

    def begun(self, frame: Frame, driver: Backpropagation) -> Carried:
        """Read the whole context from zero state, and return the carried state."""
        return self._after(self._read_with(frame, frame.x, 0, len(frame.x)), None, driver)

    def gone_on(self, carried: Carried, frame: Frame, driver: Backpropagation) -> Carried:
        """Read one more row, the newest of a frame of the same scale, and return the new carried state."""
        T = len(frame.x)
        return self._after(self._read_with(frame, frame.x[-1:], T - 1, T), carried, driver)

    def point_after(self, carried: Carried, frame: Frame, driver: Backpropagation, loss: ForecastLoss) -> np.ndarray:
        """Return the corrections of `point`, starting from a carried state."""
        return self._unrolled(frame, driver, lambda p, scale: loss.point(p), 1, carried)[0]

    def _after(self, x: np.ndarray, before: Carried | None, driver: Backpropagation) -> Carried:
        work = self.network.workspace(len(x), x.shape[1], 1, training=False)
        if before is not None:
            work.set_state(before.state)
        work.x[...] = x
        driver.forward(work)
        return Carried(work.state(len(x)), work.outputs[0].copy())
