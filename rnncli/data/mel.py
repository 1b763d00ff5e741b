"""Log-mel features of sound: how much energy each of some bands has, in windows that follow one another.

With samples x, a window of W samples every `hop` samples, and N frequencies of a Fourier transform:

    y_t = x_t − 0.97 x_{t−1}                              pre-emphasis; the sample before the first equals it
    s_k = (2 / Σ w)² |Σ_n w_n y_n exp(−2πi kn/N)|²        power, of a sine its height squared; w_n = ½ − ½ cos(2πn/W)
    e_b = Σ_k m_b(k) s_k                                  triangles whose corners are equally far apart in mels
    log(max(e_b, 1e-10))                                  natural logarithm; 1e-10 is 100 dB below full scale

    mel(f) = 2595 log10(1 + f / 700)                      O'Shaughnessy, Speech Communication, 1987

from 0 Hz to half the rate. Results are rounded to 1/1024 (0.004 dB), so that neither the blocks in which samples come
nor the last bits of a machine's logarithm show, and sums of them are exact. A window that is not full is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

EMPHASIS = 0.97
LEAST_ENERGY = 1e-10
ROUNDING = 1024
VERSION = 1  # of all that is above: rows that a run keeps are those of its own
_TOGETHER = 256  # windows at once: what they are computed in stays in the cache
_LONGEST = 1 << 16  # frequencies of a transform


def mel(frequency: np.ndarray | float) -> np.ndarray:
    """Return frequencies in Hz as mels."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency) / 700.0)


def hertz(mels: np.ndarray | float) -> np.ndarray:
    """Return mels as frequencies in Hz."""
    return 700.0 * (10.0 ** (np.asarray(mels) / 2595.0) - 1.0)


class LogMel:
    """Windows of `window` seconds every `hop` seconds of sound at `rate` as rows of `bands` features.

    window, hop: whole numbers of samples, rounded; hop ≤ window. size: N, the least power of two, not below the window,
    by which every band has a frequency of its own; a low rate or many bands take more than the window.
    """

    def __init__(self, rate: int, bands: int, window: float, hop: float):
        self.rate, self.bands = rate, bands
        self.window, self.hop = max(round(rate * window), 2), max(round(rate * hop), 1)
        self._taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)
        self._taper *= 2 / self._taper.sum()
        self.size = 1 << (self.window - 1).bit_length()
        while not self._cut() and self.size < _LONGEST:
            self.size *= 2

    def _cut(self) -> bool:
        """Cut the frequencies at the corners of the triangles; return False if a band has none.

        Between two corners one triangle rises and the one before it falls, and both weights sum to 1; at half the rate,
        the last frequency, both are 0.
        """
        frequencies = np.arange(self.size // 2 + 1) * (self.rate / self.size)
        corners = hertz(np.linspace(0.0, mel(self.rate / 2), self.bands + 2))
        between = np.minimum(np.searchsorted(corners, frequencies, side="right") - 1, self.bands)
        self._rising = (frequencies - corners[between]) / (corners[between + 1] - corners[between])
        self._falling = 1.0 - self._rising
        self._rising[-1] = self._falling[-1] = 0.0
        self._starts = np.searchsorted(between[:-1], np.arange(self.bands + 1))
        self._empty = np.bincount(between[:-1], minlength=self.bands + 1) == 0
        return bool((self._in_bands(np.ones((1, self.size // 2 + 1))) > 0).all())

    def count(self, samples: int) -> int:
        """The number of windows in so many samples."""
        return 0 if samples < self.window else 1 + (samples - self.window) // self.hop

    def rows(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield features (n, bands) float32 of the samples in `blocks`, each (n,), as soon as windows are full."""
        held, last = np.empty(0), None
        for block in blocks:
            if not len(block):
                continue
            before = np.concatenate([[block[0] if last is None else last], block[:-1]])
            last = block[-1]
            held = np.concatenate([held, block - EMPHASIS * before])
            if whole := self.count(len(held)):
                windows = np.lib.stride_tricks.sliding_window_view(held, self.window)[:: self.hop]
                for start in range(0, whole, _TOGETHER):
                    yield self._features(windows[start : start + _TOGETHER])
                held = held[whole * self.hop :]

    def _features(self, windows: np.ndarray) -> np.ndarray:
        """Return the features (n, bands) of windows (n, W)."""
        spectrum = np.fft.rfft(windows * self._taper, self.size, axis=1)
        energies = self._in_bands(spectrum.real**2 + spectrum.imag**2)
        logarithms = np.log(np.maximum(energies, LEAST_ENERGY))
        return (np.rint(logarithms * ROUNDING) / ROUNDING).astype(np.float32)

    def _in_bands(self, power: np.ndarray) -> np.ndarray:
        """Return the sums (n, bands) of power (n, N/2) under the triangles, in an order that nothing changes."""
        rising, falling = (
            np.add.reduceat(power * weights, self._starts, axis=1) for weights in (self._rising, self._falling)
        )
        rising[:, self._empty] = falling[:, self._empty] = 0.0  # where reduceat gives what stands there
        return np.asarray(rising[:, :-1] + falling[:, 1:])
