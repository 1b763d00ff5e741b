"""Weights that another program saved as safetensors: names and arrays, without a header of ours.

As of a model file, all is checked before the first array is made, nothing in the file is executed, and pickles are
not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rnncli.errors import ModelFileError, shown
from rnncli.nn import model_file
from rnncli.nn.network import FLOAT32

_AGAIN = "save the weights again"
_KINDS: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # the upper half of a float32
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),  # of which no network consists, and which is then named
    "I32": np.dtype("<i4"),
}
CONVERT = (
    "import torch; from safetensors.torch import save_file; save_file({k: v.contiguous().clone() for k, v in "
    'torch.load("MODEL.pt", map_location="cpu", weights_only=True).items()}, "weights.safetensors")'
)
_PICKLES = {
    b"\x80": "a Python pickle",
    b"PK": "a zip archive, as torch.save writes",
    b"\x03\x00\x00\x00": "a file of Torch 7",
    b"\x04\x00\x00\x00": "a file of Torch 7",
}


def read(path: Path) -> dict[str, np.ndarray]:
    """Return float32 arrays by name; ModelFileError for what is no sound safetensors file."""
    content = model_file.content_of(path)
    for magic, what in _PICKLES.items():
        if content.startswith(magic) and content[8:9] != b"{":
            raise ModelFileError(
                f"{path}: is {what}, and to read one may run code; where you trust it, two lines of torch convert it: "
                f"{CONVERT}"
            )
    start = model_file.start_of(path, content, _AGAIN)
    model_file.require_short(path, content[8:start], _AGAIN)
    try:
        tensors = model_file.from_text(content[8:start].decode("utf-8"))
        tensors.pop("__metadata__", None)
        kinds = {name: str(tensor["dtype"]) for name, tensor in tensors.items()}
        arrays = model_file.arrays_in(tensors, memoryview(content)[start:], _KINDS)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path}: is damaged ({' '.join(str(error).split())}); {_AGAIN}") from None
    if not arrays:
        raise ModelFileError(f"{path}: has no tensors; {_AGAIN}")
    return {name: _as_float32(path, name, array, kinds[name]) for name, array in arrays.items()}


def _as_float32(path: Path, name: str, array: np.ndarray, kind: str) -> np.ndarray:
    if kind == "BF16":
        return _finite(path, name, (array.astype(np.uint32) << 16).view(FLOAT32))
    with np.errstate(over="ignore"):
        return _finite(path, name, array.astype(FLOAT32))


def _finite(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if wrong := array.size - int(np.isfinite(array).sum()):
        raise ModelFileError(f"{path}: {shown(name)} contains {wrong} values that are not finite; {_AGAIN}")
    return array
