"""The ways from a context to the rows after it. Each is a class that builds a network, feeds it and reads its outputs.

    direct      reads the context step by step and outputs all rows at once; with known covariates, it also reads the
                rows ahead, with zeros in place of their values, and outputs each row at its own step
    segments    reads and outputs whole segments, all segments ahead at once; see `rnncli.nn.segments`
    recursive   learns one step ahead and reads its own forecasts; see `rnncli.tasks.forecast.recursive`

The outputs for each value are a correction of the baseline in scaled units, or the parameters of its distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.nn.memory import require_memory
from rnncli.nn.network import FLOAT32, Network, NetworkShape
from rnncli.nn.segments import SegmentNetwork, SegmentShape, SegmentWork
from rnncli.nn.workspace import Workspace
from rnncli.tasks.around_layers import around_layers
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.losses import ForecastLoss, Sampler
from rnncli.tasks.forecast.windows import Frame
from rnncli.tasks.recurrence import recurrence_of
from rnncli.training.backpropagation import Backpropagation

DRAWN = 500  # samples, where quantiles have no closed form


@dataclass(frozen=True)
class Sizes:
    """The sizes of a window: its rows, and the columns of each kind. parameters: the number of outputs for each value.

    masked: True if the network reads which values are known. channels: how many series it can tell apart. lag: a
    recursive network corrects the value this many rows back; 0 for none.
    """

    context: int
    horizon: int
    targets: int
    past: int = 0
    known_covariates: int = 0
    static: int = 0
    masked: bool = False
    channels: int = 1
    parameters: int = 1
    lag: int = 1

    @property
    def inputs(self) -> int:
        return self.targets * (2 if self.masked else 1) + self.past + self.known_covariates + self.static


def inputs(frame: Frame, sizes: Sizes) -> np.ndarray:
    """Return the network's inputs (T, B, I) of the context."""
    contexts, T = frame.contexts, len(frame.x)
    columns = [frame.x]
    if sizes.masked:
        columns.append(contexts.known.astype(np.float64))
    columns += [contexts.past, contexts.known_covariates[:T], np.repeat(contexts.static[None], T, axis=0)]
    return np.concatenate(columns, axis=2)


class Decoder:
    """The base of all decoders: a network, its sizes, and workspaces for the batch sizes that occur."""

    def __init__(self, network: Any, sizes: Sizes):
        self.network, self.sizes = network, sizes
        self._works: dict[tuple[int, ...], Any] = {}

    @property
    def tells_apart(self) -> bool:
        """True if the network reads which of several series a window is of."""
        return False

    def prepared(
        self, frame: Frame, driver: Backpropagation, draw: tuple[int, int] | None = None, *, truncated: bool = False
    ) -> Any:
        """Return a workspace filled with the inputs of `frame`, ready to run.

        draw: the seed and the update whose dropout is wanted, None outside training. truncated: keep only the steps
        that gradients flow through, as training always does.
        """
        raise NotImplementedError

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Arrange values (horizon, B, C) as the loss compares them with the outputs; unknown ones are NaN."""
        raise NotImplementedError

    def read(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs as the parameters (horizon, B, C, P) of each value; the inverse of `arranged`."""
        raise NotImplementedError

    def targets(self, frame: Frame, corrections: np.ndarray) -> np.ndarray:
        """Return the targets, arranged like the outputs, for the corrections (horizon, B, C) that were needed."""
        with np.errstate(over="ignore"):  # the loop sees that the loss is not finite
            return self.arranged(corrections)

    def parameters(self, frame: Frame, driver: Backpropagation) -> np.ndarray:
        """Run the network and return the parameters of each value ahead, (horizon, B, C, P) float64."""
        work = self.prepared(frame, driver)
        driver.forward(work)
        return self.read(work.outputs.astype(np.float64))

    def point(self, frame: Frame, driver: Backpropagation, loss: ForecastLoss) -> np.ndarray:
        """Return one correction for each value ahead, (horizon, B, C)."""
        return loss.point(self.parameters(frame, driver))

    def quantiles(
        self, frame: Frame, driver: Backpropagation, loss: ForecastLoss, levels: Sequence[float], seed: int
    ) -> np.ndarray | None:
        """Return corrections (L, horizon, B, C) at these levels; None if the loss has no distribution."""
        if loss.quantile is not None:
            return loss.quantile(self.parameters(frame, driver), levels)
        drawn = self.draws(frame, driver, loss, DRAWN, seed)
        return None if drawn is None else np.quantile(drawn, levels, axis=0)

    def draws(
        self, frame: Frame, driver: Backpropagation, loss: ForecastLoss, count: int, seed: int
    ) -> np.ndarray | None:
        """Return (count, horizon, B, C) corrections, drawn for each row by itself; None if there is no distribution."""
        if loss.sample is None:
            return None
        p = self.parameters(frame, driver)
        scale = np.broadcast_to(frame.scale, p.shape[:-1])
        drawn = drawn_each(loss.sample, p, count, generators(frame, seed), scale)
        return drawn if loss.signed else drawn / scale


