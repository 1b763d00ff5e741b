"""How forecasts of a hierarchy are made to add up, learnt from a backtest on the validation split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnncli.notes import note
from rnncli.tasks.forecast.backtest import NETWORK, WITH_BASELINE, Backtest
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.reconciliation import Reconciliation, by_series, by_window, cross_fitted, fitted

_FEWEST = 8  # origins, for a covariance of errors


def learnt(
    tested: Backtest, bottom_up: Reconciliation, asked: str | None, *, squared: bool
) -> tuple[Reconciliation, Backtest]:
    """Return how the network's forecasts are reconciled, and the backtest with forecasts that add up.

    MinT's are those that it was not fitted to, baselines are summed bottom-up. asked: data.reconcile, None for what
    has the lower error, or squared error.
    """
    hierarchy, own = bottom_up.hierarchy, WITH_BASELINE if WITH_BASELINE in tested.forecasts else NETWORK
    S = len(hierarchy.levels)
    base, actual = by_series(tested.forecasts[own], S), by_series(tested.actual, S)
    summed = {name: by_window(bottom_up(by_series(tested.forecasts[name], S))) for name in (own, *_naive(tested))}
    made = {"bottom-up": replace(tested, forecasts={**tested.forecasts, **summed})}
    mint = fitted(actual - base, hierarchy, bottom_up.least)
    if mint.gains is not None and base.shape[1] >= _FEWEST:
        crossed = by_window(cross_fitted(base, actual, hierarchy, bottom_up.least))
        made["mint"] = replace(tested, forecasts={**tested.forecasts, **summed, own: crossed})
    elif asked == "mint":
        note(
            f"data.reconcile mint learns from {_FEWEST} origins, and the validation split has {base.shape[1]}, so "
            "bottom-up is taken; hold out more with data.validation"
        )
    errors = {name: float(np.nanmean(one.errors(own, squared=squared))) for name, one in made.items()}
    chosen = asked if asked in made else min(errors, key=lambda name: errors[name])
    figures = {name: float(np.nanmean(one.errors(own))) for name, one in {**made, "unreconciled": tested}.items()}
    others = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items() if name != chosen)
    note(f"forecasts add up by data.reconcile {chosen}, mean MASE {figures[chosen]:.4f} on validation; {others}")
    return mint if chosen == "mint" else bottom_up, made[chosen]


def _naive(tested: Backtest) -> list[str]:
    return [name for name in tested.forecasts if name in NAIVE_FORECASTS]
