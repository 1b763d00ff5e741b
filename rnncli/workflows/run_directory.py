"""A run directory and its files: config.yaml, model.safetensors (the best so far), state.safetensors (exact resume),
metrics.jsonl, report.json once training ended, and, if it diverged, failure.safetensors (the state at the batch where
it failed).

Every file but metrics.jsonl is replaced atomically; metrics.jsonl grows by whole lines. A lock names the process
that is writing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncli.errors import MachineError, ModelFileError, RunInUseError, UsageError, quoted
from rnncli.nn import model_file
from rnncli.training.plan import Plan, Position
from rnncli.training.reports import Evaluated
from rnncli.workflows.run_report import RunReport
from rnncli.workflows.runs import is_locked

_PLAN = Plan(1, 1, 1.0, "", None)  # whose fields have their types


@dataclass(frozen=True)
class Inputs:
    """What a run depends on: the hash of its data, and by `section.key` the config that it began or went on with.

    config: None in a state of an older version. began_from: the run whose weights it started with, if any.
    """

    data_sha256: str
    config: Mapping[str, Any] | None = None
    began_from: Mapping[str, Any] | None = None


class State(NamedTuple):
    """All that is needed to go on with a run."""

    arrays: dict[str, np.ndarray]
    position: Position
    plan: Plan
    inputs: Inputs


class RunDirectory:
    """The directory of one run, locked for this process from `create` or `resume` until `close`."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.yaml"
        self.model = path / "model.safetensors"
        self.state = path / "state.safetensors"
        self.failure = path / "failure.safetensors"
        self.metrics = path / "metrics.jsonl"
        self.report = path / "report.json"
        self._lock: int | None = None
        self._is_new = False

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Return a new directory, or an empty one; UsageError where something is in it already."""
        run = cls(path)
        try:
            run._is_new = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            run._take_lock()
            held = [entry.name for entry in path.iterdir() if entry.name != ".lock"]
        except OSError as error:
            raise MachineError(f"{path}: cannot use as a run directory: {_reason(error)}; choose another -o") from None
        if held:
            run.close()
            raise UsageError(f"{path}: exists and is not empty; add --resume to go on, or choose another -o")
        return run

    @classmethod
    def resume(cls, path: Path) -> RunDirectory:
        """Return the directory of a run that was stopped; UsageError where it has neither state nor config."""
        run = cls(path)
        if not run.state.is_file() and not run.config.is_file():
            raise UsageError(
                f"{path}: nothing to resume here (neither state nor config); leave out --resume to start anew"
            )
        if not run.state.is_file() and (run.metrics.exists() or run.report.exists()):
            raise ModelFileError(
                f"{run.state}: is missing, and without it what was trained would be lost; restore it, or start a new "
                "run from these weights with --from"
            )
        try:
            run._take_lock()
        except OSError as error:
            raise MachineError(f"{path}: cannot use as a run directory: {_reason(error)}") from None
        return run

    def _take_lock(self) -> None:
        path = self.path / ".lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise RunInUseError(f"{self.path}: in use by process {pid}; wait for it, or choose another -o") from None
        if not path.exists() or path.stat().st_ino != os.fstat(descriptor).st_ino:
            os.close(descriptor)  # its owner removed the file between our open and our lock
            self._take_lock()
            return
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def require_idle(self) -> None:
        """Raise RunInUseError while another process trains it."""
        if is_locked(self.path / ".lock"):
            raise RunInUseError(f"{self.path}: is being trained; wait for its end")

    def close(self) -> None:
        """Release the lock, and remove a new directory that is still empty."""
        if self._lock is not None:
            (self.path / ".lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None
            if self._is_new:
                with contextlib.suppress(OSError):  # a run that never began leaves nothing behind
                    self.path.rmdir()

    def time_a_save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a trial state and remove it: the time of saving is part of the time of an evaluation."""
        trial = self.path / ".trial.safetensors"
        try:
            model_file.write(trial, arrays, {})
        finally:
            trial.unlink(missing_ok=True)

    def write_config(self, text: str) -> None:
        model_file.write_atomically(self.config, text.encode("utf-8"))

    def write_model(self, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
        """Write the model file; arrays in `header` are stored beside the weights."""
        own = header.get("arrays", {})
        rest = {key: value for key, value in header.items() if key != "arrays"}
        model_file.write(self.model, {**arrays, **own}, rest)

    def write_state(
        self,
        arrays: Mapping[str, np.ndarray],
        position: Position,
        plan: Plan,
        inputs: Inputs,
        *,
        failed: bool = False,
    ) -> None:
        """Write the state to resume from; failed: the state to inspect, in a file beside it."""
        header = {"position": _finite(asdict(position)), "plan": asdict(plan), **asdict(inputs)}
        model_file.write(self.failure if failed else self.state, arrays, header)

    def read_state(self, path: Path | None = None) -> State:
        """Return what `write_state` wrote; ModelFileError where it is damaged."""
        path = path or self.state
        arrays, header = model_file.read(path)
        try:
            kept = dict(header["position"])
            for name, worst in (("best_loss", inf), ("best_gain", -inf), ("top_gain", -inf)):
                if kept.get(name, worst) is None:
                    kept[name] = worst
            position, plan = Position(**kept), Plan(**header["plan"])
            before = replace(position, **position.good)
            if not all(_typed(one, Position()) for one in (position, before)) or not _typed(plan, _PLAN):
                raise TypeError
            inputs = Inputs(**{field.name: header[field.name] for field in fields(Inputs) if field.name in header})
            kinds = ((inputs.data_sha256, str), (inputs.config, dict | None), (inputs.began_from, dict | None))
            if not all(isinstance(value, kind) for value, kind in kinds):
                raise TypeError
            return State(arrays, position, plan, inputs)
        except (KeyError, TypeError, ValueError):
            raise ModelFileError(f"{path}: not a state that this version wrote; start a new run") from None

    def write_report(self, report: RunReport) -> None:
        text = json.dumps(report.to_json(), ensure_ascii=False, indent=2)
        model_file.write_atomically(self.report, f"{text}\n".encode("utf-8", "surrogatepass"))

    def read_report(self) -> RunReport | None:
        """Return the report of the end, or None if training did not end; ModelFileError where it is damaged."""
        try:
            return RunReport.from_json(json.loads(self.report.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MachineError(f"{self.report}: cannot be read: {_reason(error)}; check its permissions") from None
        except (ValueError, TypeError):
            again = f"rnncli train -o {quoted(str(self.path))} --resume"
            raise ModelFileError(f"{self.report}: is damaged or of another version; write it anew: {again}") from None

    def append_metrics(self, line: Evaluated) -> None:
        optional = ("memory", "notes", "figure", "averaged", "losses")
        fields = {
            key: value
            for key, value in asdict(line).items()
            if key not in optional or (key in ("memory", "notes") and value)
        }
        if line.losses is not None:
            fields["averaged"], (fields["raw_loss"], fields["averaged_loss"]) = line.averaged, line.losses
        if line.figure is not None:
            fields["figure"], fields["figure_name"] = line.figure.value, line.figure.name
        try:
            with open(self.metrics, "a", encoding="utf-8") as file:
                file.write(json.dumps(fields) + "\n")
        except OSError as error:
            raise MachineError(f"{self.metrics}: cannot write: {_reason(error)}; the model before is intact") from None

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the whole lines of metrics.jsonl; none if there is no such file."""
        if not self.metrics.exists():
            return []
        lines = self.metrics.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if _step(line) < inf]

    def drop_metrics_after(self, update: int) -> None:
        """Remove the metrics after `update`, the one of the saved state: later updates are done again."""
        if not self.metrics.exists():
            return
        lines = self.metrics.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if _step(line) <= update]
        model_file.write_atomically(self.metrics, "".join(line + "\n" for line in kept).encode())


def _typed(values: object, example: object) -> bool:
    """Return True if every field of a dataclass has its type in `example`, where None stands for an int or None."""
    for field in fields(values):  # type: ignore[arg-type]
        value, wanted = getattr(values, field.name), getattr(example, field.name)
        kinds = (int, type(None)) if wanted is None else (int, float) if isinstance(wanted, float) else type(wanted)
        if not isinstance(value, kinds) or isinstance(value, bool) != (kinds is bool):
            return False
    return True


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # a line that a full disk cut off
        return float("inf")


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Replace infinities, such as a best loss that does not exist yet, by None, since JSON has none."""
    return {k: None if isinstance(v, float) and v in (float("inf"), float("-inf")) else v for k, v in values.items()}


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
