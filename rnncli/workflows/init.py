"""init: a data file becomes a config with comments, which trains the network that the file alone would."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnncli.config.commented import Line, commented
from rnncli.config.loading import STANDARD_INPUT, given_keys, relative_to
from rnncli.config.section import Section, keys_of
from rnncli.config.sections import SECTIONS, Config
from rnncli.data.files import Paths
from rnncli.data.source import Source
from rnncli.errors import MachineError, UsageError, quoted
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.bare_file import Guess, read_and_guessed
from rnncli.workflows.names import is_config
from rnncli.workflows.opening import require_one_file

_HEAD = """\
# yaml-language-server: $schema=rnncli.schema.json
# By that file editors complete and check keys: rnncli check --schema > rnncli.schema.json
# All keys, and what the data choose for those that are left out: rnncli help config
"""
_FIRST = (  # of the keys of a section: what is read, and what for
    *("path", "format", "encoding", "delimiter", "header", "quoting", "time", "freq", "id", "text", "inputs"),
    *("source", "target", "label", "layout", "season", "horizon", "context", "validation", "folds", "tokens"),
)
_LEFT_OUT = [  # what any data would get again, and what says little
    ("data.encoding", "utf-8"),
    ("data.layout", "wide"),
    ("data.channels", "joint"),
    ("data.padding", False),
    ("data.folds", 0),
    ("data.differences", False),
    ("data.residual", "none"),
    ("model.word_dropout", 0.0),
    ("model.cap_input_gate", True),  # the cell has either, and another cell that may be set in its place the other
    ("model.cap_input_gate", False),
]
_OFFERED = (  # keys that are often changed
    *("data.test", "data.past_covariates", "data.known_covariates", "data.calendar", "data.missing"),
    *("data.non_negative", "data.max_length", "data.group", "data.min_count", "data.vectors"),
    *("model.embedding_size", "training.loss", "training.optimizer", "training.schedule", "training.patience"),
    *("training.max_time", "training.seed", "training.threads"),
)
_COMMENTS = {  # where a key's description is too long, or tells of null
    "data.format": "csv, text or ts",
    "data.encoding": "what the bytes of the data look like",
    "data.header": "whether the first row names the columns",
    "data.delimiter": "between columns",
    "data.decimal": "what stands before the decimals of numbers",
    "data.thousands": "what stands between their thousands",
    "data.quoting": "quotes are part of the text (none), or hold a field together (minimal)",
    "data.test": "a last part, such as 0.1, for a score that chose nothing",
    "data.missing": "or ffill, interpolate, zero, mask: what to do with missing values",
    "data.calendar": "true adds time of day, day of week and time of year",
    "data.past_covariates": "columns that help and are known up to the last row",
    "data.known_covariates": "columns that help and are known ahead, such as prices",
    "data.non_negative": "true where nothing can be below 0, such as sales",
    "data.max_length": "cuts longer sequences to so many steps",
    "data.group": "a column whose equal cells, such as a person's, stay in one split",
    "data.min_count": "rarer tokens become <unk>",
    "data.vectors": "a file of word2vec or GloVe that words start with",
    "data.stratify": "every split has its share of each answer",
    "model.cell": "rnn, gru, lstm, peephole, slstm or rmslstm",
    "model.num_layers": "recurrent layers, one above another",
    "model.dropout": "left out at random in training, against learning by heart",
    "model.bidirectional": "reads from both ends",
    "model.pooling": "how all steps become one answer: last, mean, max or attention",
    "model.attention": "how the writer looks back at its source",
    "model.encoder_bidirectional": "reads the source from both ends",
    "model.character_size": "words are also known by their letters, in vectors of this size",
    "model.affix_size": "and by their shape, beginning and end",
    "model.head": "crf: tags are chosen together; softmax: one by one",
    "training.speed": "how much training changes the speed of recordings at most",
    "training.mask_steps": "training leaves out two runs of up to this share of the steps",
    "training.mask_features": "and of the features, such as bands of frequencies",
    "training.jitter": "noise that training adds to series",
    "training.magnitude": "how much training stretches and shrinks series",
    "model.embedding_size": "the size of token vectors",
    "training.max_time": "stops then, and keeps the best",
    "training.batch_size": "sequences of one update",
    "training.learning_rate": "at the start of the schedule",
    "training.loss": "what training makes small",
    "training.schedule": "how the learning rate falls: cosine, step, plateau or constant",
    "training.patience": "stops after so many evaluations without a better one",
    "training.seed": "the same seed, the same network",
    "training.seeds": "networks side by side, which answer together",
    "training.threads": "null is all cores; the result does not depend on it",
}


@dataclass(frozen=True)
class Request:
    """The arguments of `init`; `out` None returns the text alone, for standard output."""

    data: Paths
    out: str | None = None
    overrides: Sequence[str] = ()


def init(request: Request) -> str:
    """Return a config with comments for the data, and write it to the new file `out`, if one is named.

    Trained with the same seed, it makes the network that `rnncli train DATA` does. Paths in it are relative to its
    folder, or to the working directory where no file is named.
    """
    for one in [request.data] if isinstance(request.data, str) else request.data:
        if is_config(one):
            raise UsageError(f"{one}: is a config already; look at it with: rnncli check {quoted(one)}")
    if request.out is not None:
        _require_new(request.out)
    guess, seen = read_and_guessed(request.data, request.overrides, "init")
    config = config_from_mapping(guess.config, request.overrides, where="inferred config")
    source = TASKS[config.task].source(config, request.data, seen)
    require_one_file(config, seen or source)
    pool = ThreadPool.of(config.training)
    try:
        experiment = TASKS[config.task].prepare(config, source, Context(pool))
        text = _HEAD + "\n" + commented(_sections(experiment, guess, request, source, fills_time=config.fills_time))
    finally:
        pool.close()
    if request.out is not None:
        _write(request.out, text)
    return text


def _require_new(out: str) -> None:
    if not is_config(out):
        raise UsageError(f"-o {out}: call it .yaml, by which rnncli train knows a config")
    if os.path.lexists(out):
        raise UsageError(f"-o {out}: exists, and is left as it is; name another, or remove it")


def _write(out: str, text: str) -> None:
    try:
        with open(out, "x", encoding="utf-8", newline="\n") as file:  # which follows no link
            try:
                file.write(text)
                file.flush()
            except OSError:
                os.unlink(out)
                raise
    except OSError as error:
        raise MachineError(f"-o {out}: cannot write: {(error.strerror or '').lower()}; name another") from None


def _sections(
    experiment: Experiment, guess: Guess, request: Request, source: Source, *, fills_time: bool
) -> Mapping[str, Sequence[Line]]:
    """Return the lines of the config by section; fills_time: without epochs, which would end it before its max_time."""
    config = _placed(experiment.config, request, source)
    config = config.changed(training={"epochs": None}) if fills_time else config
    comments = _comments(experiment, is_piped=source.path is None)
    given = given_keys(request.overrides)
    why = "as given" if "task" in given else f"the data look like {guess.why}" if guess.why else ""
    sections = {"": [Line("task", config.task, why)]}
    for name in SECTIONS:
        keys = given.get(name)
        lines = _lines(config, name, set(keys) if isinstance(keys, dict) else set(), comments)
        sections[name] = sorted(lines, key=lambda line: line.off)
    return sections


def _placed(config: Config, request: Request, source: Source) -> Config:
    """Return the config with paths relative to its folder; what came from a pipe has to come from one again."""
    if source.path is None:
        config = config.changed(data={"path": STANDARD_INPUT})
    return config if request.out is None else relative_to(config, os.path.dirname(request.out) or ".")


def _lines(config: Config, section: str, given: set[str], comments: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines of a section: what was given, what the data chose, and what is often changed."""
    keys = keys_of(type(config), section)
    for key in sorted(keys, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST)):
        field = keys[key]
        name, value = f"{section}.{key}", getattr(getattr(config, section), key)
        value = value.model_dump(exclude_defaults=True) if isinstance(value, Section) else value
        comment = comments.get(name, _brief(field.description or ""))
        if key in given:
            yield Line(key, value, "as given")
        elif comment == "" or (name, value) in _LEFT_OUT:
            continue
        elif value != field.default:
            yield Line(key, value, comment)
        elif name in _OFFERED:
            yield Line(key, value, comment, off=True)


def _comments(experiment: Experiment, *, is_piped: bool) -> dict[str, str]:
    """Return the comments by key, the reasons of the task before those of all tasks."""
    training, updates = experiment.config.training, experiment.learner.updates_per_epoch
    piped = "standard input: pipe the data in again, or name a file of them here"
    return _COMMENTS | {
        "data.path": piped if is_piped else "relative to the folder of this file",
        "training.epochs": f"passes over the data: {training.epochs * updates:,} updates at most",
        **experiment.reasons,
    }


def _brief(description: str) -> str:
    """Return the first clause of a key's description."""
    clause = description.partition(";")[0].partition(": ")[0].rstrip(".")
    return clause[:1].lower() + clause[1:]
