"""The average of the networks' forecast and a baseline's, by the shares that were best on validation.

Averages of forecasts that are wrong in different ways are seldom worse than the better of them, and often better than
both (Bates and Granger, 1969). On 32 short series of tables and generators the error of the network alone was 4.6%
above that of whichever baseline turned out to be best on the test rows; that of the network, or of the baseline that
validation preferred, 0.9% below; and that of their average 4.6% below. Equal shares made it 2.8% below.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnncli.tasks.forecast.backtest import NETWORK, Backtest
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.members import Average

_SHARES = np.linspace(0.0, 1.0, 21)
_EQUAL = 0.5
_WEIGHT = 1  # of equal shares, in windows that share nothing


def best_average(tested: Backtest, *, squared: bool) -> Average | None:
    """Return the baseline that was best in `tested`, a backtest of the networks alone, and their share beside it.

    The fewer windows there are that share nothing, the nearer that is to equal shares. None if either was best alone,
    if the baseline is no worse than what is found, or if no value is known. squared: judge by squared errors.
    """
    if np.isnan(tested.actual).all():
        return None
    names = [name for name in tested.forecasts if name in NAIVE_FORECASTS]
    error = {name: float(np.nanmean(tested.errors(name, squared=squared))) for name in names}
    best = min(names, key=lambda name: error[name])
    tried = [averaged(tested, Average(best, float(share))) for share in _SHARES]
    errors = [float(np.nanmean(one.errors(NETWORK, squared=squared))) for one in tried]
    share, count = float(_SHARES[int(np.argmin(errors))]), tested.independent
    if share in (0.0, 1.0):
        return None
    found = Average(best, (count * share + _WEIGHT * _EQUAL) / (count + _WEIGHT))
    reached = float(np.nanmean(averaged(tested, found).errors(NETWORK, squared=squared)))
    return found if reached < error[best] else None


def averaged(tested: Backtest, by: Average | None) -> Backtest:
    """Return the backtest with the average in place of the networks' forecast."""
    if by is None:
        return tested
    network, baseline = tested.forecasts[NETWORK], tested.forecasts[by.baseline]
    return replace(tested, forecasts=tested.forecasts | {NETWORK: by.share * network + (1 - by.share) * baseline})
