"""The learning rate as a multiple of `learning_rate`, by update; no mathematical library, so no machine differs."""

from __future__ import annotations

import math
from collections.abc import Callable

_COSINE_TERMS = 14  # of the Taylor series; at π the last is below 1e-17


def _cosine_of_pi_times(x: float) -> float:
    """cos(πx) for 0 ≤ x ≤ 1 from additions and multiplications only."""
    flip = x > 0.5
    square = (math.pi * (1.0 - x if flip else x)) ** 2
    term, total = 1.0, 1.0
    for k in range(1, _COSINE_TERMS):
        term *= -square / ((2 * k - 1) * (2 * k))
        total += term
    return -total if flip else total


def constant(done: float) -> float:
    return 1.0


def cosine(done: float) -> float:
    """From 1 to 0 along half a cosine (Loshchilov and Hutter, 2017)."""
    return 0.5 * (1.0 + _cosine_of_pi_times(done))


def step(done: float) -> float:
    """A tenth after half of the run, a hundredth after three quarters."""
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "step": step,
    "plateau": constant,  # the loop halves it when validation stands still, see `Plateau`
}


class Plateau:
    """Halves the learning rate after `WAIT` evaluations in a row without a better validation loss."""

    WAIT = 2

    def __init__(self, active: bool):
        self.active = active
        self.factor = 1.0
        self.waited = 0

    def see(self, improved: bool) -> None:
        self.waited = 0 if improved else self.waited + 1
        if self.active and self.waited >= self.WAIT:
            self.factor *= 0.5
            self.waited = 0
