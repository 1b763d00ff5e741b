"""Slopes, stacked rows and normalisation by their definitions, in blocks as at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.frames import moments, normalise, stacked, with_slopes

ROWS = np.random.default_rng(0).normal(size=(23, 3)).astype(np.float32)


def joined(blocks):
    return np.concatenate(list(blocks))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 23])
def test_slopes_are_those_of_a_line_through_five_rows(count):
    found = joined(with_slopes([ROWS[:count]]))
    padded = ROWS[np.clip(np.arange(-2, count + 2), 0, count - 1)]
    wanted = [np.polyfit(range(5), padded[t : t + 5], 1)[0] for t in range(count)]
    assert found.dtype == np.float32
    assert found[:, :3].tolist() == ROWS[:count].tolist()
    assert found[:, 3:] == pytest.approx(np.array(wanted), abs=1e-6)


@pytest.mark.parametrize("together", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("count", [1, 2, 7, 16, 23])
def test_rows_are_stacked_and_the_last_step_filled_with_its_last_row(together, count):
    found = joined(stacked([ROWS[:count]], together))
    steps = -(-count // together)
    at = np.minimum(np.arange(steps * together), count - 1)
    assert found.tolist() == ROWS[at].reshape(steps, -1).tolist()


@given(st.lists(st.integers(0, 23), max_size=8), st.integers(1, 8))
def test_blocks_do_not_show(cuts, together):
    blocks = np.split(ROWS, sorted(cuts))
    assert joined(stacked(with_slopes(blocks), together)).tobytes() == (
        joined(stacked(with_slopes([ROWS]), together)).tobytes()
    )


def test_each_column_has_mean_0_and_deviation_1():
    values = ROWS * [1, 1000, 0] + [5, -3, 7]
    values = values.astype(np.float32)
    mean, deviation = moments([values[:10], values[10:]])
    assert mean == pytest.approx(values.mean(axis=0), rel=1e-6)
    assert deviation == pytest.approx([*values[:, :2].std(axis=0), 1], rel=1e-6)
    normalise(values, mean, deviation)
    assert values.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert values.std(axis=0) == pytest.approx([1, 1, 0], rel=1e-5)
    assert values.dtype == np.float32
