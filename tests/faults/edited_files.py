"""Model and state files that say something else than what was trained, with a right checksum: drawn from a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.nn import model_file

JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7, 2**31, 10**6, 10**8, 2**63, 10**18, 10**60, -(2**63), 0.5, -0.5, 1e-320),
    *(1e38, 1e300, -1e300, "", "x", "1", "\x1b[2J\x07", "\u202e\ud800", "../../x", "9" * 10_000, [], {}, [[]]),
    *("9999-12", "0000-01", "2020-13", "--5", "\u00b2", "moment", "date", "clock", "key", "M", "A\n"),
    *([None], [1, "x"], [-1], [[1.0], [1.0, 2.0]], {"a": 1}, {"": {}}, [0] * 1000, [1e300] * 3),
)
DTYPES = {"F32": "<f4", "F64": "<f8", "U8": "u1", "U16": "<u2", "U32": "<u4", "I32": "<i4", "I8": "i1", "BOOL": "?"}
DTYPES |= {"F16": "<f2", "I64": "<i8", "U64": "<u8", "BF16": "<u2", "C64": "<c8", "Z9": "<f4"}


@dataclass
class File:
    """What a file has: arrays by name, each with the type that the file says, and our header."""

    arrays: dict[str, tuple[str, np.ndarray]]
    header: dict[str, Any]
    text: Callable[[str], str] = lambda text: text  # a change of the header's JSON that JSON's writer would not make
    outer: Callable[[bytes], bytes] = lambda text: text  # likewise of all of the header

    def content(self) -> bytes:
        outer: dict[str, Any] = {}
        payload, plain = [], {}
        for name, (kind, array) in self.arrays.items():
            start = sum(map(len, payload))
            payload.append(np.ascontiguousarray(array).tobytes())
            outer[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, start + len(payload[-1])]}
            plain[name] = array
        whole = dict(self.header)
        try:
            whole["sha256"] = model_file._digest(self.header, plain)
        except (ValueError, RecursionError):
            whole["sha256"] = "0" * 64
        inner = self.text(json.dumps(whole, sort_keys=True, separators=(",", ":")))
        text = self.outer(json.dumps({"__metadata__": {"rnncli": inner}, **outer}).encode())
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + b"".join(payload)


def opened(content: bytes) -> File:
    """The file that rnncli wrote."""
    size = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + size])
    header = json.loads(outer.pop("__metadata__")["rnncli"])
    del header["sha256"]
    arrays = {}
    for name, one in outer.items():
        first, last = (8 + size + offset for offset in one["data_offsets"])
        arrays[name] = one["dtype"], np.frombuffer(content[first:last], DTYPES[one["dtype"]]).reshape(one["shape"])
    return File(arrays, header)


def edited(file: File, others: list[File], draw: random.Random) -> tuple[str, File]:
    """What was changed, in words, and the file with one to three changes."""
    new = File(dict(file.arrays), copy.deepcopy(file.header))
    told = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        (change,) = draw.choices(list(CHANGES), list(CHANGES.values()))
        told.append(change(new, others, draw))
    return "; ".join(told), new


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all that is in a header; of long lists, only of some."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(i, value[i]) for i in sorted({0, 1, len(value) // 2, len(value) - 1}) if 0 <= i < len(value)]
    else:
        return [place]
    return [*([place] if place else []), *(one for key, part in inner for one in _places(part, (*place, key)))]


def _at(header: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        header = header[key]
    return header


def _put(header: Any, place: tuple[Any, ...], value: Any) -> None:
    _at(header, place[:-1])[place[-1]] = value


def _chosen(file: File, draw: random.Random, wanted: Callable[[Any], bool] = lambda _: True) -> tuple[Any, ...] | None:
    """A place, whichever of the header's keys it is under being equally likely."""
    by_key: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for place in _places(file.header):
        if wanted(_at(file.header, place)):
            by_key.setdefault(place[:2], []).append(place)
    return draw.choice(by_key[draw.choice(list(by_key))]) if by_key else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _value(file: File, others: list[File], draw: random.Random) -> str:
    place, value = _chosen(file, draw), draw.choice(JUNK)
    if place is None:
        return "nothing"
    _put(file.header, place, copy.deepcopy(value))
    return f"{place} = {repr(value)[:40]}"


def _number(file: File, others: list[File], draw: random.Random) -> str:
    place = _chosen(file, draw, _is_number)
    if place is None:
        return "nothing"
    number = _at(file.header, place)
    value = draw.choice(
        [
            *(number + 1, number - 1, -number, 2 * number, 1000 * number, 10**8 * number, number * 1.0, number + 0.5),
            *(0, 10**6, 10**8, 65_536, 10**12, 1e-30, float(10**20)),
        ]
    )
    _put(file.header, place, value)
    return f"{place} = {value!r}, was {number!r}"


