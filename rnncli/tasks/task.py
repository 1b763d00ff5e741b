"""What a task is: one object, which `registry` lists; and what it makes. Workflows know tasks only through these.

A new task is a folder with such an object in its `task.py`, and one line in `registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.sections import SECTIONS, C, Config, keys_of
from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.nn.network import FLOAT32, Model
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import Learner
from rnncli.training.reports import Score


@dataclass(frozen=True)
class Table:
    """`nested` is what JSON shows, one object per item; `rows` the same flat, for tables and CSV.

    A CSV is written with the delimiter and the decimal sign of the data it continues. charts: to be drawn.
    """

    nested: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."
    charts: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Stream:
    """Rows as they come."""

    rows: Iterator[dict[str, Any]]
    delimiter: str
    decimal: str


@dataclass(frozen=True)
class Piece:
    """What is written for one input: as lines of text, nested, and flat."""

    lines: list[str]
    nested: dict[str, Any]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Pieces:
    """What is written, input by input as they come."""

    pieces: Iterator[Piece]


Answers = Table | Stream | Pieces


Options = Mapping[str, Any]
"""Options of a command line that were given, by name."""


@dataclass(frozen=True)
class Context:
    """What an experiment is run with: the threads that it may use, and float32 or, for checks, float64."""

    pool: ThreadPool
    dtype: np.dtype = FLOAT32


@dataclass(frozen=True)
class Evaluation:
    """The score, as a table may show it and as JSON; `check` raises CheckFailedError where what was asked for fails.

    report: more figures than the score, in a dataclass that `rnncli.ui` knows. rows: every single prediction, for CSV.
    """

    score: Score
    report: Any = None
    rows: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    check: Callable[[], None] = lambda: None


def set_first_weights(network: Model, config: Config) -> None:
    """A model's first weights, as a config wants them, from its seed alone."""
    model = config.model
    network.initialise(model.recurrent_init, model.recurrent_scale, config.training.seed, model.chrono_init)


def config_in(header: Mapping[str, Any], schema: type[C]) -> C:
    """The config in the header of a model file; ConfigError where it makes no sense."""
    kept = {part: header[part] for part in ("task", *SECTIONS) if part in header}
    config = config_from_mapping(kept, {str(header["task"]): schema})
    assert isinstance(config, schema)
    return config


class Experiment:
    """A network and its data, ready to be trained.

    config: with every null filled in that the data decide. facts: (label, text) for the user: what was read, what is
    built.
    """

    config: Config
    network: Model
    learner: Learner
    facts: tuple[tuple[str, str], ...]

    def header(self) -> dict[str, Any]:
        """What a model file must say to be used alone; nothing that depends on threads, paths or the clock.

        `task`, `data` and `model`, which `config_in` reads; beside them what the task needs, as JSON that gives itself
        back. `arrays` holds what is to be stored as tensors, and `validated` what validation said: of both `evaluate`
        does not ask that they are the same when an experiment is prepared again.
        """
        raise NotImplementedError

    def hold_out(self, source: Source, changes: Options) -> None:
        """Score on these data in place of the test part; `changes` to the config's `data` say how they are read."""
        raise NotImplementedError

    def recall(self, header: Mapping[str, Any]) -> None:
        """Take what training learnt beside the weights from the header of its model file."""

    def score(self) -> Score | None:
        """The current weights beside the baselines, on the test part or else the validation part."""
        raise NotImplementedError

    def evaluate(self, options: Options) -> Evaluation:
        """The score and all that `options` ask for; UsageError where nothing was held out."""
        score = self.score()
        if score is None:
            raise UsageError("nothing was held out; name data to score it on")
        return Evaluation(score)


@dataclass(frozen=True)
class Asked:
    """What `predict` is asked: about which data, read how, with which options; `tell` hears of rows that do not fit."""

    data: str | None
    reading: Options
    options: Options
    tell: Callable[[str], None] = lambda text: None


class Predictor:
    """A trained model at work."""

    def predict(self, asked: Asked) -> Answers:
        """Answers to the data that are asked about."""
        raise NotImplementedError

    def generate(self, prime: str, options: Options) -> Iterator[Iterator[str]]:
        """Texts after `prime`, each as pieces."""
        raise NotImplementedError


class Task:
    """One task. options: by command, the names of those that it understands; a command that is absent is not for it."""

    name: ClassVar[str]
    config: ClassVar[type[Config]]
    options: ClassVar[Mapping[str, frozenset[str]]]

    def prepare(
        self, config: Any, source: Source, context: Context, learnt: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Read `source` as `config` says, fill in what is null, and build a network with its first weights.

        learnt: the header of a model, whose vocabulary, labels and scales are taken in place of new ones.
        """
        raise NotImplementedError

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        """The trained model in a model file."""
        raise NotImplementedError

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """A header that an older version wrote, as this one writes it; those of 0.1 have all tasks' keys."""
        new = dict(header)
        for section in SECTIONS:
            if isinstance(new.get(section), dict):
                own = keys_of(self.config, section)
                new[section] = {key: value for key, value in new[section].items() if key in own}
        return new

    def inferred(self, path: str, size: int, form: str | None) -> dict[str, Any] | None:
        """The sections of a config for a bare data file of `size` bytes; None for a file that another task is for.

        The first task that has an answer is taken, in the order of the registry.
        form: data.format, where the command line says it.
        """
        return None

    def require_options(self, command: str, options: Options) -> None:
        """UsageError where the values of options that it understands make no sense."""

    def held_out_for(self, config: Any, options: Options) -> list[str]:
        """Overrides of a config that is evaluated with `options`, so that enough is held out."""
        return []
