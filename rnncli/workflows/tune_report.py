"""The end of a study: its trials in order, whether the best is more than lucky, what it scores, and its config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnncli.errors import UsageError, amount
from rnncli.tasks.registry import dump_config, load_run_config
from rnncli.training.tuned import Again, Trial, Tuned
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.tune_halving import RUNGS, ranked
from rnncli.workflows.tune_sampler import importance
from rnncli.workflows.tune_space import Space
from rnncli.workflows.tune_study import Study

_DIGITS = ".4g"


def tuned(study: Study, space: Space, again: Sequence[Again], left: str) -> Tuned:
    """Return the end of a study, and write the config of its winner beside its trials; UsageError if there is none."""
    trials = study.trials()
    order = ranked(trials)
    first = order[0] if order else None
    if first is None or first.outcome is None:
        whys = [trial.why for trial in trials if trial.why]
        raise UsageError(f"{study.path}: no trial came to a figure{f'; the first: {whys[0]}' if whys else f'; {left}'}")
    best = _winner(again, first)
    score = _score(study.run_of(best)) if first.rung == len(RUNGS) else None
    write_best(study, again)
    return Tuned(
        study=str(study.path),
        ranked=tuple(order),
        rungs=RUNGS,
        name=first.outcome.name,
        higher_is_better=first.outcome.higher_is_better,
        best=best,
        config=str(study.best),
        importance=importance(space, trials),
        seeds=tuple(again),
        sentence=_sentence(again, first),
        baseline=_baseline(score, first.outcome.name),
        score=score,
        by_score=_by_score([trial for trial in order if trial.rung == len(RUNGS)], best, first.outcome.name),
        left=left,
    )


def write_best(study: Study, again: Sequence[Again]) -> None:
    """Write the config of the trial that is best so far, as soon as one has come to its end.

    Where a time limited the trial, its config names the updates that this had room for instead: a machine of another
    speed is to train the same.
    """
    order = ranked(study.trials())
    if not order or order[0].rung < len(RUNGS):
        return
    best = next(trial for trial in order if trial.number == _winner(again, order[0]))
    config = load_run_config(study.run_of(best.number) / "config.yaml")
    if config.training.max_time and best.outcome:
        config = config.changed(training={"updates": best.outcome.updates, "max_time": None})
    study.write_best(dump_config(config, str(study.path)))


def _error(one: Again, first: Trial) -> float:
    """Return the mean figure from all seeds, lower being better."""
    assert first.outcome is not None
    mean = sum(one.figures) / len(one.figures)
    return -mean if first.outcome.higher_is_better else mean


def _winner(again: Sequence[Again], first: Trial) -> int:
    """Return the number of the trial that is best: over all seeds, where the best two have been trained from them."""
    return min(again, key=lambda one: _error(one, first)).number if again else first.number


def _sentence(again: Sequence[Again], first: Trial) -> str:
    """Return whether the best of two is better by more than seeds differ; empty if that is not known."""
    if len(again) < 2:
        return ""
    better, other = sorted(again, key=lambda one: _error(one, first))
    by = _error(other, first) - _error(better, first)
    apart = max(max(one.figures) - min(one.figures) for one in again)
    lucky = f"; trial {first.number} led by one seed alone" if better.number != first.number else ""
    merit = "more than" if by > apart else "no more than"
    names, seeds = f"trials {better.number} and {other.number}", amount(len(better.figures), "seed")
    means = " and ".join(f"{sum(one.figures) / len(one.figures):{_DIGITS}}" for one in (better, other))
    return (
        f"over {seeds} {names} have {means} on average: "
        f"trial {better.number} is better by {by:{_DIGITS}}, {merit} seeds differ ({apart:{_DIGITS}}){lucky}"
    )


def _by_score(ended: Sequence[Trial], best: int, name: str) -> str:
    """Return which of the trials that came to their end `rnncli runs` has first, and by what; empty where it goes by
    the same figure and has the same."""
    scores = {trial.number: score for trial in ended if (score := _score(Path(trial.run)))}
    if best not in scores:
        return ""
    error = {number: (-1 if one["higher_is_better"] else 1) * one["network"] for number, one in scores.items()}
    lead = min(scores, key=lambda number: (error[number], number != best))
    own, split = scores[best], scores[best]["split"]
    if lead == best and split != "test" and own["unit"] == name:
        return ""
    by = f"rnncli runs ranks by the final score instead, {own['unit']} on the {split} split, of what predict gives"
    if lead == best:
        return f"{by}: trial {best} leads there too"
    figures = f"{scores[lead]['network']:{_DIGITS}}, and trial {best} has {own['network']:{_DIGITS}}"
    return f"{by}, which may be the network averaged with a baseline: there trial {lead} leads with {figures}"


def _score(run: Path) -> Mapping[str, Any] | None:
    report = RunDirectory(run).read_report()
    return report.score if report else None


def _baseline(score: Mapping[str, Any] | None, name: str) -> tuple[str, float] | None:
    """Return the strongest baseline of a score of the figure by which trials are judged, on what they are judged by."""
    strongest = score.get("strongest") if score else None
    if score is None or strongest is None or score["split"] == "test" or score["unit"] != name:
        return None
    baselines = score["floors"]
    return str(strongest), float(baselines[strongest])