def _gone(file: File, others: list[File], draw: random.Random) -> str:
    place = _chosen(file, draw)
    if place is None:
        return "nothing"
    del _at(file.header, place[:-1])[place[-1]]
    return f"no {place}"


def _longer(file: File, others: list[File], draw: random.Random) -> str:
    place = _chosen(file, draw, lambda value: isinstance(value, list) and len(value) > 0)
    if place is None:
        return "nothing"
    some, times = _at(file.header, place), draw.choice((2, 2, 10, 1000))
    _put(file.header, place, (some * times)[: max(100_000, len(some) + 1)])
    return f"{place} × {times}"


def _swapped(file: File, others: list[File], draw: random.Random) -> str:
    one, other = _chosen(file, draw), _chosen(file, draw)
    if one is None or other is None or one == other or one == other[: len(one)] or other == one[: len(other)]:
        return "nothing"
    mine, theirs = copy.deepcopy(_at(file.header, one)), copy.deepcopy(_at(file.header, other))
    _put(file.header, one, theirs)
    _put(file.header, other, mine)
    return f"{one} and {other} swapped"


def _foreign(file: File, others: list[File], draw: random.Random) -> str:
    theirs = draw.choice(others)
    key = draw.choice(list(theirs.header))
    file.header[key] = copy.deepcopy(theirs.header[key])
    return f"{key} of {theirs.header.get('task')}"


def _array(file: File, others: list[File], draw: random.Random) -> str:
    if not file.arrays:
        return "nothing"
    name = draw.choice(list(file.arrays))
    kind, array = file.arrays[name]
    change = draw.choice(("gone", "renamed", "kind", "shape", "longer", "shorter", "large", "extra", "swapped", "flat"))
    if change == "gone":
        del file.arrays[name]
    elif change == "renamed":
        file.arrays[draw.choice(("../../x", "\x1b[2J", "x" * 100_000, name + "x", ""))] = file.arrays.pop(name)
    elif change == "kind":
        kind = draw.choice(list(DTYPES))
        file.arrays[name] = kind, array.astype(DTYPES[kind])
    elif change == "shape":
        file.arrays[name] = kind, array.reshape(draw.choice(((-1, 1), (1, -1), (-1, 1, 1), array.shape[::-1])))
    elif change == "longer":
        file.arrays[name] = kind, np.concatenate([array, array[: draw.choice((1, 7, None))]]) if array.ndim else array
    elif change == "shorter":
        file.arrays[name] = kind, array[: len(array) // 2] if array.ndim else array
    elif change == "large":
        file.arrays[name] = kind, np.full_like(array, 1e38 if kind[0] == "F" else 200)
    elif change == "extra":
        file.arrays[f"{name}.more"] = kind, array
    elif change == "flat":
        file.arrays[name] = kind, array.reshape(-1)
    else:
        other = draw.choice(list(file.arrays))
        file.arrays[name], file.arrays[other] = file.arrays[other], file.arrays[name]
    return f"array {name[:40]} {change} {kind if change == 'kind' else ''}"


def _raw(file: File, others: list[File], draw: random.Random) -> str:
    words = ("twice", "nan", "infinite", "1e999", "deep", "long name", "many tensors", "newer", "array twice")
    change = draw.choice(words)
    if change == "twice":
        file.text = lambda text: '{"task":"tag",' + text[1:]
    elif change in ("nan", "infinite", "1e999"):
        word = {"nan": "NaN", "infinite": "-Infinity", "1e999": "1e999"}[change]
        file.text = lambda text: f'{{"aa":[{word}],' + text[1:]
    elif change == "deep":
        depth = draw.choice((50, 900, 100_000))
        file.text = lambda text: '{"aa":' + "[" * depth + "]" * depth + "," + text[1:]
    elif change == "long name":
        file.header["x" * 10**6] = 1
    elif change == "many tensors":
        tensor = b'":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
        more = b",".join(b'"t%d' % i + tensor for i in range(draw.choice((1000, 100_000))))
        file.outer = lambda text: b"{" + more + b"," + text[1:]
    elif change == "newer":
        file.header["format"] = 2
    else:
        file.outer = lambda text: text[:-1] + b',"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"x":{}}'
    return change


CHANGES = {_value: 8, _number: 8, _gone: 4, _longer: 2, _swapped: 2, _foreign: 3, _array: 6, _raw: 2}
