"""The data of a transcribe as a source: their hash is that of contents and texts, wherever they are."""

import os

import pytest
from sounds import tone, wav

from rnncli.tasks.transcribe.config import TranscriptsConfig
from rnncli.tasks.transcribe.recordings import RecordingFiles


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d").mkdir()
    for name in "ab":
        (tmp_path / f"d/{name}.wav").write_bytes(wav(tone(440)))
        (tmp_path / f"d/{name}.txt").write_text(f"text {name}")
    (tmp_path / "d/l.csv").write_text("path,text\na.wav,one\nb.wav,two\n")
    return tmp_path


def sha256(path):
    return RecordingFiles(str(path), TranscriptsConfig()).sha256


@pytest.mark.parametrize("name", ["d", "d/l.csv", "d/*.wav"])
def test_the_hash_does_not_depend_on_the_place(folder, name, monkeypatch):
    before = sha256(folder / name)
    monkeypatch.chdir(folder)
    assert sha256(name) == before
    os.rename("d", "e")
    assert sha256(name.replace("d", "e", 1)) == before


@pytest.mark.parametrize(
    ("name", "changed", "content"),
    [
        ("d", "d/a.txt", b"other"),
        ("d", "d/a.wav", wav(tone(441))),
        ("d/l.csv", "d/l.csv", b"path,text\na.wav,one\nb.wav,three\n"),
        ("d/l.csv", "d/b.wav", wav(tone(441))),
    ],
)
def test_the_hash_knows_a_changed_text_and_a_changed_sound(folder, name, changed, content):
    before = sha256(folder / name)
    (folder / changed).write_bytes(content)
    assert sha256(folder / name) != before
