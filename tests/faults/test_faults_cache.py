"""Files of compiled kernels that a disk, a crash or another process has changed, and cold starts at the same time.

A try is a process with a cache of its own, since what is attacked would end it. `rnncli train` and `generate` compile
some seventy kernels in half a minute; the quick attacks read those, and compile a few small ones.
"""

from __future__ import annotations

import inspect
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small_runs
from attacks import FULL, Tally, size
from cli_runs import environment, run

from rnncli.kernels.cache import HONOURED, place
from rnncli.kernels.compiler import numba
from rnncli.kernels.jit import enabled
from rnncli.kernels.kept import damaged

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not enabled(), reason="nothing is compiled")]

READ = """
import pickle, random, sys
from pathlib import Path
from rnncli.kernels import register_tile
from rnncli.kernels.compiler import CFunc
from rnncli.kernels.kept import KernelCache, KernelFiles, checked

register_tile.prepare_pairs()  # which kernels of bfloat16 call
context, implementation = CFunc._targetdescr.target_context, KernelCache._impl_class
context.refresh()
draw = random.Random(int(sys.argv[2]))

def kernels():
    for index in sorted(Path(sys.argv[1]).rglob("*.nbi")):
        stamp, names = pickle.loads(checked(index.read_bytes()))
        for key, name in names.items():
            yield KernelFiles(str(index.parent), index.stem, stamp), pickle.loads(key), (index, index.with_name(name))

def read(files, key):
    payload = files.load(key)
    if payload is None:
        return None
    if Path(files._index_path).stem == "allocator":  # a library, and no kernel
        return context.codegen().unserialize_library(payload)
    return implementation.rebuild(None, context, payload)

for files, key, paths in kernels():
    if read(files, key) is None:
        print("whole and not read:", key, flush=True)
    for path in paths:
        whole = path.read_bytes()
        for _ in range(int(sys.argv[3])):
            bit = draw.randrange(8 * len(whole))
            at, mask = divmod(bit, 8)
            flipped = whole[:at] + bytes([whole[at] ^ 1 << mask]) + whole[at + 1:]
            for kind, bad in (("flip", flipped), ("cut", whole[:at])):
                path.write_bytes(bad)
                print("try", kind, path.name, bit, flush=True)
                if read(files, key) is not None:
                    print("damaged and read:", kind, path.name, bit, flush=True)
        path.write_bytes(whole)
"""
"""Reads every kernel of a folder, whole and damaged. Arguments: the folder, a seed, the tries a file."""

COMPILE = """
import json, sys
from rnncli.notes import telling
texts = []
telling(texts.append)
from rnncli.kernels import kept
kept.STUCK = float(sys.argv[1])
from rnncli.kernels import register_tile  # which compiles when it is imported
from rnncli.kernels.random import mix, unit
from rnncli.kernels.gamma import log_gamma
answers = [int(mix(1234567)), float(unit(1, 2, 3)), float(log_gamma(2.5))]
misses = sum(sum(kernel.stats.cache_misses.values()) for kernel in (mix, unit, log_gamma))
print(json.dumps({"answers": answers, "compiled": misses, "texts": texts}))
"""
"""Compiles, or finds, some small kernels. Argument: the seconds after which a process counts as stopped."""

Damage = Callable[[bytes, random.Random], bytes]


def flip(whole: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :]


