"""Keyword arguments in the place of a command's options, which check them: ranges, choices and defaults stand there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from numbers import Integral, Real
from typing import Any, TypedDict

import click

from rnncli.cli.mistakes import refusal
from rnncli.errors import UsageError


class ReadingOptions(TypedDict, total=False):
    """How data are read; each stands for the key of `data` of the same name."""

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    quoting: str
    skip_rows: int
    skip_footer: int
    ragged: str
    missing: str


class PredictOptions(ReadingOptions, total=False):
    """The options of `rnncli predict`. future: the rows ahead of a forecast's known covariates, as data are given."""

    horizon: int
    levels: Sequence[float]
    samples: int
    sum: bool
    network: bool
    future: Any
    explain: bool
    top: int
    threshold: float
    n_best: int
    beam: int
    length_penalty: float
    strict: bool
    unknown: Mapping[str, str]


class GenerateOptions(TypedDict, total=False):
    """The options of `rnncli generate`. stop: texts before which each text ends."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    bad_words: Sequence[str]
    max_copy: int
    seed: int
    stop: Sequence[str]
    novel: bool
    unknown: Mapping[str, str]
    precision: str


class ScoreOptions(ReadingOptions, total=False):
    """The options of `rnncli score`."""

    above: float
    most_surprising: int | str
    adapt: bool
    strict: bool
    unknown: Mapping[str, str]
    precision: str


class EvaluateOptions(ReadingOptions, total=False):
    """The options of `rnncli evaluate`."""

    metric: str
    threshold: float
    horizon: int
    levels: Sequence[float]
    sum: bool
    windows: int
    step: int
    must_beat: Sequence[str]
    fail_if: Sequence[str]
    precision: str


TAKEN: dict[str, frozenset[str]] = {
    "predict": PredictOptions.__optional_keys__,
    "generate": GenerateOptions.__optional_keys__ | {"length", "count", "prime"},
    "score": ScoreOptions.__optional_keys__,
    "evaluate": EvaluateOptions.__optional_keys__,
}
"""The options of each command that a program has; others are of terminals and files."""


def parsed(command: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a command as it gets them with these options; UsageError for a value that it refuses,
    TypeError for a name that is none of TAKEN."""
    known = import_module(f"rnncli.cli.{command}").command
    words: list[str] = []
    for name, value in options.items():
        if name not in TAKEN[command]:
            raise TypeError(f"{command}() got an unexpected keyword argument {name!r}")
        option = next(one for one in known.params if one.opts[-1] == f"--{name.replace('_', '-')}")
        words += [option.opts[-1]] * bool(value) if option.is_flag else _words(option, value)
    try:
        context: click.Context = known.make_context(f"rnncli {command}", ["RUN", *words])
    except click.UsageError as error:
        raise UsageError(refusal(error)) from None
    return dict(context.params)


def _words(option: Any, value: Any) -> list[str]:
    """Return an option with its value as a command line has them, nothing for None."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = [f"{key}={text}" for key, text in value.items()]
    several = isinstance(value, (list, tuple, set, frozenset)) or getattr(value, "ndim", 0) > 0
    texts = [_text(one) for one in (value if several else [value])]
    return [f"{option.opts[-1]}={text}" for text in (texts if option.multiple else [",".join(texts)])]


def _text(value: Any) -> str:
    """Return a value as text; a number in the digits that give it back."""
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
