"""INT and TERM where no command handles them: 130 or 143 at once, without a traceback, from the first moments on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import COMMAND, ended, environment
from conftest import Shelf

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WHILE_IMPORTING = """
import os, sys
import rnncli.__main__
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
sys.argv = ["rnncli", "predict", "nothing"]
rnncli.__main__.main()
"""


@pytest.mark.parametrize("module", ["rnncli.cli", "click", "numpy"])
@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_starts(number: int, module: str, tmp_path: Path) -> None:
    code = WHILE_IMPORTING.format(module=module, number=int(number))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_compiles(number: int, shelf: Shelf, tmp_path: Path) -> None:
    command = [*COMMAND, "generate", str(shelf / "char"), "-n", "5"]
    empty = environment(RNNCLI_CACHE=str(tmp_path / "kernels"))
    with subprocess.Popen(command, env=empty, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"compiling kernels" in process.stderr.readline()
        process.send_signal(number)
        said = ended(process)
    assert (said.code, said.out, said.err) == (128 + number, "", "")
