"""Sound as it comes: the same steps as those of the file, in whatever pieces; and what is said of what is wrong."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import CODES, chunk, header, riff, tone, wav, written

from rnncli.config.recordings import FeatureConfig
from rnncli.data import sound_stream
from rnncli.data.sound_stream import CODINGS, Raw, steps_as_they_come
from rnncli.data.sounds import read_sound
from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError

SOUND = np.random.default_rng(0).normal(0, 0.1, 3210) + tone(440, 3210 / 8000)
FEATURES = FeatureConfig(bands=6, stack=3, deltas=True)
USUAL = Raw()
CODE = {code: name for name, code in CODINGS.items()}


def in_pieces(content: bytes, sizes: list[int]):
    """Pieces of these sizes, again and again."""
    start, turn = 0, 0
    while start < len(content):
        yield content[start : start + sizes[turn % len(sizes)]]
        start, turn = start + sizes[turn % len(sizes)], turn + 1


def steps(content: bytes, sizes=(1 << 16,), raw=USUAL, features=FEATURES, rate=8000):
    return np.concatenate(list(steps_as_they_come(in_pieces(content, list(sizes)), "-", raw, features, rate)))


def of_file(content: bytes, features=FEATURES, rate=8000):
    return read_sound(Source("a.wav", content), features, rate).steps


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=6),
    st.sampled_from([8000, 11025, 44100]),
    st.booleans(),
    st.sampled_from(list(CODES)),
)
def test_steps_are_those_of_the_file_in_whatever_pieces_it_comes(sizes, recorded, named, kind):
    both = np.stack([SOUND, SOUND[::-1]], 1)
    whole = of_file(wav(both, *kind, rate=recorded))
    told = Raw(recorded, CODE[CODES[kind]], 2)
    content = wav(both, *kind, rate=recorded) if named else written(both, *kind)
    assert np.array_equal(steps(content, sizes, told if not named else Raw()), whole)
    assert np.array_equal(steps(content, sizes, told), whole)


def test_one_byte_at_a_time():
    assert np.array_equal(steps(written(SOUND), [1]), of_file(wav(SOUND)))
    assert np.array_equal(steps(wav(SOUND), [1]), of_file(wav(SOUND)))


def test_steps_come_before_the_sound_ends():
    """Of ten steps of 30 ms in 0.4 s, the first comes after its three windows and the two rows that slopes need."""
    given = [0]

    def pieces():
        for piece in in_pieces(written(SOUND), [160]):  # 10 ms
            given[0] += 1
            yield piece

    first = next(steps_as_they_come(pieces(), "-", Raw(), FEATURES, 8000))
    assert (len(first), given[0]) == (1, 7)


def test_a_header_that_could_not_know_the_length_is_no_mistake():
    """As arecord, ffmpeg and sox write it to a pipe."""
    for size in (0, 0x7FFF0000, 0x7FFFFFFF, 0xFFFFFFFF):
        data = b"data" + struct.pack("<I", size) + written(SOUND)
        assert np.array_equal(steps(riff(chunk(b"fmt ", header()), data)), of_file(wav(SOUND)))


def test_what_follows_the_sound_is_no_sound():
    assert np.array_equal(steps(wav(SOUND) + chunk(b"LIST", b"\1\2\3\4" * 4000), [700]), of_file(wav(SOUND)))


def test_memory_does_not_grow_with_the_sound(monkeypatch):
    """Nothing is kept of 400 times as much sound: no longer array is ever joined."""
    longest = 0
    join = np.concatenate

    def joined(arrays, *arguments, **named):
        nonlocal longest
        made = join(arrays, *arguments, **named)
        longest = max(longest, made.nbytes)
        return made

    monkeypatch.setattr(np, "concatenate", joined)
    found = 0
    for some in steps_as_they_come(iter([written(SOUND)] * 400), "-", Raw(16000), FEATURES, 8000):
        found += len(some)
    assert found == (1 + (200 * len(SOUND) - 200) // 80 + 2) // 3
    assert longest < 10 * 8 * len(SOUND)


BAD = {
    b"": "-: is empty; record it again, or leave it out",
    written(SOUND[:100]): "-: is too short: 12.5 ms of sound, and one window has 25ms; leave it out",
    b"\1\0" * 2000: "-: is silent: all of its samples are equal; record it again, or leave it out",
    b"\1": "-: holds no sound: its length is zero; record it again, or leave it out",
    wav([]): "-: holds no sound: its length is zero; record it again, or leave it out",
    wav(SOUND)[:-1000]: "-: is truncated: its header tells of 6,420 bytes of sound, and 5,420 follow; copy or record",
    wav(SOUND)[:18]: "-: is truncated: it ends before what tells of its coding; copy or record it again",
    b"fLaC" + b"\0" * 9000: "-: is a FLAC file, and a WAV was expected; convert it",
    riff(chunk(b"fmt ", header(0x55))): "-: its sound is MP3; convert it",
}


@pytest.mark.parametrize(("content", "message"), BAD.items(), ids=range(len(BAD)))
def test_what_is_said_of_bad_sound(content, message):
    with pytest.raises(DataError) as error:
        steps(content, [1000])
    assert str(error.value).startswith(message)


def test_a_sample_that_is_not_finite_is_named_when_it_comes():
    samples = np.concatenate([SOUND, [np.nan], SOUND])
    with pytest.raises(DataError, match=r"^-: sample 3,211 is no finite number below 1e30; record it again$"):
        steps(written(samples, 3, 32), [999], Raw(coding="f32"))


def test_a_header_that_tells_another_thing_than_the_options_is_refused():
    for raw, message in {
        Raw(rate=16000): "--rate 16000: - is a WAV, and its header says 8000; leave it out",
        Raw(coding="u8"): "--coding u8: - is a WAV, and its header says s16; leave it out",
        Raw(channels=2): "--channels 2: - is a WAV, and its header says 1; leave it out",
    }.items():
        with pytest.raises(UsageError) as error:
            steps(wav(SOUND), raw=raw)
        assert str(error.value) == message


def test_rates_that_are_too_far_apart_are_refused():
    with pytest.raises(
        DataError, match=r"^-: its rate, 499 Hz, is too low for sound read at 8,000 Hz; record it again"
    ):
        steps(written(SOUND), raw=Raw(499))


def test_every_coding_is_one_that_a_wav_has():
    assert set(sound_stream.CODINGS.values()) == set(CODES.values())
