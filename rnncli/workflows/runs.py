"""runs: what stands in a folder of runs, which of those that compare is best, and in what their configs differ.

It reads the plain files of a run alone, so that a hundred runs are listed in the time of one import of numpy.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnncli import safe_files
from rnncli.config.suggestions import similar_sibling
from rnncli.errors import UsageError, amount, quoted, reason_of
from rnncli.notes import note
from rnncli.training.listed import DAMAGED, FAILED, FINISHED, FOREIGN, IMPORTED, RUNNING, STOPPED, STUDY, Listed
from rnncli.workflows.names import is_study
from rnncli.workflows.report_types import is_evaluation, require_types

FAILURE = "failure.safetensors"  # the state at the batch where training diverged
_NO_DATA = rb"\"data_sha256\":\"\""  # in the state of a run, which `import` wrote
_ENDS = re.compile(rb'"data_offsets":\[[0-9]+,([0-9]+)\]')  # of the arrays in a model file
_LOOKS = 1000  # each of a millisecond: what looks at a lock for longer was stopped
_TRIAL = re.compile(r"trial-[0-9]+")  # the folder of a trial in a study, not of one that is trained from another seed
# Keys in which runs of the same data do not differ; max_time chose updates, which do.
_SAME = {"data.path", "training.threads", "training.max_time"}


def runs(folder: str, sort: str = "name") -> list[Listed]:
    """Return what is in `folder`, or the run that it is itself; UsageError where it is no folder, or an empty one."""
    base = Path(folder)
    try:
        entries = sorted(entry for entry in base.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        mend = similar_sibling(folder, os.path.isdir) or "; train first, or name a folder of runs"
        raise UsageError(f"{folder}: {reason_of(error)}{mend}") from None
    if any(os.path.isfile(base / name) for name in safe_files.RUN_FILES):
        entries = [base]
    if not entries:
        raise UsageError(f"{folder}: holds no run; train first, or name a folder of runs")
    found = [listed(entry) for entry in entries]
    return sorted(_compared(found), key=lambda one: _order(one, sort))


def named_runs(named: Sequence[str]) -> list[str]:
    """Return the runs that are named, in the place of a study those of its runs that came to their end; UsageError
    where none did."""
    found: list[str] = []
    for name in named:
        ended = [one.path for one in runs(name) if one.state == FINISHED] if is_study(name) else [name]
        if not ended:
            raise UsageError(f"{name}: is a study none of whose runs came to its end; go on with it by rnncli tune")
        found += ended
    return list(dict.fromkeys(found))


def _order(one: Listed, sort: str) -> tuple[Any, ...]:
    """Return what to sort by, what is not known last: runs that compare together and the best first, for a score."""
    if sort == "score":
        return (one.comparable is None, str(one.comparable), one.error, one.path)
    value = one.path if sort == "name" else getattr(one, sort)
    return (value is None, value if value is not None else 0, one.path)


def listed(path: Path) -> Listed:
    """Return what stands at `path`, as far as its plain files tell."""
    if not os.access(path, os.R_OK | os.X_OK):
        return Listed(str(path), DAMAGED)
    if is_study(path):
        return _listed_study(path)
    if not any(os.path.isfile(path / name) for name in safe_files.RUN_FILES):
        return Listed(str(path), FOREIGN)
    last = _last_evaluation(path / "metrics.jsonl")
    steps, seconds = last.get("step"), last.get("seconds")
    try:
        report = json.loads(safe_files.read(path / "report.json"))
        require_types(report)
        whole = _is_whole(path / "model.safetensors")  # without its model a run is not the best one
        return Listed(
            path=str(path),
            state=FINISHED if whole else DAMAGED,
            task=report["task"],
            score=report["score"] if whole else None,
            steps=report["steps"],
            seconds=report["seconds"],
            ended=report["ended"],
            data_sha256=report["data"]["sha256"],
            config=dict(_flat(report["config"])),
        )
    except FileNotFoundError:
        begun = _begun_with(path / "state.safetensors")
        return Listed(
            str(path), _unfinished(path, last), _task(path / "config.yaml"), steps=steps, seconds=seconds, **begun
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Listed(str(path), DAMAGED, _task(path / "config.yaml"), steps=steps, seconds=seconds)


def _listed_study(path: Path) -> Listed:
    """Return a study as one of a list, with a note of what is in it."""
    trials = [one for one in path.iterdir() if _TRIAL.fullmatch(one.name)]
    best = _best_run(path)
    leads = f", of which {Path(best.path).name} has the best score" if best and best.score else ""
    note(f"{path}: is a study of {amount(len(trials), 'trial')}{leads}; list them: rnncli runs {quoted(str(path))}")
    return Listed(str(path), STUDY, _task(path / "best.yaml"))


def _best_run(study: Path) -> Listed | None:
    """Return the run of a study that has the best score, the first one where none has a score."""
    found = [listed(one) for one in sorted(study.glob("trial-*/")) if not is_study(one)]
    return min(found, key=lambda one: one.error, default=None)


def refuse_study(path: str) -> None:
    """Raise UsageError for a study, where it takes a run."""
    if is_study(path):
        best = _best_run(Path(path))
        named = f"one of its runs, such as {best.path}" if best else "a run"
        raise UsageError(f"{path}: is a study, as rnncli tune makes it; name {named}")


def _unfinished(path: Path, last: Mapping[str, Any]) -> str:
    """Return the state of a run without a report; an older one has none, but its metrics say that it ended."""
    if is_locked(path / ".lock"):
        return RUNNING
    if os.path.exists(path / FAILURE):
        return FAILED
    if is_imported(path):
        return IMPORTED
    if last.get("reason") not in ("finished", "patience"):
        return STOPPED
    return FINISHED if _is_whole(path / "model.safetensors") else DAMAGED


def is_imported(run: Path) -> bool:
    """True for a run as `import` writes it, which has not been trained on any data."""
    return _NO_DATA in _header(run / "state.safetensors")[0]


def require_trained(run: Path) -> None:
    """Raise UsageError for an imported run, where it takes one that was trained here."""
    if is_imported(run):
        raise UsageError(
            f"{run}: was imported, and has not been trained here; train it on your data: "
            f"rnncli train --from {quoted(str(run))} DATA"
        )


def go_on(run: Path) -> str:
    """Return the command that goes on with a training; where it diverged, with a learning rate that is halved."""
    halved = " --set training.on_divergence=halve" if os.path.exists(run / FAILURE) else ""
    return f"rnncli train -o {quoted(str(run))} --resume{halved}"


def refuse_diverged(run: Path) -> None:
    """Raise UsageError for a run whose training diverged, where it takes what there is after training."""
    if os.path.exists(run / FAILURE):
        raise UsageError(f"{run}: training diverged; go on with half the learning rate: {go_on(run)}")


def _begun_with(state: Path) -> dict[str, Any]:
    """Return the hash of the data and the config that a state names, nothing where it is damaged or an older one."""
    try:
        inputs = json.loads(json.loads(_header(state)[0])["__metadata__"]["rnncli"])
        return {"data_sha256": str(inputs["data_sha256"]), "config": dict(inputs["config"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_whole(path: Path) -> bool:
    """True for a model file that is as long as its header says; what is in it, check RUN verifies."""
    header, size = _header(path)
    try:
        ends = [int(end) for end in _ENDS.findall(header)]
    except ValueError:  # of a number of thousands of digits
        return False
    return header[:1] == b"{" and bool(ends) and 8 + len(header) + max(ends) == size


def _header(path: Path) -> tuple[bytes, int]:
    """Return the header of a model or state file, nothing where it is cut off or cannot be read; and its size."""
    try:
        with safe_files.open_regular(path) as file:
            length, size = int.from_bytes(file.read(8), "little"), os.fstat(file.fileno()).st_size
            return file.read(length) if length <= size else b"", size
    except OSError:
        return b"", 0


def is_locked(path: Path) -> bool:
    """True if a process holds the lock of a run."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return not _locks(descriptor, fcntl.LOCK_SH)  # as nobody has it who only looks at it
    except OSError:
        return True
    finally:
        os.close(descriptor)


