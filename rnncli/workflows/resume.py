"""Going on with a run: what may change in its config since it began, and how long it is trained further.

Nothing that decides what is learnt from what may change: the splits, the tokens, the network, the loss. How long and
how fast to train may: the schedule is then what it would have been with these values from the beginning, so that a
longer run goes on at the rate that it would have there. The weights that are kept remain until others are better.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnncli.config.loading import data_paths, given_keys
from rnncli.config.problems import Place, Problem, raise_all
from rnncli.config.sections import SECTIONS, Config
from rnncli.config.values import parse_duration
from rnncli.errors import ConfigError, ModelFileError
from rnncli.notes import note
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.task import Experiment
from rnncli.training.length import Length, wanted_updates
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import Plan, Position
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_state import State

# Keys of training that may change.
FREE = ("epochs", "updates", "max_time", "learning_rate", "schedule", "patience", "clip_norm", "on_divergence")
_OF_PLAN = ("learning_rate", "schedule", "patience", "on_divergence")
_OF_RATE = ("updates", "learning_rate", "schedule")
_INDIFFERENT = ("data.path", "training.threads")  # the data have a hash of their own; threads do not decide the result
_NO_LIMIT = 10**12  # updates


def fingerprint(config: Config) -> dict[str, Any]:
    """Return by `section.key` all that training depends on, as JSON has it; of a file only that there is one, since
    the hash of the data covers what is in it."""
    files = data_paths(config)
    values = {
        f"{section}.{key}": "a file" if section == "data" and key in files else value
        for section in SECTIONS
        for key, value in getattr(config, section).model_dump().items()
    }
    kept = {"task": config.task, **{key: value for key, value in values.items() if key not in _INDIFFERENT}}
    plain: dict[str, Any] = json.loads(json.dumps(kept))
    return plain


@dataclass(frozen=True)
class Change:
    """A key that may change, with its value when the run began and now."""

    key: str
    before: Any
    now: Any


def free_changes(before: Mapping[str, Any], config: Config) -> list[Change]:
    """Return what has changed of the keys that may, in a config without nulls that the data choose."""
    now = fingerprint(config)
    keys = [f"training.{name}" for name in FREE]
    return [Change(key, before[key], now[key]) for key in keys if key in before and before[key] != now[key]]


def began_with(state: State, config_before: Config, overrides: Sequence[str]) -> Mapping[str, Any]:
    """Return the fingerprint in a state, with what config.yaml has of keys that are newer than that; if version 0.1
    wrote it, what config.yaml has where `overrides` do."""
    given, known = given_keys(overrides), fingerprint(config_before)
    if state.inputs.config is not None:
        return {**known, **state.inputs.config}
    return {
        key: value for key, value in known.items() if key.partition(".")[2] in (given.get(key.partition(".")[0]) or {})
    }


def require_unchanged(run: RunDirectory, before: Mapping[str, Any], config: Config, overrides: Sequence[str]) -> None:
    """Raise ConfigError that names every key whose value is not that of `before`, of those that may not change."""
    now, given = fingerprint(config), given_keys(overrides)
    free = {f"training.{name}" for name in FREE}
    problems = []
    for key in (key for key in now if key in before and key not in free and now[key] != before[key]):
        section, _, name = key.partition(".")
        is_set = name in (given.get(section) or {})
        value, before_it = _text(now[key]), f"the run began with {_text(before[key])}"
        if is_set:
            place, found = f"--set {key}={value}", f"{before_it}; leave it out"
        else:
            place, found = str(run.config), f"{key} is {value}, and {before_it}; put that back"
        problems.append(Problem(Place(place), f"{found}, or start a new run with it"))
    if problems:
        raise_all(problems)


def resumed(
    run: RunDirectory,
    experiment: Experiment,
    state: State,
    before: Mapping[str, Any],
    overrides: Sequence[str],
    optimizer: Optimizer,
    length: Callable[[int], Length],
) -> TrainingLoop:
    """Return the loop that goes on from a state, with what has changed since `before`.

    length: fits this many further updates into training.max_time; it is called before anything is restored.
    """
    changes = free_changes(before, experiment.config)
    timed = "max_time" in (given_keys(overrides).get("training") or {})
    if isinstance(experiment, CrossValidation) and (changes or timed):
        key = changes[0].key if changes else "training.max_time"
        raise ConfigError(
            f"{run.path}: {key} cannot change in a cross-validated run, which finds how long to train; put that back, "
            "or start a new run"
        )
    keys = {change.key.partition(".")[2] for change in changes}
    training = experiment.config.training
    plan = replace(state.plan, **{key: getattr(training, key) for key in _OF_PLAN if key in keys})
    position = state.position
    longer = timed or bool(keys & {"epochs", "updates", "max_time"})
    if longer:
        _agree(experiment, keys)
        plan = _longer(run, experiment, plan, position, length, given=bool(keys & {"epochs", "updates"}))
        position.evaluations_since_best = 0  # who asks for more than patience had is patient
    for change in changes:
        text = f"resumed with {change.key} {_text(change.now)}, was {_text(change.before)}"
        note(text)
        position.notes = [*position.notes, text]
    loop = TrainingLoop(experiment.learner, optimizer, plan)
    try:
        loop.restore(state.arrays, position)
    except (KeyError, ValueError):
        raise ModelFileError(f"{run.state}: does not fit config.yaml beside it; start a new run") from None
    if any(getattr(plan, key) != getattr(state.plan, key) for key in _OF_RATE) and not is_over(plan, position):
        note(
            f"the schedule {plan.schedule} is now that of {plan.updates:,} updates from the beginning: the learning "
            f"rate goes on at {loop.learning_rate():.3g}"
        )
    run.drop_metrics_after(position.update)
    return loop


def _agree(experiment: Experiment, keys: set[str]) -> None:
    """Let epochs and updates name the same length, if one of them has changed and the other is that of before."""
    updates, per_epoch = experiment.config.training.updates, experiment.learner.updates_per_epoch
    if "epochs" in keys and "updates" not in keys:
        experiment.config = experiment.config.changed(training={"updates": None})
    elif "updates" in keys and "epochs" not in keys and updates is not None:
        experiment.config = experiment.config.changed(training={"epochs": -(-updates // per_epoch)})


def _longer(
    run: RunDirectory,
    experiment: Experiment,
    plan: Plan,
    position: Position,
    length: Callable[[int], Length],
    *,
    given: bool,
) -> Plan:
    """Return the plan with the updates that epochs and max_time now allow, and name their epochs in the config.

    max_time counts from here. given: True if the number of epochs or updates has changed; else a run that had them all
    goes on for that time.
    """
    per_epoch, training = experiment.learner.updates_per_epoch, experiment.config.training
    further = wanted_updates(training, per_epoch) - position.update
    if further <= 0 and (given or not training.max_time):
        key = "updates" if training.updates else "epochs"
        had = position.update if training.updates else -(-position.update // per_epoch)
        raise ConfigError(
            f"{run.path}: training.{key} is {getattr(training, key)}, and the run has had {had}; name more"
        )
    fits = length(further if further > 0 else _NO_LIMIT)
    updates = position.update + fits.updates
    if further <= 0:
        longer = {"epochs": -(-updates // per_epoch), "updates": updates if training.updates else None}
        experiment.config = experiment.config.changed(training=longer)
    limited = further <= 0 or fits.updates < further
    budget = position.seconds + parse_duration(training.max_time) if training.max_time else 0.0
    plan = replace(plan, updates=updates, evaluations=fits.evaluations, limited=limited, since=0, progress=0.0)
    return replace(plan, budget=budget, most=updates)


def is_over(plan: Plan, position: Position) -> bool:
    """Return True if a run ended by itself: after all its updates, or out of patience."""
    impatient = plan.patience is not None and position.evaluations_since_best >= plan.patience
    return position.update >= (plan.ends or plan.updates) or impatient


def _text(value: Any) -> str:
    """Return a value as a config has it."""
    return json.dumps(value, ensure_ascii=False).strip('"')
