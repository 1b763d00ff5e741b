"""The experiments of a cross-validation as one: how long to train on all of the data, and how good that will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.nn.ensemble import Ensemble
from rnncli.notes import doubt
from rnncli.tasks.sizes import MORE
from rnncli.tasks.task import Experiment
from rnncli.training.folds import FoldsLearner, falls_short, mean_figure, pooled, uneven
from rnncli.training.plan import Plan, Position
from rnncli.training.reports import Score


class CrossValidation(Experiment):
    """The folds of the experiment `whole`, whose networks are trained side by side.

    Until the network of all the data is trained, the model file holds that of the first fold.
    """

    learner: FoldsLearner

    def __init__(self, whole: Experiment, folds: Sequence[Experiment]):
        self.whole, self.each = whole, tuple(folds)
        self.config = whole.config
        self.network = Ensemble([fold.network for fold in folds])
        found = f"{len(self.network.networks)} networks, each trained without one fold, find how long to train on all"
        self.facts = (*whole.facts, ("folds", found))
        self.learner = FoldsLearner([fold.learner for fold in folds], self.network)

    @property
    def share_of_time(self) -> float:
        """What is left is for the network of all the data."""
        folds, networks = len(self.network.networks), self.config.networks
        return folds / (folds + MORE * networks)

    @property
    def most_epochs(self) -> int:
        return self.whole.most_epochs

    def plan_of_all(self, plan: Plan, position: Position) -> Plan:
        """Return the plan for all of the data, given that of the folds and where their best weights are: of as many
        epochs, and with an average of the weights if that was best."""
        per_epoch, of_folds = self.whole.learner.updates_per_epoch, self.learner.updates_per_epoch
        updates, ends = (-(-count * per_epoch // of_folds) for count in (plan.updates, position.best_update))
        averaging = plan.weight_averaging if position.best_averaged else 0.0
        fixed = replace(plan, updates=updates, ends=ends, patience=None, budget=0.0, since=0, progress=0.0)
        return replace(fixed, weight_averaging=averaging)

    def choose(self) -> None:
        """Let the experiment choose what the answers of its folds tell."""
        self.whole.settle(self.each)

    def header(self) -> dict[str, Any]:
        return self.each[0].header()

    def arrays(self) -> dict[str, np.ndarray]:
        return self.each[0].arrays()

    def score(self) -> Score | None:
        """Return the mean score of the folds, each on what it holds out."""
        scores = [score for fold in self.each if (score := fold.score()) is not None]
        figures = self.learner.figures()
        counts = [figure.count for figure in figures]
        count = len(self.each[0].network.networks)
        by = f", each by {'one network' if count == 1 else f'{count} networks'}" if count < self.config.networks else ""
        return pooled(scores, counts, f"{sum(counts):,} answers{by}", figures[0].power)

    def tell_doubts(self, independent: int | None, longer: str) -> None:
        """Tell where the score promises more than the network of all the data, which is trained by now, has learnt.

        independent: the answers of folds that do not depend on each other. longer: the key and value, as `--set` takes
        them, that train for twice as long.
        """
        figures = self.learner.figures()
        if (spread := uneven(figures, independent)) is not None:
            doubt(f"{spread}; where a network has not learnt yet what others have, train longer: --set {longer}")
        promised, kept = mean_figure(figures), self.whole.figure_of_training()
        if promised is not None and kept is not None and falls_short(kept, promised, independent):
            doubt(
                f"the network that is kept has {kept.name} {kept.value:.4g} on the data that it was trained on, worse "
                f"than the {promised.value:.4g} of cross-validation, so that new data will score worse than it says; "
                f"train longer: --set {longer}"
            )
