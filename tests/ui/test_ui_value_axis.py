"""The value axis: round ticks, as many digits as needed, any magnitude."""

from __future__ import annotations

import pytest

from rnncli.ui.axes import ValueAxis, spanning


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0.0, 100.0, 5, "0 20 40 60 80 100"),
        (0.0, 10.0, 4, "0.0 2.5 5.0 7.5 10.0"),
        (-3000.0, 12000.0, 4, "0 5,000 10,000"),
        (-0.3, 0.2, 5, "-0.3 -0.2 -0.1 0.0 0.1 0.2"),
        (1_250_000.0, 2_250_000.0, 4, "1,250,000 1,500,000 1,750,000 2,000,000 2,250,000"),
        (0.10000000149, 0.5, 4, "0.1 0.2 0.3 0.4 0.5"),  # float32's 0.1
        (1e9, 3e9, 4, "1.0e9 1.5e9 2.0e9 2.5e9 3.0e9"),
        (0.0, 4e-7, 4, "0 1e-7 2e-7 3e-7 4e-7"),
        (-1.7e308, 1.7e308, 4, "-1e308 0 1e308"),
        (1000.0, 1000.0002, 2, "1,000.0000 1,000.0001 1,000.0002"),
    ],
)
def test_ticks_are_round_and_have_no_more_digits_than_they_need(
    low: float, high: float, most: float, labels: str
) -> None:
    ticks = ValueAxis(low, high).ticks(most)
    assert [label for _, label in ticks] == labels.split()
    for value, label in ticks:
        assert value == float(label.replace(",", ""))


def test_the_highest_value_is_at_the_top_and_the_lowest_at_the_bottom() -> None:
    axis = spanning([3.0, -1.0, float("inf"), 2.0])
    assert (axis.low, axis.high) == (-1.0, 3.0)
    assert [axis.depth(value) for value in (3.0, 1.0, -1.0)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("value", "label"), [(7.0, "7"), (0.0, "0"), (-12345.5, "-12,345.5"), (2.5e-300, "2.5e-300"), (1.7e308, "1.7e308")]
)
def test_a_constant_has_its_own_value_for_its_only_tick(value: float, label: str) -> None:
    axis = spanning([value, value])
    assert axis.ticks(4) == [(value, label)]
    assert 0 < axis.depth(value) < 1
