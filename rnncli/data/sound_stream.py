"""Sound as it comes through a pipe, as steps: raw samples, or a WAV, whose header tells how they are written.

The steps are those of the same sound in a file, in whatever pieces it comes, each as soon as its windows are full, and
memory holds what the next one needs. What is wrong with the whole of it, which a file would have told first, is told at
the end: that it is cut off, silent, or shorter than a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.config.recordings import FeatureConfig
from rnncli.data.sounds import as_steps, log_mel, resampler_of, silent, too_short
from rnncli.data.waves import (
    BLOCK,
    UNKNOWN,
    Bytes,
    cut_off,
    header_of,
    refuse_coded,
    require_finite,
    require_samples,
    samples_of,
)
from rnncli.errors import UsageError

CODINGS = {"u8": "u1", "s16": "i2", "s24": "i3", "s32": "i4", "f32": "f4", "f64": "f8"}  # little-endian
_USUAL = "s16"


@dataclass(frozen=True)
class Raw:
    """How raw sound is written; None is as usual: at the rate of the model, in 16 bits with a sign, of one channel."""

    rate: int | None = None
    coding: str | None = None
    channels: int | None = None


class SoundStream:
    """Sound in pieces of bytes, the first of which tell whether it is raw or a WAV. rate: that of a model.

    recorded: its own rate. count: the samples that came. Raises UsageError for a WAV that is told to be written in
    another way, and DataError for other files.
    """

    def __init__(self, pieces: Iterator[bytes], name: str, raw: Raw, rate: int):
        self.name, self.count, self._low, self._high = name, 0, np.inf, -np.inf
        self._bytes = Bytes(pieces)
        head = self._bytes.peeked(12)
        self._told: int | None = None  # bytes of sound, by a header
        if head[:4] == b"RIFF":
            (self.recorded, self._channels, self._code), told = header_of(name, self._bytes)
            self._require_as_told(raw)
            self._told = told if 0 < told < UNKNOWN else None
        else:
            refuse_coded(name, head)
            self.recorded, self._channels = raw.rate or rate, raw.channels or 1
            self._code = CODINGS[raw.coding or _USUAL]

    def _require_as_told(self, raw: Raw) -> None:
        """Raise UsageError if the header of a WAV tells something else."""
        coding = next(name for name, code in CODINGS.items() if code == self._code)
        for option, told in {"rate": self.recorded, "coding": coding, "channels": self._channels}.items():
            if (given := getattr(raw, option)) not in (None, told):
                raise UsageError(f"--{option} {given}: {self.name} is a WAV, and its header says {told}; leave it out")

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield all samples (n,) float64 as they come, the mean of channels; DataError for one that is not finite."""
        width = self._channels * int(self._code[1])
        left = self._told
        while content := self._bytes.some(BLOCK * width if left is None else min(BLOCK * width, left), width):
            samples = samples_of(content, self._code, self._channels)
            require_finite(samples, self._code, self.count, self.name)
            self.count += len(samples)
            self._low, self._high = min(self._low, samples.min()), max(self._high, samples.max())
            left = None if left is None else left - len(content)
            yield samples
        self._bytes.end()

    def require_whole(self) -> None:
        """Raise DataError, at the end, for sound that is cut off by what its header tells, or silent."""
        width = self._channels * int(self._code[1])
        if self._told is not None and self.count < self._told // width:
            raise cut_off(self.name, self._told, self.count * width)
        require_samples(self.name, self.count)
        if self._low == self._high:
            raise silent(self.name)


def steps_as_they_come(
    pieces: Iterator[bytes], name: str, raw: Raw, features: FeatureConfig, rate: int
) -> Iterator[np.ndarray]:
    """Yield the steps (n, F), not normalised, of sound as it comes, read at the rate of a model.

    Raises the errors of `SoundStream`, and DataError for what `read_sound` refuses, at the end where it shows then.
    """
    stream = SoundStream(pieces, name, raw, rate)
    blocks = stream.blocks()
    if (resampler := resampler_of(name, stream.recorded, rate)) is not None:
        blocks = resampler.blocks(blocks)
    empty = True
    for steps in as_steps(log_mel(features, rate).rows(blocks), features):
        yield steps
        empty = False
    stream.require_whole()
    if empty:
        raise too_short(name, stream.count / stream.recorded, features)
