"""Transcripts that need no training: the most frequent one, and that of the nearest recording by time warping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rnncli.tasks.warped import Series, found_by_warping

# Numbers in the band of all pairs, most of which are left early: of 2,000 and 250 spoken digits, 4.3·10⁹, one core took
# 2.3 s.
_MOST = 2e10
_SHARE = 0.1  # of the longer recording: how far warping may lead
MOST_FREQUENT, NEAREST = "most frequent", "nearest by time warping"


def baselines(
    train: Sequence[np.ndarray], transcripts: Sequence[str], held_out: Sequence[np.ndarray]
) -> dict[str, list[str]]:
    """Return the answers of each baseline to held-out recordings by its name, given training recordings (n, F) and
    their transcripts. The nearest one is searched for where all can be compared in some seconds.
    """
    counts = Counter(transcripts)
    usual = min(counts, key=lambda text: (-counts[text], text))
    found = {MOST_FREQUENT: [usual] * len(held_out)}
    if _compared(train, held_out) <= _MOST:
        seen, asked = (Series.of([x.astype(np.float64) for x in them]) for them in (train, held_out))
        every = np.arange(len(train)), np.arange(len(held_out))
        nearest = found_by_warping(seen, every[0], asked, every[1], _SHARE, apart=False)
        found[NEAREST] = [transcripts[i] for i in nearest]
    return found


def _compared(train: Sequence[np.ndarray], held_out: Sequence[np.ndarray]) -> float:
    """Return how many numbers stand in the band of all pairs together, of which the longer one's length is estimated
    from above."""
    seen, asked = (np.array([len(x) for x in them], float) for them in (train, held_out))
    longer = np.sqrt((seen**2).mean() + (asked**2).mean())
    return float(len(seen) * asked.sum() * (1 + 2 * _SHARE * longer) * train[0].shape[1])
