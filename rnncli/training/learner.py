"""What the training loop asks of a task: gradients of batches, and how good the network is on what was held out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rnncli.nn.network import Model
from rnncli.training.backpropagation import Backpropagation, Loss, Sample
from rnncli.training.reports import Figure


class Learner(Protocol):
    """The interface between a task and the training loop: an object that hands out gradients of batches."""

    updates_per_epoch: int
    endless: bool  # true of sequences without an end, of which a stretch has as many steps as are asked for

    @property
    def network(self) -> Model: ...

    @property
    def loss(self) -> Loss: ...

    @property
    def backpropagation(self) -> Backpropagation:
        """The driver of the network that `sample` makes batches for; of several networks, that of the first."""

    def gradient(self, update: int) -> tuple[float, int]:
        """Return (summed loss, number of its terms), and leave the gradient of the mean in the network's parameters."""

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update for inspection, from zero state or, if carried, from that of its streams.

        Training goes on afterwards as if this call had not been made.
        """

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        """Return batch `number` of `count` for gradients by lag, the same whatever number of steps training goes back.

        It has whole sequences, or where a sequence goes on without end, stretches of up to `steps` steps of it.
        """

    def validate(self) -> tuple[float, int]:
        """Return (summed loss, number of its terms) of the validation split; (nan, 0) where there is none."""

    def figure(self) -> Figure | None:
        """Return the figure of the validation split that the score prints; None if that is the loss, or without it."""

    def restart(self) -> None:
        """Forget the state that is carried from update to update."""

    def arrays(self, *, before: bool = False) -> dict[str, np.ndarray]:
        """Return the arrays beyond the weights for an exact resume or, if `before`, for redoing the last update."""

    def restore(self, arrays: dict[str, np.ndarray]) -> None: ...
