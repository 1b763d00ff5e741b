"""What an evaluation measured, and which of several is the better one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rnncli.training.reports import Figure


class Measured(NamedTuple):
    """What an evaluation measured: the mean loss, of training where nothing is held out, and the figure, if any.

    averaged: whether it is about the average of the weights. losses: that of the weights and that of their average,
    where there is one.
    """

    loss: float
    held_out: bool
    figure: Figure | None
    averaged: bool = False
    losses: tuple[float, float] | None = None

    @property
    def gain(self) -> float:
        """The figure, negative if lower is better; -inf if there is none."""
        if self.figure is None or math.isnan(self.figure.value):
            return -math.inf
        return self.figure.value if self.figure.higher_is_better else -self.figure.value

    @property
    def margin(self) -> float:
        """How much less than the gain counts as equal to it."""
        return self.figure.margin if self.figure else 0.0


def better(measured: Sequence[Measured]) -> Measured:
    """Return the one with the best figure, of those within its margin the one with the lowest loss."""
    top = max(measured, key=lambda one: one.gain)
    return min((one for one in measured if one.gain >= top.gain - top.margin), key=lambda one: one.loss)
