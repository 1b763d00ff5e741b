"""inspect-grads --compare: several networks side by side, before and after training, from the same seed and data."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rnncli.config.schema import CELLS
from rnncli.errors import UsageError
from rnncli.training.gradient_reports import BEST, INIT, Compared
from rnncli.training.reports import Finished, Note, Report, Score
from rnncli.workflows.inspect_grads import Request, inspect_grads
from rnncli.workflows.opening import is_model
from rnncli.workflows.train import Request as Training
from rnncli.workflows.train import for_a_while, train

Show = Callable[[Report], None]


def compare_grads(request: Request, names: Sequence[str], notes: list[str], show: Show) -> list[Compared]:
    """All at the first weights, then all at the best ones, or only `request.at`.

    Each of `names` is a cell or KEY=VALUE to change in the config `request.first`, which is trained in a folder that is
    removed again; or, if that is a run, each is another.
    """
    if len(set(names)) < len(names):
        raise UsageError("--compare: names something twice; name each once")
    points = [request.at] if request.at else [INIT, BEST]
    if is_model(request.first):
        each = [(run, replace(request, first=_run(run))) for run in dict.fromkeys([request.first, *names])]
        return _inspected(each, points, notes)
    changed = [(name, replace(request, overrides=[*request.overrides, *_changes(name)])) for name in names]
    if points == [INIT]:
        return _inspected(changed, points, notes)
    with tempfile.TemporaryDirectory() as folder:
        trained = [_trained(name, one, Path(folder, str(k)), show) for k, (name, one) in enumerate(changed)]
        runs = [(name, run) for (name, _), (run, _) in zip(changed, trained, strict=True)]
        scores = [None if at == INIT else score for at in points for _, score in trained]
        return [replace(one, score=s) for one, s in zip(_inspected(runs, points, notes), scores, strict=True)]


def _run(name: str) -> str:
    if not is_model(name):
        raise UsageError(
            f"--compare {name}: is no run; beside a run name other runs, or name a config to change its cell"
        )
    return name


def _changes(name: str) -> list[str]:
    """As --set has them. What only another cell could take is left behind."""
    if name in CELLS:
        return [f"model.cell={name}", "model.chrono_init=null" if name == "rnn" else "model.activation=tanh"]
    if "=" in name:
        return [name]
    raise UsageError(f"--compare {name}: is no cell ({', '.join(CELLS)}) and no KEY=VALUE; mend the name")


def _trained(name: str, request: Request, run: Path, show: Show) -> tuple[Request, Score | None]:
    """To look into the run that the config becomes, and its score."""
    show(Note(f"training {name}"))
    meanwhile, ends = for_a_while(show), list[Finished]()

    def seen(report: Report) -> None:
        if isinstance(report, Finished):
            ends.append(report)
        meanwhile(report)

    train(Training(request.first, request.data, str(run), request.overrides), seen)
    return replace(request, first=str(run), overrides=()), ends[-1].score


def _inspected(each: Sequence[tuple[str, Request]], points: Sequence[str], notes: list[str]) -> list[Compared]:
    return [
        Compared(name, inspect_grads(replace(request, at=at), notes, lambda text: None))
        for at in points
        for name, request in each
    ]
