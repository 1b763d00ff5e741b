"""Packages that the extras install, imported when a test first uses them.

A test that uses one carries the marker of its extra (`parity` for PyTorch), and `conftest` skips it where the package
is not installed: nothing else may ask whether it is there.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

MARKED = {
    "parity": ("torch",),
    "metrics": ("sacrebleu",),
    "plots": ("matplotlib",),
    "mpi": ("mpi4py",),
    "onnx": ("onnx", "onnxruntime"),
    "tune": ("optuna",),
}
"""The packages that tests with this marker need."""


def missing(marker: str) -> str | None:
    """The first of the packages that tests with this marker need and that is not installed."""
    return next((package for package in MARKED.get(marker, ()) if find_spec(package) is None), None)


class Package:
    """A package that is imported when something in it is asked for."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


torch = Package("torch")
onnx, onnxruntime = Package("onnx"), Package("onnxruntime")
