"""The unknown word in training, which would otherwise learn of `<unk>` only that it never comes.

A text to come has about as many new words as the training split has words that occur once (Good, 1953). In each epoch
some of these are taken for `<unk>`, drawn anew by the seed, so that the others are learnt as the words that they are.
"""

from __future__ import annotations

import numpy as np

from rnncli.data.vocabulary import UNKNOWN_NUMBER
from rnncli.kernels import random

_DRAWN = 1 << 37  # of the seed's independent random streams, plus the epoch


class RareWords:
    """The words that a training split has once; `once` (V,) is True for their numbers. In each epoch each of them is
    read and predicted as `<unk>` with probability `share`.
    """

    def __init__(self, once: np.ndarray, share: float, seed: int):
        self.once, self.share, self.seed = once, share, seed
        self._epoch, self._taken = -1, np.zeros(0, np.int32)

    def taken(self, epoch: int) -> np.ndarray:
        """Return the number that each word is taken for in this epoch, int32 (V,): its own, or that of `<unk>`."""
        if epoch != self._epoch:
            noise = np.empty(len(self.once))
            random.fill_uniform(noise, self.seed, _DRAWN + epoch, 1.0)
            unknown = self.once & ((noise + 1) / 2 < self.share)
            self._taken = np.where(unknown, UNKNOWN_NUMBER, np.arange(len(self.once))).astype(np.int32)
            self._epoch = epoch
        return self._taken
