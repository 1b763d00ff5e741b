"""check RUN: whether a run is still what its report says, down to its score."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnncli.config.loading import data_paths
from rnncli.config.sections import SECTIONS, Config
from rnncli.data.kept_rows import KeptRows
from rnncli.errors import CheckFailedError, DataError, ModelFileError, UsageError, amount, quoted
from rnncli.tasks.registry import from_here, load_config
from rnncli.training.folds import CROSS_VALIDATED
from rnncli.training.score_object import score_object
from rnncli.training.verified import Verified
from rnncli.workflows.evaluate import recalled, require_same_training
from rnncli.workflows.opening import Model, open_sound, source_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_report import RunReport
from rnncli.workflows.runs import is_imported
from rnncli.workflows.trained_on import has_grown, unchanged

PRECISION = 1e-6  # of a score: its sums depend on the vector width of the machine
_ELSEWHERE = {"data.path", "training.threads"}  # what a run may be checked with


def verify(run: str, overrides: Sequence[str] = ()) -> Iterator[Verified]:
    """Yield the checks of a run as they are made; CheckFailedError at the end if one of them failed.

    A damaged file is a ModelFileError, and what comes after it is not checked. Only data.path and training.threads may
    be overridden.
    """
    failed = []
    for one in _checks(run, overrides):
        yield one
        if one.passed is False:
            failed.append(one.name)
    if failed == ["report"]:
        raise CheckFailedError(f"{run}: has no report yet; go on with: rnncli train -o {quoted(run)} --resume")
    if {*failed} == {"files"}:
        raise CheckFailedError(f"{run}: holds what training did not leave there; remove it")
    if failed:
        raise CheckFailedError(
            f"{run}: is not what it was: {', '.join(dict.fromkeys(failed))}; restore it, or train again"
        )


def _checks(run: str, overrides: Sequence[str]) -> Iterator[Verified]:
    require_same_training(overrides)
    directory = RunDirectory(Path(run))
    if directory.path.is_file():
        raise UsageError(f"{run}: a model file alone has no report to be checked by; name its run directory")
    directory.require_idle()
    yield from (Verified("files", False, what) for what in directory.strange())
    report = directory.read_report() if directory.path.is_dir() else None
    if report is not None and directory.model.is_file():
        yield _model(directory, report)
    try:
        model = open_sound(run)  # which refuses weights that are not finite
    except ModelFileError:
        yield Verified("weights", False, "damaged")
        raise
    count = sum(array.size for array in model.arrays.values())
    yield Verified("weights", True, f"{count:,}, all finite")
    if report is None:
        yield _absent(directory)
        yield from _features(directory, KeptRows())
        return
    settings = load_config(directory.config, from_here(overrides), in_run=True)
    config, data = _config(settings, report), _data(settings, report)
    yield config
    yield data
    made = KeptRows()
    if report.score is None:
        yield Verified("score", None, "nothing was held out, so there is none")
    elif report.score["split"] == CROSS_VALIDATED:
        yield Verified("score", None, "it is of cross-validation, whose networks are not kept")
    elif not (config.passed and data.passed):
        yield Verified("score", None, "that takes the config and the data of training")
    else:
        yield _score(model, run, overrides, report.score, made)
    yield from _features(directory, made)


def _absent(directory: RunDirectory) -> Verified:
    """Tell of a run without a report."""
    if is_imported(directory.path):
        more = f"rnncli train --from {quoted(str(directory.path))} DATA"
        return Verified("report", None, f"none: it was imported; train it on your data: {more}")
    return Verified("report", False, "none: training did not end, or an older version trained it")


def _model(directory: RunDirectory, report: RunReport) -> Verified:
    same = directory.model_sha256() == report.model_sha256
    return Verified("model", same, f"sha256 {report.model_sha256[:12]}…" if same else "is not the file of the report")


def _config(config: Config, report: RunReport) -> Verified:
    """Compare with what the report has; keys that a later version added are not in it. Of a file only that there is
    one is compared, since its path depends on the folder that it is named from."""
    ours, files = json.loads(json.dumps(config.model_dump())), data_paths(config)
    changed = [
        f"{section}.{key}"
        for section in SECTIONS
        for key, value in report.config[section].items()
        if f"{section}.{key}" not in _ELSEWHERE
        and not (section == "data" and key in files and isinstance(value, str | list))
        and ours[section].get(key) != value
    ]
    return Verified("config", not changed, f"edited: {', '.join(changed)}" if changed else "as trained with")


def _data(config: Config, report: RunReport) -> Verified:
    if config.data.path is None:
        return Verified("data", None, "came from a pipe; name them with --set data.path=FILE")
    try:
        source = source_of(config, config.data.path)
        found = unchanged(config, source, report.data["sha256"], report.data["bytes"])
    except (DataError, UsageError) as error:
        return Verified("data", False, str(error))
    if found is None:
        return Verified("data", False, f"{source.name} is not what it was trained on")
    told = source.name if found is source else f"{has_grown(found)} are what it was trained on"
    return Verified("data", True, told)


def _features(directory: RunDirectory, made: KeptRows) -> Iterator[Verified]:
    """Compare the features that a run keeps, if it does, with those that were made anew."""
    if not os.path.lexists(directory.features):
        return
    mend = "remove the file, and they are made anew"
    try:
        kept = directory.read_rows()
    except ModelFileError:
        yield Verified("features", False, f"{directory.features.name} is damaged; {mend}")
        return
    if wrong := kept.disagrees(made):
        yield Verified("features", False, f"those of {wrong:,} of {amount(len(kept), 'recording')} are others; {mend}")
        return
    size = directory.features.stat().st_size
    again = ", as they are made anew" if made else ""
    yield Verified("features", True, f"{amount(len(kept), 'recording')}, {size / 1e6:,.0f} MB{again}")


def _score(model: Model, run: str, overrides: Sequence[str], stored: Mapping[str, Any], anew: KeptRows) -> Verified:
    """Compare with the score that the model has on features that are made anew, which are in `anew` then."""
    try:
        with recalled(model, overrides, anew) as (experiment, _):
            score = experiment.score()
    except (DataError, UsageError) as error:
        return Verified("score", False, str(error))
    if score is None:
        return Verified("score", False, "nothing is held out any more")
    now = score_object(score)
    told = f"{now['network']:.6g} {now['unit']} on the {now['split']} split"
    if now["split"] != stored["split"] or _measure(now) != _measure(stored):
        return Verified("score", False, f"{told}; the report has {stored['unit']} on the {stored['split']} split")
    mine, theirs = ({"network": one["network"], **one["floors"]} for one in (now, stored))
    apart = [name for name in theirs if not math.isclose(mine.get(name, math.nan), theirs[name], rel_tol=PRECISION)]
    if apart:
        pairs = (f"{name} {mine.get(name, math.nan):.6g}, in the report {theirs[name]:.6g}" for name in apart)
        return Verified("score", False, "; ".join(pairs))
    return Verified("score", True, told)


def _measure(score: Mapping[str, Any]) -> str:
    """Return what a score is measured by, without the words on what it is of, which another version may have put
    otherwise."""
    return str(score["unit"]).partition(" of ")[0]
