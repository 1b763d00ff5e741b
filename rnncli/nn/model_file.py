"""Model and state files: safetensors (a format that cannot run code), with one JSON header of ours, written atomically.

The header is stored in the safetensors metadata under the single key `rnncli`: with several keys their order, and so
the file's bytes, would vary. `sha256` in the header covers the rest of the header and the arrays.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnncli import safe_files
from rnncli.errors import ModelFileError, shown

FORMAT = 1
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors has it
_MOST_TENSORS = 50_000  # a forecast has one for each known covariate of each series
_MOST_AXES = 8
_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4)},
}
_ORDER = [_DTYPES[kind] for kind in ("F64", "F32", "U32", "U16", "U8")]  # in which safetensors writes arrays
_OWNERS = 0o600  # permissions: it holds what the data end with
_AGAIN = "train again or restore a copy"
_FOREIGN = {
    b"\x80": "a Python pickle; rnncli never loads pickles",
    b"PK": "a zip archive (a .pt or .npz file?)",
}


def write(path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any], folder: int | None = None) -> None:
    """Write `path` so that a reader sees the old file or the new one, never a part. MachineError on a full disk.

    folder: the descriptor of its folder, where that is open. The arrays are not copied.
    """
    contiguous = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    full = {"format": FORMAT, **header}
    full["sha256"] = _digest(full, contiguous)
    names = sorted(contiguous, key=lambda name: (_ORDER.index(contiguous[name].dtype), name))
    start = _beginning({name: contiguous[name] for name in names}, {"rnncli": _as_text(full)})
    with safe_files.replacing(path, folder, _OWNERS) as file:
        file.write(start)
        for name in names:
            file.write(contiguous[name].reshape(-1).data)


def for_others(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file of float32 arrays without our header, for other programs."""
    ordered = {name: np.ascontiguousarray(arrays[name], "<f4") for name in sorted(arrays)}
    return _beginning(ordered, metadata) + b"".join(array.tobytes() for array in ordered.values())


def _beginning(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return what stands before arrays that follow in this order, the bytes that the library safetensors writes."""
    kinds, tensors, first = {dtype: kind for kind, dtype in _DTYPES.items()}, {}, 0
    for name, array in arrays.items():
        last = first + array.nbytes
        tensors[name] = {"dtype": kinds[array.dtype], "shape": array.shape, "data_offsets": (first, last)}
        first = last
    outer = {"__metadata__": metadata, **tensors}
    written = json.dumps(outer, ensure_ascii=False, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 8)
    return len(written).to_bytes(8, "little") + written


def _as_text(header: Mapping[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read(path: Path, *, in_run: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return (arrays, header). ModelFileError explains the fault of a bad file; nothing in the file is executed.

    in_run: True where the user named the run directory and not this file, which must then be no link.
    """
    content = content_of(path, in_run=in_run)
    for magic, what in _FOREIGN.items():
        # A header's length may begin with the same byte, but then its JSON stands after eight bytes.
        if content.startswith(magic) and content[8:9] != b"{":
            raise ModelFileError(f"{path}: this is {what}; name a model.safetensors that rnncli wrote")
    start = start_of(path, content)
    header, tensors = _header(path, content[8:start])
    written = header.pop("sha256", None)
    try:
        arrays = arrays_in(tensors, memoryview(content)[start:], _DTYPES)
        digest = _digest(header, arrays)
    except (TypeError, KeyError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: damaged ({' '.join(str(error).split())}); train again or restore a copy"
        ) from None
    if written != digest:
        raise ModelFileError(f"{path}: checksum mismatch, the file is damaged; train again or restore a copy")
    for name, array in arrays.items():
        wrong = array.size - int(np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
        if wrong:
            raise ModelFileError(f"{path}: {shown(name)} contains {wrong} values that are not finite; train again")
    return arrays, header


def content_of(path: Path, *, in_run: bool = False) -> bytes:
    """Return the bytes of a file; ModelFileError where it cannot be read."""
    try:
        return safe_files.read(path) if in_run else path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot read: {error.strerror}; check what it is, and its permissions") from None


def start_of(path: Path, content: bytes, mend: str = _AGAIN) -> int:
    """Return where the arrays begin, after a header of a length that the file has room for."""
    size = int.from_bytes(content[:8], "little") if len(content) >= 8 else -1
    if size < 0 or size > len(content) - 8:
        wanted = 8 if size < 0 else size + 8
        raise ModelFileError(
            f"{path}: truncated, or no model file (have {len(content):,} bytes, its header needs {wanted:,}); {mend}"
        )
    return 8 + size


def _header(path: Path, text: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return our header, and what the file says of each tensor."""
    require_short(path, text)
    try:
        tensors = from_text(text.decode("utf-8"))
        header = from_text(tensors.pop("__metadata__")["rnncli"])
        version = header["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ModelFileError(
            f"{path}: not a file that rnncli wrote; name a run directory or its model.safetensors"
        ) from None
    if type(version) is not int or version != FORMAT:
        newer = type(version) is int and version > FORMAT
        mend = "a newer rnncli wrote it, so upgrade yours" if newer else "train again or restore a copy"
        raise ModelFileError(f"{path}: format {shown(str(version))}, this rnncli reads format {FORMAT}; {mend}")
    return header, tensors


def require_short(path: Path, text: bytes, mend: str = _AGAIN) -> None:
    """Raise ModelFileError for a header that would take long to parse."""
    if len(text) > _LONGEST_HEADER or text.count(b'"data_offsets"') > _MOST_TENSORS:  # which costs no parsing
        raise ModelFileError(
            f"{path}: its header is too long ({len(text):,} bytes, at most {_LONGEST_HEADER:,}, of at most "
            f"{_MOST_TENSORS:,} tensors); {mend}"
        )


def from_text(text: str) -> dict[str, Any]:
    """The inverse of `_as_text`. ValueError for what that never writes: a key twice, or a number that is not finite."""
    found = json.loads(text, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)
    if not isinstance(found, dict):
        raise TypeError("is no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def arrays_in(
    tensors: Mapping[str, Any], content: memoryview, dtypes: Mapping[str, np.dtype[Any]]
) -> dict[str, np.ndarray]:
    """Return copies of the arrays, which lie in `content` one behind another; ValueError for any other layout.

    dtypes: those that are taken, by their names.

    All of it is checked before the first is copied, so that no file makes larger arrays than it has bytes.
    """
    planned, end = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (first, last) = dtypes.get(str(tensor["dtype"])), tensor["shape"], tensor["data_offsets"]
        if dtype is None:
            taken = f"{'writes' if dtypes is _DTYPES else 'reads'} {', '.join(dtypes)}"
            raise ValueError(f"{shown(name)} is {shown(str(tensor['dtype']))}, and rnncli {taken}")
        if not all(type(number) is int and number >= 0 for number in (first, last, *shape)):
            raise ValueError(f"{shown(name)} has no whole numbers as its shape or place")
        if len(shape) > _MOST_AXES or first != end or last - first != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{shown(name)} does not have the bytes of its shape")
        planned.append((name, dtype, shape))
        end = last
    if end != len(content):
        raise ValueError("its arrays do not have the bytes of the file")
    arrays, first = {}, 0
    for name, dtype, shape in planned:
        last = first + math.prod(shape) * dtype.itemsize
        arrays[name] = np.frombuffer(content[first:last], dtype).reshape(shape).copy()
        first = last
    return arrays


def _digest(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of the header (without this digest) and of every array's name, type, shape and bytes."""
    digest = hashlib.sha256(_as_text(header).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).data)
    return digest.hexdigest()
