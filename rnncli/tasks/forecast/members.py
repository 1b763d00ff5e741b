"""The networks of a forecast, and their common forecast: the median of the forecasts of all networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.nn.ensemble import as_one
from rnncli.nn.network import FLOAT32, Model
from rnncli.tasks.forecast.baselines import CORRECTABLE
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.decoders import Decoder, Direct, Segments, Sizes
from rnncli.tasks.forecast.features import Fitted
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.losses import ForecastLoss
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Bounds, Features, Frame, Windowing
from rnncli.training.backpropagation import Backpropagation, ThreadPool


@dataclass(frozen=True)
class Member:
    """One network and the windows that it reads."""

    windowing: Windowing
    decoder: Decoder
    loss: ForecastLoss
    driver: Backpropagation

    @property
    def network(self) -> Model:
        model: Model = self.decoder.network
        return model

    def frame(self, contexts: Features, scale: np.ndarray | None = None) -> Frame:
        """Return the frame of as many rows as this network reads; the contexts may be longer."""
        skipped = len(contexts.values) - self.windowing.context
        shorter = replace(
            contexts,
            values=contexts.values[skipped:],
            known=contexts.known[skipped:],
            past=contexts.past[skipped:],
            known_covariates=contexts.known_covariates[skipped:],
        )
        return self.windowing.frame(shorter, scale)

    def point(self, contexts: Features, scale: np.ndarray | None = None) -> np.ndarray:
        """Return the forecasts (horizon, B, C) in the series' own units."""
        frame = self.frame(contexts, scale)
        return self.windowing.forecasts(frame, self.decoder.point(frame, self.driver, self.loss))

    def quantiles(
        self, contexts: Features, levels: Sequence[float], seed: int, scale: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return quantiles (L, horizon, B, C) at these levels; None if the loss has no distribution."""
        frame = self.frame(contexts, scale)
        found = self.decoder.quantiles(frame, self.driver, self.loss, levels, seed)
        return None if found is None else self.windowing.forecasts(frame, found)

    def draws(self, contexts: Features, count: int, seed: int) -> np.ndarray | None:
        """Return draws (count, horizon, B, C); None if the loss has no distribution."""
        frame = self.frame(contexts)
        drawn = self.decoder.draws(frame, self.driver, self.loss, count, seed)
        return None if drawn is None else self.windowing.forecasts(frame, drawn)


DECODERS: dict[str, type[Direct] | type[Segments]] = {"direct": Direct, "segments": Segments, "recursive": Recursive}


SEED = 1  # of draws that nobody gave a seed for
LEAST_SHARE = 0.05  # of a window's scale, as a spread: beside none at all, one surprise is the measure of everything
_LEAST_COUNT = 0.5  # as a spread of whole numbers


@dataclass(frozen=True)
class Average:
    """A baseline by name whose forecast is averaged with the networks', and `share`, the networks' part of that."""

    baseline: str
    share: float

    def __str__(self) -> str:
        return f"{self.share:.0%} the network's and {1 - self.share:.0%} that of {self.baseline.replace('-', ' ')}"


@dataclass(frozen=True)
class Members:
    """One or more members, and all their weights as one model. with_baseline: their baseline counts as one more.
    average: what their common forecast is averaged with, if anything, by `paths.Walk`."""

    members: tuple[Member, ...]
    network: Model
    with_baseline: bool
    average: Average | None = None

    @classmethod
    def of(cls, members: Sequence[Member], with_baseline: bool) -> Members:
        return cls(tuple(members), as_one([member.network for member in members]), with_baseline)

    @property
    def context(self) -> int:
        return self.widest.context

    @property
    def first(self) -> Member:
        return self.members[0]

    @property
    def widest(self) -> Windowing:
        """The windowing with the longest context."""
        return max((member.windowing for member in self.members), key=lambda one: one.context)

    def centred(self, fixed: tuple[np.ndarray, np.ndarray]) -> Members:
        """Return a copy for other series, whose (centre, scale) is `fixed`."""
        return self._with(fixed=fixed)

    def bounded(self, bounds: Bounds | None) -> Members:
        """Return a copy whose intervals and paths do not pass `bounds`, if any."""
        return self._with(bounds=bounds)

    def averaged(self, by: Average | None) -> Members:
        """Return a copy whose forecast is averaged so."""
        return replace(self, average=by)

    @property
    def may_average(self) -> bool:
        """False where an average would not be all there is: beside it, a distribution, or a state that is carried."""
        return self.first.loss.parameters == 1 and not isinstance(self.first.decoder, Recursive)

    def reaching(self, horizon: int) -> Members:
        """Return a copy with this horizon if rows are forecast one by one, else the members unchanged."""
        return self._with(horizon=horizon) if isinstance(self.first.decoder, Recursive) else self

    def _with(self, **changes: Any) -> Members:
        """Return a copy with these changes to the windowing of every member."""
        changed = (replace(member, windowing=replace(member.windowing, **changes)) for member in self.members)
        return replace(self, members=tuple(changed))

    def scales(self, contexts: Features) -> np.ndarray:
        """Return the scale of a window by each member, (members, B, C), in transformed units."""
        return np.stack([member.frame(contexts).scale for member in self.members])

    def points(self, contexts: Features, scales: np.ndarray | None = None) -> np.ndarray:
        """Return the forecasts of every member, (members, horizon, B, C), with these `scales` or their own."""
        each = [None] * len(self.members) if scales is None else scales
        return np.stack([member.point(contexts, scale) for member, scale in zip(self.members, each, strict=True)])

    def point(self, contexts: Features, scales: np.ndarray | None = None) -> np.ndarray:
        """Return the median of all forecasts, (horizon, B, C)."""
        return self.combined(self.points(contexts, scales), contexts)

    def combined(self, points: np.ndarray, contexts: Features) -> np.ndarray:
        """Return the median (horizon, B, C) of the members' forecasts `points`, and of the baseline if it counts."""
        if self.with_baseline:
            windowing = self.first.windowing
            points = np.concatenate([points, windowing.back(self.first.frame(contexts).baseline)[None]])
        return np.median(points, axis=0)

    def spread(self, contexts: Features, seed: int, scales: np.ndarray | None = None) -> np.ndarray:
        """Return the spread of values around their forecasts, (horizon, B, C), in transformed units.

        It is half the width of the middle 80% if the loss has a distribution, else the scale of the window.
        """
        windowing, scale = self.first.windowing, self.scales(contexts)[0] if scales is None else scales[0]
        middle = self.quantiles(contexts, (0.1, 0.9), seed, scales)
        if middle is None:
            return np.broadcast_to(scale, (windowing.horizon, *scale.shape))
        low, high = windowing.forward(np.maximum(middle, 0.0) if windowing.transform != "none" else middle)
        least = LEAST_SHARE * scale if self.first.loss.signed else _LEAST_COUNT
        return np.maximum((high - low) / 2, least)

    def quantiles(
        self, contexts: Features, levels: Sequence[float], seed: int, scales: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return the median of all members' quantiles, (L, horizon, B, C); None without a distribution."""
        found = [
            member.quantiles(contexts, levels, seed + k, None if scales is None else scales[k])
            for k, member in enumerate(self.members)
        ]
        return np.median(np.stack([one for one in found if one is not None]), axis=0) if found[0] is not None else None

    def countable(self, values: np.ndarray, share: float, point: np.ndarray) -> np.ndarray:
        """Return ends of intervals around a point; those of counts are the outmost whole numbers between them, or that
        nearest to the point, from 0 (see `error_quantiles.smeared`)."""
        if self.first.loss.signed:
            return values
        middle = np.rint(point)
        inner = np.minimum(np.ceil(values), middle) if share < 0.5 else np.maximum(np.floor(values), middle)
        return np.maximum(inner, 0)

    def draws(self, contexts: Features, count: int, seed: int) -> np.ndarray | None:
        """Return draws from all members in turn, (count, horizon, B, C); None without a distribution."""
        each = -(-count // len(self.members))
        drawn = [member.draws(contexts, each, seed + k) for k, member in enumerate(self.members)]
        found = [one for one in drawn if one is not None]
        return np.stack(found, axis=1).reshape(-1, *found[0].shape[1:])[:count] if found else None


def sizes(config: ForecastConfig, targets: int, features: dict[str, int], channels: int, context: int) -> Sizes:
    """Return the sizes of the windows that a network of this config reads."""
    assert config.data.horizon is not None
    lags = {"last-value": 1, "none": 0}
    return Sizes(
        context,
        config.data.horizon,
        targets,
        **features,
        masked=config.data.missing == "mask" or bool(config.data.padding),
        channels=channels,
        parameters=FORECAST_LOSSES[config.training.loss].parameters,
        lag=lags.get(config.data.residual or "", config.data.season or 1),
    )


def build_members(
    config: ForecastConfig,
    targets: int,
    features: dict[str, int],
    channels: int,
    fitted: Fitted,
    pool: ThreadPool,
    dtype: np.dtype = FLOAT32,
) -> Members:
    """Build one network for each of training.seeds."""
    data, training = config.data, config.training
    contexts, scalings = data.contexts, data.scalings
    loss, members = FORECAST_LOSSES[training.loss], []
    for k in range(training.seeds):
        context, scaling = contexts[k % len(contexts)], scalings[k % len(scalings)]
        its = sizes(config, targets, features, channels, context)
        kind = DECODERS[config.model.decoder]
        network = kind.build(config.model, its, training.batch_size, dtype, precision=training.precision)
        decoder = kind(network, its, training.bptt)  # type: ignore[arg-type]  # of its own kind
        driver = Backpropagation(decoder.network, loss.loss, pool)
        members.append(Member(windowing(config, context, scaling, fitted), decoder, loss, driver))
    return Members.of(members, training.with_baseline)


def windowing(config: ForecastConfig, context: int, scaling: str, fitted: Fitted) -> Windowing:
    """Return the windowing of one network."""
    data = config.data
    assert data.horizon is not None
    baseline = CORRECTABLE.get(data.residual or "")
    return Windowing(
        context=context,
        horizon=data.horizon,
        season=data.season or 1,
        scaling=scaling,
        baseline=baseline,
        fixed=fitted.fixed,
        transform=data.transform,
        power=fitted.power,
        non_negative=data.non_negative,
        padded=bool(data.padding),
        by_known=bool(data.padding) or data.missing == "refuse",
        share=fitted.share,
    )
