"""Transforms come back and keep the order; the power of Box and Cox is the one that a series was made with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.errors import DataError
from rnncli.tasks.forecast.windows import TRANSFORMS, fitted_power, require_transformable

POWERS = [0.0, 0.05, 0.35, 0.5, 1.0]
EVERY = [(name, 1.0) for name in TRANSFORMS if name != "box-cox"] + [("box-cox", power) for power in POWERS]
POSITIVE = st.floats(1e-6, 1e9)


@pytest.mark.parametrize(("name", "power"), EVERY)
@given(values=st.lists(POSITIVE, min_size=1, max_size=20))
def test_there_and_back(name, power, values):
    y, transform = np.array(values), TRANSFORMS[name]
    np.testing.assert_allclose(transform.back(transform.forward(y, power), power), y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "power"), EVERY)
@given(values=st.lists(POSITIVE, min_size=2, max_size=20))
def test_the_order_is_kept_both_ways(name, power, values):
    y, transform = np.sort(np.array(values)), TRANSFORMS[name]
    assert (np.diff(transform.forward(y, power)) >= 0).all()
    z = np.sort(np.log(y)) * 10 - 50
    assert (np.diff(transform.back(z, power)) >= 0).all()


@pytest.mark.parametrize(("name", "power"), EVERY)
def test_the_way_back_is_finite_however_far_a_network_goes(name, power):
    assert np.isfinite(TRANSFORMS[name].back(np.array([-1e30, -1e3, 0.0, 1e3, 1e9, 1e30]), power)).all()


@pytest.mark.parametrize(
    ("name", "power", "y", "z"),
    [
        ("none", 1, 7, 7),
        ("log", 1, np.e**2, 2),
        ("log1p", 1, np.e - 1, 1),
        ("log1p", 1, 0, 0),
        ("sqrt", 1, 9, 3),
        ("box-cox", 0, np.e, 1),
        ("box-cox", 0.5, 9, 4),
        ("box-cox", 1, 9, 8),
    ],
)
def test_known_values(name, power, y, z):
    assert TRANSFORMS[name].forward(np.array(float(y)), power) == pytest.approx(z)
    assert TRANSFORMS[name].back(np.array(float(z)), power) == pytest.approx(y)


@pytest.mark.parametrize(
    ("name", "wrong", "right", "needs"),
    [
        ("log", 0, 5e-324, "positive"),
        ("box-cox", -1, 1e-9, "positive"),
        ("log1p", -1e-9, 0, "not negative"),
        ("sqrt", -2, 0, "not negative"),
    ],
)
def test_values_that_have_no_transform_are_refused(name, wrong, right, needs):
    require_transformable(np.array([3.0, right]), name, "d.csv")
    require_transformable(np.array([-9.0]), "none", "d.csv")
    with pytest.raises(DataError) as caught:
        require_transformable(np.array([3.0, wrong, 5.0]), name, "d.csv")
    assert str(caught.value) == (
        f"d.csv: data.transform {name} needs values that are {needs}, and the lowest is {wrong:g}; take another "
        "transform"
    )


T = np.arange(240)
TREND, SEASON = np.exp(T / 80), 1 + 0.3 * np.sin(2 * np.pi * T / 12)


def test_a_season_that_grows_with_its_level_needs_the_logarithm():
    assert fitted_power([100 * TREND * SEASON], 12) == pytest.approx(0, abs=0.05)


def test_a_season_of_one_size_needs_nothing():
    """A trend that is even has the same spread in every season, whatever its level."""
    assert fitted_power([100 + 2 * T + 40 * SEASON], 12) == pytest.approx(1, abs=0.05)


def test_a_season_that_grows_with_the_root_of_its_level_needs_the_root():
    level = np.repeat(np.linspace(100, 2000, 20), 12)
    assert fitted_power([level + np.sqrt(level) * np.sin(2 * np.pi * T / 12)], 12) == pytest.approx(0.5, abs=0.05)


def test_several_series_are_judged_one_by_one():
    """Put end to end, the jump between a small and a large series would look like a season."""
    small, large = 10 + 2 * SEASON, 1e5 + 2 * SEASON + 10 * T
    additive = [one + 0.1 * T for one in (small, large)]
    assert fitted_power(additive, 12) == pytest.approx(1, abs=0.05)
    multiplicative = [TREND * SEASON, 1e6 * TREND[::-1] * SEASON, (1e3 * TREND * SEASON)[5:]]
    assert fitted_power(multiplicative, 12) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    "series", [[], [np.array([5.0])], [np.full(50, 3.0)], [np.arange(1.0, 15.0)], [np.full(50, 2.0), np.ones(3)]]
)
def test_what_does_not_vary_is_left_as_it_is(series):
    assert fitted_power(series, 12) == 1


def test_short_and_flat_series_do_not_count():
    assert fitted_power([np.full(50, 3.0), TREND * SEASON, np.ones(3)], 12) == pytest.approx(0, abs=0.05)