class Direct(Decoder):
    """A decoder whose recurrent network outputs all rows at its last step, or each row at its own step ahead."""

    network: Network

    def __init__(self, network: Network, sizes: Sizes, bptt: int | None = None):
        super().__init__(network, sizes)
        self.T = sizes.context + self._steps_of_horizon(sizes)
        self.bptt = min(bptt or self.T, self.T)
        if self._steps_of_horizon(sizes):
            self.bptt = max(self.bptt, sizes.horizon)

    @staticmethod
    def _steps_of_horizon(sizes: Sizes) -> int:
        return sizes.horizon if sizes.known_covariates else 0

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
        """Build a network for this decoder; ConfigError if memory cannot hold it and batches of B windows."""
        steps = cls._steps_of_horizon(sizes)
        each = sizes.targets * sizes.parameters
        shape = NetworkShape(
            cell=model.cell,
            input_size=sizes.inputs + bool(steps),
            hidden_size=model.hidden_size,
            num_layers=model.num_layers,
            output_size=each if steps else each * sizes.horizon,
            token_input=False,
            activation=model.activation,
            dropout=model.dropout,
            recurrence=recurrence_of(model),
            precision=precision,
            head_starts_at_zero=head_starts_at_zero,
            **around_layers(model, "numbers"),
        )

        def plan() -> Network:
            network = Network(shape)
            network.workspace(sizes.context + steps, B, steps or 1, training=True)
            return network

        require_memory(plan, shape, "lower model.hidden_size, training.batch_size or data.context")
        return Network(shape, dtype)

    def prepared(
        self, frame: Frame, driver: Backpropagation, draw: tuple[int, int] | None = None, *, truncated: bool = False
    ) -> Workspace:
        x = self.steps(frame)
        bptt = self.bptt if draw or truncated else self.T
        lead = self.T - bptt
        work = self._work(bptt, x.shape[1], self._head_steps, training=draw is not None)
        if draw:
            self.network.set_dropout(work, *draw)
        work.clear_state()
        if lead:  # steps that no gradient reaches
            before = self._work(lead, x.shape[1], 1, training=False)
            before.clear_state()
            before.x[...] = x[:lead]
            driver.forward(before, own=draw is not None)
            work.set_state(before.state(lead))
        work.x[...] = x[lead:]
        return work

    def steps(self, frame: Frame) -> np.ndarray:
        """Return the inputs (T, B, I) of the context and, with known covariates, of the rows ahead."""
        x = inputs(frame, self.sizes)
        if not self.sizes.known_covariates:
            return x
        contexts, horizon = frame.contexts, self.sizes.horizon
        steps = np.zeros((self.T, x.shape[1], x.shape[2] + 1))
        steps[: len(x), :, :-1] = x
        on = steps[len(x) :]
        first = x.shape[2] - self.sizes.known_covariates - self.sizes.static
        on[:, :, first : first + self.sizes.known_covariates] = contexts.known_covariates[len(x) :]
        on[:, :, first + self.sizes.known_covariates : -1] = np.repeat(contexts.static[None], horizon, axis=0)
        on[:, :, -1] = 1  # what tells a row ahead from one whose value is zero
        return steps

    def arranged(self, values: np.ndarray) -> np.ndarray:
        if self.sizes.known_covariates:
            return np.ascontiguousarray(values, self.network.dtype)
        return to_outputs(values).astype(self.network.dtype)

    def read(self, outputs: np.ndarray) -> np.ndarray:
        if self.sizes.known_covariates:
            return outputs.reshape(*outputs.shape[:2], self.sizes.targets, -1)
        return from_outputs(outputs, self.sizes.targets * self.sizes.parameters).reshape(
            self.sizes.horizon, outputs.shape[1], self.sizes.targets, -1
        )

    @property
    def _head_steps(self) -> int:
        """The number of steps, counted from the end, at which the network has outputs."""
        return self._steps_of_horizon(self.sizes) or 1

    def _work(self, T: int, B: int, head_steps: int, *, training: bool) -> Workspace:
        key = (T, B, head_steps, int(training))
        if key not in self._works:
            self._works[key] = self.network.workspace(T, B, head_steps, training=training)
        return self._works[key]


