"""A season is found where there is one, and none where there is not."""

from pathlib import Path

import numpy as np
import pytest

from rnncli.tasks.forecast.settings import detected_season

SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"


def monthly(N, noise, trend=0.3, level=100.0, period=12, seed=0):
    t = np.arange(N)
    shape = 10 * np.sin(2 * np.pi * t / period)
    return level + trend * t + shape + np.random.default_rng(seed).normal(0, noise, N)


def sample(name):
    lines = (SAMPLES / name).read_text(encoding="ascii").splitlines()[1:]
    return np.array([float(line.split(",")[1]) for line in lines])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("trend", [0.0, 0.3, -5.0])
def test_twelve_months_under_noise_and_a_trend(trend, seed):
    assert detected_season(monthly(240, 3.0, trend, seed=seed)) == 12


@pytest.mark.parametrize("period", [2, 3, 5, 7, 24, 37])
def test_other_periods(period):
    t = np.arange(8 * period)
    pattern = np.random.default_rng(period).normal(0, 1, period)
    assert detected_season(pattern[t % period] + 0.01 * t) == period


def test_sample_data():
    sunspots, co2 = sample("sunspots.csv"), sample("co2.csv")
    assert detected_season(sunspots[: int(len(sunspots) * 0.8)]) == 11
    assert detected_season(co2) == 12


def test_the_answer_depends_on_neither_level_nor_unit():
    y = monthly(120, 3.0)
    for factor, level in [(1e-8, 0.0), (1e8, 0.0), (-1.0, 0.0), (1.0, 1e6)]:
        assert detected_season(factor * y + level) == 12


@pytest.mark.parametrize("seed", range(5))
def test_none_in_white_noise(seed):
    random = np.random.default_rng(seed)
    assert detected_season(random.normal(5, 2, 300)) is None
    assert detected_season(random.random(3000)) is None


@pytest.mark.parametrize("N", [16, 30, 60])
def test_none_in_little_white_noise_either(N):
    """Few rows correlate by chance: in at most one of twenty should that pass for a season."""
    random = np.random.default_rng(N)
    found = sum(detected_season(random.normal(0, 1, N)) is not None for _ in range(200))
    assert found <= 200 / 20


@pytest.mark.parametrize("values", [np.zeros(100), np.full(100, 0.1), np.full(97, 1e9), np.arange(100) * 0.1 + 3])
def test_none_in_a_constant_or_a_straight_line(values):
    assert detected_season(values) is None


def test_none_in_a_short_series():
    t = np.arange(40)
    for N in range(12):
        assert detected_season((t[:N] % 2).astype(float)) is None
    assert detected_season((t % 2).astype(float)) == 2


def test_only_the_newest_rows_of_a_long_series_count():
    old, new = monthly(20_000, 1.0, 0.0, period=50), monthly(4096, 1.0, 0.0, period=9)
    assert detected_season(np.concatenate([old, new])) == 9
