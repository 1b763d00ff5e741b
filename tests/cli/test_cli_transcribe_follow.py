"""predict --follow of transcribe: sound from a pipe, raw or a WAV, gives what the whole of it in a file gives."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_runs import COMMAND, environment, in_shell, run

from rnncli.tasks.transcribe import learner
from tests.sounds import tone, wav, written

TONES = {"a": 400, "b": 900, "c": 1900}
CONFIG = """\
task: transcribe
data:
  path: tones.csv
  validation: 0.2
  features: {bands: 8, stack: 2, normalise: training}
model: {cell: gru, hidden_size: 12, num_layers: 1, dropout: 0.1, bidirectional: false}
training: {epochs: 25, batch_size: 4, learning_rate: 2e-2, mask_features: 0, threads: 1}
"""
TEXT = "cabbaacbacc"


def samples(text: str, seed: int) -> np.ndarray:
    """A tone of 40 to 70 ms for each letter, in noise."""
    source = np.random.default_rng(seed)
    pause = np.zeros(240)
    pieces = [pause, *(piece for c in text for piece in (tone(TONES[c], source.uniform(0.04, 0.07)), pause))]
    made = np.concatenate(pieces)
    return made + source.normal(0, 0.01, len(made))


SOUND = samples(TEXT, 1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder has `run`, which can follow, and models that cannot."""
    path = tmp_path_factory.mktemp("follow")
    source = np.random.default_rng(3)
    texts = ["".join(source.choice([*"abc"], source.integers(1, 5))) for _ in range(50)]
    for k, text in enumerate(texts):
        (path / f"{k}.wav").write_bytes(wav(samples(text, k)))
    (path / "tones.csv").write_text("path,text\n" + "".join(f"{k}.wav,{text}\n" for k, text in enumerate(texts)))
    (path / "c.yaml").write_text(CONFIG)
    (path / "sound.wav").write_bytes(wav(SOUND))
    run("train", "c.yaml", "-o", "run", "-q", cwd=path).ok()
    for name, change in {"both": "model.bidirectional=true", "own": "data.features.normalise=recording"}.items():
        run("train", "c.yaml", "-o", name, "-q", "--set", change, "--set", "training.epochs=1", cwd=path).ok()
    return path


@pytest.fixture(scope="module")
def whole(folder: Path) -> str:
    found = run("predict", "run", "sound.wav", cwd=folder).ok().out
    assert found == f"{TEXT}\n"
    return found