def take_lock(descriptor: int) -> bool:
    """Take the lock of a run; False if another process has it. One that looks at it, by `is_locked`, is waited for."""
    for _ in range(_LOOKS):
        if _locks(descriptor, fcntl.LOCK_EX):
            return True
        if not _locks(descriptor, fcntl.LOCK_SH):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.001)
    return False


def _locks(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_evaluation(path: Path) -> Mapping[str, Any]:
    """Return the last whole line of metrics.jsonl that has numbers where `Listed` needs them."""
    try:
        with safe_files.open_regular(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            lines = file.read().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if is_evaluation(found):
            return dict(found)
    return {}


def _task(path: Path) -> str | None:
    """Return the task in a config that this program wrote, whose first line names it."""
    try:
        first = safe_files.read(path).decode("utf-8", "replace").partition("\n")[0]
    except OSError:
        return None
    return first.removeprefix("task:").strip() if first.startswith("task:") else None


def _flat(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, section in config.items():
        if isinstance(section, dict):
            yield from ((f"{name}.{key}", value) for key, value in section.items())


def _compared(found: Sequence[Listed]) -> Iterator[Listed]:
    """Yield the runs with what differs between those that compare, and which of them is best."""
    groups: dict[tuple[Any, ...], list[Listed]] = {}
    for one in found:
        if one.comparable is not None:
            groups.setdefault(one.comparable, []).append(one)
    for one in found:
        group = groups.get(one.comparable, []) if one.comparable is not None else []
        if len(group) < 2:
            yield one
            continue
        differs = {
            key: value
            for key, value in one.config.items()
            if key not in _SAME and any(other.config.get(key) != value for other in group)
        }
        best = min(group, key=lambda other: other.error)
        yield replace(one, differs=differs, best_of=len(group) if one is best else None)
