"""Recordings by lists, folders, patterns and files: what they become, and what is said of bad ones, with the line."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from sounds import tone, wav

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.frames import moments
from rnncli.data.recordings import Layout, listed_in, read_recordings, recordings_of
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting

A, B = tone(440), tone(1000, 0.25)


@pytest.fixture
def folder(tmp_path):
    """Two recordings in a folder of their own."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.wav").write_bytes(wav(A))
    (tmp_path / "clips/b.wav").write_bytes(wav(B))
    return tmp_path


def config(**keys):
    own = {key: keys.pop(key) for key in ("text", "format", "encoding", "delimiter") if key in keys}
    return RecordingsConfig.model_validate(own | ({"features": keys} if keys else {}))


def texts(path, labelled=True, **keys):
    return [(one.name, one.text) for one in read_recordings(str(path), config(**keys), labelled=labelled).items]


LISTS = {
    "l.csv": "path,text,split\nclips/a.wav,one two,train\nclips/b.wav,,test\n",
    "l.tsv": "text\tPath\tsplit\none two\tclips/a.wav\ttrain\n\tclips/b.wav\ttest\n",
    "l.jsonl": '{"path": "clips/a.wav", "text": "one two", "split": "train"}\n\n'
    '{"split": "test", "text": "", "path": "clips/b.wav"}\n',
    "m.csv": "audio;transcript;split\nclips/a.wav; one two ;train\nclips/b.wav;;test\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists(folder, name):
    (folder / name).write_text(LISTS[name])
    found = read_recordings(str(folder / name), config())
    assert [(one.name, one.text) for one in found.items] == [("clips/a.wav", "one two"), ("clips/b.wav", "")]
    assert [one.other for one in found.items] == [{"split": "train"}, {"split": "test"}]
    assert [one.where for one in found.items] == [f"{folder / name}:{2 - (name[-1] == 'l')}", f"{folder / name}:3"]
    assert [one.seconds for one in found.items] == [0.5, 0.25]
    assert [one.features.shape for one in found.items] == [(48, 40), (23, 40)]
    assert found.layout == Layout("log-mel", 40, 8000)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.jsonl", '{"path": "clips/a.wav", "text": "one\\n two\\u2028"}\n'),
        ("l.csv", 'path,text\nclips/a.wav,"one\r\n\ttwo"\n'),
        ("steps.csv", 'x,text\n1,"one\n two"\n2,\n'),
    ],
)
def test_a_text_is_one_line_wherever_it_stands(folder, name, content):
    (folder / name).write_text(content)
    assert [text for _, text in texts(folder / name)] == ["one two"]


def test_a_folder_with_texts_beside(folder):
    (folder / "clips/a.txt").write_text("one\n two\n")
    (folder / "clips/b.txt").write_text("")
    (folder / "clips/.hidden").write_text("")
    (folder / "clips/notes.md").write_text("")
    clips, notes = folder / "clips", []
    with noting(notes.append):
        assert texts(clips) == [(f"{clips}/a.wav", "one two"), (f"{clips}/b.wav", "")]
    assert notes == [f"{clips}: left out {clips}/notes.md: no recordings"]
    assert texts(folder / "clips/*.wav") == texts(clips)
    assert texts(folder / "clips/a.wav") == [(f"{clips}/a.wav", "one two")]
    named = read_recordings([f"{clips}/b.wav", f"{clips}/a.wav"], config()).items  # in the order of a folder
    assert [one.sha256 for one in named] == [one.sha256 for one in read_recordings(str(clips), config()).items]


def test_texts_are_not_asked_for_where_they_are_not_needed(folder):
    clips = folder / "clips"
    assert texts(clips, labelled=False) == [(f"{clips}/a.wav", None), (f"{clips}/b.wav", None)]
    (folder / "l.csv").write_text("path\nclips/a.wav\n")
    assert texts(folder / "l.csv", labelled=False) == [("clips/a.wav", None)]


