"""What the header of a model file or a state says, as the types that it must have: nothing in a file is believed.

JSON has neither tuples nor arrays: where a list stands for one, it becomes one. Nothing else is converted, so that
neither `true` nor `"3"` nor 3.0 is the whole number that it looks like.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, overload

import numpy as np

from rnncli.errors import shown

T = TypeVar("T")
_DEEPEST = 32  # lists within lists, of an array


@overload
def typed(kind: type[T], value: Any, name: str = "", **own: Any) -> T: ...


@overload
def typed(kind: object, value: Any, name: str = "", **own: Any) -> Any: ...


def typed(kind: Any, value: Any, name: str = "", **own: Any) -> Any:
    """Return the `kind`, a dataclass or a type such as `list[str]`, that JSON was made of; ValueError if it is none.

    name: what the value is called in the message. own: the fields of the dataclass that are not of this JSON.
    """
    from pydantic import ValidationError

    known = {one.name for one in fields(kind)} if is_dataclass(kind) else ()
    if known and isinstance(value, dict) and (unknown := value.keys() - known):
        raise ValueError(f"{name or 'it'} has {shown(min(unknown))}, which nothing is known of")
    try:
        checked = _adapter(kind, tuple(own)).validate_json(json.dumps(value), strict=True)
    except (ValidationError, RecursionError) as error:
        raise ValueError(_first(error, name)) from None
    if not own:
        return checked
    return kind(**{key: getattr(checked, key) for key in checked.model_fields_set}, **own)


@lru_cache
def _adapter(kind: Any, own: tuple[str, ...]) -> Any:
    from pydantic import TypeAdapter, create_model

    if not own:
        return TypeAdapter(kind)
    kept: dict[str, Any] = {
        one.name: (one.type, ... if one.default is MISSING and one.default_factory is MISSING else None)
        for one in fields(kind)
        if one.name not in own
    }
    return TypeAdapter(create_model(kind.__name__, __module__=kind.__module__, **kept))


def _first(error: Exception, name: str) -> str:
    """Return the first mistake: what it is about, whose names may be the file's own, and what is wrong."""
    if isinstance(error, RecursionError):
        return f"{name or 'a value'}: is nested too deeply"
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]  # type: ignore[attr-defined]
    place = ".".join([*([name] if name else []), *map(str, found["loc"])])
    return f"{shown(place)}: {found['msg'][0].lower()}{found['msg'][1:]}" if place else str(found["msg"])


def array(
    value: Any, name: str, *shape: int | None, least: float | None = None, above: float | None = None
) -> np.ndarray:
    """Return an array of float64 of `shape`, in which None is any length; ValueError for other lists, or for a number
    below `least` or not `above` that."""
    # Of texts numpy would make an array in which each is as long as the longest: far more than they take in a file.
    if not _are_numbers(value):
        raise ValueError(f"{name} are no numbers")
    found = np.array(value)  # ValueError for ragged lists
    lengths = zip(found.shape, shape, strict=False)
    if found.dtype.kind not in "iuf" and found.size:  # beyond those of 64 bits
        raise ValueError(f"{name} are no numbers")
    if found.ndim != len(shape) or any(
        length not in (wanted, None) and wanted is not None for length, wanted in lengths
    ):
        wanted = " × ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} have the shape {' × '.join(map(str, found.shape))}, and need {wanted}")
    numbers = found.astype(np.float64)
    if (least is not None and (numbers < least).any()) or (above is not None and (numbers <= above).any()):
        raise ValueError(f"{name} are too small")
    return numbers


def _are_numbers(value: Any, depth: int = _DEEPEST) -> bool:
    """True for a number, and for lists of such or of lists of such."""
    if not isinstance(value, list):
        return type(value) in (int, float)
    kinds = set(map(type, value))
    if kinds == {list} and depth:
        return all(_are_numbers(one, depth - 1) for one in value)
    return kinds <= {int, float}
