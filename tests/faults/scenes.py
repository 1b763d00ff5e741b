"""Commands at work in a folder of runs and data, what they should come to, and what is wrong with how they ended.

A command that meets a fault says one line and loses nothing: what was there before is intact, and the same command, or
`--resume`, then gets to the results of one that met none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import small_runs
from cli_runs import Result, run
from forks import ended, forked

PLAIN = ("--set", "training.with_ngram=false", "-q")  # of train
SCENES = {
    "train": "train language-model.yaml -o new",
    "resume": "train -o stopped --resume",
    "generate": "generate text -n 30",
    "predict": "predict series",
    "follow": "predict series later.csv --follow --state kept.state",
    "evaluate": "evaluate text",
    "report": "report text -o page.html",
    "score": "score text text.txt",
    "compress": "compress text.txt --run bytes -o text.rnnz",
    "runs": "runs .",
    "init": "init series.csv -o made.yaml",
}
MADE_BY = (
    "train language-model.yaml -o text",
    "train forecast.yaml -o series",
    "train language-model.yaml -o bytes --set data.tokens=byte",
    "train language-model.yaml -o stopped --set training.epochs=1",
)
LATER = "month,sales\n2007-01,60.1\n2007-02,70.5\n2007-03,77.0\n"
UNEQUAL = ("metrics.jsonl", "report.json", "state.safetensors", "page.html")  # hold times, or what was out of reach
STREAMS = ("out", "log")


def arguments_of(line: str) -> list[str]:
    return line.split() + [*PLAIN] * line.startswith("train")


class Scenery:
    """`folder`, which holds trained runs, one of them stopped after its first epoch, and can be had anew."""

    def __init__(self, place: Path):
        self.folder, self.kept, self.err = place / "work", place / "kept", place / "err"
        self.kept.mkdir()
        small_runs.write(self.kept)
        (self.kept / "later.csv").write_text(LATER, encoding="utf-8")
        for line in MADE_BY:
            run(*arguments_of(line), cwd=self.kept).ok()
        config = self.kept / "stopped/config.yaml"
        config.write_text(config.read_text().replace("epochs: 1", "epochs: 3"), encoding="utf-8")
        (self.kept / "stopped/report.json").unlink()
        self.before: dict[str, str] = {}
        self.anew()

    def anew(self) -> None:
        """Put everything back to where it was, and forget what was changed."""
        if not self.folder.exists():
            self.folder.mkdir()
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)
        self.before = results(self.folder)

    def run(self, line: str, arm: Callable[[], None] = lambda: None, into: Path | None = None) -> Result:
        """What becomes of a command that is armed before it begins; into: its output, by default in the folder."""
        into = into or self.folder / "out"
        process = forked(arguments_of(line), self.folder, lambda: self.begin(arm, into))
        code = self.end(process)
        out, err = (path.read_text(encoding="utf-8", errors="replace") for path in (into, self.err))
        return Result(code, out, err)

    def begin(self, arm: Callable[[], None], into: Path) -> None:
        """In the fork: give it streams of its own."""
        for stream, path in ((1, into), (2, self.err)):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, stream)
            os.close(opened)
        arm()

    def end(self, process: int) -> int:
        """Wait for the fork, and return its exit code."""
        return ended(process)

    def wanted(self, line: str) -> dict[str, str]:
        """What the command comes to; this process has then compiled all that it needs."""
        self.anew()
        run(*arguments_of(line), cwd=self.folder).ok()
        found = results(self.folder)
        self.anew()
        return found

    def fault_of(self, line: str, done: Result, wanted: dict[str, str], *, mend: Callable[[], None] = str) -> str:
        """What is wrong with how a command ended and with what it left; empty if nothing is. mend: end the fault."""
        left = results(self.folder)
        if done.code == 0:
            mend()
            return "" if left == wanted else f"exit 0 with other results: {differing(left, wanted)}"
        if done.code not in (2, 3, 4, 5) or len(done.errors) != 1 or "Traceback" in done.err:
            return f"exit {done.code}: {done.err[-400:]}"
        unequal = [file for file in self.before if left.get(file) != self.before[file]]
        lost = [file for file in unequal if file not in left or wanted[file] == self.before[file]]
        if lost:
            return f"exit {done.code}, and lost {lost}"
        mend()
        if left == wanted:  # it failed when all was written
            return ""
        arguments = arguments_of(line)
        if (self.folder / "new/config.yaml").exists():
            arguments = ["train", "-o", "new", "--resume", "-q"]
        after = run(*arguments, cwd=self.folder)
        if after.code:
            return f"exit {done.code} ({done.errors[0]}), and then {after.errors}, with {differing(left, self.before)}"
        reached = results(self.folder)
        return "" if reached == wanted else f"exit {done.code}, and then other results: {differing(reached, wanted)}"


def results(folder: Path) -> dict[str, str]:
    """What is in the folder: the digest of each file, or only its name where the bytes may differ."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in STREAMS)
    return {
        str(path.relative_to(folder)): "" if path.name in UNEQUAL else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def differing(left: dict[str, str], wanted: dict[str, str]) -> list[str]:
    return sorted(file for file in {*left, *wanted} if left.get(file) != wanted.get(file))
