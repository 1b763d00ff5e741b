"""Work on several ranks, as all but rank 0 follow: they do what it calls for, and write and say nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.files import Files
from rnncli.data.sent import in_place_of_files, name_of
from rnncli.data.source import Source
from rnncli.errors import DivergedError, MachineError, RnncliError, StoppedError
from rnncli.job import OF_ANY_RANK
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Context, Options
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.plan import Plan, Position
from rnncli.training.ranks import Ranks
from rnncli.training.reports import Evaluated
from rnncli.workflows.compare_grads import compared_on
from rnncli.workflows.experiments import experiment_of, optimizer_of
from rnncli.workflows.leading import DATA, END, GO_ON, Read, Ties
from rnncli.workflows.planning import Planner
from rnncli.workflows.tune import tune
from rnncli.workflows.tune_study import Study


class Follower:
    """A rank that follows. stop: see `StopRequest`.

    Every public method but `follow` and `is_dismissed` is called by `Lead`, and does what rank 0 does at that time.
    """

    def __init__(self, ties: Ties, stop: Callable[[], bool]):
        self._ties, self._stop = ties, stop
        self._dismissed = False

    def follow(self) -> NoReturn:
        """Follow to the end, which is a SystemExit with the exit code of rank 0."""
        with noting(lambda text: None):
            while True:
                self._serve()

    def is_dismissed(self, code: int) -> bool:
        """Return whether rank 0 ended this rank, and knows of its end."""
        return self._dismissed

    def _serve(self) -> None:
        """Do what rank 0 calls for, until it goes on."""
        while True:
            name, arguments = self._ties.share()
            if name == GO_ON:
                return
            if name == END:
                self._dismissed = True
                raise SystemExit(*arguments)
            getattr(self, name)(*arguments)

    def prepare(self, read: Mapping[str, Read], config: Config, learnt: Mapping[str, Any] | None) -> None:
        ranks = Ranks(config.training.shards or 1, self._ties)
        ranks.asked = self._stop
        self._pool = ThreadPool(config.training.threads, ranks)
        with self._received(read) as source:
            self._whole, self._experiment = experiment_of(config, source, self._pool, learnt)
        optimizer = optimizer_of(self._experiment, self._pool)
        self._planner = Planner(_Nowhere(), self._experiment, optimizer, watch_grads=False)

    @contextmanager
    def _received(self, read: Mapping[str, Read]) -> Iterator[Source]:
        """Yield the data that rank 0 has read; within the block files beside them are those that it has read, too."""
        sources = {name: one.received(lambda: iter(self._ties.share, b"")) for name, one in read.items()}
        several = [one for one in sources.values() if isinstance(one, Files)]
        files = {file.name: file for one in several for file in (*one.files, *one.named)}
        under = {name_of(one.path): one for one in several if one.path is not None}
        with in_place_of_files({**files, **sources, **under}):
            yield sources[DATA]

    def plan(self, fills: bool) -> None:
        self._planner.started(fills=fills)

    def length(self, wanted: int) -> None:
        self._planner.length(wanted)

    def begin(
        self,
        of_all: bool,
        plan: Plan,
        position: Position,
        weights: np.ndarray,
        arrays: dict[str, np.ndarray] | None,
        begins_trained: bool,
    ) -> None:
        experiment = self._whole if of_all else self._experiment
        experiment.network.parameters.weights[...] = weights
        experiment.network.pack()
        optimizer = optimizer_of(experiment, self._pool) if of_all else self._planner.optimizer
        self._loop = TrainingLoop(experiment.learner, optimizer, plan)
        self._loop.begins_trained, self._loop.position = begins_trained, position
        if arrays is not None:
            self._loop.restore(arrays, position)

    def arrays(self) -> None:
        self._loop.arrays()

    def run(self) -> None:
        try:
            for report in self._loop.run(self._stop):
                if isinstance(report, Evaluated):
                    self._serve()
        except DivergedError:  # on all ranks
            return
        except RnncliError as error:
            if type(error) is not RnncliError:
                raise
            time.sleep(1)  # weights that differ, which all ranks found: rank 0 tells

    def recall(
        self,
        read: Mapping[str, Read],
        config: Config,
        learnt: Mapping[str, Any] | None,
        header: dict[str, Any],
        arrays: dict[str, np.ndarray],
    ) -> None:
        self._pool = ThreadPool(config.training.threads, Ranks.judging(self._ties))
        with self._received(read) as source:
            self._experiment = TASKS[config.task].prepare(config, source, Context(self._pool), learnt)
        self._experiment.recall(header, arrays)
        self._experiment.network.load(arrays)

    def hold_out(self, read: Mapping[str, Read], reading: Options) -> None:
        with self._received(read) as source:
            self._experiment.hold_out(source, reading)

    def evaluate(self, options: Options) -> None:
        with self._shared(self._pool.ranks):
            self._experiment.evaluate(options)

    def compare(self, request: Any, names: Sequence[str]) -> None:
        ranks = Ranks.judging(self._ties)
        with self._shared(ranks):
            compared_on(ranks, request, names, lambda report: None)

    def tune(self, request: Any) -> None:
        """Take part in a study that rank 0 has begun."""
        if not Study(request.study).journal.is_file():
            raise MachineError(
                f"{request.study}: is not there, where rank 0 has it; ranks that search work in one folder, on a disk "
                "that all hosts share"
            )
        with suppress(StoppedError):
            tune(request, lambda report: None)

    @contextmanager
    def _shared(self, ranks: Ranks) -> Iterator[None]:
        """Share what `ranks` share within the block; what rank 0 meets, too, it tells."""
        try:
            with ranks.evaluating():
                yield
        except RnncliError as error:
            if error.exit_code in OF_ANY_RANK:
                raise


class _Nowhere:
    """Stands in for the run directory, which rank 0 alone has."""

    def time_a_save(self, arrays: Mapping[str, np.ndarray]) -> None:
        pass
