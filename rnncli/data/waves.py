"""WAV files as samples, piece by piece: PCM of 8 to 32 bits and floats, at any rate, with any number of channels.

The reader is our own, because Python's `wave` knows no floats, knows the extensible header from 3.12 on only, and takes
a file that was cut off for a shorter one. What follows the sound in the file, and all chunks but two, is skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.data.source import Source
from rnncli.errors import DataError, amount, shown

BLOCK = 1 << 16  # samples at most in one block
LARGEST_RATE = 1_000_000  # samples a second
_MOST_CHANNELS = 256
_LARGEST = 1e30  # of a float: squares of larger samples leave what energies are computed in
_UNKNOWN = 0x7FFF0000  # bytes of sound: what cannot go back to its header, such as arecord to a pipe, claims as much
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")  # the end of an extensible header: a coding as in `format`
_CODINGS = {
    0x0002: "Microsoft ADPCM",
    0x0006: "A-law",
    0x0007: "µ-law",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0050: "MPEG",
    0x0055: "MP3",
    0x00FF: "AAC",
    0x0161: "Windows Media Audio",
}
_OTHERS = {
    b"ID3": "an MP3",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b".snd": "an AU file",
    b"RIFX": "a WAV with its bytes in the other order",
    b"RF64": "a WAV beyond 4 GB (RF64)",
}
_MEND = "convert it, as ffmpeg -i FILE -c:a pcm_s16le NEW.wav does"


@dataclass(frozen=True)
class Wave:
    """The sound in a file: `length` samples, `rate` of them a second, each the mean of `channels`.

    code: how a sample is written, by numpy's code of its type, i3 being three bytes. start: the byte of the first.
    """

    source: Source
    rate: int
    channels: int
    code: str
    length: int
    start: int

    @property
    def seconds(self) -> float:
        """The duration of the sound."""
        return self.length / self.rate

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield all samples (n,) float64 in blocks, integers as −1 to 1; DataError for one that is not finite."""
        bytes_in = _Bytes(self.source)
        bytes_in.skip(self.start)
        width = self.channels * int(self.code[1])
        for first in range(0, self.length, BLOCK):
            count = min(BLOCK, self.length - first)
            samples = samples_of(bytes_in.take(count * width), self.code, self.channels)
            if self.code[0] == "f" and not (np.abs(samples) < _LARGEST).all():
                odd = first + int(np.argmin(np.abs(samples) < _LARGEST)) + 1
                raise DataError(f"{self.source.name}: sample {odd:,} is no finite number below 1e30; record it again")
            yield samples
        bytes_in.end()


