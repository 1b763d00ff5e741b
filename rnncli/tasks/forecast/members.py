"""The networks of a forecast, and what they say together: the median of what each says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.nn.network import FLOAT32
from rnncli.tasks.forecast.baselines import CORRECTABLE
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.decoders import Direct, Segments, Sizes
from rnncli.tasks.forecast.fitted import Fitted
from rnncli.tasks.forecast.losses import FORECAST_LOSSES
from rnncli.tasks.forecast.member import Member
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Contexts, Windowing
from rnncli.training.backpropagation import Backpropagation
from rnncli.training.threads import ThreadPool

DECODERS: dict[str, type[Direct] | type[Segments]] = {"direct": Direct, "segments": Segments, "recursive": Recursive}


SEED = 1  # of draws that nobody gave a seed for
_LEAST_SHARE = 0.05  # of a window's scale, as a spread: beside none at all, one surprise is the measure of everything
_LEAST_COUNT = 0.5  # as a spread of whole numbers


class Members:
    """One or more of them. with_baseline: the baseline that they correct has a vote too."""

    def __init__(self, members: Sequence[Member], with_baseline: bool):
        self.members, self.with_baseline = tuple(members), with_baseline

    @property
    def context(self) -> int:
        return self.widest.context

    @property
    def first(self) -> Member:
        return self.members[0]

    @property
    def widest(self) -> Windowing:
        """The windows of the one that looks back furthest."""
        return max((member.windowing for member in self.members), key=lambda one: one.context)

    def centred(self, fixed: tuple[np.ndarray, np.ndarray]) -> Members:
        """The same for other series, whose (centre, scale) these are."""
        return self._with(fixed=fixed)

    def reaching(self, horizon: int) -> Members:
        """The same for as many rows ahead, where they are forecast one by one."""
        return self._with(horizon=horizon) if isinstance(self.first.decoder, Recursive) else self

    def _with(self, **changes: Any) -> Members:
        """The same with these changes to every one's windows."""
        members = [replace(member, windowing=replace(member.windowing, **changes)) for member in self.members]
        return Members(members, self.with_baseline)

    def points(self, contexts: Contexts) -> np.ndarray:
        """What each says, (members, horizon, B, C)."""
        return np.stack([member.point(contexts) for member in self.members])

    def point(self, contexts: Contexts) -> np.ndarray:
        """The median, (horizon, B, C)."""
        return self.combined(self.points(contexts), contexts)

    def combined(self, points: np.ndarray, contexts: Contexts) -> np.ndarray:
        """One forecast of those of all members."""
        if self.with_baseline:
            windowing = self.first.windowing
            points = np.concatenate([points, windowing.back(self.first.frame(contexts).baseline)[None]])
        return np.median(points, axis=0)

    def spread(self, contexts: Contexts, seed: int) -> np.ndarray:
        """How far a value may be from its forecast, (horizon, B, C) of transformed values.

        Half of what the 80% in the middle spans, where a distribution is learnt; else the scale of the window.
        """
        windowing, scale = self.first.windowing, self.first.frame(contexts).scale
        middle = self.quantiles(contexts, (0.1, 0.9), seed)
        if middle is None:
            return np.broadcast_to(scale, (windowing.horizon, *scale.shape))
        low, high = windowing.forward(np.maximum(middle, 0.0) if windowing.transform != "none" else middle)
        least = _LEAST_SHARE * scale if self.first.loss.signed else _LEAST_COUNT
        return np.maximum((high - low) / 2, least)

    def quantiles(self, contexts: Contexts, levels: Sequence[float], seed: int) -> np.ndarray | None:
        """The median of each one's quantiles, (L, horizon, B, C)."""
        found = [member.quantiles(contexts, levels, seed + k) for k, member in enumerate(self.members)]
        return np.median(np.stack([one for one in found if one is not None]), axis=0) if found[0] is not None else None

    def countable(self, values: np.ndarray, share: float) -> np.ndarray:
        """Ends of intervals: those of counts are whole numbers from 0, rounded outwards."""
        if self.first.loss.signed:
            return values
        return np.maximum(np.floor(values) if share < 0.5 else np.ceil(values), 0)

    def draws(self, contexts: Contexts, count: int, seed: int) -> np.ndarray | None:
        """Draws from all members in turn, (count, horizon, B, C)."""
        each = -(-count // len(self.members))
        drawn = [member.draws(contexts, each, seed + k) for k, member in enumerate(self.members)]
        found = [one for one in drawn if one is not None]
        return np.stack(found, axis=1).reshape(-1, *found[0].shape[1:])[:count] if found else None


def sizes(config: ForecastConfig, targets: int, features: dict[str, int], channels: int, context: int) -> Sizes:
    """Of the windows that a network of this config reads."""
    assert config.data.horizon is not None
    lags = {"last-value": 1, "none": 0}
    return Sizes(
        context,
        config.data.horizon,
        targets,
        **features,
        masked=config.data.missing == "mask",
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
) -> list[Member]:
    """One for each of training.seeds."""
    data, training = config.data, config.training
    contexts, scalings = data.contexts, data.scalings
    loss, members = FORECAST_LOSSES[training.loss], []
    for k in range(training.seeds):
        context, scaling = contexts[k % len(contexts)], scalings[k % len(scalings)]
        its = sizes(config, targets, features, channels, context)
        kind = DECODERS[config.model.decoder]
        network = kind.build(config.model, its, training.batch_size, dtype)
        decoder = kind(network, its, training.bptt)  # type: ignore[arg-type]  # of its own kind
        driver = Backpropagation(decoder.network, loss.loss, pool)
        members.append(Member(windowing(config, context, scaling, fitted), decoder, loss, driver))
    return members


def windowing(config: ForecastConfig, context: int, scaling: str, fitted: Fitted) -> Windowing:
    """The windows of one network."""
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
    )
