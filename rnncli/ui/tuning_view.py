"""The display of a search: what is tried now on a terminal, a line for each trial, and the table at the end."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rnncli.notes import Doubt
from rnncli.training.reports import Note, Progress
from rnncli.training.tuned import FAILED, FINISHED, PAUSED, RUNNING, Begun, Ended, Trial, Tuned
from rnncli.ui.numbers import figure, figures, loss
from rnncli.ui.output import Output, duration, say, say_next, working
from rnncli.ui.results import as_csv, json_text, rounded, say_left_out, write_table

Shown = Note | Begun | Progress | Ended
_SPARE = ("baseline", "rank", "came to")  # columns that a narrow terminal has no room for


class TuningView:
    """A line on stderr for each trial that has come to a rung; `now` shows what is tried, where that is a terminal."""

    def __init__(self, now: Callable[[str], None], *, quiet: bool):
        self._now, self._quiet = now, quiet
        self._trying = self._settings = ""

    def show(self, report: Shown) -> None:
        if isinstance(report, Note):
            if not self._quiet or isinstance(report.text, Doubt):
                say(report.text)
        elif self._quiet:
            return
        elif isinstance(report, Begun):
            self._trying, self._settings = _name(report), settings_text(report.trial.settings)
            self._now(f"{self._trying}  {self._settings}")
        elif isinstance(report, Progress):
            come = f"update {report.update:,}/{report.updates:,}"
            doing = "now scored" if report.update == report.updates else f"loss {loss(report.train_loss, 3)}"
            # What a narrow terminal cuts off comes last.
            self._now(f"{self._trying}  {come}  {doing}  {self._settings}")
        else:
            say(_line(report), "")


@contextlib.contextmanager
def tuning_view(*, quiet: bool) -> Iterator[TuningView]:
    """Yield a view that shows what is tried now, if stderr is a terminal and `quiet` is not set."""
    if quiet:
        yield TuningView(lambda text: None, quiet=True)
        return
    with working("tune") as now:
        yield TuningView(now, quiet=False)


def _name(report: Begun | Ended) -> str:
    seed = "" if report.seed is None else f" from seed {report.seed:,}"
    return f"trial {report.trial.number:,}{seed}"


def _line(report: Ended) -> str:
    trial, outcome = report.trial, report.trial.outcome
    settings = settings_text(trial.settings)
    if trial.state == FAILED or outcome is None:
        return f"{_name(report)}  failed: {trial.why}  {settings}".rstrip()
    ended = report.seed is not None or trial.state == FINISHED
    come = "" if ended else f" after {outcome.update:,} of {outcome.updates:,} updates"
    return f"{_name(report)}  {outcome.name} {figure(outcome.figure)}{come}  {duration(outcome.seconds)}  {settings}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as `--set` takes them."""
    return " ".join(f"{key}={_value(value)}" for key, value in settings.items())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_tuned(found: Tuned, form: str | None, *, quiet: bool) -> None:
    """Write the end of a study as `form`; None is a table on a terminal and CSV in a pipe."""
    out = Output()
    form, left_out = form or ("table" if out.terminal else "csv"), list[str]()
    if form == "json":
        out.write(json_text(rounded(_object(found)), indent=2) + "\n")
    elif form == "csv":
        out.write(as_csv([_row(found, rank, trial) for rank, trial in enumerate(found.ranked, 1)]))
    else:
        figures = ("rank", "validation", "baseline")
        left_out = write_table(_table(found), _title(found), figures=figures, spare=_SPARE, lines=2)
    if quiet:
        return
    say_left_out(left_out)
    for text in _sentences(found):
        say(text, "")
    if found.score is not None:
        say_next("train", found.config, always=True)


def _title(found: Tuned) -> str:
    better = "higher" if found.higher_is_better else "lower"
    beside = "" if found.baseline is None else f"; baseline: {found.baseline[0]}"
    return f"{found.name} on validation, {better} is better{beside}"


def _row(found: Tuned, rank: int, trial: Trial) -> dict[str, Any]:
    outcome, (name, value) = trial.outcome, found.baseline or ("", None)
    return {
        "rank": rank,
        "trial": trial.number,
        "state": trial.state,
        "validation": outcome.figure if outcome else None,
        "measure": found.name,
        "baseline": value,
        "baseline_name": name,
        "updates": outcome.update if outcome else None,
        "of_updates": outcome.updates if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        **{key: trial.settings.get(key) for key in _keys(found)},
        "run": trial.run,
        "why": trial.why,
    }


def _table(found: Tuned) -> list[dict[str, Any]]:
    """Return the rows of a table: the same as short as can be."""
    values = [trial.outcome.figure for trial in found.ranked if trial.outcome]
    shown = iter(figures(values))
    baseline = {} if found.baseline is None else {"baseline": figure(found.baseline[1])}
    return [
        {
            "rank": rank,
            "trial": trial.number,
            "validation": next(shown) if trial.outcome else "",
            **baseline,
            "came to": _came_to(trial),
            **{key.partition(".")[2]: _value(trial.settings.get(key)) for key in _keys(found)},
        }
        for rank, trial in enumerate(found.ranked, 1)
    ]


def _came_to(trial: Trial) -> str:
    words = {FINISHED: "the end", FAILED: "failed", RUNNING: "on its way"}
    if trial.state == PAUSED and trial.outcome is not None:
        return f"{trial.outcome.update / trial.outcome.updates:.0%}"
    return words.get(trial.state, "")


def _keys(found: Tuned) -> list[str]:
    return list(dict.fromkeys(key for trial in found.ranked for key in trial.settings))


def _sentences(found: Tuned) -> Iterator[str]:
    """Yield what is to be said beside the table."""
    yield "trial 0 is the config as it is"
    yield f"ranked by the {found.name} of the network alone on the validation split, which training goes by too"
    if found.importance:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in found.importance.items())
        yield f"importance at the first rung: {shares}"
    if found.sentence:
        yield found.sentence
    if found.by_score:
        yield found.by_score
    if found.left:
        yield found.left
    score = found.score
    if score is None:
        return
    strongest, baselines = score.get("strongest"), score["floors"]
    beside = "" if strongest is None else f", {strongest} {figure(baselines[strongest])}"
    chose = "which chose nothing" if score["split"] == "test" else "which chose it, and so flatters"
    yield (
        f"trial {found.best} on the {score['split']} split, {chose}: {figure(score['network'])} {score['unit']}{beside}"
    )


def _object(found: Tuned) -> dict[str, Any]:
    """Return the whole study for JSON."""
    return {
        "study": found.study,
        "measure": found.name,
        "higher_is_better": found.higher_is_better,
        "rungs": list(found.rungs),
        "trials": [
            {
                "rank": rank,
                "trial": trial.number,
                "run": trial.run,
                "state": trial.state,
                "settings": dict(trial.settings),
                "validation": trial.outcome.figure if trial.outcome else None,
                "outcomes": [asdict(one) for one in trial.outcomes],
                "why": trial.why,
            }
            for rank, trial in enumerate(found.ranked, 1)
        ],
        "baseline": None if found.baseline is None else {"name": found.baseline[0], "value": found.baseline[1]},
        "importance": dict(found.importance),
        "seeds": [{"trial": one.number, "validation": list(one.figures)} for one in found.seeds],
        "sentence": found.sentence,
        "best": {"trial": found.best, "config": found.config if found.score is not None else None},
        "score": found.score,
        "by_score": found.by_score,
        "left": found.left,
    }
