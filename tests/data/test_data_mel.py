"""Log-mel features: equal to a slow twin by the definitions, to values by hand, and the same in blocks as at once."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import tone

from rnncli.data.mel import LogMel, hertz, mel

NOISE = np.random.default_rng(0).normal(size=2000) / 10


def features(samples, of, cuts=()):
    return np.concatenate(list(of.rows(np.split(samples, sorted(cuts)))))


def naive(samples, rate, bands, window, hop, size):
    """The features by their definition: a sum for every frequency, and every weight of every triangle."""
    y = [samples[t] - 0.97 * samples[max(t - 1, 0)] for t in range(len(samples))]
    w = [0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)]
    top = 2595 * math.log10(1 + rate / 2 / 700)
    corners = [700 * (10 ** (top * b / (bands + 1) / 2595) - 1) for b in range(bands + 2)]
    rows = []
    for start in range(0, len(samples) - window + 1, hop):
        power = []
        for k in range(size // 2 + 1):
            turn = -2j * math.pi * k / size
            total = sum(w[n] * y[start + n] * cmath.exp(turn * n) for n in range(window))
            power.append((2 / sum(w)) ** 2 * abs(total) ** 2)
        row = []
        for b in range(bands):
            low, middle, high = corners[b : b + 3]
            energy = 0.0
            for k, value in enumerate(power):
                f = k * rate / size
                energy += value * max(0.0, min((f - low) / (middle - low), (high - f) / (high - middle)))
            row.append(math.log(max(energy, 1e-10)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(
    ("rate", "bands", "window", "hop", "sizes"),
    [
        (8000, 10, 0.025, 0.01, (200, 80, 256)),
        (8000, 40, 0.025, 0.01, (200, 80, 256)),
        (1000, 5, 0.032, 0.032, (32, 32, 32)),
        (11025, 13, 0.0125, 0.005, (138, 55, 256)),
    ],
)
def test_the_definition(rate, bands, window, hop, sizes):
    of = LogMel(rate, bands, window, hop)
    assert (of.window, of.hop, of.size) == sizes
    found = features(NOISE[:500], of)
    wanted = naive(NOISE[:500], rate, bands, *sizes)
    assert found.shape == wanted.shape == (of.count(500), bands)
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() <= 0.5 / 1024 + 1e-6
    assert (found * 1024 == np.rint(found * 1024)).all()


def test_mels_by_hand():
    assert mel(700) == pytest.approx(2595 * math.log10(2))
    assert mel(1000) == pytest.approx(1000, abs=0.1)  # by which the scale is made
    assert hertz(mel(np.array([0.0, 20, 440, 8000]))) == pytest.approx([0, 20, 440, 8000])


@pytest.mark.parametrize("rate", [100, 1000, 8000, 16000, 44100, 192_000])
@pytest.mark.parametrize("bands", [1, 2, 40, 256])
def test_every_band_has_a_frequency_and_weights_sum_to_one(rate, bands):
    of = LogMel(rate, bands, 0.025, 0.01)
    each = np.eye(of.size // 2 + 1)
    weights = of._in_bands(each)
    assert (weights.sum(axis=0) > 0).all()
    assert (weights >= 0).all()
    assert weights.max() <= 1
    corners = hertz(np.linspace(0, mel(rate / 2), bands + 2))
    frequencies = np.arange(of.size // 2 + 1) * rate / of.size
    inside = (frequencies >= corners[1]) & (frequencies <= corners[-2])
    assert weights[inside].sum(axis=1) == pytest.approx(np.ones(inside.sum()))
    assert (weights[-1] == 0).all()


@pytest.mark.parametrize("frequency", [125, 440, 1000, 2500, 3500])
def test_a_tone_lands_in_its_band(frequency):
    of = LogMel(8000, 40, 0.025, 0.01)
    found = features(tone(frequency), of).mean(axis=0)
    middles = hertz(np.linspace(0, mel(4000), 42))[1:-1]
    assert abs(int(found.argmax()) - int(np.abs(middles - frequency).argmin())) <= 1
    assert found.max() - np.median(found) > 5  # nats


def test_the_height_of_a_tone_is_its_energy():
    """At a frequency of the transform, a sine of height A has power (g A)², g being the gain of the pre-emphasis."""
    of = LogMel(8000, 1, 0.032, 0.032)  # one triangle, whose weight is known
    assert of.window == of.size == 256
    found = features(tone(1000, height=0.5), of)[1:]
    gain = abs(1 - 0.97 * cmath.exp(-2j * math.pi * 1000 / 8000))
    middle = float(hertz(mel(4000) / 2))
    step = 8000 / 256  # Hann's window puts a quarter of the power into each neighbour
    weights = [f / middle if f <= middle else (4000 - f) / (4000 - middle) for f in (1000 - step, 1000, 1000 + step)]
    energy = (gain * 0.5) ** 2 * (weights[1] + (weights[0] + weights[2]) / 4)
    assert found == pytest.approx(math.log(energy), abs=2e-3)


def test_silence_is_the_least_energy():
    assert features(np.zeros(1000), LogMel(8000, 40, 0.025, 0.01)) == pytest.approx(math.log(1e-10), abs=1 / 1024)


def test_a_constant_is_no_click():
    """The sample before the first is taken to equal it: the first window is like all others."""
    found = features(np.full(1000, 0.5), LogMel(8000, 40, 0.025, 0.01))
    assert (found == found[0]).all()


@pytest.mark.parametrize(("samples", "count"), [(0, 0), (199, 0), (200, 1), (279, 1), (280, 2), (8000, 98)])
def test_windows_that_are_full(samples, count):
    of = LogMel(8000, 4, 0.025, 0.01)
    assert of.count(samples) == count
    assert sum(map(len, of.rows([NOISE[:1].repeat(samples)]))) == count


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2000), max_size=8), st.sampled_from([(0.025, 0.01), (0.01, 0.01), (0.1, 0.003)]))
def test_blocks_do_not_show(cuts, sizes):
    of = LogMel(8000, 12, *sizes)
    assert features(NOISE, of, cuts).tobytes() == features(NOISE, of).tobytes()


def test_rows_come_as_soon_as_their_windows_are_full():
    of, given_samples = LogMel(8000, 4, 0.025, 0.01), 0

    def blocks():
        nonlocal given_samples
        for start in range(0, 2000, 50):
            given_samples += 50
            yield NOISE[start : start + 50]

    seen = 0
    for rows in of.rows(blocks()):
        seen += len(rows)
        assert seen == of.count(given_samples)
