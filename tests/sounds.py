"""WAV files for tests, written byte by byte, and tones."""

import struct

import numpy as np

SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
CODES = {(1, 8): "u1", (1, 16): "i2", (1, 24): "i3", (1, 32): "i4", (3, 32): "f4", (3, 64): "f8"}


def tone(frequency, seconds=0.5, rate=8000, height=0.5):
    """The samples (n,) of a sine."""
    return height * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def written(samples, tag=1, bits=16):
    """The bytes of samples from −1 to 1, (n,) or (n, channels)."""
    samples = np.asarray(samples, float)
    if tag == 3:
        return samples.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return np.clip(np.rint(samples * 128) + 128, 0, 255).astype(np.uint8).tobytes()
    whole = np.clip(np.rint(samples * 2.0 ** (bits - 1)), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1).astype("<i8")
    return whole.reshape(-1, 1).view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def header(tag=1, bits=16, channels=1, rate=8000, extensible=False):
    """The content of a chunk `fmt `."""
    width = channels * bits // 8
    first = struct.pack("<HHIIHH", 0xFFFE if extensible else tag, channels, rate, rate * width, width, bits)
    return first + struct.pack("<HHIH", 22, bits, 0, tag) + SUBFORMAT if extensible else first


def riff(*chunks):
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def wav(samples, tag=1, bits=16, rate=8000, extensible=False, before=()):
    """The bytes of a WAV file; before: chunks before the sound."""
    samples = np.asarray(samples, float)
    channels = samples.shape[1] if samples.ndim == 2 else 1
    sound = chunk(b"data", written(samples, tag, bits))
    return riff(chunk(b"fmt ", header(tag, bits, channels, rate, extensible)), *before, sound)
