"""Model and state files: safetensors (a format that cannot run code), with one JSON header of ours, written atomically.

The header is stored in the safetensors metadata under the single key `rnncli`: with several keys their order, and so
the file's bytes, would vary. `sha256` in the header covers the rest of the header and the arrays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnncli import safe_files
from rnncli.errors import ModelFileError, shown

FORMAT = 1
_FOREIGN = {
    b"\x80": "a Python pickle; rnncli never loads pickles",
    b"PK": "a zip archive (a .pt or .npz file?)",
}


def write(path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any], folder: int | None = None) -> None:
    """Write `path` so that a reader sees the old file or the new one, never a part. MachineError on a full disk.

    folder: the descriptor of its folder, where that is open. Beside the arrays this takes the memory of a copy.
    """
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    full = {"format": FORMAT, **header}
    full["sha256"] = _digest(full, contiguous)
    safe_files.replace(path, save(contiguous, metadata={"rnncli": _as_text(full)}), folder)


def _as_text(header: Mapping[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read(path: Path, *, in_run: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return (arrays, header). ModelFileError explains the fault of a bad file; nothing in the file is executed.

    in_run: True where the user named the run directory and not this file, which must then be no link.
    """
    try:
        content = safe_files.read(path) if in_run else path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot read: {error.strerror}") from None
    for magic, what in _FOREIGN.items():
        # A header's length may begin with the same byte, but then its JSON stands after eight bytes.
        if content.startswith(magic) and content[8:9] != b"{":
            raise ModelFileError(f"{path}: this is {what}; name a model.safetensors that rnncli wrote")
    header = _header(path, content)
    arrays = _arrays(path, content)
    if header.pop("sha256", None) != _digest(header, arrays):
        raise ModelFileError(f"{path}: checksum mismatch, the file is damaged; train again or restore a copy")
    for name, array in arrays.items():
        wrong = array.size - int(np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
        if wrong:
            raise ModelFileError(f"{path}: {shown(name)} contains {wrong} values that are not finite; train again")
    return arrays, header


def _header(path: Path, content: bytes) -> dict[str, Any]:
    size = int.from_bytes(content[:8], "little") if len(content) >= 8 else -1
    if size < 0 or size > len(content) - 8:
        wanted = 8 if size < 0 else size + 8
        raise ModelFileError(
            f"{path}: truncated, or no model file (have {len(content):,} bytes, its header needs {wanted:,}); "
            "train again or restore a copy"
        )
    try:
        outer = json.loads(content[8 : 8 + size].decode("utf-8"))
        header = json.loads(outer["__metadata__"]["rnncli"])
        version = header["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelFileError(
            f"{path}: not a file that rnncli wrote; name a run directory or its model.safetensors"
        ) from None
    if version != FORMAT:
        raise ModelFileError(
            f"{path}: format {shown(str(version))}, this rnncli reads format {FORMAT}; use the version that wrote it"
        )
    return dict(header)


def _arrays(path: Path, content: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"{path}: damaged ({shown(reason)}); train again or restore a copy") from None


def _digest(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of the header (without this digest) and of every array's name, type, shape and bytes."""
    digest = hashlib.sha256(_as_text(header).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).data)
    return digest.hexdigest()
