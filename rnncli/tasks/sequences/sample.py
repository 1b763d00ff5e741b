"""A sample of examples that has all answers in their proportions, for baselines that would take too long on all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncli.notes import note


def sample(answers: Sequence[Any], most: int) -> np.ndarray:
    """Return the numbers of at most `most` examples, in order: evenly spread ones of all, sorted by their answers."""
    N = len(answers)
    if most >= N:
        return np.arange(N)
    ranked = sorted(range(N), key=answers.__getitem__)
    return np.sort(np.array(ranked)[np.linspace(0, N - 1, most).astype(int)])


def told(chosen: np.ndarray, whole: int, baseline: str) -> np.ndarray:
    """Return a sample of so many examples; a note tells that the baseline learns from no more."""
    if len(chosen) < whole:
        note(f"{baseline}, a baseline, learns from {len(chosen):,} of {whole:,} examples, to save time")
    return chosen
