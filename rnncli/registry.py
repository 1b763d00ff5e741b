"""Registries of things by name, each of which is imported when it is asked for: the names alone cost nothing.

They let a config be checked, or a command be completed, before numpy and numba are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class _Place(str):
    """The place of a thing that was not asked for yet, `module:name`."""

    def load(self) -> Any:
        module, _, name = self.partition(":")
        return getattr(import_module(module), name)


class Registry(dict[str, T], Generic[T]):
    """A dictionary whose values are given as `module:name`, and are what stands there."""

    def __init__(self, places: Mapping[str, str]):
        super().__init__({name: cast(T, _Place(place)) for name, place in places.items()})

    def __getitem__(self, name: str) -> T:
        value = super().__getitem__(name)
        if isinstance(value, _Place):
            value = value.load()
            self[name] = value
        return value

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def values(self) -> Any:
        self._load()
        return super().values()

    def items(self) -> Any:
        self._load()
        return super().items()

    def _load(self) -> None:
        for name in self:
            self[name]