def test_features_are_normalised_by_the_recording_or_left(folder):
    path = str(folder / "clips/a.wav")
    raw = read_recordings(path, config(normalise="none"), labelled=False).items[0].features
    assert (
        raw.tobytes() == read_recordings(path, config(normalise="training"), labelled=False).items[0].features.tobytes()
    )
    mean, deviation = moments([raw])
    found = read_recordings(path, config(), labelled=False).items[0].features
    assert found.tobytes() == ((raw - mean) / deviation).tobytes()


def test_stacked_with_slopes(folder):
    found = read_recordings(str(folder / "clips"), config(stack=3, deltas=True, bands=7), labelled=False)
    assert found.layout.size == 7 * 2 * 3
    assert [one.features.shape for one in found.items] == [(16, 42), (8, 42)]
    assert found.layout.step_seconds(config(stack=3).features) == pytest.approx(0.03)


def test_another_rate_is_resampled_and_told(folder):
    (folder / "clips/c.wav").write_bytes(wav(tone(440, 0.5, 44100), rate=44100))
    notes = []
    with noting(notes.append):
        found = read_recordings(str(folder / "clips"), config(normalise="none"), labelled=False)
    assert notes == [f"{folder}/clips: resampled to 8,000 Hz: 1 of 3 recordings"]
    a, _, c = (one.features for one in found.items)
    assert a.shape == c.shape
    assert a.argmax(axis=1).tolist() == c.argmax(axis=1).tolist()
    assert np.abs(a.max(axis=1) - c.max(axis=1))[2:-2].max() < 0.01
    asked = read_recordings(str(folder / "clips/a.wav"), config(rate=16000), labelled=False)
    assert asked.layout.rate == 16000
    assert asked.items[0].resampled


def test_a_layout_goes_through_a_header():
    layout = Layout("numbers", 2, None, ("x", "y"))
    assert Layout.from_header(json.loads(json.dumps(layout.to_header()))) == layout


BAD_LISTS = {
    "path,text\nclips/a.wav,one\nclips/c.wav,two\n": "3: no such file: {folder}/clips/c.wav; paths are rel",
    "path,text\n,one\n": "2: names no file; give its path",
    "path,words\nclips/a.wav,one\n": '2: has no "text", which says what the recording says; add it',
    "path,text\nclips/bad.wav,one\n": "2: {folder}/clips/bad.wav: is truncated: its header tells of 8,000 bytes of",
    "path,text\nclips/a.wav,one\nclips/silent.wav,one\n": "3: {folder}/clips/silent.wav: is silent: all of its samples",
    "path,text\nclips,one\n": "2: {folder}/clips: is a directory",
    "path,text\nnotes.md,one\n": "2: {folder}/notes.md: is no recording; those are files whose names end in .wav",
    "path,text\nl.csv,one\n": "2: {folder}/l.csv: has no column of numbers; name those to read",
}
BAD_LINES = {
    '{"path": "clips/a.wav", "text": "one"}\n[]': '2: "[]" is no JSON object; write it as {"path": "a.wav",',
    '{"path": "clips/a.wav"': '1: "{\\"path\\": \\"clips/a.wav\\"" is no JSON object',
    '{"path": "clips/a.wav"}': '1: has no "text"',
    '{"text": "one"}': "1: names no file",
    '{"path": "a\\u0000b", "text": ""}': '1: "a\\x00b" is no file name: it has a NUL character; mend it',
    '{"path": "clips/a.wav", "text": ""}\n{"path": "clips/a.wav", "text": "a\\ud800"}': '2: has "\\ud800", which',
    '{"path": "\\udcff.wav", "text": ""}': '1: has "\\udcff", which is no character; leave it out',
    '{"path": "clips/a.wav", "text": "", "\\ud800": 1}': '1: has "\\ud800", which is no character; leave it out',
    "[" * 100_000: '1: "[[[[[',
    "\n": "lists no recordings; add a line for each",
}


