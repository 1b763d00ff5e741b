"""Missing values are filled as asked, and where nothing came before, with the first that did."""

import numpy as np
import pytest

from rnncli.tasks.forecast.panel import filled, first_known

NAN = np.nan


@pytest.mark.parametrize(
    ("how", "wanted"),
    [("ffill", [1, 1, 1, 4, 4]), ("mask", [1, 1, 1, 4, 4]), ("interpolate", [1, 2, 3, 4, 4])],
)
def test_a_gap_is_filled_from_what_is_known(how, wanted):
    assert filled(np.array([1, NAN, NAN, 4, NAN]), how).tolist() == wanted


@pytest.mark.parametrize("how", ["ffill", "mask", "interpolate"])
def test_what_is_before_the_first_value_takes_it(how):
    assert filled(np.array([NAN, NAN, 4, NAN, 5]), how)[:3].tolist() == [4, 4, 4]


def test_the_first_row_in_which_anything_is_known():
    assert first_known(np.array([[False, False], [False, True], [True, True]])) == 1
    assert first_known(np.zeros((3, 2), bool)) == 3
