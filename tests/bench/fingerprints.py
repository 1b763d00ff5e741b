"""What every sample config gives, to the byte: proof that a change of the code changes no number.

python tests/bench/fingerprints.py write FILE.json [--names co2,dates] [--epochs 1] [--source FOLDER]
python tests/bench/fingerprints.py compare BEFORE.json AFTER.json

`write` trains each config, then predicts, evaluates and inspects with it, and writes down the sha256 of every tensor of
its model, of its metrics (without seconds), of its score, of its predictions, and of its gradient report. --epochs ends
early, for a quick look; --source names a checkout whose `rnncli` is run, by default the one this script stands in.
`compare` lists what differs, and exits 1 if anything does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from adding import adding

ROOT = Path(__file__).parents[2]
CLOCKED = ("seconds", "tokens_per_second")  # of metrics.jsonl
STEPS = {"adding": 600, "adding_gru": 200, "adding_rnn": 200}  # of configs that name no data
PROMPTS = {"jumble": "article am I an reading\n", "dates": "the third of March 2021\n"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Sample:
    """One config, run by the commands of a checkout in a folder of its own."""

    def __init__(self, name: str, source: Path, folder: Path, epochs: int | None):
        self.name, self.source, self.folder, self.epochs = name, source, folder, epochs
        self.config = source / "sample_configs" / f"{name}.yaml"
        self.run = folder / name

    def command(self, *arguments: str | Path, text: str = "") -> bytes:
        command = [sys.executable, "-m", "rnncli", *map(str, arguments)]
        done = subprocess.run(command, cwd=self.source, input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode()}")
        return done.stdout

    def data(self) -> list[Path]:
        """The data to name beside the config, made where none is shipped."""
        if self.name not in STEPS:
            return []
        path = self.folder / f"{self.name}.ts"
        path.write_text(adding(400, STEPS[self.name], 1), encoding="ascii")
        return [path]

    def fingerprint(self) -> dict[str, str]:
        data = self.data()
        shorter = ["--set", f"training.epochs={self.epochs}"] if self.epochs else []
        arguments = ["-o", self.run, "-q", "-f", "json", "--set", "training.threads=1", *shorter]
        report = json.loads(self.command("train", self.config, *data, *arguments))
        made = {"score": sha256(json.dumps(report["score"]).encode()), **dict(self.tensors())}
        made["metrics"] = sha256("\n".join(self.metrics()).encode())
        made["predictions"] = sha256(b"".join(self.predictions(data)))
        made["evaluation"] = sha256(self.command("evaluate", self.run, "-f", "json"))
        made["gradients"] = sha256(self.command("inspect-grads", self.run, "--batches", "1", "-f", "json"))
        return made

    def tensors(self) -> Iterator[tuple[str, str]]:
        from safetensors.numpy import load_file

        for name, array in sorted(load_file(self.run / "model.safetensors").items()):
            yield f"tensor {name} {array.dtype} {array.shape}", sha256(array.tobytes())

    def metrics(self) -> Iterator[str]:
        for line in (self.run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
            yield json.dumps({key: value for key, value in json.loads(line).items() if key not in CLOCKED})

    def predictions(self, data: list[Path]) -> Iterator[bytes]:
        task = next(line for line in self.config.read_text().splitlines() if line.startswith("task:"))[6:]
        if task == "language-model":
            yield self.command("generate", self.run, "-n", "300", "--seed", "3", "--temperature", "0.7")
            yield self.command("predict", self.run, "-", "-f", "json", text="the fox\n")
        elif task == "forecast":
            yield self.command("predict", self.run, "-f", "json", "--network")
            yield self.command("predict", self.run, "-f", "json", "--network", "--levels", "80,95")
        elif self.name in PROMPTS:
            yield self.command("predict", self.run, "-", "-f", "json", "--n-best", "2", text=PROMPTS[self.name])
        else:
            given = data or [self.source / "sample_data" / self.data_name()]
            yield self.command("predict", self.run, *given, "-f", "json")

    def data_name(self) -> str:
        line = next(line for line in self.config.read_text().splitlines() if line.strip().startswith("path:"))
        return Path(line.split("#")[0].split(":", 1)[1].strip()).name


def write(arguments: argparse.Namespace) -> None:
    source = arguments.source.resolve()
    names = sorted(path.stem for path in (source / "sample_configs").glob("*.yaml"))
    if arguments.names:
        names = arguments.names.split(",")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        samples = [Sample(name, source, Path(folder), arguments.epochs) for name in names]
        found = dict(zip(names, pool.map(Sample.fingerprint, samples), strict=True))
    arguments.file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="ascii")


def compare(before: Path, after: Path) -> int:
    """How many fingerprints differ; prints each of them."""
    old, new = (flat(json.loads(path.read_text(encoding="ascii"))) for path in (before, after))
    names = sorted(old.keys() | new.keys())
    odd = [name for name in names if old.get(name) != new.get(name)]
    for name in odd:
        print(f"{name}: {'differs' if name in old and name in new else 'stands in one file only'}")
    configs = {name.split(":")[0] for name in names}
    print(f"{len(names) - len(odd):,} of {len(names):,} fingerprints of {len(configs)} configs are equal")
    return len(odd)


def flat(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {f"{name}: {part}": digest for name, parts in found.items() for part, digest in parts.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    writing.add_argument("file", type=Path)
    writing.add_argument("--names", default="")
    writing.add_argument("--epochs", type=int)
    writing.add_argument("--source", type=Path, default=ROOT)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    chosen = parser.parse_args()
    if chosen.command == "compare":
        sys.exit(1 if compare(chosen.before, chosen.after) else 0)
    write(chosen)
