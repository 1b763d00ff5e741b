"""Work on several ranks of a job, as rank 0 leads it; the others follow, see `following`.

Rank 0 does all that a process alone does: it alone reads config, data and standard input, owns the run directory, has
the clock and the display, scores and saves. What all ranks must do together (a gradient, and so the whole training
loop) it calls for first. The others prepare the same experiment from the bytes that it read, and evaluate as it does,
but write and say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from rnncli.config.loading import data_paths
from rnncli.config.sections import Config
from rnncli.data.files import Files, Paths
from rnncli.data.sent import name_of
from rnncli.data.source import Source
from rnncli.errors import DivergedError, RnncliError, UsageError, amount
from rnncli.job import OF_ANY_RANK
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS
from rnncli.training.length import Length
from rnncli.training.loop import TrainingLoop
from rnncli.training.ranks import Channel, Ranks
from rnncli.training.reports import Evaluated, Report
from rnncli.workflows.opening import Model
from rnncli.workflows.planning import Planner

GO_ON, END = "go on", "end"  # calls to go on with what was interrupted, and to end with an exit code
DATA = ""  # the name of the data that are trained on, beside the paths of files that are read beside them


class Ties(Channel, Protocol):
    """What ties the ranks of a job together; see `mpi_job.MpiJob`."""

    host: str

    def share(self, thing: Any = None) -> Any:
        """Return on each rank what rank 0 gives."""

    def gather(self, thing: Any) -> list[Any]:
        """Return on each rank what all ranks give, in their order."""


@dataclass(frozen=True)
class Greeting:
    """What a rank tells all others at first: what must be the same for all, its host, and the CPUs that it may use."""

    version: str
    request: Any
    fused: bool  # whether its CPU multiplies and adds in one step, without which bytes are others
    host: str
    cpus: frozenset[int]


def require_alike(greetings: Sequence[Greeting]) -> None:
    """Raise UsageError where ranks differ in what must be the same for all."""
    first = greetings[0]
    for rank, one in enumerate(greetings):
        where = f"rank {rank} on {one.host}"
        if one.version != first.version:
            raise UsageError(
                f"{where} has rnncli {one.version}, and rank 0 on {first.host} has {first.version}; install the same "
                "version on all hosts"
            )
        if one.request != first.request:
            raise UsageError(f"{where} was started with other arguments than rank 0; start all ranks by one command")
        if one.fused != first.fused:
            raise UsageError(
                f"{where} and rank 0 on {first.host} have CPUs of which one lacks AVX2 with FMA, and would compute "
                "other bytes; start ranks on hosts that are alike in that"
            )


def threads_of(greetings: Sequence[Greeting], rank: int) -> int:
    """Return the threads of a rank: its share of the CPUs that ranks of its host may use, at least one."""
    here = [one for one in greetings if one.host == greetings[rank].host]
    wanting = Counter(cpu for one in here for cpu in one.cpus)
    return max(1, int(sum(1 / wanting[cpu] for cpu in greetings[rank].cpus) + 1e-9))


class Lead:
    """What rank 0 leads a training with; `ties` None is that of a process alone, whom nobody follows.

    awaited: True while the others wait for a call.
    """

    def __init__(self, ties: Ties | None = None, greetings: Sequence[Greeting] = ()):
        self._ties, self._greetings = ties, greetings
        self.awaited = ties is not None

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is to be told of the ranks, in one line, or nothing."""
        hosts = {one.host for one in self._greetings}
        return (("ranks", f"{len(self._greetings)} on {amount(len(hosts), 'host')}"),) if self._greetings else ()

    def ranks(self, config: Config) -> Ranks:
        """Return the ranks that share the training; ConfigError where they do not divide training.shards."""
        return Ranks(config.training.shards or 1, self._ties)

    def judging(self) -> Ranks:
        """Return the ranks that share what is no training."""
        return Ranks.judging(self._ties)

    def call(self, name: str, *arguments: Any) -> None:
        """Let the others do what a method of `Follower` does."""
        if self._ties is not None:
            self._ties.share((name, arguments))

    @contextmanager
    def together(self, name: str, *arguments: Any) -> Iterator[None]:
        """Let the others do what a method of `Follower` does, and this rank does within the block."""
        self.call(name, *arguments)
        before, self.awaited = self.awaited, False
        yield
        self.awaited = before  # not after an error, which leaves them in the middle of it

    @contextmanager
    def shared(self, ranks: Ranks, name: str, *arguments: Any) -> Iterator[None]:
        """Let the others do what a method of `Follower` does, and share with them what `ranks` share within the block.

        They meet all errors that this rank does, but those of a machine or a bug, and then wait.
        """
        try:
            with self.together(name, *arguments), ranks.evaluating():
                yield
        except RnncliError as error:
            self.awaited = self._ties is not None and error.exit_code not in OF_ANY_RANK
            raise

    def prepare(self, config: Config, source: Source, learnt: Mapping[str, Any] | None) -> None:
        """Let the others prepare the experiment that this rank has prepared; `config` has no null left that data fill.

        They get what was read here, since their hosts may have other files under these names, or none.
        """
        self._send("prepare", self._read(config, source), config, learnt)

    def recall(self, config: Config, source: Source, learnt: Mapping[str, Any] | None, model: Model) -> None:
        """Let the others prepare the experiment of a trained model, with its weights."""
        self._send("recall", self._read(config, source), config, learnt, model.header, model.arrays)

    def hold_out(self, source: Source, reading: Mapping[str, Any]) -> None:
        """Let the others score the model on these data."""
        self._send("hold_out", {DATA: source}, reading)

    def _read(self, config: Config, source: Source) -> dict[str, Source]:
        """Return the data, and all files beside them, by what the others find them by."""
        if self._ties is None:
            return {}
        with noting(lambda text: None):  # told when they were read
            others = {name_of(path): path for key, path in data_paths(config).items() if key != "path"}
            beside = {name: TASKS[config.task].source(config, path) for name, path in others.items()}
        return {DATA: source, **beside}

    def _send(self, name: str, read: Mapping[str, Source], *arguments: Any) -> None:
        """Let the others do what a method of `Follower` does with data that were read here."""
        if self._ties is None:
            return
        self.call(name, {name: Read.of(one) for name, one in read.items()}, *arguments)
        for file in (file for one in read.values() for file in _all_files(one)):
            for piece in file.pieces():
                self._ties.share(piece)
            self._ties.share(b"")

    def length(self, planner: Planner, wanted: int) -> Length:
        """Return the length that the planner finds for so many updates."""
        with self.together("length", wanted):
            return planner.length(wanted)

    def begin(
        self, loop: TrainingLoop, arrays: Mapping[str, np.ndarray] | None = None, *, of_all: bool = False
    ) -> None:
        """Let the others have a loop like this one, restored from `arrays` if there are any; of_all: that of all data
        after cross-validation."""
        weights = loop.parameters.weights
        self.call("begin", of_all, loop.plan, loop.position, weights, arrays, loop.begins_trained)

    def arrays(self, loop: TrainingLoop) -> dict[str, np.ndarray]:
        """Return the arrays of a loop, of which other ranks have some rows."""
        with self.together("arrays"):
            return loop.arrays()

    def run(self, loop: TrainingLoop, stop: Callable[[], bool]) -> Iterator[Report]:
        """Run the loop on all ranks; the others wait while an evaluation is saved, and after the end."""
        self.call("run")
        self.awaited = False
        try:
            for report in loop.run(stop):
                self.awaited = self._ties is not None and isinstance(report, Evaluated)
                yield report
                if self.awaited:
                    self.call(GO_ON)
                    self.awaited = False
        except DivergedError:  # on all ranks
            self.awaited = self._ties is not None
            raise
        self.awaited = self._ties is not None

    def dismiss(self, code: int) -> bool:
        """End the others with this exit code; False where they do not wait for a call, so that they cannot be told."""
        if self.awaited:
            self.call(END, code)
        return self.awaited


def _all_files(source: Source) -> tuple[Source, ...]:
    return (*source.files, *source.named) if isinstance(source, Files) else source.files


class Read(NamedTuple):
    """What was read under one path: its name, and if it is of several files, that path, their names, and those of
    further files that these name.
    """

    name: str
    path: Paths | None = None
    files: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source) -> Read:
        if not isinstance(source, Files):
            return cls(source.name)
        files, named = (tuple(file.name for file in some) for some in (source.files, source.named))
        return cls(source.name, source.path, files, named)

    def received(self, pieces: Callable[[], Iterator[bytes]]) -> Source:
        """Return the source again, from the pieces of one file after the other."""
        from rnncli.data.spool import Spooled

        if self.path is None:
            return Spooled(self.name, pieces())
        files, named = ([Spooled(name, pieces()) for name in some] for some in (self.files, self.named))
        return Files(self.name, files, self.path, named)
