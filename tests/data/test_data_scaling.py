"""Each scaler by hand on small windows; what does not vary has scale 1; every window is scaled by itself alone."""

import numpy as np
import pytest

from rnncli.data.numeric import SCALERS, scaler, whole_series

WINDOW = (1.0, -2.0, 3.0, -4.0, 9.0)


def column(*values):
    """One window of one column, (T, 1, 1)."""
    return np.array(values, float)[:, None, None]


@pytest.mark.parametrize(
    ("name", "season", "centre", "scale"),
    [
        ("seasonal-error", 1, 9, (3 + 5 + 7 + 13) / 4),
        ("seasonal-error", 2, 9, (2 + 2 + 6) / 3),
        ("seasonal-error", 4, 9, 8),
        ("seasonal-error", 99, 9, 8),  # a season longer than the window: as far back as it reaches
        ("mean", 2, 0, (1 + 2 + 3 + 4 + 9) / 5),
        ("standard", 2, 1.4, np.sqrt((0.4**2 + 3.4**2 + 1.6**2 + 5.4**2 + 7.6**2) / 5)),
        ("robust", 2, 1, (3 - -2) / 2),  # sorted −4 −2 1 3 9
    ],
)
def test_by_hand(name, season, centre, scale):
    got = scaler(name, column(*WINDOW), season)
    assert [part.shape for part in got] == [(1, 1)] * 2
    assert [part.item() for part in got] == pytest.approx([centre, scale], rel=1e-14)


def test_every_scaler_is_tested_by_hand():
    assert set(SCALERS) == {"seasonal-error", "mean", "standard", "robust"}


@pytest.mark.parametrize("name", SCALERS)
def test_windows_and_columns_are_scaled_each_by_itself(name):
    w = np.random.default_rng(0).normal(0, 1, (9, 4, 3)) * np.array([1.0, 100.0, 1e-6])
    centre, scale = scaler(name, w, 3)
    for b in range(4):
        for c in range(3):
            alone = scaler(name, w[:, b : b + 1, c : c + 1], 3)
            assert (centre[b, c], scale[b, c]) == pytest.approx([part.item() for part in alone], rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -7.0, 1e12])
@pytest.mark.parametrize("name", ["seasonal-error", "standard", "robust"])
def test_a_constant_window_has_scale_1_and_comes_out_as_zero(name, value):
    w = column(*[value] * 31)
    centre, scale = scaler(name, w, 4)
    assert scale.item() == 1
    assert np.abs((w - centre) / scale).max() <= 1e-12 * abs(value)


def test_the_mean_of_a_constant_window_is_its_size_and_of_zeros_1():
    assert scaler("mean", column(*[-4.0] * 8), 4)[1].item() == 4
    assert scaler("mean", column(*[0.0] * 8), 4)[1].item() == 1


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("size", [1e-100, 1e-9, 1e9, 1e100])
def test_variation_counts_by_its_share_of_the_size(name, size):
    w = column(*(size * (3 + value) for value in WINDOW))
    centre, scale = scaler(name, w, 1)
    once = scaler(name, column(*(3 + value for value in WINDOW)), 1)
    assert scale.item() == pytest.approx(size * once[1].item(), rel=1e-12)
    assert centre.item() == pytest.approx(size * once[0].item(), rel=1e-12)


@pytest.mark.parametrize("name", ["seasonal-error", "standard", "robust"])
def test_rounding_is_no_variation(name):
    w = column(*(1e6 + 1e-9 * (k % 2) for k in range(20)))
    assert scaler(name, w, 1)[1].item() == 1
    assert scaler(name, w + column(*(k % 4 for k in range(20))), 1)[1].item() > 0.5


def test_whole_series_by_hand():
    centre, scale = whole_series(np.array([[1.0, 5.0], [3.0, 5.0], [8.0, 5.0]]))
    assert centre.tolist() == [4, 5]
    assert scale.tolist() == pytest.approx([np.sqrt((9 + 1 + 16) / 3), 1], rel=1e-15)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 0.7, -1e-5, 1e12])
def test_whole_series_of_a_constant_has_scale_1_whatever_the_rounding(value):
    assert whole_series(np.full((97, 1), value))[1].tolist() == [1]
