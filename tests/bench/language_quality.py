"""The figures of quality.py for language models: what a time is worth, whole items, and how fast texts are scored."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from command import rnncli

Figure = dict[str, Any]
NAMES, DRAWN = 10_000, 1_000

# Three languages, each with its beginnings, vowels and ends of syllables, and its ends of names.
_LANGUAGES: Sequence[tuple[str, ...]] = (
    (
        "br dr gr th st k r h sk v f b",
        "a o u ei i y",
        "rn ld k r g nd lf -",
        "ulf gar mund rik stein hild run gard dis",
    ),
    ("l m n s r c t d b v p g", "a e i o ia ua", "- n l r - - s", "o io ello ino ano ardo a ia ella ina ana etta"),
    ("sh k t m n y h r w ch s", "a i u e o", "- - - n", "ro shi ta suke ji ko mi ka na e"),
)


def scored(run: Path, *arguments: str | Path) -> dict[str, Any]:
    """The score object that `train -f json` ends with."""
    found: dict[str, Any] = json.loads(rnncli("train", *arguments, "-o", run, "-q", "-f", "json"))["score"]
    return found


def in_time(limit: str, target: float) -> Callable[[Path, Path], Figure]:
    def figure(data: Path, run: Path) -> Figure:
        score = scored(run, data / "tinyshakespeare.txt", "--max-time", limit)
        last = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        return {
            "score": score["network"],
            "better": "lower",
            "floor": min(score["floors"].values()),
            "target": target,
            "passed": score["network"] <= target,
            "trained": round(last["seconds"], 1),
            "protocol": f"rnncli train tinyshakespeare.txt --max-time {limit}, no config; nats per character on the "
            "contiguous last 10%",
        }

    return figure


def words(data: Path, run: Path) -> Figure:
    lines = (data / "movie_reviews_polarity.txt").read_text(encoding="latin-1").removesuffix("\n").split("\n")
    parts: dict[bool, list[str]] = {False: [], True: []}
    for i, line in enumerate(lines):
        parts[i % 10 == 0].append(line.split(maxsplit=1)[1])
    train, rest = run.with_suffix(".train.txt"), run.with_suffix(".rest.txt")
    for path, held_out in ((train, False), (rest, True)):
        path.write_text("\n".join(parts[held_out]) + "\n", encoding="utf-8")
    keys = ["data.items=lines", "data.tokens=whitespace", "data.min_count=2", "data.validation=0.05"]
    rnncli("train", train, "-o", run, "-q", "--max-time", "10m", *(part for key in keys for part in ("--set", key)))
    score = json.loads(rnncli("evaluate", run, rest, "-f", "json"))
    perplexity, floor = math.exp(score["network"]), math.exp(min(score["floors"].values()))
    return {
        "score": perplexity,
        "better": "lower",
        "floor": floor,
        "target": 0.9 * floor,
        "passed": perplexity <= 0.9 * floor,
        "protocol": "lines of the movie reviews but every tenth, words that occur twice or more, --max-time 10m; "
        "perplexity of every tenth line, unknown words and ends of lines included; the floor is the better 5-gram",
    }


def grammar(count: int, seed: int) -> Iterator[str]:
    """Yield names, no two alike."""
    draws, seen = random.Random(seed), set()
    languages = [[part.split() for part in language] for language in _LANGUAGES]
    while len(seen) < count:
        onsets, vowels, codas, ends = draws.choice(languages)
        syllables = (
            draws.choice(onsets) + draws.choice(vowels) + draws.choice(codas).strip("-")
            for _ in range(draws.choice([1, 2, 2, 3]))
        )
        name = ("".join(syllables) + draws.choice(ends)).capitalize()
        if name not in seen:
            seen.add(name)
            yield name


def names(data: Path, run: Path) -> Figure:
    known = list(grammar(NAMES, 7))
    file = run.with_suffix(".txt")
    file.write_text("\n".join(known) + "\n", encoding="utf-8")
    score = scored(run, file, "--set", "data.items=lines")
    made = rnncli("generate", run, "--count", str(DRAWN), "--novel").splitlines()
    floor = min(score["floors"].values())
    new = sum(name not in set(known) for name in made)
    return {
        "score": score["network"],
        "better": "lower",
        "floor": floor,
        "target": 0.96 * floor,
        "passed": score["network"] <= 0.96 * floor and new >= 0.95 * DRAWN and all(made) and len(made) == DRAWN,
        "new": new,
        "protocol": f"{NAMES:,} names of a grammar, items: lines, no other key; nats per character of the lines held "
        f"out, beside the best 5-gram; new: of {DRAWN:,} generated lines, none of them empty",
    }


def a_model(data: Path, run: Path, cell: str = "lstm", hidden_size: int = 256, num_layers: int = 2) -> Path:
    """A run on tinyshakespeare of few updates: only its speed counts."""
    keys = [f"model.cell={cell}", f"model.hidden_size={hidden_size}", f"model.num_layers={num_layers}"]
    keys.append("training.updates=20")
    rnncli("train", data / "tinyshakespeare.txt", "-o", run, "-q", *(part for key in keys for part in ("--set", key)))
    return run


def score_rate(data: Path, run: Path) -> Figure:
    text = data / "tinyshakespeare.txt"
    seconds = timed("score", a_model(data, run), text, "-f", "csv")
    return rate(len(text.read_bytes()) / seconds, 100_000, "characters of tinyshakespeare.txt that `score` reads")


def generate_rate(data: Path, run: Path) -> Figure:
    a_model(data, run)
    seconds = timed("generate", run, "-n", "200000") - timed("generate", run, "-n", "1")
    return rate(200_000 / seconds, 20_000, "characters that `generate` writes")


def timed(*arguments: str | Path) -> float:
    """The seconds that a command takes on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        began = time.perf_counter()
        rnncli(*arguments)
        return time.perf_counter() - began
    finally:
        os.sched_setaffinity(0, cores)


def rate(found: float, target: float, what: str) -> Figure:
    return {
        "score": round(found),
        "better": "higher",
        "target": target,
        "passed": found >= target,
        "protocol": f"{what} in a second, 2 × 256 lstm, on one core",
    }


def endless(data: Path, run: Path) -> Figure:
    """A gigabyte through a pipe, read by a small network, for what counts is the room that it takes."""
    a_model(data, run, "rnn", 16, 1)
    content = (data / "tinyshakespeare.txt").read_bytes()
    size = int(os.environ.get("RNNCLI_PIPED", 10**9))
    command = [sys.executable, "-m", "rnncli", "score", str(run), "-", "--above", "99"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        for _ in itertools.repeat(None, -(-size // len(content))):
            process.stdin.write(content)
        process.stdin.close()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "score": round(peak),
        "better": "lower",
        "target": 500,
        "passed": process.returncode == 0 and peak <= 500,
        "bytes": size,
        "protocol": "MB that `score -` takes at its peak for so many bytes of a pipe; RNNCLI_PIPED=N for N of them",
    }


LANGUAGE: dict[str, Callable[[Path, Path], Figure]] = {
    "tinyshakespeare-in-5m": in_time("5m", 1.47),
    "tinyshakespeare-in-10m": in_time("10m", 1.42),
    "tinyshakespeare-in-1h": in_time("1h", 1.37),
    "words-in-10m": words,
    "names": names,
    "score-rate": score_rate,
    "generate-rate": generate_rate,
    "score-endless": endless,
}
