"""Numbers are written with the digits that their series needs; what came in is written as it came."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.digits import Digits, decimals_of, rounded_like
from rnncli.data.written import Written
from rnncli.ui.results import as_csv, cell, rounded


@pytest.mark.parametrize(
    ("values", "forecast", "text"),
    [
        ([112, 118, 132, 129, 121], 445.671234, "445.671"),
        ([1.5, 2.25, 3.0], 2, "2.00"),
        ([1889046041, 1889046291, 1889046540], 1889046789.123, "1889046789.1"),
        ([0.0012, 0.0013, 0.0019], 0.00123456789, "0.0012346"),
        ([1e-9, 2e-9, 4e-9], 3.21239e-9, "3.212e-09"),
        ([1e6, 3e6, 9e6], 1234567.8, "1234568"),
        ([5, 5, 5], 5.4, "5"),
        ([41.3, 45.0], 45, "45.0"),
        ([1.13250, 1.13255, 1.13253], 1.132541234, "1.13254123"),
        ([2e20, 3e20], 2.5e20, "2.5e+20"),
        ([1 / 3, 2 / 3, 5.1, 8.2], 3.1234567, "3.123"),
        ([0, 1, 0, 1], -0.00001, "0"),
        ([math.nan, 10, math.nan, 30], 12.3456789, "12.35"),
    ],
)
def test_a_forecast_has_four_digits_of_the_typical_step_and_no_fewer_than_the_data(values, forecast, text):
    made = Digits.of(np.array(values, float)).number(forecast)
    assert cell(made) == text
    assert as_csv([{"v": made}], ";", ",") == f"v\n{text.replace('.', ',')}\n"
    assert json.loads(json.dumps(rounded({"v": made})))["v"] == float(text)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30), st.floats(-1e9, 1e9))
def test_what_is_rounded_away_is_small_beside_a_step(values, forecast):
    y = np.array(values)
    steps = np.abs(np.diff(y))
    made = Digits.of(y).number(forecast)
    if (steps > 0).any():
        step, largest = np.median(steps[steps > 0]), np.abs(y).max()
        assert abs(made.shown - forecast) <= max(step / 1000, 1e-13 * largest, 1e-13 * abs(forecast))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_came_in_is_the_same_number(value):
    assert float(str(Written(value))) == value
    assert rounded(Written(value)) == value


@pytest.mark.parametrize("text", ["1889046041", "45.0", "-0.50", "7", "0.000123", "123456789.125"])
def test_what_came_in_is_the_same_text(text):
    assert str(Written(float(text), decimals_of(text))) == text
    comma = text.replace(".", ",")
    assert decimals_of(comma, ",") == decimals_of(text)


def test_what_is_not_finite_is_none_in_json_and_other_floats_keep_eight_digits():
    assert rounded([Written(math.nan), Written(math.inf), 1 / 3]) == [None, None, 0.33333333]
    assert cell(1 / 3) == "0.33333333"


@pytest.mark.parametrize(
    ("addends", "total"),
    [
        ([0.1, 0.2], 0.3),
        ([1.1, 2.2, 1.1 + 2.2], 1.1 + 2.2 + 1.1 + 2.2),  # more than a person writes
        ([82.52, 560.83, 5425.62], 6068.97),
        ([0.1, np.nan, 0.2], 0.3),
        ([1e16, 0.5], 1e16),
        ([3, 4], 7),
    ],
)
def test_a_sum_has_the_decimals_of_its_addends(addends, total):
    there = np.array(addends)
    for one in (there, there[:, None], np.stack([there, there / 3], axis=1)):
        sums = np.array([np.nansum(one, axis=0), np.full(one.shape[1:], np.nan)])
        made = rounded_like(sums, one)
        assert np.ravel(made[0])[0] == total
        assert np.isnan(made[1]).all()
    assert made[0, 1] == sums[0, 1]
