"""Transcripts without training: the most frequent one, and that of the nearest recording where comparing is quick."""

from __future__ import annotations

import numpy as np

from rnncli.tasks.transcribe import baselines as module
from rnncli.tasks.transcribe.baselines import MOST_FREQUENT, NEAREST, baselines

random = np.random.default_rng(5)
SHAPES = {text: np.cumsum(random.normal(size=(20, 3)), axis=0).astype(np.float32) for text in ("one", "two", "ten")}


def spoken(text: str, steps: int) -> np.ndarray:
    """A recording in that many steps."""
    return SHAPES[text][np.linspace(0, 19, steps).round().astype(int)]


TRAIN, TEXTS = [spoken(text, 15 + k) for text in SHAPES for k in range(9)], [t for t in SHAPES for _ in range(9)]


def test_the_nearest_says_what_another_speed_says():
    held_out = [spoken(text, steps) for text in ("two", "ten", "one") for steps in (14, 25, 31)]
    found = baselines(TRAIN, TEXTS, held_out)
    assert found[NEAREST] == ["two"] * 3 + ["ten"] * 3 + ["one"] * 3
    assert found[MOST_FREQUENT] == ["one"] * 9  # of several the first of the alphabet


def test_the_most_frequent_is_counted():
    assert baselines(TRAIN, ["b", *"aacbbb"], TRAIN[:2])[MOST_FREQUENT] == ["b", "b"]


def test_one_long_recording_among_thousands_of_short_ones_does_not_end_the_search():
    train = [np.zeros((13, 120), np.float32)] * 1999 + [np.zeros((400, 120), np.float32)]
    held_out = [np.zeros((13, 120), np.float32)] * 250
    assert module._compared(train, held_out) < module._MOST
    assert module._compared([np.zeros((90, 120), np.float32)] * 4000, held_out * 2) > module._MOST


def test_the_numbers_that_are_compared_are_not_estimated_too_low():
    train, held_out = [np.zeros((n, 2)) for n in (5, 9, 40)], [np.zeros((n, 2)) for n in (4, 40)]
    cells = sum(len(b) * (1 + 2 * module._SHARE * max(len(a), len(b))) * 2 for a in train for b in held_out)
    assert cells * 0.9 < module._compared(train, held_out) < 1.5 * cells


def test_beyond_the_limit_there_is_none(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 10)
    assert baselines(TRAIN, TEXTS, TRAIN[:2]).keys() == {MOST_FREQUENT}
