"""ln Γ, its ratios and the digamma function against Python's own, exact integers and the identities of the field."""

import math
from itertools import accumulate

import numpy as np
import pytest

from rnncli.kernels.elementary import log
from rnncli.kernels.gamma import digamma_less_log, log_gamma, log_rising

EULER = 0.5772156649015329
POINTS = np.concatenate([np.geomspace(1e-12, 1e12, 1201), np.linspace(0.5, 12, 1151), [8 - 1e-9, 8.0, 1.0, 2.0]])


def digamma(x):
    """ψ(x), put together again from what the kernel keeps apart."""
    return log(x) + digamma_less_log(x)


def close(got, wanted):
    """Within 1e-12, relatively, or absolutely where the wanted number is next to 0."""
    return abs(got - wanted) <= 1e-12 * max(1.0, abs(wanted))


def test_log_gamma_equals_pythons():
    for x in POINTS:
        assert close(log_gamma(x), math.lgamma(x)), x


def test_log_gamma_of_whole_numbers_is_that_of_factorials():
    for n in range(1, 171):
        assert close(log_gamma(float(n)), math.log(math.factorial(n - 1))), n


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        (1.0, -EULER),
        (0.5, -EULER - 2 * math.log(2)),
        (0.25, -EULER - math.pi / 2 - 3 * math.log(2)),
        (1.4616321449683623, 0.0),  # its only positive zero, where Γ is least
        (1e-9, -1e9 - EULER + 1e-9 * math.pi**2 / 6),
    ],
)
def test_digamma_at_known_points(x, wanted):
    assert close(digamma(x), wanted)


def test_digamma_of_whole_numbers_is_a_harmonic_number():
    for n, harmonic in enumerate(accumulate(1 / k for k in range(1, 400)), start=2):
        assert close(digamma(float(n)), harmonic - EULER), n


def test_digamma_obeys_reflection_and_duplication():
    for x in np.linspace(0.01, 0.99, 99):
        assert close(digamma(1 - x) - digamma(x), math.pi / math.tan(math.pi * x)), x
    for x in np.geomspace(1e-6, 1e6, 201):
        assert close(digamma(2 * x), 0.5 * digamma(x) + 0.5 * digamma(x + 0.5) + math.log(2)), x


def test_digamma_is_the_slope_of_pythons_log_gamma():
    for x in np.geomspace(0.05, 500, 101):
        h = 1e-3 * x
        one, two = ((math.lgamma(x + d) - math.lgamma(x - d)) / (2 * d) for d in (h, 2 * h))
        assert digamma(x) == pytest.approx((4 * one - two) / 3, rel=1e-9, abs=1e-9)


def test_digamma_less_log_keeps_its_digits_where_the_two_are_alike():
    """Between two cuts of an enveloping series (Alzer, 1997), which pin 12 digits from x = 300 on."""
    for x in np.geomspace(300, 1e12, 51):
        low = -1 / (2 * x) - 1 / (12 * x * x)
        assert low * (1 + 1e-15) <= digamma_less_log(x) <= (low + 1 / (120 * x**4)) * (1 - 1e-15)
    for x in np.geomspace(1e-6, 300, 51):
        assert close(digamma_less_log(x), digamma(x) - math.log(x))


@pytest.mark.parametrize("x", [1e-9, 0.3, 7.999, 8.0, 40.5, 1e6, 1e12])
@pytest.mark.parametrize("n", [0, 1, 2, 17])
def test_log_rising_is_the_logarithm_of_a_product(x, n):
    wanted = math.fsum(math.log(x + i) for i in range(n))
    assert log_rising(x, float(n)) == pytest.approx(wanted, rel=1e-13, abs=1e-13)


def test_log_rising_by_a_half_equals_the_exact_ratio_of_integers():
    """Γ(m + ½) / Γ(m) = √π (2m)! / (4^m m! (m − 1)!)."""
    for m in (1, 2, 7, 8, 9, 100, 1_000):
        below = 4**m * math.factorial(m) * math.factorial(m - 1)
        wanted = 0.5 * math.log(math.pi) + math.log(math.factorial(2 * m)) - math.log(below)
        assert log_rising(float(m), 0.5) == pytest.approx(wanted, rel=1e-11)


def test_nan_stays_nan():
    assert all(math.isnan(f(math.nan)) for f in (log_gamma, digamma, digamma_less_log))
    assert math.isnan(log_rising(math.nan, 1.0))
