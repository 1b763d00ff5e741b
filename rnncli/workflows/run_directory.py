"""A run directory and its files: config.yaml, model.safetensors (the best so far), state.safetensors (exact resume),
metrics.jsonl, report.json once training ended, if it diverged failure.safetensors (the state at the batch where it
failed), and of much sound features.safetensors (rows that need not be made again).

Every file but metrics.jsonl is replaced atomically; metrics.jsonl grows by whole lines. A lock names the process
that is writing. A directory may come from a stranger: no link in it is followed, and what a killed process left
half-written is removed when the next one takes the lock.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from rnncli import safe_files
from rnncli.data.kept_rows import KeptRows
from rnncli.errors import FULL, MachineError, ModelFileError, RunInUseError, UsageError, quoted, reason_of
from rnncli.nn import model_file
from rnncli.notes import note
from rnncli.training.plan import Plan, Position
from rnncli.training.reports import Evaluated
from rnncli.workflows import metrics_file
from rnncli.workflows.names import similar_run
from rnncli.workflows.run_report import RunReport
from rnncli.workflows.run_state import Inputs, State, header_of, read_state
from rnncli.workflows.runs import FAILURE, is_imported, is_locked, refuse_study, require_trained, take_lock

_LOCK, _TRIAL = ".lock", ".trial.safetensors"
_FEATURES = "features.safetensors"
_WRITTEN = (*safe_files.RUN_FILES, FAILURE, _TRIAL, _FEATURES)
_OF_LIBRARY = re.compile(r"\.tmp[A-Za-z0-9]{6}")  # with which version 0.1 wrote model files


class RunDirectory:
    """The directory of one run, locked for this process from `create` or `resume` until `close`.

    It is then held by a descriptor, so that all is written in it even if its path becomes another directory.
    """

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.yaml"
        self.model = path / "model.safetensors"
        self.state = path / "state.safetensors"
        self.failure = path / FAILURE
        self.features = path / _FEATURES
        self.metrics = path / "metrics.jsonl"
        self.report = path / "report.json"
        self._folder: int | None = None
        self._lock: int | None = None
        self._is_new = False

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Return a new directory, an empty one, or one with what a killed process left; UsageError for any other."""
        run = cls(path)
        try:
            run._is_new = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            held = run._rest()
            # In a folder with something else nothing is locked or removed, but where a run is trained in it, see there.
            if not held - set(_WRITTEN) or is_locked(path / _LOCK):
                run._open()
                held = run._rest()
                if held - {_FEATURES} == {run.state.name} and run._is_untrained():
                    for name in held:
                        run._drop(run.path / name)
                    held = set()
                if not held:
                    run._drop_leftovers()
        except OSError as error:
            run._let_go()
            raise _unusable(path, error, "choose another -o", "choose another -o") from None
        if held:
            run.close()
            go_on = "add --resume to go on, or " if run._is_begun() and not is_imported(path) else ""
            raise UsageError(f"{path}: exists and is not empty; {go_on}choose another -o")
        return run

    @classmethod
    def resume(cls, path: Path) -> RunDirectory:
        """Return the directory of a run that was stopped; UsageError where it has neither state nor config."""
        run = cls(path)
        run.require_begun()
        try:
            run._open()
            run._drop_leftovers()
        except OSError as error:
            run._let_go()
            raise _unusable(path, error, "make it writable", "check what it is") from None
        return run

    def require_begun(self) -> None:
        """Raise UsageError where there is nothing to go on with, ModelFileError for a run that lost its state."""
        require_trained(self.path)
        if self.state.is_file():
            return
        if not self._is_begun():
            refuse_study(str(self.path))
            mend = similar_run(str(self.path)) or "; leave out --resume to start anew"
            raise UsageError(f"{self.path}: nothing to resume here (neither state nor config){mend}")
        if self.metrics.exists() or self.report.exists():
            raise ModelFileError(
                f"{self.state}: is missing, and without it what was trained would be lost; restore it, or start a new "
                "run from these weights with --from"
            )

    def _is_begun(self) -> bool:
        return self.state.is_file() or self.config.is_file()

    def is_abandoned(self) -> bool:
        """Return True where there is only what a process left that was killed before it had written a config: at most
        the state of a run in which nothing has been trained."""
        try:
            is_empty, rest = not os.listdir(self.path), self._rest()
        except OSError:
            return False
        return not is_empty and (not rest or (rest - {_FEATURES} == {self.state.name} and self._is_untrained()))

    def _is_untrained(self) -> bool:
        try:
            return self.read_state().position.update == 0
        except ModelFileError:
            return False

    def _rest(self) -> set[str]:
        """Return the names here but the lock and what a killed process left."""
        place = self.path if self._folder is None else self._folder
        return set(os.listdir(place)) - {_LOCK, *_left(place)}

    def _open(self) -> None:
        """Take the lock of the directory, which is then held by its descriptor."""
        self._folder = safe_files.open_folder(self.path)
        try:
            self._take_lock(self._folder)
        except BaseException:
            self._let_go()
            raise

    def _drop_leftovers(self) -> None:
        for name in _left(self.path if self._folder is None else self._folder):
            self._drop(self.path / name)

    def _take_lock(self, folder: int) -> None:
        try:
            descriptor = safe_files.open_own(_LOCK, os.O_RDWR | os.O_CREAT, folder)
        except OSError as error:
            raise OSError(error.errno, f"{_LOCK}: {reason_of(error)}") from None
        if not take_lock(descriptor):
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise RunInUseError(f"{self.path}: in use by process {pid}; wait for it, or choose another -o") from None
        if not _is_still(descriptor, folder):
            os.close(descriptor)  # its owner removed the file between our open and our lock
            self._take_lock(folder)
            return
        if os.read(descriptor, 32).strip(b"0123456789\n"):
            os.close(descriptor)
            raise OSError(errno.EEXIST, f"{_LOCK}: holds something else than the number of a process")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def require_idle(self) -> None:
        """Raise RunInUseError while another process trains it."""
        if is_locked(self.path / _LOCK):
            raise RunInUseError(f"{self.path}: is being trained; wait for its end")

    def strange(self) -> list[str]:
        """Return in words what is here in the place of a file of a run, or was left by a process that was killed."""
        own = {_LOCK, FAILURE, _FEATURES, *safe_files.RUN_FILES}
        try:
            left = _left(self.path)
            with os.scandir(self.path) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError:  # of which reading it will tell
            return []
        odd = [one for one in here if one.name in own and not one.is_file(follow_symlinks=False)]
        return [
            *(f"{one.name} is {'a link' if one.is_symlink() else 'no file'}" for one in odd),
            *(f"{one.name} was left by a process that was killed" for one in here if one.name in left),
        ]

    def close(self) -> None:
        """Release the lock, and remove a new directory that is still empty; MachineError where the lock must stay."""
        try:
            if self._lock is not None:
                self._drop(self.path / _LOCK)
        except OSError as error:
            raise MachineError(
                f"{self.path}: cannot remove its {_LOCK}: {reason_of(error)}; the run is saved, and the file does no "
                "harm"
            ) from None
        finally:
            if self._lock is not None and self._is_new:
                with contextlib.suppress(OSError):  # a run that never began leaves nothing behind
                    self.path.rmdir()
            self._let_go()

    def _let_go(self) -> None:
        for descriptor in (self._lock, self._folder):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._folder = None

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(*(() if error is None else (MachineError,))):  # the first error is the one to tell
            self.close()

    def time_a_save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a trial state and remove it: the time of saving is part of the time of an evaluation."""
        trial = self.path / _TRIAL
        try:
            model_file.write(trial, arrays, {}, self._folder)
        finally:
            self._drop(trial)

    def write_config(self, text: str) -> None:
        safe_files.replace(self.config, text.encode("utf-8"), self._folder)

    def write_model(self, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
        """Write the model file; arrays in `header` are stored beside the weights."""
        own = header.get("arrays", {})
        rest = {key: value for key, value in header.items() if key != "arrays"}
        model_file.write(self.model, {**arrays, **own}, rest, self._folder)

    def model_sha256(self) -> str:
        """Return the hash of the model file; ModelFileError where it cannot be read."""
        try:
            return hashlib.sha256(safe_files.read(self.model, self._folder)).hexdigest()
        except OSError as error:
            raise ModelFileError(f"{self.model}: cannot read: {error.strerror}; check what it is") from None

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
        path, header = self.failure if failed else self.state, header_of(position, plan, inputs)
        model_file.write(path, arrays, header, self._folder)

    def read_state(self, path: Path | None = None) -> State:
        """Return what `write_state` wrote; ModelFileError where it is damaged."""
        return read_state(path or self.state)

    def write_rows(self, kept: KeptRows) -> int:
        """Write the rows of features that a later start may need, and return the size of the file."""
        model_file.write(self.features, *kept.asked(), self._folder)
        return self.features.stat().st_size

    def read_rows(self) -> KeptRows:
        """Return the rows that `write_rows` wrote, none where there is no file; ModelFileError where it is damaged."""
        if not os.path.lexists(self.features):
            return KeptRows()
        arrays, header = model_file.read(self.features, in_run=True)
        try:
            return KeptRows.of(arrays, header)
        except (KeyError, AttributeError, ValueError):
            raise ModelFileError(f"{self.features}: not rows that this version wrote; remove it") from None

    def sound_rows(self) -> KeptRows:
        """Return the rows of `read_rows`, and none, with a note, where they cannot be read."""
        try:
            return self.read_rows()
        except ModelFileError as error:
            note(f"{str(error).rpartition('; ')[0]}: features are made anew")
            return KeptRows()

    def write_report(self, report: RunReport) -> None:
        text = json.dumps(report.to_json(), ensure_ascii=False, indent=2)
        safe_files.replace(self.report, f"{text}\n".encode("utf-8", "surrogatepass"), self._folder)

    def read_report(self) -> RunReport | None:
        """Return the report of the end, or None if training did not end; ModelFileError where it is damaged."""
        try:
            return RunReport.from_json(json.loads(safe_files.read(self.report)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MachineError(f"{self.report}: cannot be read: {reason_of(error)}; check its permissions") from None
        except (ValueError, TypeError, RecursionError):
            again = f"rnncli train -o {quoted(str(self.path))} --resume"
            raise ModelFileError(f"{self.report}: is damaged or of another version; write it anew: {again}") from None

    def drop_report(self) -> None:
        """Remove the report of an end which is not the end any more."""
        self._drop(self.report)

    def _drop(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path if self._folder is None else path.name, dir_fd=self._folder)

    def append_metrics(self, line: Evaluated) -> None:
        metrics_file.append(self.metrics, line, self._folder)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the whole lines of metrics.jsonl; none if there is no such file."""
        return metrics_file.read(self.metrics, self._folder)

    def drop_metrics_after(self, update: int) -> None:
        """Remove the metrics after `update`, the one of the saved state, since later updates are done again."""
        metrics_file.drop_after(self.metrics, update, self._folder)


def _unusable(path: Path, error: OSError, if_kept: str, otherwise: str) -> MachineError:
    """Return the error of a folder that cannot be written: with the mend `if_kept` where nobody may."""
    kept = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    mend = "free some space" if error.errno in FULL else if_kept if kept else otherwise
    return MachineError(f"{path}: cannot use as a run directory: {reason_of(error)}; {mend}")


def _left(folder: int | Path) -> set[str]:
    """Return the names in a run directory that a killed process left."""
    others = {name for name in safe_files.files_in(folder) if name == _TRIAL or _OF_LIBRARY.fullmatch(name)}
    return others | safe_files.leftovers(folder, _WRITTEN)


def _is_still(descriptor: int, folder: int) -> bool:
    """Return True if the open lock is the one that is now in the folder."""
    try:
        return os.path.samestat(os.stat(_LOCK, dir_fd=folder, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
