"""Several learners as one: those of the folds of a cross-validation, or of the same data from several seeds.

They update together and are evaluated together, each with its own network, seed and batches. Everything that holds of
one learner in the loop (patience, time, an exact resume) holds of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate

from rnncli.nn.network import Model
from rnncli.training.backpropagation import Sample
from rnncli.training.batches import Stateless
from rnncli.training.learner import Learner
from rnncli.training.reports import Figure


class SideBySide(Stateless):
    """Several learners as one; network: all their networks as one.

    An epoch is one of the first learner, whose figure, if it has any, is that of all networks together.
    """

    def __init__(self, learners: Sequence[Learner], network: Model):
        self.learners, self.network = tuple(learners), network
        self.updates_per_epoch, self.endless = learners[0].updates_per_epoch, learners[0].endless
        self.loss, self.backpropagation = learners[0].loss, learners[0].backpropagation

    def gradient(self, update: int) -> tuple[float, int]:
        """Return the sums of all learners; of ranks that are no more than these, each computes some of them whole."""
        ranks = self.backpropagation.pool.ranks
        gradients = [partial(learner.gradient, update) for learner in self.learners]
        if not 1 < ranks.size <= len(gradients):
            return _sum([gradient() for gradient in gradients])
        sizes = (learner.network.parameters.weights.size for learner in self.learners)
        return _sum(ranks.spread(gradients, self.network.parameters.gradient, list(accumulate(sizes, initial=0))))

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        return self.learners[0].sample(update)

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        return self.learners[0].stretch(number, count, steps)

    def validate(self) -> tuple[float, int]:
        return _sum([learner.validate() for learner in self.learners])

    def figure(self) -> Figure | None:
        return self.learners[0].figure()


def together(learners: Sequence[Learner], network: Model) -> Learner:
    """Return these learners, whose networks together are `network`, as one; a single one as it is."""
    return learners[0] if len(learners) == 1 else SideBySide(learners, network)


def _sum(losses: Sequence[tuple[float, int]]) -> tuple[float, int]:
    """Return the sums of losses and counts; (nan, 0) if all are without any, such as without a validation split."""
    known = [(loss, count) for loss, count in losses if count]
    return (sum(loss for loss, _ in known), sum(count for _, count in known)) if known else (float("nan"), 0)
