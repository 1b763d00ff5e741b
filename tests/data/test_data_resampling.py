"""Sound at another rate: the definition, tones that stay tones, and the same in blocks as at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import tone

from rnncli.data.resampling import Resampler

NOISE = np.random.default_rng(1).normal(size=400)


def resampled(samples, given_rate, wanted, cuts=()):
    return np.concatenate(list(Resampler(given_rate, wanted).blocks(np.split(samples, sorted(cuts)))))


def naive(x, p, q):
    common = math.gcd(p, q)
    up, down, cut = q // common, p // common, 0.95 * min(1, q / p)
    reach = math.ceil(16 / cut)
    y = []
    for n in range(-(-len(x) * up // down)):
        at, around = n * down / up, range(n * down // up - reach + 1, n * down // up + reach + 1)
        h = []
        for k in around:
            t = cut * (at - k)
            sinc = 1.0 if t == 0 else math.sin(math.pi * t) / (math.pi * t)
            h.append(sinc * (0.5 + 0.5 * math.cos(math.pi * t / 16)) if abs(t) < 16 else 0.0)
        y.append(sum(w * x[k] for w, k in zip(h, around, strict=True) if 0 <= k < len(x)) / sum(h))
    return np.array(y)


@pytest.mark.parametrize(("p", "q"), [(44100, 16000), (1, 2), (2, 1), (3, 7), (16000, 44100), (5, 5)])
def test_the_definition(p, q):
    assert resampled(NOISE, p, q) == pytest.approx(naive(NOISE, p, q), abs=1e-9)


@pytest.mark.parametrize(("p", "q"), [(44100, 16000), (48000, 8000), (8000, 16000), (22050, 16000), (11025, 8000)])
def test_a_tone_stays_that_tone(p, q):
    found = resampled(tone(1234, 1, p), p, q)
    assert len(found) == q
    assert found[100:-100] == pytest.approx(tone(1234, 1, q)[100:-100], abs=1e-4)


def test_what_the_lower_rate_cannot_hold_goes():
    found = resampled(tone(6000, 1, 16000), 16000, 8000)
    assert np.abs(found[100:-100]).max() < 1e-3  # of 0.5


@settings(max_examples=40)
@given(st.lists(st.integers(0, 400), max_size=8), st.sampled_from([(44100, 16000), (1, 3), (3, 1), (160, 441)]))
def test_blocks_do_not_show(cuts, rates):
    assert resampled(NOISE, *rates, cuts).tobytes() == resampled(NOISE, *rates).tobytes()


def test_rates_without_a_small_ratio_are_not_possible():
    assert Resampler(192_000, 8000).possible
    assert Resampler(44100, 192_000).possible
    assert not Resampler(44101, 16000).possible
