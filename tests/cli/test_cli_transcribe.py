"""transcribe as a command: train on sounds, score, transcripts, the same bytes on any threads, and mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_runs import Stops, model_sha256, run, scores

from tests.sounds import tone, wav

TONES = {"a": 400, "b": 900, "c": 1900}
CONFIG = """\
task: transcribe
data:
  path: tones.csv
  validation: 0.2
  features: {bands: 8, stack: 2}
model: {cell: gru, hidden_size: 12, num_layers: 1, dropout: 0.1}
training: {epochs: 40, batch_size: 8, learning_rate: 2e-2, mask_features: 0}
"""


def sound(text: str, seed: int) -> bytes:
    """A tone of 40 to 70 ms for each letter, in noise."""
    source = np.random.default_rng(seed)
    pause = np.zeros(240)
    pieces = [pause, *(piece for c in text for piece in (tone(TONES[c], source.uniform(0.04, 0.07)), pause))]
    samples = np.concatenate(pieces)
    return wav(samples + source.normal(0, 0.01, len(samples)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("transcribe")
    source = np.random.default_rng(3)
    texts = ["", *("".join(source.choice([*"abc"], source.integers(1, 5))) for _ in range(49))]
    for k, text in enumerate(texts):
        (path / f"{k}.wav").write_bytes(sound(text, k))
    (path / "tones.csv").write_text("path,text\n" + "".join(f"{k}.wav,{text}\n" for k, text in enumerate(texts)))
    (path / "c.yaml").write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    return run("train", "c.yaml", "-o", "run", "--set", "training.threads=1", cwd=folder).ok().out


def test_the_score_stands_beside_its_baselines(folder: Path, trained: str) -> None:
    found = scores(trained)
    assert found["network"] < 0.1 < found["nearest by time warping"] < found["most frequent"]
    assert "validation score, character error rate (10 recordings of " in trained
    again = run("evaluate", "run", "--must-beat", "most-frequent", cwd=folder).ok().out
    assert again.startswith(trained)


def test_the_same_bytes_on_any_threads(folder: Path, trained: str) -> None:
    for threads in (2, 3):
        run("train", "c.yaml", "-q", "-o", f"on{threads}", "--set", f"training.threads={threads}", cwd=folder).ok()
        assert model_sha256(folder / f"on{threads}") == model_sha256(folder / "run")


def test_a_resumed_run_has_the_bytes_of_one_that_was_not(
    folder: Path, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = Stops(monkeypatch)
    stops.set(37)
    assert run("train", "c.yaml", "-q", "-o", "stopped", cwd=folder).code == 130
    stops.set(0)
    assert run("train", "-o", "stopped", "--resume", "-q", cwd=folder).ok().out == trained
    assert model_sha256(folder / "stopped") == model_sha256(folder / "run")


def test_sounds_that_changed_are_not_those_that_a_run_was_trained_on(
    folder: Path, trained: str, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "moved")
    (tmp_path / "moved/7.wav").write_bytes(sound("ab", 1000))
    at = ("--set", "data.path=tones.csv")
    assert "is not what run was trained on" in run("evaluate", "run", *at, cwd=tmp_path / "moved").failed(3)


def test_recordings_are_transcribed_in_their_order_in_every_form(folder: Path, trained: str) -> None:
    for k, text in enumerate(["cab", "abba", ""]):
        (folder / f"new{k}.wav").write_bytes(sound(text, 100 + k))
    (folder / "new.csv").write_text("path\nnew0.wav\nnew1.wav\nnew2.wav\n")
    assert run("predict", "run", "new.csv", cwd=folder).ok().out == "cab\nabba\n\n"
    assert run("predict", "run/model.safetensors", "new0.wav", cwd=folder).ok().out == "cab\n"
    rows = run("predict", "run", "new.csv", "-f", "csv", cwd=folder).ok().rows()
    assert [row["transcript"] for row in rows] == ["cab", "abba", ""]
    assert run("predict", "run", "new1.wav", "new0.wav", cwd=folder).ok().out == "cab\nabba\n"
    assert all(float(row["log_probability"]) < 0 for row in rows)
    nested = json.loads(run("predict", "run", "new.csv", "-f", "json", cwd=folder).ok().out)
    assert [one["name"] for one in nested] == ["new0.wav", "new1.wav", "new2.wav"]
    scored = run("predict", "run", "new0.wav", "--scores", cwd=folder).ok().out
    assert scored.startswith("cab\t-")


def test_several_transcripts_are_ranked_and_fill_as_many_lines(folder: Path, trained: str) -> None:
    (folder / "one.wav").write_bytes(sound("ba", 200))
    lines = run("predict", "run", "one.wav", "--n-best", "3", "--scores", cwd=folder).ok().out.splitlines()
    texts, chances = zip(*(line.split("\t") for line in lines), strict=True)
    assert (texts[0], len(set(texts))) == ("ba", 3)
    assert 0 > float(chances[0]) > float(chances[1]) > float(chances[2])
    rows = run("predict", "run", "one.wav", "--beam", "8", "-f", "csv", cwd=folder).ok().rows()
    assert [(row["rank"], row["transcript"]) for row in rows] == [("1", "ba")]


def test_symbols_have_times_in_the_order_in_which_they_were_heard(folder: Path, trained: str) -> None:
    (folder / "late.wav").write_bytes(wav(np.concatenate([np.zeros(4000), tone(400, 0.06), np.zeros(240), tone(1900)])))
    rows = run("predict", "run", "late.wav", "--timestamps", cwd=folder).ok().rows()
    assert [row["symbol"] for row in rows] == ["a", "c"]
    starts, ends = ([float(row[key]) for row in rows] for key in ("start", "end"))
    assert 0.45 < starts[0] < ends[0] <= starts[1] < ends[1] <= 1.1
    for option in ("--n-best=2", "--scores"):
        said = run("predict", "run", "late.wav", "--timestamps", option, cwd=folder).refused(2)
        name = option.partition("=")[0]
        assert said == f"{name}: does not go with --timestamps, which tells of the best alone; leave it out"


def test_a_language_model_is_asked_too(folder: Path, trained: str) -> None:
    """One that knows two texts makes one of them of a third, if it counts enough."""
    (folder / "lines.txt").write_text("abc\n" * 60 + "cab\n" * 60)
    small = (
        "--set",
        "task=language-model",
        "--set",
        "model.hidden_size=12",
        "--set",
        "training.epochs=40",
        "--set",
        "training.learning_rate=3e-2",
    )
    run("train", "lines.txt", "-o", "lm", "-q", *small, "--set", "data.items=lines", cwd=folder).ok()
    (folder / "hard.wav").write_bytes(sound("cb", 300))
    alone = run("predict", "run", "hard.wav", "--beam", "16", cwd=folder).ok().out
    assert alone == "cb\n"
    asked = run("predict", "run", "hard.wav", "--lm", "lm", "--lm-weight", "5", cwd=folder).ok().out
    assert asked in ("cab\n", "abc\n")
    assert run("predict", "run", "hard.wav", "--lm", "lm", "--lm-weight", "0", cwd=folder).ok().out == "cb\n"
    assert run("predict", "run", "hard.wav", "--lm", "run", cwd=folder).refused(2) == (
        "--lm: is no language model; name a run of one"
    )
    assert "--lm-weight" in run("predict", "run", "hard.wav", "--lm-weight", "1", cwd=folder).refused(2)


def test_a_bare_list_of_recordings_is_known_for_one(folder: Path) -> None:
    found = run("check", "tones.csv", cwd=folder).ok()
    assert "looks like a list of recordings, so the task is transcribe" in found.err
    assert "transcribe" in run("init", "tones.csv", cwd=folder).ok().out


def test_a_bare_folder_of_sounds_and_their_texts_is_known_for_recordings(folder: Path, tmp_path: Path) -> None:
    for k, text in enumerate(("a", "ab", "b", "ca", "c", "bc")):
        (tmp_path / f"{k}.wav").write_bytes(sound(text, k))
        (tmp_path / f"{k}.txt").write_text(text)
    found = run("init", ".", cwd=tmp_path).ok()
    assert ". looks like recordings, so the task is transcribe" in found.err
    assert "left out" not in found.err
    assert "task: transcribe  # the data look like recordings" in found.out
    (tmp_path / "0.txt").unlink()
    assert run("init", "0.wav", cwd=tmp_path).failed(3).startswith("0.wav: its text is missing; put what it says into ")
    assert run("init", "none.wav", cwd=tmp_path).refused(2).startswith("no such file: none.wav")
    for k in range(20):
        (tmp_path / f"prose{k}.txt").write_text("This is no recording.\n")
    assert "the task is language-model" in run("init", ".", cwd=tmp_path).ok().err


def test_a_bare_table_of_steps_with_a_text_for_each_id_is_known_for_recordings(tmp_path: Path) -> None:
    rows = [f"{k},{'ab'[k % 2]},{k % 2 + i % 3},{i}\n" for k in range(8) for i in range(9)]
    (tmp_path / "strokes.csv").write_text("id,text,dx,dy\n" + "".join(rows))
    found = run("init", "strokes.csv", cwd=tmp_path).ok()
    assert "looks like steps of recordings with a text each, so the task is transcribe" in found.err
    (tmp_path / "others.csv").write_text("id,text,dx,dy\n" + "".join(rows).replace("\n0,a,", "\n0,other,"))
    told = run("init", "others.csv", cwd=tmp_path)
    assert "transcribe" not in told.out + told.err


def test_a_recording_that_cannot_be_read_keeps_its_place(folder: Path, trained: str) -> None:
    (folder / "broken.wav").write_bytes(sound("ab", 1)[:100])
    (folder / "mixed.csv").write_text("path\n1.wav\nbroken.wav\n2.wav\n")
    result = run("predict", "run", "mixed.csv", cwd=folder)
    assert (result.code, result.out.count("\n"), result.out.split("\n")[1]) == (3, 3, "")
    assert "mixed.csv:3: " in result.err
    assert "truncated" in result.err
    assert result.errors == ["mixed.csv: 1 of 3 recordings has no answer; mend those that are named above"]
    alone = run("predict", "run", "broken.wav", cwd=folder)
    assert alone.refused(3).startswith("broken.wav: is truncated: ")
    assert alone.out == "\n"


def test_a_transcript_with_more_symbols_than_steps_is_refused_by_its_line(folder: Path) -> None:
    (folder / "long.csv").write_text(
        "path,text\n" + "".join(f"{k}.wav,{'a' * (60 if k == 3 else 1)}\n" for k in range(9))
    )
    message = run("train", "c.yaml", "long.csv", "-o", "x", "-q", cwd=folder).refused(3)
    assert message.startswith("long.csv:5: ")
    assert "the transcript" in message
    assert "lower data.features.hop or data.features.stack" in message
    assert not (folder / "x").exists()


def test_a_symbol_that_training_never_saw_is_an_error_and_is_told_of(folder: Path, trained: str) -> None:
    (folder / "other.csv").write_text("path,text\n1.wav,zz\n2.wav,z\n")
    result = run("evaluate", "run", "other.csv", cwd=folder).ok()
    assert "2 of 2 recordings of the test split have a symbol that training never saw" in result.err
    assert "other.csv:2" in result.err
    assert scores(result.out)["network"] >= 1


@pytest.mark.thorough
def test_gradients_pass_the_check_in_float64_and_are_looked_at_by_lag(folder: Path, trained: str) -> None:
    small = ("--set", "model.hidden_size=4")
    assert "passed" in run("inspect-grads", "c.yaml", "--check", *small, cwd=folder).ok().out
    looked = json.loads(run("inspect-grads", "run", "-f", "json", cwd=folder).ok().out)
    assert looked["layers"][0]["gradient_norm_by_lag"][0] > 0
