"""The folder of a study: its journal, its locks, and a run directory for each trial.

The journal is Optuna's, JSON lines in `journal.jsonl`, so that its tools read it: who works on a trial is RUNNING
there, a trial that has come to a rung WAITING, one that has come to its end COMPLETE, one that failed FAIL. It is read
and written here, since it may lie in a stranger's folder: through no link, a line at a time, each synced.

Every process that runs the same command is a worker. One byte of `.lock` is for whoever looks for work, one for each
trial; the system frees them when a process ends, however it does. So a trial that is RUNNING and whose byte is free
was left by a worker that is no more, and the next one goes on with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncli import safe_files
from rnncli.data.typed import typed
from rnncli.errors import MachineError, ModelFileError, UsageError, reason_of
from rnncli.training.tuned import FAILED, FINISHED, PAUSED, RUNNING, Outcome, Trial, require_alike
from rnncli.workflows.names import JOURNAL
from rnncli.workflows.tune_halving import RUNGS

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import JournalStorage

BEST = "best.yaml"
_LOCK = ".lock"
_NAME = "rnncli"  # of the study in the journal
_BEGAN, _OUTCOMES, _SETTINGS, _WHY = "began_with", "outcomes", "settings", "why"  # attributes in it
_FIRST_OF_TRIALS = 1  # byte of the lock; 0 is for whoever looks for work
# What a journal of others raises.
_ODD = (LookupError, ValueError, TypeError, AttributeError, AssertionError, RuntimeError, ArithmeticError)


def require_optuna() -> None:
    """Raise UsageError where Optuna is missing."""
    if find_spec("optuna") is None:
        raise UsageError("tune: searches by Optuna, which is not installed; pip install 'rnncli[tune]'")


class Study:
    """A study, joined by this process from `joined` until `close`."""

    def __init__(self, path: Path):
        self.path = path
        self.journal = path / JOURNAL
        self.best = path / BEST
        self._folder = self._lock = -1
        self._depth = 0
        self._held: list[Mapping[str, Any]] | None = None  # lines that are written together
        self._storage: JournalStorage
        self._study = 0
        self._numbers: dict[int, int] = {}  # of trials, to their names in the journal

    @classmethod
    @contextlib.contextmanager
    def joined(cls, path: Path) -> Iterator[Study]:
        """Have the study in a folder that is new, empty or a study; UsageError for any other."""
        study = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            study._folder = safe_files.open_folder(path)
            held = set(os.listdir(study._folder)) - {_LOCK}
            if held and JOURNAL not in held:
                raise UsageError(f"{path}: exists and is no study; choose another -o")
            study._lock = safe_files.open_own(_LOCK, os.O_RDWR | os.O_CREAT, study._folder)
            safe_files.drop_leftovers(study.best, study._folder)
        except OSError as error:
            study.close()
            raise MachineError(f"{path}: cannot use for a study: {reason_of(error)}; choose another -o") from None
        except UsageError:
            study.close()
            raise
        try:
            study._open_journal()
            yield study
        finally:
            study.close()

    def close(self) -> None:
        """Let go of the folder and all its locks."""
        for descriptor in (self._lock, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._lock = self._folder = -1

    def _open_journal(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is experimental in it
            with self.looking_for_work(), self._reading():
                self._storage = optuna.storages.JournalStorage(_Journal(self))
                known = [one for one in self._storage.get_all_studies() if one.study_name == _NAME]
                minimise = [optuna.study.StudyDirection.MINIMIZE]
                self._study = known[0]._study_id if known else self._storage.create_new_study(minimise, _NAME)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Make one line of what a journal of another program, or an edited one, raises."""
        try:
            yield
        except _ODD as error:
            reason = " ".join(str(error).split())[:100]
            raise ModelFileError(
                f"{self.journal}: is no journal of a study ({type(error).__name__}: {reason}); start another study"
            ) from None

    @contextlib.contextmanager
    def looking_for_work(self) -> Iterator[None]:
        """Keep other workers from looking for work, and from writing into the journal, within the block."""
        if self._depth == 0:
            fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, 0)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, 0)

    def take(self, byte: int) -> bool:
        """Return True if this process has the lock of a trial from now on, False if another has it."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _FIRST_OF_TRIALS + byte)
        except OSError:
            return False
        return True

    def leave(self, byte: int) -> None:
        """Let others have the lock of a trial."""
        fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, _FIRST_OF_TRIALS + byte)

    def began_with(self) -> Mapping[str, Any]:
        """Return what the study began with, by key; empty for a new one."""
        with self._reading():
            return typed(dict[str, Any], self._storage.get_study_user_attrs(self._study).get(_BEGAN, {}), _BEGAN)

    def begin(self, inputs: Mapping[str, Any]) -> None:
        """Write what the study begins with."""
        with self._reading():
            self._storage.set_study_user_attr(self._study, _BEGAN, dict(inputs))

    def run_of(self, number: int, seed: int | None = None) -> Path:
        """Return the run directory of a trial; seed: of the one that is trained again from it. MachineError for a link,
        by which whoever made the study would have this process write elsewhere."""
        path = self.path / f"trial-{number:03}{'' if seed is None else f'-seed-{seed}'}"
        if path.is_symlink():
            raise MachineError(f"{path}: is a link, and in a study none is followed; remove it")
        return path

    def trials(self) -> list[Trial]:
        """Return all trials by number."""
        with self._reading():
            keys = typed(dict[str, str], self.began_with().get("over", {}), "over").keys()
            found = [self._trial(one) for one in self._storage.get_all_trials(self._study, deepcopy=False)]
            for trial in found:
                trial.require_sound(keys, len(RUNGS))
            require_alike(found)
        return found

    def _trial(self, found: Any) -> Trial:
        from optuna.trial import TrialState

        states = {TrialState.RUNNING: RUNNING, TrialState.WAITING: PAUSED, TrialState.COMPLETE: FINISHED}
        attributes = found.user_attrs
        self._numbers[found.number] = found._trial_id
        return Trial(
            number=found.number,
            run=str(self.run_of(found.number)),
            settings=typed(dict[str, Any], attributes.get(_SETTINGS, {}), _SETTINGS),
            state=states.get(found.state, FAILED),
            outcomes=typed(tuple[Outcome, ...], attributes.get(_OUTCOMES, []), _OUTCOMES),
            why=typed(str, attributes.get(_WHY, ""), _WHY),
        )

    def add(self) -> int:
        """Return the number of a new trial, which this process works on."""
        with self._reading():
            number: int = self._storage.get_trial_number_from_id(self._storage.create_new_trial(self._study))
        self.take(number)
        self.trials()
        return number

    def set(self, number: int, settings: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> None:
        """Write the settings of a trial."""
        trial = self._numbers[number]
        with self._at_once():
            for key, one in distributions.items():
                self._storage.set_trial_param(trial, key, one.to_internal_repr(settings[key]), one)
            self._storage.set_trial_user_attr(trial, _SETTINGS, dict(settings))

    def work_on(self, number: int) -> None:
        """Write that a trial goes on."""
        from optuna.trial import TrialState

        with self._reading():
            self._storage.set_trial_state_values(self._numbers[number], TrialState.RUNNING)

    def came_to(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Write what came of a trial at all the rungs that it has reached; at the last it is finished."""
        from optuna.trial import TrialState

        trial = self._numbers[number]
        with self._at_once():
            self._storage.set_trial_user_attr(trial, _OUTCOMES, [asdict(one) for one in outcomes])
            for rung, outcome in enumerate(outcomes, 1):
                self._storage.set_trial_intermediate_value(trial, rung, outcome.error)
            if len(outcomes) == len(RUNGS):
                self._storage.set_trial_state_values(trial, TrialState.COMPLETE, [outcomes[-1].error])
            else:
                self._storage.set_trial_state_values(trial, TrialState.WAITING)

    def failed(self, number: int, why: str) -> None:
        """Write that a trial cannot go on."""
        from optuna.trial import TrialState

        with self._at_once():
            self._storage.set_trial_user_attr(self._numbers[number], _WHY, why)
            self._storage.set_trial_state_values(self._numbers[number], TrialState.FAIL)

    def read_lines(self) -> list[dict[str, Any]]:
        """Return the lines of the journal; one that a killed process left half-written is none."""
        try:
            whole = safe_files.read(self.journal, self._folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MachineError(f"{self.journal}: cannot be read: {reason_of(error)}; check what it is") from None
        lines = []
        for line in whole.split(b"\n")[:-1]:
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict):
                    lines.append(found)
        return lines

    def append_lines(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write lines at the end of the journal, after what a killed process left half-written there."""
        if self._held is not None:
            self._held += lines
            return
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        try:
            with self.looking_for_work():
                safe_files.append(self.journal, self._ended() + text.encode(), self._folder)
        except OSError as error:
            raise MachineError(f"{self.journal}: cannot write: {reason_of(error)}; what was before is intact") from None

    @contextlib.contextmanager
    def _at_once(self) -> Iterator[None]:
        """Write all lines of the block together, so that a process that is killed has written all of them or none."""
        self._held = []
        try:
            with self._reading():
                yield
            lines = self._held
        finally:
            self._held = None
        self.append_lines(lines)

    def _ended(self) -> bytes:
        """Return what ends the last line of the journal: nothing, if it is whole."""
        try:
            with safe_files.open_regular(self.journal, self._folder) as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - 1))
                return b"" if size == 0 or file.read(1) == b"\n" else b"\n"
        except FileNotFoundError:
            return b""

    def write_best(self, text: str) -> None:
        """Write the config of the winner."""
        safe_files.replace(self.best, text.encode("utf-8"), self._folder)


class _Journal:
    """The journal as Optuna wants it."""

    def __init__(self, study: Study):
        self._study = study

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return self._study.read_lines()[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._study.append_lines(logs)
