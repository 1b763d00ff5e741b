"""WAV files: every width, header and chunk, read like Python's `wave` does where it can; what is said of bad ones."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from sounds import CODES, chunk, header, riff, tone, wav, written

from rnncli.data import waves
from rnncli.data.source import Source, read_source
from rnncli.data.waves import open_wave, samples_of
from rnncli.errors import DataError

NOISE = np.random.default_rng(0).uniform(-1, 1, 1001)
FMT = chunk(b"fmt ", header())
DATA = chunk(b"data", written(NOISE))


def read(content, name="a.wav"):
    """The sound in these bytes, and all of its samples."""
    found = open_wave(Source(name, content))
    return found, np.concatenate(list(found.blocks()))


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(("tag", "bits"), CODES)
def test_every_width(tag, bits, channels, extensible):
    samples = np.random.default_rng(bits).uniform(-1, 1, (999, channels))
    found, values = read(wav(samples, tag, bits, rate=11025, extensible=extensible))
    assert (found.rate, found.channels, found.length) == (11025, channels, 999)
    assert found.code == CODES[tag, bits]
    assert found.seconds == pytest.approx(999 / 11025)
    step = 2.0 ** (1 - bits) if tag == 1 else 2.0**-23  # one step of an integer; of float32 its rounding
    assert values.dtype == np.float64
    assert np.abs(values - samples.mean(axis=1)).max() <= step


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_values_are_those_of_pythons_reader(bits):
    content = wav(np.stack([NOISE, NOISE[::-1]], axis=1), bits=bits)
    with wave.open(io.BytesIO(content)) as file:
        raw = file.readframes(file.getnframes())
        width, rate = file.getsampwidth(), file.getframerate()
    whole = [int.from_bytes(raw[i : i + width], "little", signed=width > 1) for i in range(0, len(raw), width)]
    values = (np.array(whole, float) - 128 * (width == 1)) / 2.0 ** (bits - 1)
    found, mine = read(content)
    assert found.rate == rate
    assert mine.tolist() == values.reshape(-1, 2).mean(axis=1).tolist()


@pytest.mark.parametrize(
    ("code", "content", "values"),
    [
        ("u1", b"\x00\x80\xff", [-1, 0, 127 / 128]),
        ("i2", b"\x00\x80\x00\x00\xff\x7f", [-1, 0, 32767 / 32768]),
        ("i3", b"\x00\x00\x80\x01\x00\x00\xff\xff\xff", [-1, 2**-23, -(2**-23)]),
        ("i4", b"\x00\x00\x00\x80\x01\x00\x00\x00", [-1, 2**-31]),
        ("f4", struct.pack("<2f", 0.25, -3), [0.25, -3]),
        ("f8", struct.pack("<2d", 0.1, 1e29), [0.1, 1e29]),
    ],
)
def test_values_by_hand(code, content, values):
    assert samples_of(content, code).tolist() == values


def test_channels_are_averaged():
    assert samples_of(struct.pack("<4h", 100, 300, -100, 100), "i2", 2).tolist() == [200 / 32768, 0]


@pytest.mark.parametrize(
    "before",
    [
        [],
        [chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.29.100\0")],
        [chunk(b"fact", struct.pack("<I", 1001)), chunk(b"odd ", b"123"), chunk(b"none", b"")],
        [chunk(b"JUNK", bytes(3_000_001))],  # longer than a piece of a large file
    ],
    ids=["nothing", "list", "odd", "long"],
)
def test_chunks_before_and_after_the_sound_are_skipped(before):
    sound = chunk(b"data", written(NOISE, bits=24)) + chunk(b"LIST", b"more")
    _, values = read(riff(*before, chunk(b"fmt ", header(bits=24)), *before, sound))
    assert values.tolist() == samples_of(written(NOISE, bits=24), "i3").tolist()


@pytest.mark.parametrize("told", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_recorder_in_a_pipe_does_not_know_the_length(told):
    content = riff(FMT, b"data" + struct.pack("<I", told) + written(NOISE) + b"\x01")  # half of a further sample
    assert read(content)[1].tolist() == samples_of(written(NOISE), "i2").tolist()


def test_a_large_file_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("rnncli.data.source.LARGE", 1000)
    monkeypatch.setattr("rnncli.data.source.PIECE", 997)
    monkeypatch.setattr(waves, "BLOCK", 100)
    (tmp_path / "a.wav").write_bytes(wav(NOISE, bits=24))
    found = open_wave(read_source(str(tmp_path / "a.wav")))
    blocks = list(found.blocks())
    assert [len(block) for block in blocks] == [100] * 10 + [1]
    assert np.concatenate(blocks).tolist() == samples_of(written(NOISE, bits=24), "i3").tolist()


BAD = {
    b"": "a.wav: is empty; record it again, or leave it out",
    b"RIF": "a.wav: is truncated: it ends within its header; copy or record it again",
    wav(NOISE)[:10]: "a.wav: is truncated: it ends within its header",
    wav(NOISE)[:40]: "a.wav: is truncated: it ends before the sound; copy or record it again",
    wav(NOISE)[:16]: "a.wav: is truncated: it ends before what tells of its coding",
    wav(NOISE)[:-1]: "a.wav: is truncated: its header tells of 2,002 bytes of sound, and 2,001 follow; copy or record",
    wav([]): "a.wav: holds no sound: its length is zero; record it again, or leave it out",
    riff(FMT): "a.wav: is truncated: it ends before the sound",
    riff(DATA, FMT): "a.wav: its sound stands before what tells of its coding; convert it, as ffmpeg",
    riff(chunk(b"fmt ", header()[:14]), DATA): "a.wav: is damaged: its coding is told in 14 bytes, fewer than 16",
    b"ID3\x04" + bytes(20): "a.wav: is an MP3, and a WAV was expected; convert it, as ffmpeg -i FILE -c:a",
    b"\xff\xfb\x90\x64" + bytes(20): "a.wav: is an MP3, and",
    b"OggS" + bytes(20): "a.wav: is an Ogg file, and",
    b"fLaC" + bytes(20): "a.wav: is a FLAC file, and",
    b"FORM\0\0\0\0AIFF": "a.wav: is an AIFF file, and",
    b"RIFX\0\0\0\0WAVE": "a.wav: is a WAV with its bytes in the other order, and",
    b"RF64\xff\xff\xff\xffWAVE": "a.wav: is a WAV beyond 4 GB (RF64), and",
    b"\0\0\0\x20ftypM4A ": "a.wav: is an MP4 file, and",
    b"RIFF\0\0\0\0AVI LIST": 'a.wav: is no WAV, as it begins with "RIFF',
    b"path,text\na.wav,one": 'a.wav: is no WAV, as it begins with "path,text\\na." and not with RIFF and WAVE; convert',
}
KINDS = {
    header(2, 4): "its sound is Microsoft ADPCM; convert it, as ffmpeg -i FILE -c:a pcm_s16le NEW.wav does",
    header(0x11, 4): "its sound is IMA ADPCM; convert",
    header(0x55, 0): "its sound is MP3; convert",
    header(6, 8): "its sound is A-law; convert",
    header(0x1234, 16): "its sound is in the coding 0x1234; convert",
    header(2, 16, extensible=True): "its sound is Microsoft ADPCM; convert",
    header(extensible=True)[:-1] + b"\0": "its sound is in a coding of its own; convert",
    header(extensible=True)[:20]: "its sound is in a coding of its own; convert",
    header(1, 64): "its sound is PCM of 64 bits, 8 bytes for 1 channel, which cannot be read; convert",
    header(3, 16): "its sound is floats of 16 bits, 2 bytes for 1 channel, which cannot be read; convert",
    header(1, 0): "its sound is PCM of 0 bits, 0 bytes for 1 channel, which cannot be read; convert",
    header(channels=0): "is damaged: its header tells of 0 channels and 8,000 samples a second; convert",
    header(channels=257): "is damaged: its header tells of 257 channels and 8,000 samples a second; convert",
    header(rate=0): "is damaged: its header tells of 1 channel and 0 samples a second; convert",
    header(rate=2_000_000): "is damaged: its header tells of 1 channel and 2,000,000 samples a second; convert",
}


@pytest.mark.parametrize(("content", "message"), BAD.items(), ids=range(len(BAD)))
def test_what_is_said_of_bad_files(content, message):
    with pytest.raises(DataError) as error:
        read(content)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("head", "message"), KINDS.items(), ids=range(len(KINDS)))
def test_what_is_said_of_other_codings(head, message):
    with pytest.raises(DataError) as error:
        read(riff(chunk(b"fmt ", head), DATA))
    assert str(error.value).startswith(f"a.wav: {message}")


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_named(odd):
    samples = tone(440)
    samples[[1234, 2000]] = odd
    for content in (wav(samples, 3, 64), wav(np.stack([samples, -samples], 1), 3, 64)):
        with pytest.raises(DataError, match=r"^a\.wav: sample 1,235 is no finite number below 1e30; record it again$"):
            read(content)
    signalling = wav(samples, 3, 64).replace(struct.pack("<d", odd), b"\1\0\0\0\0\0\xf0\x7f")
    with pytest.raises(DataError, match="sample 1,235 is no finite"):
        read(signalling)


def test_a_file_that_changes_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr("rnncli.data.source.LARGE", 100)
    path = tmp_path / "a.wav"
    path.write_bytes(wav(NOISE))
    found = open_wave(read_source(str(path)))
    list(found.blocks())
    path.write_bytes(wav(NOISE / 2))
    with pytest.raises(DataError, match="changed while it was read"):
        list(found.blocks())


def test_a_sample_too_large_to_square_is_named():
    with pytest.raises(DataError, match="sample 3 is no finite number below 1e30"):
        read(wav([0, 1e29, 1e31], 3, 64))
