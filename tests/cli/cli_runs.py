"""The command: run it in this process or in one of its own, and take its output apart."""

from __future__ import annotations

import contextlib
import csv
import gc
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from rnncli.cli import main
from rnncli.workflows.stopping import StopRequest

COMMAND = (sys.executable, "-m", "rnncli")
WARNINGS = ["default"]  # as by -W, so that numpy's warnings are seen, which `run` makes errors
PATIENCE = 60.0  # seconds to wait for a process; only a hang takes so long


@dataclass(frozen=True)
class Result:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The messages on stderr, without their prefix."""
        prefix = "rnncli: error: "
        return [line.removeprefix(prefix) for line in self.err.splitlines() if line.startswith(prefix)]

    def ok(self) -> Result:
        """This result, if the command succeeded."""
        assert self.code == 0, self
        return self

    def refused(self, code: int, mistakes: int = 1) -> str:
        """The messages of a command that ended with `code` and said nothing but one line a mistake."""
        assert self.code == code, self
        assert len(self.errors) == mistakes, self.err
        assert self.err.splitlines() == [f"rnncli: error: {line}" for line in self.errors], self.err
        return "\n".join(self.errors)

    def failed(self, code: int) -> str:
        """The one message of a command that had begun to work and then ended with `code`."""
        assert self.code == code, self
        assert len(self.errors) == 1, self.err
        assert self.err.splitlines()[-1].startswith("rnncli: error: "), self.err
        assert "Traceback" not in self.err
        return self.errors[0]

    def rows(self) -> list[dict[str, str]]:
        """Standard output as CSV."""
        return list(csv.DictReader(io.StringIO(self.out)))


def environment(**changes: str) -> dict[str, str]:
    """What a process sees: nothing of the tester's own settings but where things are."""
    places = ("PATH", "PYTHONPATH", "HOME", "XDG_CACHE_HOME", "TMPDIR")
    kept = {name: os.environ[name] for name in places if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "COLUMNS": "80", **changes}


def run(*arguments: str | Path, cwd: Path, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> Result:
    """`rnncli ARGUMENTS` in the folder `cwd`, which is fed `stdin`.

    It runs in this process, which has loaded all that a new one would first have to load; with `env`, in a new one.
    """
    if env is not None:
        return run_command([*COMMAND, *map(str, arguments)], cwd=cwd, stdin=stdin, env=env)
    streams = [io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin), io.BytesIO(), io.BytesIO()]
    with like_a_process(cwd), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("error", RuntimeWarning)
        sys.argv = ["rnncli", *map(str, arguments)]
        sys.stdin, sys.stdout, sys.stderr = (io.TextIOWrapper(stream, "utf-8") for stream in streams)
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = (stream.getvalue() for stream in streams[1:])
    return Result(code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def like_a_process(cwd: Path) -> Iterator[None]:
    """What a process has of its own is given back after it: streams, arguments, environment, folder."""
    kept = sys.argv, sys.stdin, sys.stdout, sys.stderr
    folder, thresholds = Path.cwd(), gc.get_threshold()
    try:
        os.chdir(cwd)
        shown = mock.patch.object(sys, "warnoptions", WARNINGS)
        with shown, mock.patch.dict(os.environ, environment(), clear=True):
            yield
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = kept
        gc.set_threshold(*thresholds)
        os.chdir(folder)


def run_command(
    command: Sequence[str], cwd: Path, stdin: str | bytes = b"", env: dict[str, str] | None = None
) -> Result:
    """Any command, such as a shell's."""
    done = subprocess.run(
        command,
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env=env or environment(),
        timeout=PATIENCE,
        check=False,
    )
    out = done.stdout.decode("utf-8", "surrogateescape")
    return Result(done.returncode, out, done.stderr.decode("utf-8", "surrogateescape"))


def in_shell(script: str, cwd: Path) -> Result:
    """A bash script in which `rnncli` is the command."""
    quoted = " ".join(f"'{part}'" for part in COMMAND)
    return run_command(["bash", "-c", f'rnncli() {{ {quoted} "$@"; }}\n{script}'], cwd)


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """The results of all jobs."""
    return [job() for job in jobs]


def start(*arguments: str | Path, cwd: Path, **options: Any) -> subprocess.Popen[bytes]:
    """`rnncli ARGUMENTS`, running. Use it in a `with` statement, and end it there."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], cwd=cwd, env=environment(), **pipes)


def ended(process: subprocess.Popen[bytes]) -> Result:
    """Wait for a started process."""
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace"))


def wait_for_evaluation(process: subprocess.Popen[bytes], run_directory: Path) -> None:
    """Until the run has saved a state."""
    began = time.monotonic()
    while not (run_directory / "state.safetensors").exists():
        assert process.poll() is None, ended(process)
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.005)


class Stops:
    """Stops training in this process, as Ctrl-C does, after the update with the number `after`; none is 0."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.after, self.asked = 0, 0
        monkeypatch.setattr(StopRequest, "__call__", lambda request: self.ask(request))

    def ask(self, request: StopRequest) -> bool:
        self.asked += 1
        if self.asked == self.after:
            request.signal_number = signal.SIGINT
        return request.signal_number is not None

    def set(self, after: int) -> None:
        self.after, self.asked = after, 0


def model_sha256(run_directory: Path) -> str:
    return hashlib.sha256((run_directory / "model.safetensors").read_bytes()).hexdigest()


def metrics(run_directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def leftovers(run_directory: Path) -> set[str]:
    """What is in a run directory beside the four files of a run."""
    files = {"config.yaml", "model.safetensors", "state.safetensors", "metrics.jsonl", "report.json"}
    return {entry.name for entry in run_directory.iterdir()} - files


FIVE_GRAMS = {"Kneser-Ney 5-gram", "5-gram within lines", "interpolated 5-gram"}


def scores(out: str) -> dict[str, float]:
    """The network and its baselines, from what `train` prints."""
    return {name: float(value) for name, value in re.findall(r"^  (\S.*?)  +(-?\d+\.\d+)", out, re.MULTILINE)}
