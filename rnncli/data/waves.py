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
UNKNOWN = 0x7FFF0000  # bytes of sound: what cannot go back to its header, such as arecord to a pipe, claims as much
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
        bytes_in = Bytes(self.source.pieces())
        bytes_in.skip(self.start)
        width = self.channels * int(self.code[1])
        for first in range(0, self.length, BLOCK):
            count = min(BLOCK, self.length - first)
            samples = samples_of(bytes_in.take(count * width), self.code, self.channels)
            require_finite(samples, self.code, first, self.source.name)
            yield samples
        bytes_in.end()


def open_wave(source: Source) -> Wave:
    """Return the sound in `source`, of which the header is read; DataError for another kind of file, for another
    coding, and for one that is cut off or without sound."""
    name, read = source.name, Bytes(source.pieces())
    (rate, channels, code), size = header_of(name, read)
    width, there = channels * int(code[1]), source.size - read.at
    if there < size < UNKNOWN:
        raise cut_off(name, size, there)
    length = min(size, there) // width
    require_samples(name, length)
    return Wave(source, rate, channels, code, length, read.at)


def header_of(name: str, read: Bytes) -> tuple[tuple[int, int, str], int]:
    """Read a WAV up to its first sample; return rate, channels and code, and how many bytes of sound it tells of.

    Raises DataError for another kind of file, and for another coding.
    """
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
    return kind, size


def require_samples(name: str, count: int) -> None:
    """Raise DataError if there are none."""
    if not count:
        raise DataError(f"{name}: holds no sound: its length is zero; record it again, or leave it out")


def cut_off(name: str, told: int, there: int) -> DataError:
    """Return the error for a header that tells of more bytes of sound than there are."""
    return DataError(
        f"{name}: is truncated: its header tells of {told:,} bytes of sound, and {there:,} follow; copy or record it "
        "again"
    )


def require_finite(samples: np.ndarray, code: str, before: int, name: str) -> None:
    """Raise DataError for a sample (n,) that is no number or too large to be squared; so many come before them."""
    if code[0] == "f" and not (np.abs(samples) < _LARGEST).all():
        odd = before + int(np.argmin(np.abs(samples) < _LARGEST)) + 1
        raise DataError(f"{name}: sample {odd:,} is no finite number below 1e30; record it again")


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


class Bytes:
    """Bytes that come in pieces, from the first on, of which `at` were read."""

    def __init__(self, pieces: Iterator[bytes]):
        self.at = 0
        self._pieces = pieces
        self._held = b""

    def peeked(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end, which are read again."""
        while len(self._held) < count and (piece := next(self._pieces, b"")):
            self._held += piece
        return self._held[:count]

    def some(self, most: int, width: int) -> bytes:
        """Return what is there of the next `most` bytes, as soon as it is `width` bytes or a multiple; none at the
        end."""
        there = len(self.peeked(min(width, most))) and len(self._held)
        return self.take(min(there, most) // width * width)

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
    refuse_coded(name, head)
    if head[:1] == b"\xff" and head[1:2] >= b"\xe0":  # a frame without a header before it
        raise _other("an MP3", name)
    if head[:4] == b"RIFF"[: len(head)] and len(head) < 12:
        raise DataError(f"{name}: is truncated: it ends within its header; copy or record it again")
    begins = shown(head.decode("latin-1"))
    raise DataError(f"{name}: is no WAV, as it begins with {begins} and not with RIFF and WAVE; {_MEND}")


def refuse_coded(name: str, head: bytes) -> None:
    """Raise DataError if the first twelve bytes of a file are none, or the mark of another kind of sound, which raw
    samples hardly ever begin with."""
    if not head:
        raise DataError(f"{name}: is empty; record it again, or leave it out")
    for mark, what in _OTHERS.items():
        if head.startswith(mark):
            raise _other(what, name)
    if head[4:8] == b"ftyp":
        raise _other("an MP4 file", name)


def _other(what: str, name: str) -> DataError:
    return DataError(f"{name}: is {what}, and a WAV was expected; {_MEND}")


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
