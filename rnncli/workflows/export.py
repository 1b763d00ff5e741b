"""export: the model of a run in a form that other programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli import __version__
from rnncli.errors import CheckFailedError, UsageError
from rnncli.nn import model_file
from rnncli.tasks.exported import InOnnx, InTorch
from rnncli.tasks.task import Options, Predictor
from rnncli.workflows.model_card import model_card
from rnncli.workflows.opening import open_to_answer, require_understood
from rnncli.workflows.run_directory import RunDirectory

NEAR = 1e-5  # of what rnncli computes, in units of the largest output above 1
LOADER = Path(__file__).with_name("pytorch_loader.py")


@dataclass(frozen=True)
class Onnx:
    """A file of ONNX; inputs and outputs as text, and what is left out of it. apart: how far onnxruntime's outputs are
    from ours, None where that was not asked."""

    content: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    left_out: tuple[str, ...]
    apart: float | None = None


def name_of(run: str) -> str:
    """Return the name of a run directory, or of a model file without its ending."""
    path = Path(run)
    return path.resolve().name if path.is_dir() else path.stem


def to_onnx(run: str, precision: str | None, options: Options, *, check: bool) -> Onnx:
    """Return the model of `run` in ONNX. check: compare it with onnxruntime; CheckFailedError where that differs."""
    made = _opened(run, precision, options).in_onnx()
    content = made.encoded(__version__)
    apart = _checked(run, content, made) if check else None
    inputs, outputs = (tuple(map(_described, some)) for some in (made.graph.inputs, made.graph.outputs))
    return Onnx(content, inputs, outputs, made.left_out, apart)


def to_pytorch(run: str, precision: str | None, options: Options) -> dict[str, bytes]:
    """Return the files of a folder with the network of `run`, by name."""
    made = _opened(run, precision, options).in_torch()
    directory = RunDirectory(Path(run))
    found = directory.read_report() if directory.path.is_dir() else None
    return folder_of(name_of(run), made, None if found is None else found.to_json())


def folder_of(name: str, made: InTorch, report: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the files of a folder, by name; report: see `model_card`."""
    return {
        "model.safetensors": model_file.for_others(made.arrays(), {"format": "pt"}),
        "config.json": (json.dumps(_config(made), indent=1) + "\n").encode(),
        "README.md": model_card(name, made, __version__, report).encode(),
        "load.py": LOADER.read_bytes(),
    }


def _opened(run: str, precision: str | None, options: Options) -> Predictor:
    model = open_to_answer(run)
    require_understood("export", model.task, options)
    model = model.in_precision(precision)
    if model.precision != "float32":
        raise UsageError(
            f"{run}: was trained in {model.precision}, to which no other program rounds so; add --precision float32, "
            "in which rnncli answers too"
        )
    return model.load().network_alone() if options.get("no_average") else model.load()


def _config(made: InTorch) -> dict[str, Any]:
    test = {"inputs": made.inputs.tolist(), "lengths": list(made.lengths), "outputs": made.outputs.tolist()}
    return {"rnncli_version": __version__, "architecture": made.architecture, **made.about, "test": test}


def _described(one: tuple[str, str, tuple[int | str, ...]]) -> str:
    name, kind, shape = one
    return f"{name} {kind} ({', '.join(map(str, shape))})"


def _checked(run: str, content: bytes, made: InOnnx) -> float:
    """Return how far the outputs of onnxruntime are from ours."""
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(
            "--check: is done by onnxruntime, which is not installed; pip install 'rnncli[onnx]', or leave it out"
        ) from None
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = list(made.outputs)
    found = session.run(names, dict(made.inputs))
    apart = max(_apart(one, made.outputs[name]) for name, one in zip(names, found, strict=True))
    if not apart <= NEAR:
        raise CheckFailedError(f"{run}: onnxruntime computes outputs that are {apart:.1e} from ours; report it")
    return apart


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference, in units of the largest value above 1."""
    return float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))