class Segments(Decoder):
    """A decoder with a segment network; its outputs beyond the horizon, in the last segment, are left out."""

    network: SegmentNetwork

    def __init__(self, network: SegmentNetwork, sizes: Sizes, bptt: int | None = None):
        super().__init__(network, sizes)
        self.w, self.M = network.shape.segment, network.shape.segments

    @property
    def tells_apart(self) -> bool:
        return self.sizes.channels > 1

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
    ) -> SegmentNetwork:
        """Build a segment network for this decoder, like `Direct.build`."""
        w = model.segment or sizes.horizon
        shape = SegmentShape(
            cell=model.cell,
            segment=w,
            segments=-(-sizes.horizon // w),
            input_size=sizes.inputs,
            output_size=sizes.targets * sizes.parameters,
            hidden_size=model.hidden_size,
            num_layers=model.num_layers,
            known_size=sizes.known_covariates,
            channels=sizes.channels,
            activation=model.activation,
            dropout=model.dropout,
            recurrence=recurrence_of(model),
            precision=precision,
            head_starts_at_zero=head_starts_at_zero,
        )

        def plan() -> SegmentNetwork:
            network = SegmentNetwork(shape)
            network.workspace(sizes.context // w, B, training=True)
            return network

        require_memory(plan, shape, "lower model.hidden_size, training.batch_size or data.context")
        return SegmentNetwork(shape, dtype)

    def prepared(
        self, frame: Frame, driver: Backpropagation, draw: tuple[int, int] | None = None, *, truncated: bool = False
    ) -> SegmentWork:
        x = inputs(frame, self.sizes)
        T, B, I = x.shape
        work = self._work(T // self.w, B, training=draw is not None)
        work.x[...] = x.reshape(T // self.w, self.w, B, I).transpose(0, 2, 1, 3).reshape(work.x.shape)
        if self.sizes.known_covariates:
            coming = np.zeros((self.M * self.w, B, self.sizes.known_covariates))
            coming[: self.sizes.horizon] = frame.contexts.known_covariates[T:]
            work.known_covariates[...] = (
                coming.reshape(self.M, self.w, B, -1).transpose(2, 0, 1, 3).reshape(work.known_covariates.shape)
            )
        if self.sizes.channels > 1:
            work.channels[0] = np.repeat(frame.contexts.series, self.M)
        if draw:
            self.network.set_dropout(work, *draw)
        return work

    def arranged(self, values: np.ndarray) -> np.ndarray:
        rest = self.M * self.w - len(values)
        whole = np.concatenate([values, np.full((rest, *values.shape[1:]), np.nan)])
        return to_outputs(whole).astype(self.network.dtype)

    def read(self, outputs: np.ndarray) -> np.ndarray:
        each = self.sizes.targets * self.sizes.parameters
        rows = from_outputs(outputs, each)[: self.sizes.horizon]
        return rows.reshape(*rows.shape[:2], self.sizes.targets, -1)

    def _work(self, S: int, B: int, *, training: bool) -> SegmentWork:
        key = (S, B, int(training))
        if key not in self._works:
            self._works[key] = self.network.workspace(S, B, training=training)
        return self._works[key]


def generators(frame: Frame, seed: int) -> list[np.random.Generator]:
    """Return a generator for each window, seeded by `seed` and its series, whatever else is in the batch."""
    return [np.random.default_rng([seed, int(s)]) for s in frame.contexts.series]


def drawn_each(
    sample: Sampler, p: np.ndarray, count: int, each: Sequence[np.random.Generator], scale: np.ndarray
) -> np.ndarray:
    """Return draws (count, …, B, C) from parameters p (…, B, C, P), each window with its own generator."""
    return np.stack([sample(p[..., b, :, :], count, one, scale[..., b, :]) for b, one in enumerate(each)], axis=-2)


def to_outputs(values: np.ndarray) -> np.ndarray:
    """Reshape (horizon, B, C) to (1, B, horizon·C), as a head writes all rows at once."""
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(1, values.shape[1], -1))


def from_outputs(outputs: np.ndarray, C: int) -> np.ndarray:
    """The inverse of `to_outputs`."""
    return outputs.reshape(outputs.shape[1], -1, C).transpose(1, 0, 2)
