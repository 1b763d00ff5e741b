"""The command on several ranks, by the mpiexec of whichever MPI is installed."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import shards
from cli_runs import COMMAND, PATIENCE, Result, environment

from rnncli.config.loading import dump_config

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
FAILING = (sys.executable, Path(__file__).parents[1] / "failing_rank.py")


@functools.cache
def is_open_mpi() -> bool:
    assert MPIEXEC is not None
    told = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True, check=False)
    return "Open MPI" in told.stdout + told.stderr


def launched(ranks: int, command: Sequence[str | Path] = COMMAND) -> list[str]:
    """The words that start so many ranks of a command."""
    if MPIEXEC is None:
        pytest.skip("mpiexec is not installed")
    crowded = ["--allow-run-as-root", "--oversubscribe"] if is_open_mpi() else []
    return [MPIEXEC, *crowded, "-n", str(ranks), *map(str, command)]


def run_on(
    ranks: int, *arguments: str, cwd: Path, stdin: bytes = b"", command: Sequence[str | Path] = COMMAND
) -> Result:
    """`rnncli ARGUMENTS` on so many ranks in the folder `cwd`; what mpiexec itself says of its end is left out."""
    done = subprocess.run(
        [*launched(ranks, command), *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), without_frames(done.stderr.decode()))


def without_frames(said: str) -> str:
    """What was said but for the paragraphs of Open MPI, which stand between lines."""
    return re.sub(r"^-{20,}\n.*?^-{20,}\n[ \0]?", "", said, flags=re.S | re.M)


def written(kind: str, folder: Path) -> list[str]:
    """The arguments that train this kind of `shards`, whose data and config are written into the folder."""
    config, source = shards.config_of(kind, shards=shards.SHARDS)
    (folder / source.name).write_bytes(source.content)
    path = folder / f"{kind}.yaml"
    path.write_text(dump_config(config.changed(data={"path": source.name})), encoding="utf-8")
    return ["train", path.name, "-q"]


def threads(count: int) -> list[str]:
    return ["--set", f"training.threads={count}"]
