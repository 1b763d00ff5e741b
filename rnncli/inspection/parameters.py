"""Norms of weights, gradients and updates of each parameter, as means over batches, and the effect of clipping."""

from __future__ import annotations

import math

import numpy as np

from rnncli.inspection.gradient_by_lag import norm
from rnncli.inspection.reports import Clipping, ParameterGradient
from rnncli.nn.parameters import Parameters
from rnncli.training.optimizer import Optimizer

_ROUNDING = 1e-12  # share of the sum of squares; noise below it is rounding, since the batches agree


class ParameterNorms:
    """Sums over the batches: the norms of each parameter's gradient, and of the update that the optimizer would make.

    Trial updates start from the optimizer's saved moments; the weights are restored after each.
    """

    def __init__(self, optimizer: Optimizer, rate: float):
        self.optimizer, self.rate, self.parameters = optimizer, rate, optimizer.parameters
        count = len(self.parameters.declared)
        self.batches, self.total = 0, np.zeros_like(self.parameters.gradient)
        self.grad, self.squared, self.update, self.zeros = (np.zeros(count) for _ in range(4))
        self.whole: list[float] = []

    def take(self) -> None:
        """Add the norms of the gradient that a backward pass left in the parameters, and of the update from it."""
        parameters = self.parameters
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.array([norm(part) for part in _parts(parameters, parameters.gradient)])
            self.batches += 1
            self.total += parameters.gradient
            self.grad += norms
            self.squared += norms**2
            self.zeros += [float((part == 0).mean()) for part in _parts(parameters, parameters.gradient)]
            self.whole.append(math.hypot(*(norm(parameters.gradient[span]) for span in parameters.trained)))
            self.update += [norm(part) for part in _parts(parameters, self._update())]

    def _update(self) -> np.ndarray:
        """Return the change (P,) that the optimizer would make to the weights; NaN where the gradient is not finite."""
        weights, whole = self.parameters.weights, self.whole[-1]
        if not math.isfinite(whole):
            return np.full_like(weights, np.nan)
        before = weights.copy()
        self.optimizer.update(self.rate, [whole])
        change = weights - before
        weights[...] = before
        self.optimizer.network.pack()
        return np.asarray(change)

    def report(self) -> list[ParameterGradient]:
        N = self.batches
        weights, means = (
            [float(norm(part)) for part in _parts(self.parameters, flat)]
            for flat in (self.parameters.weights, self.total / N)
        )
        rows = []
        for i, spec in enumerate(self.parameters.declared):
            grad, update, zeros = (float(sums[i] / N) for sums in (self.grad, self.update, self.zeros))
            ratio, update_ratio = (part / weights[i] if weights[i] > 0 else None for part in (grad, update))
            noise = self._signal_to_noise(means[i], float(self.squared[i]))
            rows.append(
                ParameterGradient(
                    name=spec.name,
                    shape=spec.shape,
                    weight_norm=weights[i],
                    grad_norm=grad,
                    ratio=ratio,
                    update_ratio=update_ratio,
                    zero_share=zeros,
                    signal_to_noise=noise,
                )
            )
        return rows

    def _signal_to_noise(self, mean: float, squared: float) -> float | None:
        """Return signal over noise, from the norm of the mean gradient and the sum of all squared norms, or None."""
        noise = (squared - self.batches * mean * mean) / (self.batches - 1) if self.batches > 1 else 0.0
        return mean / math.sqrt(noise) if noise > _ROUNDING * squared and math.isfinite(noise) else None

    def clipping(self) -> Clipping:
        limit = self.optimizer.clip_norm
        clipped = [] if limit is None else [whole for whole in self.whole if not whole <= limit]
        scales = [limit / whole for whole in clipped] if limit is not None else []
        return Clipping(
            limit,
            len(clipped) / len(self.whole),
            sum(scales) / len(scales) if scales else None,
            sum(self.whole) / len(self.whole),
            max(self.whole),
        )


def _parts(parameters: Parameters, flat: np.ndarray) -> list[np.ndarray]:
    """Cut a flat buffer (P,) into one flat part per parameter."""
    edges = np.cumsum([spec.size for spec in parameters.declared])[:-1]
    return np.split(flat, edges)
