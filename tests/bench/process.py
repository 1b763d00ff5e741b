"""Start-up, compilation, memory, and the whole command's speed, each as a process of its own.

env -u OPENBLAS_CORETYPE python tests/bench/process.py [--json]

startup       rnncli generate RUN -n 1 with compiled kernels, beside `import torch`: medians of runs in turn
compilation   the first train and the first generate ever, with an empty cache
memory        peak of the 2 × 256 LSTM (B = 50, T = 50) in rnncli and PyTorch, and of a 200 MB text
command       tokens/s of `rnncli train` on a 3 MB text, from the difference of two lengths, beside the same
              updates inside one process
file size     seconds of an epoch of 1, 2 and 4 MB
inspection    inspect-grads of the default character model, with compiled kernels: medians of a few
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contestants import Model, rnncli_update
from rich.console import Console
from rich.table import Table

RNNCLI = [sys.executable, "-m", "rnncli"]
TORCH_JOB = """
import sys; sys.path.insert(0, {folder!r})
from contestants import Model, torch_update
update = torch_update(Model("lstm", 256, 2), 50, 50, {threads})
for _ in range(20): update()
"""
ROUNDS = 9


def text_of(size: int) -> str:
    """Words drawn at random from 65 characters' worth of alphabet: its content does not matter here."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,\n"
    return "".join(random.Random(1).choices(letters, k=size))


def run(command: list[str], folder: Path, **environment: str) -> tuple[float, float]:
    """(seconds, peak megabytes) of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        assert process.stderr is not None
        raise SystemExit(f"{command}: {process.stderr.read().decode()}")
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return seconds, usage.ru_maxrss / unit


def trained(data: str, out: str, *settings: str) -> list[str]:
    options = [part for setting in settings for part in ("--set", setting)]
    return [*RNNCLI, "train", data, "-o", out, "-q", *options]


# A config that only takes time: no validation, one epoch unless it is told otherwise.
PLAIN = (
    "data.validation=0",
    "model.cell=lstm",
    "model.num_layers=2",
    "model.dropout=0",
    "training.max_time=null",
    "training.epochs=1",
)
BENCH = (*PLAIN, "model.hidden_size=256", "model.embedding_size=256", "training.batch_size=50", "training.bptt=50")
SMALL = (*PLAIN, "model.hidden_size=16")


def prepare_small(folder: Path) -> None:
    if not (folder / "small").exists():
        (folder / "small.txt").write_text(text_of(20_000))
        run(trained("small.txt", "small", *SMALL), folder)


def startup(folder: Path) -> dict[str, Any]:
    prepare_small(folder)
    commands = {
        "generate": [*RNNCLI, "generate", "small", "-n", "1"],
        "help": [*RNNCLI, "--help"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    for command in commands.values():
        run(command, folder)
    rounds = [{name: run(command, folder)[0] for name, command in commands.items()} for _ in range(ROUNDS)]
    return {f"{name}, seconds": round(statistics.median(r[name] for r in rounds), 3) for name in commands}


def compilation(folder: Path) -> dict[str, Any]:
    """What a first process takes longer than a second one, with a cache folder of their own."""
    prepare_small(folder)
    result = {}
    for name in ("train", "generate"):
        with tempfile.TemporaryDirectory() as cache:
            seconds = []
            for turn in ("cold", "warm"):
                command = [*RNNCLI, "generate", "small", "-n", "1"]
                if name == "train":
                    command = trained("small.txt", turn, *SMALL)
                seconds.append(run(command, folder, XDG_CACHE_HOME=cache)[0])
        result[f"{name}, seconds"] = round(seconds[0] - seconds[1], 1)
    return result


def memory(folder: Path) -> dict[str, Any]:
    (folder / "three.txt").write_text(text_of(3_000_000))
    piece = text_of(1_000_000)
    with open(folder / "large.txt", "w", encoding="ascii") as file:  # a child's peak begins with its parent's size
        for _ in range(200):
            file.write(piece)
    threads = os.cpu_count() or 1
    _, ours = run(trained("three.txt", "memory", *BENCH, "training.max_time=8s"), folder)
    job = TORCH_JOB.format(folder=str(Path(__file__).parent), threads=threads)
    _, theirs = run([sys.executable, "-c", job], folder)
    _, large = run(trained("large.txt", "large", "training.max_time=20s"), folder)
    return {
        "2 × 256 lstm, MB": round(ours),
        "the same in PyTorch, MB": round(theirs),
        "share": round(ours / theirs, 2),
        "200 MB text, MB": round(large),
    }


def command(folder: Path) -> dict[str, Any]:
    """Each update costs the same, so the difference of two lengths leaves out everything that is done once."""
    (folder / "three.txt").write_text(text_of(3_000_000))
    update = rnncli_update(Model("lstm", 256, 2), 50, 50, os.cpu_count() or 1)
    update()
    inside, seconds = [], []
    for epochs in (1, 2):
        began = time.perf_counter()
        for _ in range(200):
            update()
        inside.append(200 * 2500 / (time.perf_counter() - began))
        settings = (*BENCH, f"training.epochs={epochs}")
        seconds.append(run(trained("three.txt", f"whole{epochs}", *settings), folder)[0])
    whole, alone = 2_999_999 / (seconds[1] - seconds[0]), statistics.mean(inside)
    return {"tokens/s": round(whole), "tokens/s inside one process": round(alone), "share": round(whole / alone, 3)}


def file_size(folder: Path) -> dict[str, Any]:
    result = {}
    for megabytes in (1, 2, 4):
        (folder / f"{megabytes}.txt").write_text(text_of(megabytes * 1_000_000))
        seconds, _ = run(trained(f"{megabytes}.txt", f"size{megabytes}", *PLAIN, "model.hidden_size=64"), folder)
        result[f"{megabytes} MB, seconds"] = round(seconds, 1)
    return result


def inspection(folder: Path) -> dict[str, Any]:
    (folder / "text.txt").write_text(text_of(200_000))
    commands = {
        cell: [*RNNCLI, "inspect-grads", "text.txt", "--set", f"model.cell={cell}", "-f", "table"]
        for cell in ("gru", "lstm")
    }
    for command in commands.values():
        run(command, folder)
    rounds = [{name: run(command, folder)[0] for name, command in commands.items()} for _ in range(ROUNDS)]
    return {f"{name}, seconds": round(statistics.median(r[name] for r in rounds), 2) for name in commands}


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "startup": startup,
    "compilation": compilation,
    "memory": memory,
    "command": command,
    "file size": file_size,
    "inspection": inspection,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of: %(default)s")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {name: PARTS[name](Path(folder)) for name in arguments.parts.split(",")}
    if arguments.json:
        print(json.dumps(results, indent=1))
        return
    table = Table("", "", "", box=None, show_header=False)
    for name, values in results.items():
        for key, value in values.items():
            table.add_row(name, key, f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
