"""A check of gradients by central differences of the loss, for some elements of every parameter, in float64."""

from __future__ import annotations

import math

import numpy as np

from rnncli.inspection.reports import CheckedParameter, GradientCheck
from rnncli.training.backpropagation import Backpropagation, Sample

TOLERANCE = 1e-5
_ELEMENTS, _SEED = 4, 1
_STEPS = 1e-2, 1e-3, 1e-4, 1e-5, 1e-6  # relative steps: a kink spoils wide ones, rounding narrow ones
_SMALL = 1e-4  # share of a parameter's largest gradient; errors of smaller gradients are relative to that share
_ROUNDING = 1e-15  # relative rounding error of the loss
# Its absolute rounding error at least: the cross-entropy of a target that is all but certain is the logarithm of a sum
# of about 1, and no more exact than that sum.
_LEAST_ROUNDING = 1e-16
# The largest doubt about a difference, relative to the gradient, that is good enough. Where the doubt is larger, an
# error as large as the doubt counts as this much.
_DOUBT = TOLERANCE / 100


def check(driver: Backpropagation, sample: Sample) -> GradientCheck:
    """Check the element with the largest gradient of each parameter, and some random ones."""
    parameters, random = driver.network.parameters, np.random.default_rng(_SEED)
    loss = driver.gradient(sample.work, sample.targets, sample.count) / sample.count
    gradient, checked, offset = parameters.gradient.copy(), [], 0
    for spec in parameters.declared:
        part = gradient[offset : offset + spec.size]
        drawn = random.choice(spec.size, min(_ELEMENTS - 1, spec.size), replace=False)
        places = np.unique([int(np.abs(part).argmax()), *drawn])
        least = _SMALL * float(np.abs(part).max()) + 1e-12
        errors = [_error(driver, sample, offset + int(i), float(part[i]), least, loss) for i in places]
        checked.append(CheckedParameter(spec.name, len(places), max(errors)))
        offset += spec.size
    driver.network.pack()
    return GradientCheck(tuple(checked), TOLERANCE)


def _error(driver: Backpropagation, sample: Sample, place: int, gradient: float, least: float, loss: float) -> float:
    """Return the relative error of one element beside the least doubtful difference, chosen whatever the gradient is.

    Differences are of fourth order, so that steps can be wide enough to keep small gradients above rounding errors.
    The doubt of a difference is the sum of three terms: the disagreement of the slopes over one step and over two;
    the kink at the weight itself (where a relu reads exactly zero, any slope between its two sides is a gradient);
    and the rounding of losses.
    """
    error = surest = math.inf
    weight = float(driver.network.parameters.weights[place])
    for share in _STEPS:
        step = share * max(1.0, abs(weight))
        (near, bend), (far, further) = (_slope(driver, sample, place, width, loss) for width in (step, 2 * step))
        difference = (4 * near - far) / 3
        doubt = abs(near - far) + abs(2 * bend - further) + max(_ROUNDING * abs(loss), _LEAST_ROUNDING) / step
        if doubt < surest:  # false for NaN
            surest = doubt
            size = max(abs(difference), abs(gradient), least)
            error = abs(difference - gradient) / max(size, doubt / _DOUBT)
            if doubt < _DOUBT * size:
                break
    return error


def _slope(driver: Backpropagation, sample: Sample, place: int, step: float, loss: float) -> tuple[float, float]:
    """Return the slope of the mean loss along one weight, and the slope ahead of it minus the slope behind it."""
    weights, losses = driver.network.parameters.weights, []
    before = weights[place]
    for side in (step, -step):
        weights[place] = before + side
        driver.network.pack()
        losses.append(driver.evaluate(sample.work, sample.targets) / sample.count)
    weights[place] = before
    return (losses[0] - losses[1]) / (2 * step), (losses[0] + losses[1] - 2 * loss) / step
