"""Proposals of settings: Optuna's TPE over what all trials were worth at the first rung, which all of them reach.

Each proposal is a function of the seed, the number of the trial and what is known by then: a study that was
interrupted goes on as it would have, and two workers with one seed do not propose the same.
"""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.training.tuned import FAILED, Trial
from rnncli.workflows.tune_space import Choice, Range, Space, written

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_AT_RANDOM = 10  # trials before there is enough to learn from; a third of the study, if that is fewer
_ATTEMPTS = 20  # to propose what no trial has
_FEW = 10_000  # points of a space that can be looked through


def proposed(
    space: Space, trials: Sequence[Trial], seed: int, wanted: int | None
) -> tuple[dict[str, Any], dict[str, BaseDistribution]] | None:
    """Return the settings of the next trial and their distributions; None if trials have all that the space holds.

    wanted: how many trials there will be, None if that is open.
    """
    distributions = {key: _distribution(one) for key, one in space.items()}
    known = [dict(trial.settings) for trial in trials]
    for attempt in range(_ATTEMPTS):
        settings = _drawn(space, distributions, trials, _number_of(seed, len(trials), attempt), wanted)
        if settings not in known:
            return settings, distributions
    rest = next((one for one in itertools.islice(_points(space), _FEW) if one not in known), None)
    return None if rest is None else (rest, distributions)


def _drawn(
    space: Space,
    distributions: Mapping[str, BaseDistribution],
    trials: Sequence[Trial],
    seed: int,
    wanted: int | None,
) -> dict[str, Any]:
    import optuna

    at_random = min(_AT_RANDOM, (wanted or 3 * _AT_RANDOM) // 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental in it
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=at_random, multivariate=True, constant_liar=True
        )
        study = optuna.create_study(sampler=sampler)
        study.add_trials([_seen(trial, distributions) for trial in trials if _is_in(space, trial.settings)])
        found = study.ask(dict(distributions)).params
    return {key: written(found[key], one) for key, one in space.items()}


def _seen(trial: Trial, distributions: Mapping[str, BaseDistribution]) -> Any:
    """Return a trial as the sampler is to see it: by the first rung.

    One that failed is the worst, one that is under way keeps others from its place.
    """
    from optuna.trial import TrialState, create_trial

    settings = dict(trial.settings)
    if trial.outcomes:
        return create_trial(params=settings, distributions=dict(distributions), value=trial.outcomes[0].error)
    state = TrialState.PRUNED if trial.state == FAILED else TrialState.RUNNING
    return create_trial(params=settings, distributions=dict(distributions), state=state)


def _number_of(*numbers: int) -> int:
    """Return a seed of 32 bits."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, numbers)).encode()).digest()[:4], "little")


def _distribution(one: Range | Choice) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(one, Choice):
        return CategoricalDistribution(one.values)
    if one.whole:
        last = one.high if not one.step else one.low + (one.high - one.low) // one.step * one.step
        return IntDistribution(int(one.low), int(last), log=one.log, step=int(one.step or 1))
    if not one.step:
        return FloatDistribution(one.low, one.high, log=one.log)
    return FloatDistribution(one.low, one.low + _steps(one) * one.step, step=one.step)


def _steps(one: Range) -> int:
    return int((one.high - one.low) / one.step + 1e-9)


def _is_in(space: Space, settings: Mapping[str, Any]) -> bool:
    """True for settings that the space holds; those of the config as it is may be beyond it."""
    return space.keys() == settings.keys() and all(_holds(one, settings[key]) for key, one in space.items())


def _holds(one: Range | Choice, value: Any) -> bool:
    if isinstance(one, Choice):
        return any(type(value) is type(other) and value == other for other in one.values)
    if isinstance(value, bool) or not isinstance(value, int if one.whole else (int, float)):
        return False
    return one.low <= value <= one.high and (not one.step or abs(_off(one, value)) < 1e-9)


def _off(one: Range, value: float) -> float:
    """Return how many steps a value is off the grid."""
    steps = (value - one.low) / one.step
    return steps - round(steps)


def _points(space: Space) -> Iterator[dict[str, Any]]:
    """Yield the first of what a space holds, of each key no more than can be looked through; nothing if it has a range
    that is not counted."""
    if any(isinstance(one, Range) and not (one.whole or one.step) for one in space.values()):
        return
    for values in itertools.product(*(itertools.islice(_values(one), _FEW) for one in space.values())):
        yield dict(zip(space, values, strict=True))


def _values(one: Range | Choice) -> Iterator[Any]:
    if isinstance(one, Choice):
        return iter(one.values)
    if one.whole:
        return iter(range(int(one.low), int(one.high) + 1, int(one.step or 1)))
    return (written(one.low + k * one.step, one) for k in range(_steps(one) + 1))


def importance(space: Space, trials: Sequence[Trial]) -> dict[str, float]:
    """Return how much each key decides what trials are worth at the first rung, as shares of 1, the largest first.

    Empty where too few trials say so. It is PED-ANOVA (Watanabe et al., 2023), which needs numpy alone.
    """
    import optuna

    known = [trial for trial in trials if trial.outcomes and _is_in(space, trial.settings)]
    if len(known) < _AT_RANDOM:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental in it, and of keys that decide nothing
        study = optuna.create_study()
        study.add_trials([_seen(trial, {key: _distribution(one) for key, one in space.items()}) for trial in known])
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    return {key: float(value) for key, value in sorted(found.items(), key=lambda one: -one[1])}