@pytest.mark.parametrize("most", [1 << 16, 977, 100])
def test_raw_sound_and_a_wav_give_what_the_file_gives(
    folder: Path, whole: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """most: bytes in one read; `test_data_sound_stream` cuts them in any way."""
    monkeypatch.setattr("rnncli.data.lines._AT_ONCE", most)
    for content in (written(SOUND), wav(SOUND)):
        assert run("predict", "run", "-", "--follow", cwd=folder, stdin=content).ok().out == whole


def test_a_file_is_followed_too(folder: Path, whole: str) -> None:
    assert run("predict", "run", "sound.wav", "--follow", cwd=folder).ok().out == whole


def test_a_long_sound_in_a_file_is_read_on_the_same_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = samples(TEXT * 8, 1)
    (folder / "long.wav").write_bytes(wav(long))
    heard = run("predict", "run", "-", "--follow", cwd=folder, stdin=written(long)).ok().out
    assert run("predict", "run", "long.wav", cwd=folder).ok().out == heard
    monkeypatch.setattr(learner, "LONG", 100)
    assert run("predict", "run", "long.wav", cwd=folder).ok().out == heard
    times = run("predict", "run", "long.wav", "--timestamps", cwd=folder).ok().rows()
    assert times == [
        {"name": "long.wav", **row}
        for row in run("predict", "run", "-", "--follow", "-f", "csv", cwd=folder, stdin=written(long)).ok().rows()
    ]


def test_symbols_have_times_in_every_form(folder: Path) -> None:
    content = written(SOUND)
    rows = run("predict", "run", "-", "--follow", "--timestamps", cwd=folder, stdin=content).ok().rows()
    assert "".join(row["symbol"] for row in rows) == TEXT
    for form in ("json", "jsonl"):
        lines = run("predict", "run", "-", "--follow", "-f", form, cwd=folder, stdin=content).ok().out.splitlines()
        assert [{key: str(value) for key, value in json.loads(line).items()} for line in lines] == rows


def test_raw_sound_of_another_kind_is_told_by_options(folder: Path, whole: str) -> None:
    both = np.stack([SOUND, SOUND], 1)
    told = ("--coding", "f32", "--channels", "2")
    assert run("predict", "run", "-", "--follow", *told, cwd=folder, stdin=written(both, 3, 32)).ok().out == whole
    slow = np.repeat(SOUND, 2)
    assert run("predict", "run", "-", "--follow", "--rate", "16000", cwd=folder, stdin=written(slow)).ok().out == whole
    said = run("predict", "run", "-", "--follow", "--rate", "16000", cwd=folder, stdin=wav(SOUND)).refused(2)
    assert said == "--rate 16000: <stdin> is a WAV, and its header says 8000; leave it out"


def test_sound_that_ends_too_soon_is_written_and_then_told(folder: Path, whole: str) -> None:
    result = run("predict", "run", "-", "--follow", cwd=folder, stdin=wav(SOUND)[:-800])
    assert "is truncated" in result.refused(3)
    assert (whole.startswith(result.out[:-2]), result.out[-1]) == (True, "\n")
    rows = run("predict", "run", "-", "--follow", "-f", "csv", cwd=folder, stdin=wav(SOUND)[:-800])
    assert len(rows.rows()) == len(result.out) - 1


REFUSED = {
    ("both", "-"): (
        "--follow: this model reads each recording from both ends, and so needs all of it; train one with "
        "model.bidirectional: false"
    ),
    ("own", "-"): (
        "--follow: this model normalises each recording by its own mean, and so needs all of it; train one with "
        "data.features.normalise: training"
    ),
    ("run", "-", "0.wav"): "--follow: follows one sound at a time; leave out 0.wav",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_followed_is_refused_in_a_line(folder: Path, arguments: tuple[str, ...]) -> None:
    stdin = written(SOUND)
    assert run("predict", *arguments, "--follow", cwd=folder, stdin=stdin).refused(2) == REFUSED[arguments]


def test_what_needs_a_search_through_all_of_it_does_not_go_with_it(folder: Path) -> None:
    for option in ("--beam=4", "--n-best=2", "--scores", "--lm=run", "--lm-weight=1"):
        said = run("predict", "run", "-", "--follow", option, cwd=folder, stdin=written(SOUND)).refused(2)
        name = option.partition("=")[0]
        assert said == f"{name}: does not go with --follow, which writes the best path as it comes; leave it out"


def test_options_of_raw_sound_are_for_following(folder: Path) -> None:
    for option in (("--rate", "8000"), ("--coding", "s16"), ("--channels", "1")):
        said = run("predict", "run", "sound.wav", *option, cwd=folder).refused(2)
        assert said == f"{option[0]}: tells of raw sound, which is read with --follow; leave it out"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_symbols_do_not_wait_for_the_end_and_a_signal_ends_the_line(folder: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "predict", "run", "-", "--follow"],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(written(SOUND))
        process.stdin.flush()
        heard = process.stdout.read(len(TEXT) - 1)
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
        assert (heard + process.stdout.read()).decode() in (f"{TEXT}\n", f"{TEXT[:-1]}\n")
        assert process.stderr is not None
        assert process.stderr.read() == b"rnncli: error: stopped\n"


def test_a_reader_that_goes_away_ends_it_in_silence(folder: Path) -> None:
    (folder / "raw").write_bytes(written(samples(TEXT * 30, 5)))
    said = in_shell("rnncli predict run - --follow < raw | head -c 5; echo ${PIPESTATUS[0]} >&2", folder)
    assert (said.out, said.err.splitlines()[-1]) == (TEXT[:5], "141")
    assert "rror" not in said.err
