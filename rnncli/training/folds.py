"""Cross-validation: networks that are trained side by side, each on sequences of which others were left out.

They update together and are evaluated together, so that there is one curve: its best update is how long to train on all
of the sequences.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import stdev

from rnncli.nn.network import Model
from rnncli.training.headline import percent, summed
from rnncli.training.learner import Learner
from rnncli.training.paired_bootstrap import joined
from rnncli.training.reports import Confusion, Figure, Score, strongest_first
from rnncli.training.side_by_side import SideBySide

CROSS_VALIDATED = "cross-validated"  # in place of the name of a split
_UNEVEN = 2.5
_MUCH = 0.1


class FoldsLearner(SideBySide):
    """The learners of all folds as one; an epoch is the longest of theirs."""

    def __init__(self, learners: Sequence[Learner], network: Model):
        super().__init__(learners, network)
        self.updates_per_epoch = max(learner.updates_per_epoch for learner in learners)

    def figure(self) -> Figure | None:
        return mean_figure(self.figures())

    def figures(self) -> list[Figure]:
        """Return the figure of each of them."""
        return [one for learner in self.learners if (one := learner.figure()) is not None]


def mean_figure(figures: Sequence[Figure]) -> Figure | None:
    """Return the figure of what all folds hold out, the mean of theirs weighted by their counts; None without any.

    Its margin is the standard error of a share: the highest of many noisy figures is soon found by chance, while all
    networks still change quickly. Of 67 series (ItalyPowerDemand) it was that of the 18th of 60 evaluations, 0.985, and
    all from the 24th on to the 60th were 0.955 to 0.970.
    """
    if not figures:
        return None
    first, counts = figures[0], [one.count for one in figures]
    value, count = mean([one.value for one in figures], counts, first.power), sum(counts)
    margin = standard_error(value, count) if first.higher_is_better else 0.0
    return Figure(first.name, value, count, first.higher_is_better, margin, first.power)


def uneven(figures: Sequence[Figure], independent: int | None) -> str | None:
    """Return in words how far apart the shares of right answers of the folds' networks are, None where chance explains
    it: where their standard error is at most 2.5 times that of so many independent answers, which five equal networks
    exceed once in 20,000 times."""
    if len(figures) < 2 or not figures[0].higher_is_better:
        return None
    values, counts = [one.value for one in figures], [one.count for one in figures]
    by_chance = standard_error(mean(values, counts), independent or sum(counts))
    if stdev(values) / math.sqrt(len(values)) <= _UNEVEN * by_chance:
        return None
    return f"the folds differ by more than chance, {figures[0].name} {min(values):.4g} to {max(values):.4g}"


def falls_short(kept: Figure, promised: Figure, independent: int | None) -> bool:
    """Return whether a figure on the data of training is worse than one on others, by two standard errors of a share of
    so many independent answers, or of errors by a tenth."""
    if promised.higher_is_better:
        return kept.value < promised.value - 2 * standard_error(promised.value, independent or promised.count)
    return kept.value > (1 + _MUCH) * promised.value


def standard_error(share: float, count: int) -> float:
    """Return that of a share of so many answers, by Laplace's rule of succession."""
    expected = (share * count + 1) / (count + 2)
    return math.sqrt(expected * (1 - expected) / count)


def mean(values: Sequence[float], counts: Sequence[int], power: int = 1) -> float:
    """Return the mean of values weighted by their counts, or with a power of 2 the root of that of their squares."""
    total = sum(value**power * count for value, count in zip(values, counts, strict=True))
    return (total / sum(counts)) ** (1 / power)


def pooled(scores: Sequence[Score], counts: Sequence[int], detail: str, power: int = 1) -> Score:
    """Return the score of what all folds hold out, the mean of theirs weighted by how many answers each has, and its
    uncertainty; power: see `Figure`."""
    first, each = scores[0], [score.network for score in scores]
    compared = [score.compared for score in scores if score.compared is not None]
    together = joined(compared) if len(compared) == len(scores) else None
    value = mean(each, counts, power)
    baselines = dict(_means([dict(score.baselines) for score in scores], counts, power))
    error = stdev(each) / math.sqrt(len(each))
    uncertain = f"standard error {error:.4f}"
    if not error and first.higher_is_better:  # which is no certainty
        uncertain = _of_answers(value, sum(counts) if together is None else together.count)
    whole = Score(
        CROSS_VALIDATED,
        first.unit,
        value,
        strongest_first(baselines, higher_is_better=first.higher_is_better),
        f"{detail}, {len(scores)} folds, {uncertain}",
        higher_is_better=first.higher_is_better,
        confusion=_summed([score.confusion for score in scores if score.confusion is not None]),
        figures=_means([dict(score.figures) for score in scores], counts),
        headline=summed([score.headline for score in scores]),
    )
    return whole if together is None else whole.judged(together)


def _of_answers(share: float, independent: int) -> str:
    """Return in words how uncertain a share of so many independent answers is: by its standard error, or where all are
    alike by the share that is exceeded in 5% of cases (the rule of three)."""
    if 0 < share < 1:
        return f"standard error {standard_error(share, independent):.4f}"
    return f"up to {percent(min(3 / independent, 1))} of new ones may be {'wrong' if share else 'right'}"


def _means(named: Sequence[dict[str, float]], counts: Sequence[int], power: int = 1) -> tuple[tuple[str, float], ...]:
    """Return the mean of each value that all of the folds have, by its name."""
    names = [name for name in named[0] if all(name in one for one in named)]
    return tuple((name, mean([one[name] for one in named], counts, power)) for name in names)


def _summed(matrices: Sequence[Confusion]) -> Confusion | None:
    """Return the sum of confusion matrices whose labels may differ."""
    if not matrices:
        return None
    labels = sorted({label for one in matrices for label in one.labels})
    number = {label: i for i, label in enumerate(labels)}
    total: Counter[tuple[int, int]] = Counter()
    for one in matrices:
        for i, k, count in one.pairs:
            total[number[one.labels[i]], number[one.labels[k]]] += count
    return Confusion(tuple(labels), tuple((i, k, count) for (i, k), count in sorted(total.items())))
