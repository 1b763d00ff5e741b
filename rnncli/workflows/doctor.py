"""doctor: what this installation and this machine have, whether training works on them, and how fast."""

from __future__ import annotations

import contextlib
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rnncli import __version__
from rnncli.errors import RnncliError, reason_of
from rnncli.workflows.temporary import temporary_folder

PACKAGES = ("click", "numpy", "numba", "llvmlite", "rich", "PyYAML", "pydantic", "safetensors", "regex")
EXTRAS = {
    "plots": "matplotlib",
    "metrics": "sacrebleu",
    "holidays": "holidays",
    "tune": "optuna",
    "mpi": "mpi4py",
    "onnx": "onnxruntime",
}
_CGROUPS = Path("/sys/fs/cgroup")
_TEXT = "the hen saw the fox by the well .\nthe fox fed the hen by the barn .\n" * 12
_CONFIG = """\
task: language-model
data: {path: text.txt, validation: 0.1}
model: {cell: gru, hidden_size: 16, num_layers: 1}
training: {epochs: 4, batch_size: 4, bptt: 16, learning_rate: 2e-2, max_time: null}
"""
_SIZE = 256  # of the square matrices: those of a usual layer
_PATIENCE = 0.3  # seconds of products


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. mend: what to do about it; broken: that rnncli does not work without that."""

    name: str
    value: str | float
    unit: str = ""
    mend: str = ""
    broken: bool = False


def examine() -> Iterator[Finding]:
    """Yield what is found, one thing after another; what is broken ends no other examination."""
    yield Finding("rnncli", __version__)
    yield Finding("Python", platform.python_version())
    for package in PACKAGES:
        yield _package(package)
    for name, look in EXAMINATIONS.items():
        yield _looked(name, look)
    for extra, package in EXTRAS.items():
        yield _extra(extra, package)


def _looked(name: str, look: Callable[[str], Finding]) -> Finding:
    """Return the finding of one examination, or that it failed."""
    try:
        return look(name)
    except RnncliError as error:
        return Finding(name, str(error), mend="mend that first", broken=True)
    except ImportError as error:
        mend = "unset it" if "NUMBA_" in str(error) else "pip install --force-reinstall rnncli"
        return Finding(name, str(error), mend=mend, broken=True)
    except OSError as error:
        return Finding(name, reason_of(error), mend="free some space, or set TMPDIR", broken=True)


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", mend=f"pip install {name}", broken=True)


def _extra(name: str, package: str) -> Finding:
    try:
        return Finding(f"extra {name}", f"{package} {version(package)}")
    except PackageNotFoundError:
        return Finding(f"extra {name}", "not installed", mend=f"pip install 'rnncli[{name}]'")


def _processor(name: str) -> Finding:
    from rnncli.workflows.run_report import cpu_name

    return Finding(name, cpu_name())


_NO_VECTORS = (
    "training is slow, and its bytes may be others: it needs AVX2 with FMA, or NEON, and NUMBA_DISABLE_JIT unset"
)


def _vectors(name: str) -> Finding:
    from rnncli.kernels.jit import enabled, vector_lanes

    lanes = vector_lanes() if enabled() else 0
    if lanes:
        return Finding(name, 32 * lanes, "bits")
    return Finding(name, "none", mend=_NO_VECTORS)


def _threads(name: str) -> Finding:
    from rnncli.training.backpropagation import cores

    used = allowed = cores()
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):  # what the container leaves of them
        quota, period = (_CGROUPS / "cpu.max").read_text(encoding="ascii").split()
        allowed = max(1, min(used, int(quota) // int(period)))  # "max" is no number
    mend = f"only {allowed} of {used} cores may be used: --set training.threads={allowed}" if allowed < used else ""
    return Finding(name, used, mend=mend)


def _memory(name: str) -> Finding:
    from rnncli.memory import available

    free = available()
    mend = "close other programs, or keep model.hidden_size low" if free < 1e9 else ""
    return Finding(name, round(free / 1e9, 1), "GB free", mend=mend)


def _cache(name: str) -> Finding:
    from rnncli.kernels.cache import place
    from rnncli.kernels.jit import enabled
    from rnncli.kernels.kept import damaged

    if not enabled():
        return Finding(name, "none", mend="training is slow: unset NUMBA_DISABLE_JIT")
    folder, refusal = place()
    if not refusal:
        refusal = _unwritable(folder)
    if refusal:
        mend = "every start compiles anew; set RNNCLI_CACHE to a folder that you alone can write to"
        return Finding(name, f"not kept in {folder.parent}: {refusal}", mend=mend)
    bad = len(damaged(folder))
    mend = f"{bad} damaged files are compiled again when they are needed; examine that disk" if bad else ""
    return Finding(name, f"kept in {folder.parent}", mend=mend)


def _unwritable(folder: Path) -> str:
    """Return why nothing can be written in this folder, or an empty text."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(100_000))  # as much as a kernel
    except OSError as error:
        return reason_of(error)
    return ""


def _products(name: str) -> Finding:
    import numpy as np

    from rnncli.kernels import gemm

    matrix = np.ones((1, _SIZE, _SIZE), np.float32)
    product, packed = np.empty_like(matrix), gemm.packed_like(_SIZE, _SIZE, matrix.dtype)
    gemm.pack(matrix[0], packed, 0, gemm.panels(_SIZE))

    def multiply() -> None:
        gemm.multiply(matrix, packed, np.zeros(_SIZE, np.float32), product, 0, 1, 0, _SIZE)

    multiply()  # compiles
    best, end = float("inf"), time.perf_counter() + _PATIENCE
    while (began := time.perf_counter()) < end:
        multiply()
        best = min(best, time.perf_counter() - began)
    if not (product == _SIZE).all():
        return Finding(name, "wrong", mend="pip install --force-reinstall numba llvmlite", broken=True)
    return Finding(name, round(2 * _SIZE**3 / best / 1e9, 1), "GFLOP/s on one thread")


def _training(name: str) -> Finding:
    from rnncli.training.reports import Evaluated, Report
    from rnncli.workflows.train import train
    from rnncli.workflows.train_request import Request

    losses: list[float] = []

    def show(report: Report) -> None:
        if isinstance(report, Evaluated) and report.valid_loss is not None:
            losses.append(report.valid_loss)

    began = time.monotonic()
    with temporary_folder() as folder:
        (folder / "text.txt").write_text(_TEXT, encoding="utf-8")
        config = folder / "config.yaml"
        config.write_text(_CONFIG, encoding="utf-8")
        train(Request(str(config), out=str(folder / "run")), show)
    told = f"loss {losses[0]:.2f} to {losses[-1]:.2f} in {time.monotonic() - began:.1f} s"
    if losses[-1] < losses[0]:
        return Finding(name, told)
    return Finding(name, told, mend="the loss did not fall; pip install --force-reinstall rnncli", broken=True)


EXAMINATIONS: dict[str, Callable[[str], Finding]] = {
    "processor": _processor,
    "vectors": _vectors,
    "threads": _threads,
    "memory": _memory,
    "compiled kernels": _cache,
    "matrix product": _products,
    "training": _training,
}
"""What is examined beside versions, by name."""