DAMAGES: dict[str, Damage] = {
    "flip": flip,
    "cut": lambda whole, draw: whole[: draw.randrange(len(whole))],
    "empty": lambda whole, draw: b"",
    "zeros": lambda whole, draw: bytes(len(whole)),
    "a longer file": lambda whole, draw: whole + b"\0" * draw.randrange(1, 5000),
    "a pickle of somebody's": lambda whole, draw: b"cos\nsystem\n(S'exit 1'\ntR.",
}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own, which nobody else writes: some seventy kernels, of training and of generating."""
    folder = tmp_path_factory.mktemp("kernels")
    small_runs.write(folder)
    private = environment(RNNCLI_CACHE=str(folder / "cache"))
    for kind in small_runs.CONFIGS if FULL else ("language-model",):
        run(*small_runs.command(kind, kind), cwd=folder, env=private).ok()
    for precision in ("float32", "bfloat16"):
        run("generate", "language-model", "-n", "5", "--precision", precision, cwd=folder, env=private).ok()
    written = folder / "cache" / place().folder.name
    assert damaged(written) == []
    return written


def started(code: str, *arguments: object, kept_in: Path, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    variables = environment(RNNCLI_CACHE=str(kept_in), **variables)
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def compiled(kept_in: Path) -> dict[str, object]:
    process = started(COMPILE, 60, kept_in=kept_in)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, ""), (process.returncode, err)
    return json.loads(out)


def test_no_damaged_kernel_is_read(kernels: Path) -> None:
    tally = Tally("one damaged file of a kernel")
    process = started(READ, kernels, 1, size(3, 60), kept_in=kernels.parent)
    out, err = process.communicate()
    lines = out.splitlines()
    for line in lines:
        tally.count("not read") if line.startswith("try ") else tally.fail(line)
    if process.returncode:
        tally.fail(f"ended by {process.returncode} at {lines[-1:]}: {err[-300:]}")
    assert damaged(kernels) == []
    tally.end(at_least=size(300, 10_000))


def test_all_damaged_kernels_are_compiled_again(tmp_path: Path) -> None:
    tally, draw = Tally("all files of a cache damaged"), random.Random(2)
    right = compiled(tmp_path)
    assert right["compiled"]
    for i in range(size(2, 60)):
        kinds = [draw.choice([*DAMAGES]) for path in files(tmp_path)]
        for kind, path in zip(kinds, files(tmp_path), strict=True):
            path.write_bytes(DAMAGES[kind](path.read_bytes(), draw))
        healed = compiled(tmp_path)
        tally.count("healed") if healed == right and damaged(tmp_path) == [] else tally.fail(f"{i} {kinds}: {healed}")
    assert compiled(tmp_path)["compiled"] == 0
    tally.end()


def files(kept_in: Path) -> list[Path]:
    return sorted([*kept_in.rglob("*.nbi"), *kept_in.rglob("*.nbc")])


def test_no_variable_of_numba_ends_a_command_or_prints_into_its_results(tmp_path: Path) -> None:
    tally = Tally("variables of numba's")
    right = compiled(tmp_path)["answers"]
    names = sorted(set(re.findall(r'"(NUMBA_[A-Z_]+)"', inspect.getsource(numba.core.config))))
    assert len(names) > 60
    ignored = [name for name in names if name not in HONOURED]
    for value in ("Nope", "1", "-1", "99999999999"):
        for some in [[name] for name in names] if FULL else [ignored]:
            process = started(COMPILE, 60, kept_in=tmp_path, **dict.fromkeys(some, value))
            out, err = process.communicate()
            where = f"{', '.join(some)}={value}: {process.returncode} {err[-300:]}"
            if process.returncode:  # the command makes of it a line and exit code 2
                refused = "ImportError: NUMBA_CPU_FEATURES=" in err
                tally.count("refused", len(some)) if refused else tally.fail(where)
            elif some == ["NUMBA_DISABLE_JIT"] or json.loads(out)["answers"] == right:
                tally.count("the same answers", len(some))
            else:
                tally.fail(where)
    tally.end(at_least=4 * len(ignored))


def together(kept_in: Path, count: int, patience: float = 60) -> Iterator[tuple[int, dict[str, object], str]]:
    """How that many cold starts at once ended: code, report, stderr."""
    for process in [started(COMPILE, patience, kept_in=kept_in) for _ in range(count)]:
        out, err = process.communicate()
        yield process.returncode, json.loads(out or "{}"), err


def test_cold_starts_at_once_compile_each_kernel_once(tmp_path: Path) -> None:
    tally = Tally("four cold starts at once")
    alone = compiled(tmp_path / "alone")
    for i in range(size(1, 20)):
        ends = list(together(tmp_path / str(i), 4))
        right = all(code == 0 and report["answers"] == alone["answers"] and not err for code, report, err in ends)
        times = sum(int(str(report.get("compiled"))) for _, report, _ in ends)
        if right and times == alone["compiled"] and damaged(tmp_path / str(i)) == []:
            tally.count("each kernel once")
        else:
            tally.fail(f"compiled {times} for {alone['compiled']}: {ends}")
    tally.end()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_others_go_on_when_the_one_that_compiles_is_killed_or_stopped(number: int, tmp_path: Path) -> None:
    tally, draw = Tally(f"{signal.Signals(number).name} while others wait"), random.Random(3)
    for i in range(size(1, 20)):
        folder = tmp_path / str(i)
        first = started(COMPILE, 60, kept_in=folder)
        while first.poll() is None and not any(path.stat().st_size for path in folder.rglob("*.lock")):
            time.sleep(0.005)
        time.sleep(draw.random() / 5)
        first.send_signal(number)
        ends = list(together(folder, 2, patience=1))
        right = all(code == 0 and report["answers"] and not err for code, report, err in ends)
        tally.count("both went on") if right else tally.fail(f"{ends}")
        first.kill()
        first.communicate()
    tally.end()


def test_a_killed_command_leaves_a_cache_that_the_next_goes_on_with(tmp_path: Path) -> None:
    tally, draw = Tally("killed while it compiles and writes"), random.Random(4)
    right = compiled(tmp_path / "alone")["answers"]
    for i in range(size(2, 100)):
        process = started(COMPILE, 60, kept_in=tmp_path / "killed")
        time.sleep(0.3 + 2 * draw.random())
        process.kill()
        process.communicate()
        ended = compiled(tmp_path / "killed")
        left = [path.name for path in (tmp_path / "killed").rglob("*.tmp.*")]
        tally.count("went on") if ended["answers"] == right and not left else tally.fail(f"{i}: {ended} {left}")
        if i % 4 == 3:
            shutil.rmtree(tmp_path / "killed")
    tally.end()
