"""Notes on what may surprise in a forecast: who made it, from how few rows, what its intervals promise, and what its
splits can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnncli.errors import shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.calibration import RECEIPTS, Receipt, in_words
from rnncli.tasks.forecast.padding import FEW
from rnncli.tasks.forecast.panel import Panel, ending_early
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.splits import TEST, TRAINING, VALIDATION

if TYPE_CHECKING:
    from rnncli.tasks.forecast.experiment import ForecastExperiment
    from rnncli.tasks.forecast.forecaster import Forecaster

_FAR = 5.0  # standard deviations of the training data from their mean


def doubt_another_level(forecaster: Forecaster, name: str) -> None:
    """Write a doubt if values are far from those of training, and no network scales them by their own context."""
    windowing = forecaster.members.first.windowing
    if windowing.scaling != "none":
        return
    for s in range(len(forecaster.panel.ids)):
        level = windowing.forward(forecaster.panel.one(s).values[-windowing.context :]).mean(axis=0)
        if np.any(np.abs(level - windowing.fixed[0][s]) > _FAR * windowing.fixed[1][s]):
            doubt(
                f"{name}: its level is far from that of the training data, at which data.scaling none keeps the "
                "forecast; train with another data.scaling"
            )
            return


def note_method(forecaster: Forecaster, wanted: int, *, network: bool) -> None:
    """Write notes on rows beyond the horizon, a baseline that answers, series with few rows and those that ended."""
    if wanted > forecaster.horizon and not isinstance(forecaster.members.first.decoder, Recursive):
        note(f"horizon {wanted} is beyond the trained {forecaster.horizon}: later rows build on forecast ones")
    if forecaster.method != NETWORK and not network:
        note(
            f"on validation {forecaster.method.replace('-', ' ')} was at least as good as the network, so this is the "
            "forecast of that baseline; --network uses the network"
        )
    if short := int((forecaster.panel.lengths < forecaster.members.context).sum()):
        note(
            f"{short:,} of {len(forecaster.panel.ids):,} series have fewer than the {forecaster.members.context} rows "
            f"that the network reads, {int(forecaster.panel.lengths.min()):,} the fewest; rows missing before them are "
            + ("masked" if forecaster.data.padding else "their first value")
        )
    panel = forecaster.panel
    if early := ending_early(panel):
        first = early[0]
        doubt(
            f"{len(early):,} of {len(panel.ids):,} series end before others, {shown(panel.ids[first])} at "
            f"{panel.timelines[first].stamp(0)} the first: each is forecast from its own end on, so rows and totals "
            "are of different times; leave out those that have ended, and bring the others up to date"
        )


def doubt_ended(panel: Panel, ended: Sequence[int], wanted: int) -> None:
    """Write a doubt on the series `ended` of `panel`, which are left out of the forecast."""
    name, stamp = shown(panel.ids[ended[0]]), panel.timelines[ended[0]].stamp(0)
    are = "is" if len(ended) == 1 else "are"
    doubt(
        f"{len(ended):,} of {len(panel.ids):,} series {are} not forecast, {name} the first: it ended at {stamp}, "
        f"before others, and its known covariates are not told for {wanted:,} rows after it; if it goes on, "
        "give them in --future FILE"
    )


def note_receipts(forecaster: Forecaster, levels: Sequence[float], wanted: int, *, network: bool) -> None:
    """Write a note on the coverage that intervals had on validation, and on rows for which nobody knows it."""
    receipts = forecaster.validated.calibrations[NETWORK if network else forecaster.method].receipts
    note_coverage(receipts, levels, wanted)
    _doubt_guessed(receipts, levels)
    if few := int((forecaster.panel.lengths < FEW).sum()):
        doubt(
            f"intervals: {few:,} of {len(forecaster.panel.ids):,} series have fewer than {FEW} rows, which tell little "
            "of their spread; intervals lean on those usual in training, and may hold far less than they ask"
        )
    if unknown := [level for level in levels if level not in RECEIPTS]:
        which = ", ".join(f"{level:g}%" for level in unknown)
        note(f"intervals: of {which} no coverage is known; it is of {', '.join(map(str, RECEIPTS))}%")


def note_coverage(receipts: Sequence[Receipt], levels: Sequence[float], wanted: int) -> None:
    """Write a note on each coverage check of these levels that is of the first `wanted` rows, and one on the rows that
    no check is of."""
    for receipt in receipts:
        if receipt.asked in levels and receipt.first <= wanted:
            note(f"intervals: {receipt} on validation")
    if unchecked := " and ".join(in_words(*rows) for rows in _unchecked(receipts, wanted)):
        note(f"intervals: the validation split has too few windows to check the coverage of {unchecked}")


def _doubt_guessed(receipts: Sequence[Receipt], levels: Sequence[float]) -> None:
    """Write a doubt on levels that so few errors as were checked cannot promise."""
    errors = max((receipt.count for receipt in receipts if receipt.first == 1), default=0)
    told = 100 * (errors - 1) / (errors + 1)  # of all values, between the outmost of so many
    if errors and (guessed := [f"{level:g}%" for level in levels if level > told]):
        doubt(
            f"intervals: {errors:,} errors that were checked on validation promise no more than {told:.0f}%, "
            f"so that {' and '.join(guessed)} {'is' if len(guessed) == 1 else 'are'} a guess; lower --levels, or "
            "train with more data.validation"
        )


def _unchecked(receipts: Sequence[Receipt], wanted: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row of each range of the `wanted` rows that no coverage check is of."""
    after = 1
    for first, last in [*sorted({(one.first, one.last) for one in receipts}), (wanted + 1, wanted + 1)]:
        if after < first and after <= wanted:
            yield after, min(first - 1, wanted)
        after = max(after, last + 1)


def note_many_zeros(experiment: ForecastExperiment) -> None:
    """Write a note if most values are 0: a median is then 0 as well, and absolute errors reward it."""
    zeros = float((experiment.splits.panel.values[experiment.splits.rows(TRAINING)] == 0).mean())
    if zeros > 0.5 and experiment.config.training.loss in ("mae", "quantile", "student-t"):
        note(
            f"{zeros:.0%} of the values are 0, so the median forecast is 0; for mean amounts set "
            "training.loss=mse, for counts negative-binomial"
        )


def note_short_splits(experiment: ForecastExperiment) -> None:
    """Write notes on series too short for a whole window, and on splits that score none or only some of them."""
    data, horizon, S = experiment.config.data, experiment.config.data.horizon or 0, len(experiment.splits.ends)
    rows = experiment.splits.ends[:, TRAINING]
    if short := int((rows < experiment.members.widest.least + horizon).sum()):
        note(f"{short:,} of {S:,} series are too short to train on")
    padded = int((rows < experiment.members.context + horizon).sum()) - short
    if data.padding and padded:
        note(
            f"{padded:,} of {S:,} series have fewer than the {experiment.members.context + horizon} training rows of a "
            "whole context and horizon; rows missing before them are masked"
        )
    for split, name, wanted in ((VALIDATION, "validation", data.validation), (TEST, "test", data.test)):
        scored = len(np.unique(experiment.features.series[experiment.origins(split) - 1])) if wanted else S
        if not scored:
            most = int((experiment.splits.ends[:, split] - experiment.splits.ends[:, split - 1]).max())
            if experiment.hierarchy is not None and most >= (horizon or 0):
                note(f"the {name} split has no origin with {experiment.members.context} rows of every series before it")
            else:
                note(f"the {name} split has {most} rows, too few for a horizon of {horizon}")
        elif scored < S:
            note(f"{scored:,} of {S:,} series are scored on {name}: the others have too few rows")
