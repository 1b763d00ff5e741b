"""The learner of windows of series, in shuffled batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnncli.kernels import random
from rnncli.tasks.forecast.members import Member
from rnncli.tasks.forecast.windows import Features, Frame, in_batches
from rnncli.training.backpropagation import Sample
from rnncli.training.batches import Stateless

_SHUFFLE = 1 << 32  # of the seed's independent random streams, plus the pass through the windows
_VALIDATED = 8192  # windows tell enough


class WindowLearner(Stateless):
    """The learner of a network that maps a scaled context to the scaled correction of a baseline forecast.

    train, valid: the origins of both splits. updates_per_epoch None takes every training window once an epoch.
    masks: unknown values are no targets, and windows without any known value to forecast are not trained on.
    """

    def __init__(
        self,
        member: Member,
        features: Features,
        train: np.ndarray,
        valid: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        updates_per_epoch: int | None = None,
        masks: bool = False,
    ):
        self.member, self.features, self.windowing, self.decoder = member, features, member.windowing, member.decoder
        if masks:
            train = train[member.windowing.futures(features.known, train).any(axis=(0, 2))]
        self.network, self.train, self.seed, self.masks = member.network, train, seed, masks
        self.valid = valid[np.linspace(0, len(valid) - 1, min(len(valid), _VALIDATED)).astype(int)]
        self.B = max(1, min(batch_size, len(train)))
        self.per_pass = -(-len(train) // self.B)
        self.updates_per_epoch = updates_per_epoch or self.per_pass
        self.loss, self.backpropagation = member.loss.loss, member.driver
        member.driver.pool.ranks.require_batches(self.B)
        self._drawn: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def gradient(self, update: int) -> tuple[float, int]:
        frame, targets, count = self.examples(self._origins(update))
        work = self.decoder.prepared(frame, self.backpropagation, (self.seed, update))
        return self.backpropagation.gradient(work, targets, max(count, 1)), count

    def validate(self) -> tuple[float, int]:
        total, known = 0.0, 0
        for origins in in_batches(self.valid):
            frame, targets, count = self.examples(origins)
            work = self.decoder.prepared(frame, self.backpropagation)
            total += self.backpropagation.evaluate(work, targets)
            known += count
        return (total, known) if known else (float("nan"), 0)

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update, as far back as gradients flow."""
        return self._sample(update, truncated=True)

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        return self._sample(self.updates_per_epoch * number // count, truncated=False)

    def _sample(self, update: int, *, truncated: bool) -> Sample:
        frame, targets, count = self.examples(self._origins(update))
        work = self.decoder.prepared(frame, self.backpropagation, truncated=truncated)
        return Sample(work, targets, max(count, 1))

    def examples(self, origins: np.ndarray) -> tuple[Frame, np.ndarray, int]:
        """Return scaled contexts, scaled corrections as the loss needs them, and how many of these are known."""
        frame = self.windowing.frame(self.windowing.contexts(self.features, origins))
        futures = self.windowing.futures(self.features.values, origins)
        corrections = self.windowing.corrections(frame, futures)
        known = self.windowing.futures(self.features.known, origins)
        coming = corrections + (frame.baseline - frame.centre) / frame.scale
        frame = replace(frame, coming=coming, coming_known=known)
        if self.masks:
            corrections = np.where(known, corrections, np.nan)
        count = int(np.isfinite(corrections).sum())
        targets = self.decoder.targets(frame, corrections)
        if not self.member.loss.signed:  # counts are learnt as they are, each beside its scale
            scales = self.decoder.arranged(np.broadcast_to(frame.scale, futures.shape))
            targets = np.concatenate([targets * scales, scales], axis=2)
        return frame, targets, count

    def _origins(self, update: int) -> np.ndarray:
        """Return the origins of the windows of an update."""
        number, batch = divmod(update, self.per_pass)
        return self.train[self._order(number)[batch * self.B : (batch + 1) * self.B]]

    def _order(self, number: int) -> np.ndarray:
        if self._drawn[0] != number:
            self._drawn = number, random.shuffled(len(self.train), self.seed, _SHUFFLE + number)
        return self._drawn[1]
