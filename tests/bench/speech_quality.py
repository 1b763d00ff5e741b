"""The figures of quality.py for speech: strings of digits, whose recordings are joined, and digits one by one."""

from __future__ import annotations

import csv
import io
import json
import wave
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from command import rnncli

Figure = dict[str, Any]
RATE = 8000  # samples a second, two bytes each

BOTH = """
task: transcribe
data:
  path: train.csv
  validation: validation.csv
  test: test.csv
  tokens: char
  features: {kind: log-mel, bands: 40, window: 25ms, hop: 10ms, stack: 3}
model: {cell: lstm, hidden_size: HIDDEN, num_layers: LAYERS, bidirectional: true, dropout: 0.3}
training:
  epochs: EPOCHS
  batch_size: 32
  learning_rate: RATE
  weight_averaging: AVERAGE
  speed: 0.15
  mask_steps: 0.1
  mask_features: 0.2
"""


def config(**values: object) -> str:
    """The config of a figure: what both have in common, with the values of one in it."""
    text = BOTH
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text


CONFIG = config(HIDDEN=128, LAYERS=2, EPOCHS=24, RATE="3e-3", AVERAGE=0.995)
ISOLATED = config(HIDDEN=64, LAYERS=1, EPOCHS=30, RATE="5e-3", AVERAGE=0.99)


def strings(data: Path) -> Iterator[dict[str, str]]:
    """The lines of connected_digits.csv."""
    with (data / "connected_digits.csv").open(newline="") as file:
        yield from csv.DictReader(file)


def joined(data: Path, folder: Path) -> dict[str, int]:
    """Writes a WAV for each string and a list of them for each split; returns the number of strings of each."""
    lists: dict[str, list[tuple[str, str]]] = {}
    with zipfile.ZipFile(data / "spoken_digits.zip") as packed:
        samples = {name.removesuffix(".wav"): packed.read(name) for name in packed.namelist() if name.endswith(".wav")}
    for number, line in enumerate(strings(data)):
        parts = [_samples(samples[name]) for name in line["recordings"].split("+")]
        gaps = [bytes(2 * (RATE * int(gap) // 1000)) for gap in line["gaps_ms"].split()]
        name = f"{number:05d}.wav"
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(gaps[0] + b"".join(part + gap for part, gap in zip(parts, gaps[1:], strict=True)))
        lists.setdefault(line["split"], []).append((name, line["transcript"]))
    return listed(lists, folder)


def listed(lists: dict[str, list[tuple[str, str]]], folder: Path) -> dict[str, int]:
    """Writes the list of each split, and returns how many recordings it has."""
    for split, rows in lists.items():
        with (folder / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("path", "text"), *rows])
    return {split: len(rows) for split, rows in lists.items()}


def _samples(content: bytes) -> bytes:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return file.readframes(file.getnframes())


def connected_digits(data: Path, run: Path) -> Figure:
    folder = run.parent / "strings"
    folder.mkdir()
    counts = joined(data, folder)
    (folder / "digits.yaml").write_text(CONFIG)
    score = json.loads(rnncli("train", folder / "digits.yaml", "-o", run, "-q", "-f", "json"))["score"]
    target = 0.02
    return {
        "score": score["network"],
        "better": "lower",
        "floor": min(score["floors"].values()),
        "target": target,
        "passed": score["network"] <= target,
        "detail": score["detail"],
        "headline": score["headline"]["text"],
        "protocol": f"spoken_digits.zip joined by connected_digits.csv: {counts['train']:,} strings to train on, "
        f"{counts['validation']:,} to choose weights by, and the digit error rate on {counts['test']:,} others of the "
        "same five speakers",
    }


def alone(data: Path, folder: Path) -> dict[str, int]:
    """Writes each recording and a list of them for each split, by their numbers; returns how many are in each."""
    lists: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    with zipfile.ZipFile(data / "spoken_digits.zip") as packed:
        for path in sorted(name for name in packed.namelist() if name.endswith(".wav")):
            name = Path(path).name
            digit, _, number = name.removesuffix(".wav").split("_")
            (folder / name).write_bytes(packed.read(path))
            split = "test" if int(number) < 5 else "validation" if int(number) < 10 else "train"
            lists[split].append((name, digit))
    return listed(lists, folder)


def isolated_digits(data: Path, run: Path) -> Figure:
    folder = run.parent / "digits"
    folder.mkdir()
    counts = alone(data, folder)
    (folder / "digits.yaml").write_text(ISOLATED)
    score = json.loads(rnncli("train", folder / "digits.yaml", "-o", run, "-q", "-f", "json"))["score"]
    floor = score["floors"]["nearest by time warping"]
    return {
        "score": score["network"],
        "better": "lower",
        "floor": floor,
        "target": floor,
        "passed": score["network"] < floor,
        "detail": score["detail"],
        "headline": score["headline"]["text"],
        "protocol": f"spoken_digits.zip, a digit each: {counts['train']:,} recordings to train on (10 to 49 of each "
        f"digit and speaker), {counts['validation']:,} to choose weights by (5 to 9), and the digit error rate on "
        f"{counts['test']:,} (0 to 4) of the same five speakers; the floor answers with the nearest of those to train "
        "on by dynamic time warping of the same features",
    }


SPEECH: dict[str, Callable[[Path, Path], Figure]] = {
    "connected-digits": connected_digits,
    "isolated-digits": isolated_digits,
}
