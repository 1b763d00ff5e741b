"""Several models whose weights are trained and kept as those of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from rnncli.nn.network import Model
from rnncli.nn.parameters import Parameters, Share


class Ensemble(Model):
    """Several models as one: their weights lie in one buffer, so that one optimizer moves and one file keeps them all.

    They share nothing else; the caller runs each of them by itself. The parameters of number k are named `k.` and
    their own name.
    """

    def __init__(self, members: Sequence[Model]):
        super().__init__(members[0].dtype)
        self.members = tuple(members)
        self.parameters = Parameters(
            [
                replace(one, name=f"{k}.{one.name}")
                for k, member in enumerate(members)
                for one in member.parameters.declared
            ],
            self.dtype,
            members[0].products,
        )
        self._place_members()
        self.pack()

    def _place_members(self) -> None:
        """Let the members use the buffers of all, each its own part."""
        ends = np.cumsum([0, *(member.parameters.weights.size for member in self.members)])
        for member, (first, last) in zip(self.members, pairwise(ends), strict=True):
            member.move(self.parameters.weights[first:last], self.parameters.gradient[first:last])

    def move(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        super().move(weights, gradient)
        self._place_members()

    @property
    def networks(self) -> tuple[Model, ...]:
        return tuple(network for member in self.members for network in member.networks)

    def initialise(self, recurrent_init: str, recurrent_scale: float, seed: int, chrono: int | None = None) -> None:
        """Set the first weights of each model, from seeds that follow each other."""
        for k, member in enumerate(self.members):
            member.initialise(recurrent_init, recurrent_scale, seed + k, chrono)

    def pack(self, share: Share | None = None) -> None:
        for member in self.members:
            member.pack(share)


def as_one(models: Sequence[Model]) -> Model:
    """Return the ensemble of several models, or the only one as it is."""
    return models[0] if len(models) == 1 else Ensemble(models)