@pytest.mark.parametrize(("content", "message"), [*BAD_LISTS.items(), *BAD_LINES.items()])
def test_what_is_said_of_bad_lists(folder, content, message):
    (folder / "clips/bad.wav").write_bytes(wav(A)[:-1])
    (folder / "clips/silent.wav").write_bytes(wav(np.full(4000, 0.25)))
    (folder / "notes.md").write_text("")
    path = folder / ("l.csv" if content in BAD_LISTS else "l.jsonl")
    path.write_text(content)
    with pytest.raises(DataError) as error:
        texts(path)
    wanted = message.replace("{folder}", str(folder))
    assert str(error.value).startswith(f"{path}:{wanted}" if message[0].isdigit() else f"{path}: {wanted}")


def test_what_is_said_of_bad_recordings(folder):
    clips = folder / "clips"
    with pytest.raises(DataError, match=r"a\.wav: its text is missing; put what it says into .*clips/a\.txt, or"):
        texts(clips)
    (clips / "short.wav").write_bytes(wav(A[:199]))
    with pytest.raises(DataError, match=r"short\.wav: is too short: 24\.88 ms of sound, and one window has 25ms"):
        texts(clips / "short.wav", labelled=False)
    (clips / "odd.wav").write_bytes(wav(A, rate=44101))
    with pytest.raises(DataError, match=r"odd\.wav: its rate, 44,101 Hz, has no ratio to 8,000 Hz in whole numbers up"):
        texts(clips / "odd.wav", labelled=False, rate=8000)
    (clips / "low.wav").write_bytes(wav(A, rate=499))
    with pytest.raises(DataError, match=r"low\.wav: its rate, 499 Hz, is too low for sound read at 8,000 Hz"):
        texts(clips / "low.wav", labelled=False, rate=8000)
    with pytest.raises(DataError, match=r"low\.wav: at 499 Hz a window of 25ms has 12 samples, which are too"):
        texts(clips / "low.wav", labelled=False)
    with pytest.raises(DataError, match=r"a\.wav: gives log-mel, and numbers is wanted; name other files"):
        texts(clips / "a.wav", labelled=False, kind="numbers")
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="is a folder without files"):
        texts(folder / "empty")
    (folder / "empty/x.md").write_text("")
    with pytest.raises(DataError, match=r"empty: has no recordings; those are files whose names end in \.wav"):
        texts(folder / "empty")
    with pytest.raises(UsageError, match=r"no such file: .*/clips/c\.wav"):
        texts(clips / "c.wav", labelled=False)
    with pytest.raises(UsageError, match="standard input is one recording without a text"):
        texts("-")


def test_one_bad_recording_does_not_stop_the_others(folder):
    (folder / "clips/a.wav").write_bytes(b"")
    found = []
    for entry in listed_in(str(folder / "clips"), config(), labelled=False):
        try:
            found += recordings_of(entry, config(), None, labelled=False)
        except DataError as error:
            found.append(str(error))
    assert found[0] == f"{folder}/clips/a.wav: is empty; record it again, or leave it out"
    assert found[1].features.shape == (23, 40)


def test_features_have_the_same_bytes_on_every_machine(tmp_path):
    """The sound is made of whole numbers, without a sine, whose last bit a machine may choose."""
    waves = [(k * k * 37 + k * 91) % 4001 - 2000 + 9000 * ((k // 50) % 2) for k in range(6000)]
    (tmp_path / "a.wav").write_bytes(wav(np.array(waves) / 32768, rate=11025))
    found = read_recordings(str(tmp_path / "a.wav"), config(stack=2, deltas=True), labelled=False).items[0].features
    assert hashlib.sha256(found.tobytes()).hexdigest() == (
        "826f590caa0ad736c9eac9c380c87e0b7bfdb402cbbfe0e58166b3300750b0d4"
    )
    found = read_recordings(str(tmp_path / "a.wav"), config(rate=8000), labelled=False).items[0].features
    assert hashlib.sha256(found.tobytes()).hexdigest() == (
        "8fb56637317494bce65232b9a393529b41e41a06ed2606edd35f80f7afd319d5"
    )
