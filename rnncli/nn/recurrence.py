"""What the layers of a stack do to the recurrence of their cell, and what training draws anew for each window of it.

The masks are functions of seed, update and layer, and are drawn before a window by one thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rnncli.kernels import dropout as masks
from rnncli.kernels import gemm
from rnncli.kernels.buffers import zeros
from rnncli.kernels.cells.recurrence import Locked
from rnncli.nn import dropout
from rnncli.nn.parameters import Parameter


@dataclass(frozen=True)
class Recurrence:
    """The settings of a recurrence; see `rnncli.kernels.cells.recurrence`.

    weight_drop: the fraction of recurrent weights that training drops (DropConnect, Wan et al., 2013, as Merity et al.,
    2018, do to U), by one mask for all steps and sequences of a window. state_dropout: that of h_{t−1} in the product
    with U, by one mask for all steps.
    """

    capped: bool = False
    weight_drop: float = 0.0
    state_dropout: float = 0.0

    @property
    def draws(self) -> bool:
        """True if training draws masks for it."""
        return self.weight_drop > 0 or self.state_dropout > 0


PLAIN = Recurrence()


@dataclass
class DroppedWeights:
    """Recurrent weights of which a fraction p is dropped: values (H, N), both packed forms, and the mask's key."""

    p: float
    values: np.ndarray
    packed: np.ndarray = field(init=False)
    packed_back: np.ndarray = field(init=False)
    key: np.uint32 = field(init=False)

    def draw(self, U: Parameter, key: np.uint32) -> None:
        self.key = key
        H, N = U.inner_shape
        if not hasattr(self, "packed"):
            self.packed, self.packed_back = gemm.packed_like(H, N, U.products), gemm.packed_like(N, H, U.products)
        self._drop(U.value, self.values, 0, N)
        gemm.pack(self.values, self.packed, 0, gemm.panels(N))
        gemm.pack_transposed(self.values, self.packed_back, 0, gemm.panels(H))

    def drop_gradient(self, gradient: np.ndarray, first: int, last: int) -> None:
        """Turn these columns of the gradient of what was used into that of U."""
        self._drop(gradient, gradient, first, last)

    def _drop(self, x: np.ndarray, y: np.ndarray, first: int, last: int) -> None:
        masks.apply_to_columns(x, y, self.key, *dropout.threshold_and_scale(self.p, x.dtype), first, last)


@dataclass
class Drawn:
    """What training draws for a window of a layer, each None where nothing is dropped."""

    recurrence: Recurrence
    U: DroppedWeights | None
    locked: Locked | None

    @classmethod
    def plan(cls, recurrence: Recurrence, T: int, B: int, H: int, N: int, dtype: np.dtype) -> Drawn:
        dropped = DroppedWeights(recurrence.weight_drop, zeros((H, N), dtype)) if recurrence.weight_drop else None
        locked = Locked(zeros((B, H), dtype), zeros((T, B, H), dtype)) if recurrence.state_dropout else None
        return cls(recurrence, dropped, locked)

    def first(self, T: int) -> Drawn:
        """Return the same for a window of T steps, in the same memory."""
        locked = None if self.locked is None else Locked(self.locked.mask, self.locked.h[:T])
        return Drawn(self.recurrence, self.U, locked)

    def draw(self, U: Parameter, stream: int, seed: int, update: int) -> None:
        """Draw the masks of an update, from number `stream` of the seed's random streams and the next one."""
        if self.U is not None:
            self.U.draw(U, dropout.key(seed, stream, update))
        if self.locked is not None:
            mask = self.locked.mask[None]
            mask[...] = 1
            key = dropout.key(seed, stream + 1, update)
            dropout.drop(self.recurrence.state_dropout, mask, mask, key, 0, mask.shape[1])
