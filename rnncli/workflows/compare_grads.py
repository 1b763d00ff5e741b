"""inspect-grads --compare: several networks side by side, trained for it or as runs, and what they were trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rnncli.errors import DivergedError, StoppedError, UsageError
from rnncli.inspection.reports import BEST, INIT, LAST, Compared, Trained
from rnncli.kernels.cells import CELLS
from rnncli.notes import note
from rnncli.training.reports import Finished, Note, Report, Score
from rnncli.workflows.inspect_grads import Request, inspected
from rnncli.workflows.opening import is_model
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.stopping import StopRequest, stop_on_signals
from rnncli.workflows.temporary import temporary_folder
from rnncli.workflows.train import for_a_while, train
from rnncli.workflows.train_request import Request as Training

Show = Callable[[Report], None]


@dataclass(frozen=True)
class _Network:
    """A network to compare. trained: there are trained weights; score: that of a network trained for the comparison."""

    name: str
    request: Request
    trained: bool
    score: Score | None = None


def compare_grads(request: Request, names: Sequence[str], show: Show) -> list[Compared]:
    """Return the reports of all networks at their first weights, then at their best ones, or only at `request.at`.

    Each of `names` is a cell or KEY=VALUE to change in the config `request.first`, which is trained in a folder that
    is removed afterwards. If `request.first` is a run, each is another run. A network that diverges is seen at its
    first weights alone.
    """
    if len(set(names)) < len(names):
        raise UsageError("--compare: names something twice; name each once")
    if "-" in (request.first, request.data):
        raise UsageError("--compare reads the data for each network anew; save what is piped to a file, and name that")
    points = [request.at] if request.at else [INIT, BEST]
    if is_model(request.first):
        paths = dict.fromkeys([request.first, *map(_run, names)])
        networks = [_Network(path, replace(request, first=path), trained=True) for path in paths]
        return _inspected(networks, points, StopRequest())
    changed = {name: replace(request, overrides=[*request.overrides, *_changes(name)]) for name in names}
    if points == [INIT]:
        networks = [_Network(name, one, trained=False) for name, one in changed.items()]
        return _inspected(networks, points, StopRequest())
    with stop_on_signals() as stop, temporary_folder() as folder:
        networks = [_trained(*item, folder / str(k), show) for k, item in enumerate(changed.items())]
        return _inspected(networks, points, stop)


def _run(name: str) -> str:
    if not is_model(name):
        raise UsageError(
            f"--compare {name}: is no run; beside a run name other runs, or name a config to change its cell"
        )
    return name


def _changes(name: str) -> list[str]:
    """Return the cell or KEY=VALUE `name` as --set overrides, which also reset the keys that this cell cannot take."""
    if cell := CELLS.get(name):
        activation = ["model.activation=tanh"] if cell.activations == ("tanh",) else []
        return [f"model.cell={name}", *activation, *([] if cell.keeps_by_bias else ["model.chrono_init=null"])]
    if "=" in name:
        return [name]
    raise UsageError(f"--compare {name}: is no cell ({', '.join(CELLS)}) and no KEY=VALUE; mend the name")


def _trained(name: str, request: Request, run: Path, show: Show) -> _Network:
    """Train the config with its changes in the directory `run`, and return the network to compare."""
    show(Note(f"training {name}"))
    meanwhile, ends = for_a_while(show), list[Finished]()

    def seen(report: Report) -> None:
        if isinstance(report, Finished):
            ends.append(report)
        meanwhile(report)

    try:
        train(Training(request.first, [request.data] if request.data else [], str(run), request.overrides), seen)
    except DivergedError as error:
        reason = str(error).partition(";")[0]  # what follows names a folder that will be removed
        note(f"{name}: {reason}; it is seen before training only")
        return _Network(name, request, trained=False)
    except StoppedError as stop:
        raise StoppedError(f"stopped while training {name}; nothing of it is kept", stop.exit_code - 128) from None
    return _Network(name, replace(request, first=str(run), overrides=()), trained=True, score=ends[-1].score)


def _inspected(networks: Sequence[_Network], points: Sequence[str], stop: StopRequest) -> list[Compared]:
    compared = []
    for at in points:
        for one in networks:
            if at != INIT and not one.trained:
                continue
            report, basis = inspected(replace(one.request, at=at), lambda text: None)
            score = one.score if at != INIT else None
            compared.append(Compared(one.name, report, score, trained_at(Path(one.request.first), at), basis))
            if stop.signal_number is not None:
                raise StoppedError("stopped; nothing is kept", stop.signal_number)
    if not compared:
        raise UsageError(f"--at {', '.join(points)}: none of the networks could be trained; see --at init")
    return compared


def trained_at(path: Path, at: str) -> Trained | None:
    """Return how long the weights `at` this point of a run, or of a config, were trained; None where nothing tells."""
    if at == INIT:
        return Trained(0, 0)
    lines = RunDirectory(path).read_metrics() if path.is_dir() else []
    if at == BEST:
        lines = [line for line in lines if line.get("improved")] or lines
    if at not in (BEST, LAST) or not lines:
        return None
    return Trained(lines[-1]["step"], lines[-1]["tokens"])