def open_wave(source: Source) -> Wave:
    """Return the sound in `source`, of which the header is read; DataError for another kind of file, for another
    coding, and for one that is cut off or without sound."""
    name, read = source.name, _Bytes(source)
    _refuse_others(name, read.take(12))
    kind: tuple[int, int, str] | None = None
    while True:
        head = read.take(8)
        if len(head) < 8:
            what = "the sound" if kind else "what tells of its coding"
            raise DataError(f"{name}: is truncated: it ends before {what}; copy or record it again")
        size = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            break
        if head[:4] == b"fmt ":
            kind = _coding(name, read.take(min(size, 40)))
            size -= min(size, 40)
        read.skip(size + size % 2)
    if kind is None:
        raise DataError(f"{name}: its sound stands before what tells of its coding; {_MEND}")
    rate, channels, code = kind
    width, there = channels * int(code[1]), source.size - read.at
    if size > there and size < _UNKNOWN:
        raise DataError(
            f"{name}: is truncated: its header tells of {size:,} bytes of sound, and {there:,} follow; copy or record "
            "it again"
        )
    length = min(size, there) // width
    if not length:
        raise DataError(f"{name}: holds no sound: its length is zero; record it again, or leave it out")
    return Wave(source, rate, channels, code, length, read.at)


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is for the caller to refuse
def samples_of(content: bytes, code: str, channels: int = 1) -> np.ndarray:
    """Return samples (n,) float64, the mean of the channels, integers as −1 to 1; see `Wave` for `code`."""
    if code == "i3":  # the upper three bytes of four
        wide = np.zeros((len(content) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        values, largest = wide.view("<i4")[:, 0] / 1.0, 2.0**31
    else:
        values = np.frombuffer(content, f"<{code}").astype(np.float64)
        largest = 1.0 if code[0] == "f" else 2.0 ** (8 * int(code[1]) - 1)
    if code == "u1":
        values -= 128
    values /= largest
    return values if channels == 1 else values.reshape(-1, channels).mean(axis=1)


class _Bytes:
    """The bytes of a source from the first on, of which `at` were read."""

    def __init__(self, source: Source):
        self.at = 0
        self._pieces = source.pieces()
        self._held = b""

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end."""
        taken, wanted = [], count
        while wanted and (self._held or self._next()):
            taken.append(self._held[:wanted])
            wanted, self._held = wanted - len(taken[-1]), self._held[wanted:]
        self.at += count - wanted
        return b"".join(taken)

    def skip(self, count: int) -> None:
        while count > 0 and (self._held or self._next()):
            step = min(count, len(self._held))
            count, self.at, self._held = count - step, self.at + step, self._held[step:]

    def end(self) -> None:
        """Read to the end, where a source that has changed is found out."""
        while self._next():
            pass

    def _next(self) -> bool:
        self._held = next(self._pieces, b"")
        return bool(self._held)


def _refuse_others(name: str, head: bytes) -> None:
    """Raise DataError unless the first twelve bytes of a file are those of a WAV."""
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return
    if not head:
        raise DataError(f"{name}: is empty; record it again, or leave it out")
    other = next((what for mark, what in _OTHERS.items() if head.startswith(mark)), None)
    if head[:1] == b"\xff" and head[1:2] >= b"\xe0":  # a frame of MPEG without a header before it
        other = "an MP3"
    if head[4:8] == b"ftyp":
        other = "an MP4 file"
    if other is not None:
        raise DataError(f"{name}: is {other}, and a WAV was expected; {_MEND}")
    if head[:4] == b"RIFF"[: len(head)] and len(head) < 12:
        raise DataError(f"{name}: is truncated: it ends within its header; copy or record it again")
    begins = shown(head.decode("latin-1"))
    raise DataError(f"{name}: is no WAV, as it begins with {begins} and not with RIFF and WAVE; {_MEND}")


def _coding(name: str, head: bytes) -> tuple[int, int, str]:
    """Return rate, channels and code by the chunk `fmt `; DataError if it is damaged, or of another coding."""
    if len(head) < 16:
        raise DataError(f"{name}: is damaged: its coding is told in {len(head)} bytes, fewer than 16; {_MEND}")
    tag, channels, rate, _, width, bits = struct.unpack("<HHIIHH", head[:16])
    if tag == _EXTENSIBLE:
        if len(head) < 40 or head[26:40] != _SUBFORMAT:
            raise DataError(f"{name}: its sound is in a coding of its own; {_MEND}")
        tag = int.from_bytes(head[24:26], "little")
    if tag not in (_PCM, _FLOAT):
        raise DataError(f"{name}: its sound is {_CODINGS.get(tag, f'in the coding 0x{tag:04X}')}; {_MEND}")
    if not 1 <= channels <= _MOST_CHANNELS or not 1 <= rate <= LARGEST_RATE:
        told = f"{amount(channels, 'channel')} and {rate:,} samples a second"
        raise DataError(f"{name}: is damaged: its header tells of {told}; {_MEND}")
    each = -(-bits // 8)
    code = {1: "u1", 2: "i2", 3: "i3", 4: "i4"}.get(each) if tag == _PCM else {4: "f4", 8: "f8"}.get(each)
    if code is None or width != each * channels:
        kind = "PCM" if tag == _PCM else "floats"
        told = f"{kind} of {bits} bits, {width} bytes for {amount(channels, 'channel')}"
        raise DataError(f"{name}: its sound is {told}, which cannot be read; {_MEND}")
    return rate, channels, code
