"""Sound as steps: a WAV file, which is read in blocks, so that memory holds the steps of a long recording, and not its
samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnncli.config.recordings import FeatureConfig
from rnncli.data.frames import stacked, with_slopes
from rnncli.data.kept_rows import KeptRows
from rnncli.data.mel import LogMel
from rnncli.data.resampling import MOST_PHASES, Resampler
from rnncli.data.source import LARGE, Source
from rnncli.data.waves import Wave, open_wave
from rnncli.errors import DataError, amount
from rnncli.memory import require_free

SOUNDS = (".wav", ".wave")
_MOST_TIMES = 16  # the rate that a file has: above it nothing is won
_FEWEST = 16  # samples of a window


@dataclass(frozen=True, eq=False)
class Sound:
    """The steps (T, F) float32 of a sound of so many seconds, not normalised; recorded at one rate, read at another."""

    steps: np.ndarray
    seconds: float
    recorded: int
    rate: int


def log_mel(features: FeatureConfig, rate: int) -> LogMel:
    """Return the features of sound at `rate` that the config asks for."""
    return _log_mel(rate, features.bands, *features.seconds)


@lru_cache
def _log_mel(rate: int, bands: int, window: float, hop: float) -> LogMel:
    return LogMel(rate, bands, window, hop)


def as_steps(rows: Iterable[np.ndarray], features: FeatureConfig) -> Iterator[np.ndarray]:
    """Yield rows (n, C) as steps (n, F), with slopes and stacked as the config asks for."""
    return stacked(with_slopes(rows) if features.deltas else rows, features.stack)


def read_sound(source: Source, features: FeatureConfig, rate: int | None, kept: KeptRows | None = None) -> Sound:
    """Return the steps of a WAV file; of another rate than `rate`, or else than the config's, it is resampled.

    kept: rows that need not be made again, and that take up those which are made.

    Raises DataError for what `open_wave` refuses, for silence, and for a sound shorter than a window.
    """
    wave = open_wave(source)
    rate = rate or features.rate or wave.rate
    blocks, length = _heard(wave), wave.length
    if (resampler := resampler_of(source.name, wave.rate, rate)) is not None:
        blocks, length = resampler.blocks(blocks), resampler.length(length)
    mel = log_mel(features, rate)
    if mel.window < _FEWEST:
        few = amount(mel.window, "sample")
        raise DataError(
            f"{source.name}: at {rate:,} Hz a window of {features.window} has {few}, which are too few; set a longer "
            "data.features.window"
        )
    count = mel.count(length)
    if not count:
        raise too_short(source.name, wave.seconds, features)
    size = features.bands * (1 + features.deltas) * features.stack
    rows = mel.rows(blocks) if kept is None else kept.rows(source.sha256, mel, count, blocks)
    steps = _filled(source.name, -(-count // features.stack), size, as_steps(rows, features))
    return Sound(steps, wave.seconds, wave.rate, rate)


def _heard(wave: Wave) -> Iterator[np.ndarray]:
    """Yield the samples of a file; raise DataError if all of them are equal."""
    low, high = np.inf, -np.inf
    for block in wave.blocks():
        low, high = min(low, block.min()), max(high, block.max())
        yield block
    if low == high:
        raise silent(wave.source.name)


def resampler_of(name: str, recorded: int, rate: int) -> Resampler | None:
    """Return what makes sound at `rate` of sound as it was recorded, None where that is the same; DataError where the
    rates are too far apart."""
    if recorded == rate:
        return None
    resampler = Resampler(recorded, rate)
    if rate > _MOST_TIMES * recorded:
        raise DataError(f"{name}: its rate, {recorded:,} Hz, is too low for sound read at {rate:,} Hz; record it again")
    if not resampler.possible:
        raise DataError(
            f"{name}: its rate, {recorded:,} Hz, has no ratio to {rate:,} Hz in whole numbers up to {MOST_PHASES:,}; "
            "resample it with another program"
        )
    return resampler


def silent(name: str) -> DataError:
    """Return the error for sound without any."""
    return DataError(f"{name}: is silent: all of its samples are equal; record it again, or leave it out")


def too_short(name: str, seconds: float, features: FeatureConfig) -> DataError:
    """Return the error for so many seconds of sound, which have no window."""
    return DataError(
        f"{name}: is too short: {1000 * seconds:.4g} ms of sound, and one window has {features.window}; leave it out"
    )


def _filled(name: str, count: int, size: int, blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return the rows (count, size) in `blocks`; raise MachineError if they take more memory than there is."""
    if 4 * count * size > LARGE:
        require_free(4 * count * size, name, "cut it into shorter recordings")
    steps = np.empty((count, size), np.float32)
    start = 0
    for block in blocks:
        steps[start : start + len(block)] = block
        start += len(block)
    return steps
