"""inspect-grads --compare: several networks side by side, trained for it or as runs, and what they were trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rnncli.errors import DivergedError, StoppedError, UsageError
from rnncli.inspection.reports import BEST, INIT, LAST, Compared, Trained
from rnncli.kernels.cells import CELLS
from rnncli.notes import note
from rnncli.training.ranks import Ranks
from rnncli.training.reports import Finished, Note, Report, Score
from rnncli.workflows.inspect_grads import Request, inspected
from rnncli.workflows.leading import Lead
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


def compare_grads(request: Request, names: Sequence[str], show: Show, lead: Lead | None = None) -> list[Compared]:
    """Return the reports of all networks at their first weights, then at their best ones, or only at `request.at`.

    Each of `names` is a cell or KEY=VALUE to change in the config `request.first`, which is trained in a folder that
    is removed afterwards. If `request.first` is a run, each is another run. A network that diverges is seen at its
    first weights alone. lead: what this process leads other ranks with, each of which has some of the networks, and
    reads what this one does.
    """
    lead = lead or Lead()
    ranks = lead.judging()
    with lead.shared(ranks, "compare", request, names):
        return compared_on(ranks, request, names, show)


def compared_on(ranks: Ranks, request: Request, names: Sequence[str], show: Show) -> list[Compared]:
    """Return what `compare_grads` does, on each of these ranks."""
    if len(set(names)) < len(names):
        raise UsageError("--compare: names something twice; name each once")
    if "-" in (request.first, request.data):
        raise UsageError("--compare reads the data for each network anew; save what is piped to a file, and name that")
    points = [request.at] if request.at else [INIT, BEST]
    if is_model(request.first):
        paths = dict.fromkeys([request.first, *map(_run, names)])
        networks = [_Network(path, replace(request, first=path), trained=True) for path in paths]
        return _inspected(ranks, networks, points, StopRequest())
    changed = {name: replace(request, overrides=[*request.overrides, *changes_of(name)]) for name in names}
    if points == [INIT]:
        networks = [_Network(name, one, trained=False) for name, one in changed.items()]
        return _inspected(ranks, networks, points, StopRequest())
    with stop_on_signals() as stop, temporary_folder() as folder:
        runs = [(name, one, folder / str(k)) for k, (name, one) in enumerate(changed.items())]
        networks = ranks.shared(runs, lambda some: [_trained(*run, show) for run in some])
        return _inspected(ranks, networks, points, stop)


def _run(name: str) -> str:
    if not is_model(name):
        raise UsageError(
            f"--compare {name}: is no run; beside a run name other runs, or name a config to change its cell"
        )
    return name


def changes_of(name: str) -> list[str]:
    """Return the cell or KEY=VALUE `name` as --set overrides, which also reset the keys that this cell cannot take."""
    if cell := CELLS.get(name):
        resets = {
            "model.activation=tanh": cell.activations == ("tanh",),
            "model.chrono_init=null": not cell.keeps_by_bias,
            "model.cap_input_gate=false": not cell.caps,
        }
        return [f"model.cell={name}", *(reset for reset, needed in resets.items() if needed)]
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


def _inspected(ranks: Ranks, networks: Sequence[_Network], points: Sequence[str], stop: StopRequest) -> list[Compared]:
    compared = []
    for at in points:  # each rank has those that it trained, which nobody else does
        compared += [one for one in ranks.shared(networks, partial(_seen, at, stop)) if one is not None]
    if not compared:
        raise UsageError(f"--at {', '.join(points)}: none of the networks could be trained; see --at init")
    return compared


def _seen(at: str, stop: StopRequest, networks: Sequence[_Network]) -> list[Compared | None]:
    return [_at(at, one, stop) for one in networks]


def _at(at: str, one: _Network, stop: StopRequest) -> Compared | None:
    """Return the report of a network at a point, None if it has no such weights."""
    if at != INIT and not one.trained:
        return None
    report, basis = inspected(replace(one.request, at=at), lambda text: None)
    if stop.signal_number is not None:
        raise StoppedError("stopped; nothing is kept", stop.signal_number)
    score = one.score if at != INIT else None
    return Compared(one.name, report, score, trained_at(Path(one.request.first), at), basis)


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
