"""The interface of a task, one object that `registry` lists, and of what it makes. Workflows know tasks only by it.

A new task is a folder with such an object in its `task.py`, and one line in `registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS, Config
from rnncli.errors import DataError, UsageError
from rnncli.notes import doubt, noting
from rnncli.tasks.headers import with_words_of_letters

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.files import Paths
    from rnncli.data.kept_rows import KeptRows
    from rnncli.data.look import Look
    from rnncli.data.places import Places
    from rnncli.data.source import Source
    from rnncli.kernels.prefix_beam import Language
    from rnncli.nn.network import Model
    from rnncli.tasks.adopting import Adopted, Given
    from rnncli.tasks.answers import Answers
    from rnncli.tasks.exported import InOnnx, InTorch
    from rnncli.tasks.scored import ScoredText
    from rnncli.training.backpropagation import ThreadPool
    from rnncli.training.learner import Learner
    from rnncli.training.reports import Figure, Fit, Score
    from rnncli.training.wrong_answers import WrongAnswer

S = TypeVar("S")
Options = Mapping[str, Any]
"""Options of a command line that were given, by name; `plot` says how it was asked for, as in `-f plot`."""

MORE_EPOCHS = 3  # than the data choose, in a time that is given and long enough
DECIDED, CERTAIN, LIKELY, POSSIBLE, CONCEIVABLE = 4, 3, 2, 1, 0  # how surely a file is for a task


@dataclass(frozen=True)
class Recognised:
    """A bare data file that is for a task. why: what the file looks like, as in `it looks like …`. certainty: one of
    DECIDED, CERTAIN, LIKELY, POSSIBLE and CONCEIVABLE, which is offered beside what is possible. data: the keys of
    `data` that read it so, where defaults do not. inputs: what a model would read in each `unit` that was seen; None if
    that is not to be counted.
    """

    why: str
    certainty: int
    data: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Hashable] | None = None
    unit: str = "example"


def _float32() -> np.dtype:
    from rnncli.nn.network import FLOAT32

    return FLOAT32


@dataclass(frozen=True)
class Context:
    """The means of an experiment: the threads that it may use, and float32 or, for checks, float64.

    kept: what a run keeps of the data, which a task may take from it, and add to it.
    """

    pool: ThreadPool
    dtype: np.dtype = field(default_factory=_float32)
    kept: KeptRows | None = None


@dataclass(frozen=True)
class Evaluation:
    """The score, to be shown as a table or as JSON; `check` raises CheckFailedError if a requested check fails.

    report: further figures, in a dataclass that `rnncli.ui` knows. rows: all single predictions, for CSV, which is
    written with the delimiter, the decimal sign and the encoding of the data. charts: of the predictions that were
    worst.
    """

    score: Score
    report: Any = None
    rows: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    check: Callable[[], None] = lambda: None
    charts: Callable[[], tuple[Any, ...]] = lambda: ()
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


EXTENDS = "extends"  # in what was `learnt` before: a vocabulary may take the new tokens of the data
OTHER_DATA = "other_data"  # in what was `learnt` before: from data that are not those of the experiment


def count_of_networks(config: Config) -> str:
    """Return the words for the number of networks that stand before the description of one."""
    return f"{config.networks} networks of " if config.networks > 1 else ""


class Experiment:
    """A network and its data, ready to be trained.

    config: has every null filled in that the data decide. facts: (label, text) for the user: the data that were
    read, the network that is built.
    """

    config: Config
    network: Model
    learner: Learner
    facts: tuple[tuple[str, str], ...]
    cross_validated: Score | None = None  # in place of that of a split, if nothing was held out

    def header(self) -> dict[str, Any]:
        """Return all that a model file needs to be used alone; nothing depends on threads, paths or the clock.

        It has `task`, `data` and `model`, which `config_in` reads, and all that the task needs, as JSON that
        survives a round trip. `arrays` are stored as tensors, and `validated` has the results of validation:
        `evaluate` compares neither of them when it prepares the experiment again.
        """
        raise NotImplementedError

    def hold_out(self, source: Source, changes: Options) -> None:
        """Score on these data in place of the test split; `changes` to the config's `data` define how they are read."""
        raise NotImplementedError

    def doubt_same(self, source: Source) -> None:
        """Write a doubt on `source`, which is to be held out and has what the model was trained on; DataError where it
        cannot be."""
        doubt(f"{source.name}: has what the model was trained on, so that the score flatters it")

    def recall(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Restore what training learnt beside the weights, from the header and the arrays of its model file."""
        kept = header.get("validated", {}).get("cross_validated")
        if kept is not None:
            from rnncli.training.reports import Score

            self.cross_validated = Score.from_header(kept)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights for the model file that `header` is for."""
        return self.network.parameters.export()

    def widened(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return the weights of the model that was `learnt` in the shapes of this network."""
        return arrays

    @property
    def reasons(self) -> Mapping[str, str]:
        """Return why the config has the values that the data chose, by `section.key`, for the comments of a config.

        A key whose reason is empty does not matter for these data.
        """
        return {}

    @property
    def places(self) -> Places:
        """The places of its data that it trains on, and of those held out that are in no file of their own."""
        raise NotImplementedError

    def may_have_seen(self, header: Mapping[str, Any]) -> bool:
        """Return whether the header of a model of other data tells that these may have had what is held out here."""
        return False

    @property
    def share_of_time(self) -> float:
        """The share of training.max_time that it may take."""
        return 1.0

    def after_training(self, *, can_evaluate: bool) -> tuple[str, ...]:
        """Return the command that shows most of a run that has just ended, and what follows the run in it."""
        return ("evaluate",) if can_evaluate else ("predict", "DATA")

    def folds(self) -> Sequence[Experiment]:
        """Return the experiments of a cross-validation, each of which holds out other sequences of the training split;
        none if there is a validation split, or nothing is to be validated.
        """
        return ()

    def choose(self) -> None:
        """Choose, by what is held out, what training does not learn; called with the weights that are kept."""

    def settle(self, folds: Sequence[Experiment]) -> None:
        """Choose, by what these folds of its cross-validation answer, what training does not learn."""

    def score(self) -> Score | None:
        """Score the current weights and the baselines on the test split, or else on validation; without either, return
        the score of cross-validation, or None.
        """
        raise NotImplementedError

    def figure_of_training(self) -> Figure | None:
        """Return the figure of the current weights on the training split, by which those of validation are chosen; None
        of tasks without folds, or of a loss."""
        return None

    @property
    def most_epochs(self) -> int:
        """The epochs that a plan for a given time has at most: more would hardly help."""
        return MORE_EPOCHS * self.config.training.epochs

    def fit(self, metrics: Sequence[Mapping[str, Any]], *, longer: str) -> Fit | None:
        """Return whether the network over- or under-fits, by the lines of metrics.jsonl; None where that is not told.

        longer: the key and value, as `--set` takes them, that train for twice as long.
        """
        from rnncli.training.fit import over_fit

        return over_fit(metrics, self.config.model)

    def wrong(self) -> tuple[WrongAnswer, ...]:
        """Return the worst answers of the current weights to what `score` is on; none where answers are not single, or
        nothing was held out.
        """
        return ()

    def evaluate(self, options: Options) -> Evaluation:
        """Return the score and all that `options` request; UsageError if nothing was held out."""
        score = self.score()
        if score is None:
            raise UsageError("nothing was held out; name data to score it on")
        return judged(score, options)


def judged(score: Score, options: Options) -> Evaluation:
    """Return the evaluation that is this score, with the check on it that the options ask for."""
    from rnncli.tasks.checks import check_beaten, require_judged

    must_beat = options.get("must_beat", ())
    require_judged(score, must_beat)
    return Evaluation(score, check=lambda: check_beaten(score, must_beat))


def prepared(splits: Iterable[S], experiment: Callable[[S], Experiment]) -> list[Experiment]:
    """Return the experiments of these folds, and none if one of them has nothing to learn; the notes that they write
    were told of the whole."""
    with noting(lambda text: None):
        try:
            return [experiment(one) for one in splits]
        except DataError:
            return []


@dataclass(frozen=True)
class Asked:
    """A request to `predict`: the data, how to read them, options; `tell` takes messages on rows that do not fit.

    more: further files, of a task that answers for several. language: the language model that is asked too, if one is.
    """

    data: str | Source | None
    reading: Options
    options: Options
    tell: Callable[[str], None] = lambda text: None
    more: Sequence[str] = ()
    language: Predictor | None = None


class Predictor:
    """A trained model at work. reads_bytes: of a text any bytes, those that are no UTF-8 written as surrogates."""

    reads_bytes: bool = False

    def predict(self, asked: Asked) -> Answers:
        """Return the answers to the data in `asked`."""
        raise NotImplementedError

    def score(self, asked: Asked) -> ScoredText:
        """Return how surprising the lines of the data in `asked` are, as they come."""
        raise NotImplementedError

    @property
    def between_texts(self) -> str | None:
        """What stands between texts that it generates whole, with the prime; None of texts that continue it."""
        return None

    def know(self, config: Config, source: Source) -> None:
        """Read the data that it was trained on, so that what it generates is new."""
        raise NotImplementedError

    def generate(
        self, prime: str, options: Options, experiment: Experiment | None = None
    ) -> Iterator[tuple[int, Iterator[str]]]:
        """Yield texts that continue `prime`, each as pieces, and with its number: text k is drawn from seed + k. The
        experiment has what must not be copied.
        """
        raise NotImplementedError

    def copied(self, texts: Sequence[str], experiment: Experiment) -> str:
        """Return in a sentence what `texts` copy of what was trained on."""
        raise NotImplementedError

    def following(self, symbols: Sequence[str], kind: str) -> Callable[[], Language]:
        """Return what makes it ready to tell how likely symbols, tokens of this kind, are in a transcript. The first of
        them is the blank."""
        raise UsageError("--lm: is no language model; name a run of one")

    def codec(self, threads: int | None) -> Any:
        """Return what codes one text by this model, with `encode` and `decode`."""
        raise NotImplementedError

    def network_alone(self) -> Predictor:
        """Return the model without what its answers are averaged with."""
        raise NotImplementedError

    def in_onnx(self) -> InOnnx:
        """Return the model in ONNX; UsageError for what has no form there, which says what to use instead."""
        raise NotImplementedError

    def in_torch(self) -> InTorch:
        """Return the network as PyTorch's modules make it up; UsageError where they do not."""
        raise NotImplementedError


class Task:
    """One task. options: the names of those that it supports, by command; an absent command does not apply to it.
    reads_files: whether it learns from several files, each of which is a text of its own. answers_files: whether
    `predict` takes several.
    """

    name: ClassVar[str]
    config: ClassVar[type[Config]]
    options: ClassVar[Mapping[str, frozenset[str]]]
    reads_files: ClassVar[bool] = False
    answers_files: ClassVar[bool] = False
    before: ClassVar[
        Mapping[str, str]
    ] = {}  # values of keys that the configs of older runs lack, where not the default

    nulls_before: ClassVar[Mapping[str, str]] = {}  # the meaning of null in older runs, of keys that are now chosen

    def source(self, config: Any, path: Paths | Source, seen: Source | None = None) -> Source:
        """Open the data at `path` that a config is for; seen: the same, where it was opened to be looked at."""
        from rnncli.data.files import read_files

        return seen or read_files(path, binary=not config.data.is_decoded)

    def prepare(
        self, config: Any, source: Source, context: Context, learnt: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Read `source` as `config` says, fill in what is null, and build a network with its first weights.

        learnt: the header of a model, whose vocabulary, labels and scales are taken in place of new ones.
        """
        from rnncli.data.encodings import with_encoding

        return self.experiment(with_encoding(config, source), source, context, learnt)

    def experiment(self, config: Any, source: Source, context: Context, learnt: Mapping[str, Any] | None) -> Experiment:
        """Return what `prepare` does, given a config with an encoding."""
        raise NotImplementedError

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        """Return the trained model in a model file."""
        raise NotImplementedError

    def adopted(self, given: Given) -> Adopted:
        """Return the config and the header of a network of another program; UsageError where it is not for this task,
        or something that it needs is not given. Its option `import` says that there is such a way.
        """
        raise NotImplementedError

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return a header of an older version in the form of this one; headers of 0.1 have the keys of all tasks."""
        new = dict(header)
        for section in SECTIONS:
            if isinstance(new.get(section), dict):
                own = keys_of(self.config, section)
                new[section] = {key: value for key, value in new[section].items() if key in own}
        if "data.words" in self.before and "words" not in new["data"]:
            new = with_words_of_letters(new)
            new["data"]["words"] = self.before["data.words"]
        return new

    def recognised(self, look: Look) -> Recognised | None:
        """Return why the data file that `look` saw is for this task; None if it is not."""
        return None

    def recognised_names(self, path: Paths) -> str | None:
        """Return what the files are that `path` stands for, if their names tell that they are for this task."""
        return None

    def require_options(self, command: str, options: Options) -> None:
        """Raise UsageError if the values of its options make no sense."""

    def held_out_for(self, config: Any, options: Options) -> list[str]:
        """Return overrides for a config that is evaluated with `options`, so that enough is held out."""
        return []
