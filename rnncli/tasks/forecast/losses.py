"""The losses of forecasts, and how the outputs of a network that was trained with one are read.

Parameters p (..., P) are the outputs of the network for each value, in scaled units. A new loss is one kernel, the
functions that read its outputs, and one line in `loss_registry`; the tests run over that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from rnncli.kernels import forecast_losses as kernels
from rnncli.training.backpropagation import SQUARED_ERROR, Loss

LEVELS = np.array([0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975])


class Sampler(Protocol):
    def __call__(
        self, p: np.ndarray, count: int, generator: np.random.Generator, scale: np.ndarray | None = None
    ) -> np.ndarray:
        """Return (count, ...) float64 draws."""


@dataclass(frozen=True)
class ForecastLoss:
    """A loss of forecast values, and how its outputs are read; all arrays are float64.

    parameters: P, how many outputs each value has.
    point(p) → (...): the median if the outputs determine it, else the mean.
    sample(p, count, generator, scale) → (count, ...) draws; None for a loss that has no distribution.
    quantile(p, levels) → (L, ...) at levels in (0, 1); None if there is no closed form.
    mean: True if the point is a mean, which squared errors judge fairly; False if it is a median.
    signed: False for counts. Their targets carry a scale for each value, they are divided by it without subtracting
    a centre, and `sample` needs scale (...) and draws whole counts, not scaled ones.
    """

    loss: Loss
    parameters: int
    point: Callable[[np.ndarray], np.ndarray]
    sample: Sampler | None = None
    quantile: Callable[[np.ndarray, Sequence[float]], np.ndarray] | None = None
    signed: bool = True
    mean: bool = False


def _first(p: np.ndarray) -> np.ndarray:
    return p[..., 0].astype(np.float64)


def _softplus(x: np.ndarray) -> np.ndarray:
    flat = x.astype(np.float64).ravel()
    kernels.softplus_each(flat)
    return flat.reshape(x.shape)


def _scale(p: np.ndarray) -> np.ndarray:
    """Return the scale of a Gaussian or a Student's t with parameters p (..., P)."""
    return _softplus(p[..., 1]) + kernels.LEAST_SCALE


def _between_levels(p: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Evaluate the quantile function at `at` (L, ...): linear between LEVELS, with the outermost two lines continued.

    The Q parameters are sorted first, so that levels never cross (Chernozhukov et al., 2010).
    """
    p = np.sort(p.astype(np.float64), axis=-1)[None]
    lower = np.clip(np.searchsorted(LEVELS, at, side="right") - 1, 0, len(LEVELS) - 2)
    share = (at - LEVELS[lower]) / (LEVELS[lower + 1] - LEVELS[lower])
    below, above = (np.take_along_axis(p, i[..., None], axis=-1)[..., 0] for i in (lower, lower + 1))
    return below + share * (above - below)


def _over(levels: Sequence[float], p: np.ndarray) -> np.ndarray:
    """Return levels as (L, 1, ..., 1), to be broadcast against the values of p."""
    return np.reshape(np.asarray(levels, np.float64), (-1,) + (1,) * (p.ndim - 1))


def _quantile_at(p: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    return _between_levels(p, _over(levels, p))


def _quantile_median(p: np.ndarray) -> np.ndarray:
    return np.median(p.astype(np.float64), axis=-1)  # of sorted levels, the middle one is at ½


def _quantile_sample(
    p: np.ndarray, count: int, generator: np.random.Generator, scale: np.ndarray | None = None
) -> np.ndarray:
    return _between_levels(p, generator.random((count, *p.shape[:-1])))


def _gaussian_at(p: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    return _first(p) + _scale(p) * _over([NormalDist().inv_cdf(level) for level in levels], p)


def _gaussian_sample(
    p: np.ndarray, count: int, generator: np.random.Generator, scale: np.ndarray | None = None
) -> np.ndarray:
    return _first(p) + _scale(p) * generator.standard_normal((count, *p.shape[:-1]))


def _student_t_sample(
    p: np.ndarray, count: int, generator: np.random.Generator, scale: np.ndarray | None = None
) -> np.ndarray:
    nu = kernels.LEAST_FREEDOM + _softplus(p[..., 2])
    return _first(p) + _scale(p) * generator.standard_t(nu, (count, *p.shape[:-1]))


def _negative_binomial_mean(p: np.ndarray) -> np.ndarray:
    return _softplus(p[..., 0]) + kernels.LEAST


def _negative_binomial_sample(
    p: np.ndarray, count: int, generator: np.random.Generator, scale: np.ndarray | None = None
) -> np.ndarray:
    """Draw Poisson counts whose rate is drawn from a gamma distribution of mean μ and shape 1/α."""
    assert scale is not None
    mu, alpha = scale * _negative_binomial_mean(p), _softplus(p[..., 1]) / np.sqrt(scale) + kernels.LEAST
    rate = generator.gamma(1.0 / alpha, alpha * mu, (count, *p.shape[:-1]))
    return generator.poisson(np.minimum(rate, _HIGHEST_RATE)).astype(np.float64)


_HIGHEST_RATE = 1e18  # beyond which numpy's Poisson counts do not fit int64
_ABSURD = SQUARED_ERROR.absurd

MAE = ForecastLoss(Loss(kernels.absolute_error, "absolute error in scaled units", _ABSURD**0.5), 1, _first)
MSE = ForecastLoss(SQUARED_ERROR, 1, _first, mean=True)
QUANTILE = ForecastLoss(
    Loss(kernels.quantile, "pinball loss in scaled units", _ABSURD**0.5, (LEVELS,)),
    len(LEVELS),
    _quantile_median,
    _quantile_sample,
    _quantile_at,
)
GAUSSIAN = ForecastLoss(Loss(kernels.gaussian, "nats per value", _ABSURD), 2, _first, _gaussian_sample, _gaussian_at)
STUDENT_T = ForecastLoss(Loss(kernels.student_t, "nats per value", _ABSURD), 3, _first, _student_t_sample)
NEGATIVE_BINOMIAL = ForecastLoss(
    Loss(kernels.negative_binomial, "nats per value", _ABSURD),
    2,
    _negative_binomial_mean,
    _negative_binomial_sample,
    signed=False,
    mean=True,
)
