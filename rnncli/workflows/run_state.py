"""The state of a run: all that is needed to go on with it to the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncli.data.typed import typed
from rnncli.errors import ModelFileError
from rnncli.nn import model_file
from rnncli.training.plan import Plan, Position


@dataclass(frozen=True)
class Began:
    """The run whose weights another started with; other_data: whether that was trained on other data."""

    run: str
    other_data: bool


@dataclass(frozen=True)
class Inputs:
    """What a run depends on: the hash of its data, and by `section.key` the config that it began or went on with.

    config: None in a state of an older version. began_from: what it started from, if that was another run.
    """

    data_sha256: str
    config: Mapping[str, Any] | None = None
    began_from: Began | None = None


class State(NamedTuple):
    """All that is needed to go on with a run."""

    arrays: dict[str, np.ndarray]
    position: Position
    plan: Plan
    inputs: Inputs


def header_of(position: Position, plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """Return what stands beside the arrays of a state; None in place of infinities, such as a best loss that does not
    exist yet, since JSON has none."""
    finite = {key: None if value in (inf, -inf) else value for key, value in asdict(position).items()}
    return {"position": finite, "plan": asdict(plan), **asdict(inputs)}


def read_state(path: Path) -> State:
    """Return the state in a file; ModelFileError where it is damaged."""
    arrays, header = model_file.read(path, in_run=True)
    try:
        there = {key: value for key, value in header["position"].items() if value is not None}
        position, plan = typed(Position, there, "position"), typed(Plan, header["plan"], "plan")
        typed(Position, {**there, **position.good}, "position").require_sound()
        position.require_sound()
        plan.require_sound()
        rest = {key: value for key, value in header.items() if key not in ("format", "position", "plan")}
        return State(arrays, position, plan, typed(Inputs, rest))
    except (KeyError, AttributeError, ValueError):
        raise ModelFileError(f"{path}: not a state that this version wrote; start a new run") from None
