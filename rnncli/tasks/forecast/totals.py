"""predict --sum: the total over the horizon of each series and target, with an interval of its own.

Errors of one window belong together, so the ends of a total are no sums of the ends of its rows: they are quantiles of
the totals of drawn paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.errors import UsageError
from rnncli.tasks.forecast.calibration import Calibration
from rnncli.tasks.forecast.paths import Past, Walk

DRAWN = 1000  # paths


def totals(
    walk: Walk, past: Past, wanted: int, calibration: Calibration | None, levels: Sequence[float], seed: int
) -> tuple[np.ndarray, dict[float, tuple[np.ndarray, np.ndarray]]]:
    """Return the total (B, C) of `wanted` rows of each window, and its intervals by percent.

    It is the mean or the median of the totals of paths, whichever a row's forecast is; without a calibration it is the
    sum of the rows. UsageError if an interval is requested and there are no paths to take it from.
    """
    if calibration is None or calibration.windows is None:
        if levels:
            raise UsageError("--sum: too few windows were held out to tell intervals; hold out more in data.validation")
        return walk.points(past, wanted).sum(axis=0), {}
    each = [paths.sum(axis=1) for _, paths in walk.drawn(past, wanted, calibration, DRAWN, seed, free=True)]
    drawn = np.concatenate(each, axis=1)
    mean = walk.baseline is None and walk.members.first.loss.mean
    middle = drawn.mean(axis=0) if mean else np.median(drawn, axis=0)
    possible = walk.members.first.windowing.possible_total
    bands = {}
    for level in levels:
        tail = (1 - level / 100) / 2
        low, high = (possible(end, middle) for end in np.quantile(drawn, (tail, 1 - tail), axis=0))
        bands[level] = low, high
    return possible(middle, middle), bands
