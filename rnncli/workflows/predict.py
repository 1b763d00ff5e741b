"""predict: the next rows of a series, the next tokens after a line, an answer for each sequence or pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnncli.config.schema import DataConfig
from rnncli.data.source import decode, read_source
from rnncli.errors import UsageError
from rnncli.tasks.forecast.calibration import SHOWN
from rnncli.tasks.forecast.forecaster import Forecaster
from rnncli.tasks.language_model.experiment import LanguageModel
from rnncli.tasks.seq2seq.writing import Candidate, Search, Writer
from rnncli.tasks.sequences.many_to_one import Answerer
from rnncli.tasks.sequences.tag import Tagger
from rnncli.training.reports import ForecastChart
from rnncli.workflows.follow import Request as Following
from rnncli.workflows.follow import follow
from rnncli.workflows.opening import open_model

TOP = 5  # next tokens


@dataclass(frozen=True)
class Request:
    """`data` None continues a series from the context in the model file. `reading` changes how DATA is read.

    levels, samples, network, future, follow, state: of a forecast, see `rnncli.tasks.forecast.forecaster` and
    `rnncli.workflows.follow`. search, scores: of an encoder-decoder, how it looks for answers, and whether their
    log-probabilities are written.
    """

    run: str
    data: str | None = None
    horizon: int | None = None
    levels: Sequence[float] = ()
    samples: int | None = None
    network: bool = False
    future: str | None = None
    follow: bool = False
    state: str | None = None
    drawn: bool = False
    tell: Callable[[str], None] = lambda text: None
    top: int | None = None
    search: Search | None = None
    scores: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_a_series(self) -> bool | None:
        """Whether anything is asked for that only a forecast has; None for nothing."""
        asked = (self.levels, self.samples, self.network, self.future, self.follow, self.state, self.drawn)
        return True if any(asked) else None


@dataclass(frozen=True)
class Answer:
    """`nested` is what JSON shows, one object per item; `rows` the same flat, for tables and CSV.

    A CSV is written with the delimiter and the decimal sign of the data it continues.
    """

    nested: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."
    charts: tuple[ForecastChart, ...] = ()


@dataclass(frozen=True)
class Stream:
    """Rows as they come."""

    rows: Iterator[dict[str, Any]]
    delimiter: str
    decimal: str


@dataclass(frozen=True)
class Written:
    """What is written for one input: as lines of text, nested, and flat."""

    lines: list[str]
    nested: dict[str, Any]
    rows: list[dict[str, Any]]


def predict(request: Request, notes: list[str]) -> Answer | Stream | Iterator[Written]:
    """All at once; of an encoder-decoder, input by input as they come."""
    model = open_model(request.run).load()
    _refuse_unused(request, model)
    if isinstance(model, Writer):
        return _written(model, request, notes)
    if isinstance(model, Forecaster):
        return _stream(model, request, notes) if request.follow else _rows(model, request, notes)
    if isinstance(model, LanguageModel):
        answer = _next_tokens(model, request)
        notes += model.notes
        return answer
    if isinstance(model, Answerer):
        return _answers(model, request, notes)
    if isinstance(model, Tagger):
        return _tags(model, request, notes)
    raise UsageError(f"{request.run}: predict does not know this model's task")


def _refuse_unused(request: Request, model: Any) -> None:
    """UsageError for an option that means nothing to this kind of model."""
    writing = request.search or request.scores or None
    for options, value, kind, what in (
        ("--horizon is", request.horizon, Forecaster, "a series"),
        ("--levels, --samples, --network, --future and --follow are", request.of_a_series, Forecaster, "a series"),
        ("--missing is", request.reading.get("missing"), Forecaster, "a series"),
        ("--top is", request.top, LanguageModel, "a language model"),
        ("--beam, --length-penalty, --n-best and --scores are", writing, Writer, "a seq2seq or a caption"),
    ):
        if value is not None and not isinstance(model, kind):
            raise UsageError(f"{options} for {what}; leave it out")


def _rows(model: Forecaster, request: Request, notes: list[str]) -> Answer:
    data: DataConfig = model.data.model_copy(update=dict(request.reading))
    if request.state is not None:
        raise UsageError("--state: is for --follow; leave it out")
    if request.data is not None:
        model.read(read_source(request.data), data, notes)
    if request.future is not None:
        model.read_future(read_source(request.future), data, notes)
    levels = request.levels or (SHOWN if request.drawn and model.calibrations else ())
    made = model.predicted(request.horizon, notes, levels, request.samples or 0, network=request.network)
    rows = model.rows(made)
    charts = tuple(model.charts(made)) if request.drawn else ()
    return Answer(rows, rows, model.delimiter, model.data.decimal, charts)


def _stream(model: Forecaster, request: Request, notes: list[str]) -> Stream:
    for option, value in (("horizon", request.horizon), ("samples", request.samples), ("future", request.future)):
        if value:
            raise UsageError(f"--{option}: does not go with --follow, which forecasts the next row; leave it out")
    following = Following(
        request.data or "-", request.levels, request.network, request.state, request.tell, request.reading
    )
    return Stream(follow(model, following, notes), model.delimiter, model.data.decimal)


def _answers(model: Answerer, request: Request, notes: list[str]) -> Answer:
    if request.data is None:
        raise UsageError("this model answers for given sequences; name a file of them, or - for standard input")
    nested, rows = [], []
    for identity, answer, flat in model.predict(read_source(request.data), request.reading, notes):
        nested.append({"id": identity, **answer})
        rows.append({"id": identity, **flat})
    decimal = model.data.decimal
    return Answer(nested, rows, ";" if decimal == "," else ",", decimal)


def _written(model: Writer, request: Request, notes: list[str]) -> Iterator[Written]:
    path, search = request.data, request.search or Search()
    if path is None:
        raise UsageError("this model writes for what it is given; name a file of that, or - for standard input")
    data = model.data.model_copy(update=dict(request.reading))
    if model.prompts.encodes and not path.lower().endswith((".csv", ".tsv")):
        found = model.from_lines(path, data, search)
    else:
        found = model.from_table(read_source(path), data, search, notes)
    return (_as_written(given, answers, request.scores) for given, answers in found)


def _as_written(given: str, answers: list[Candidate], scores: bool) -> Written:
    return Written(
        [f"{answer.text}\t{answer.score:.4f}" if scores else answer.text for answer in answers],
        {"input": given, "outputs": [{"text": answer.text, "log_probability": answer.score} for answer in answers]},
        [
            {"input": given, "rank": rank, "output": answer.text, "log_probability": answer.score}
            for rank, answer in enumerate(answers, start=1)
        ],
    )


def _tags(model: Tagger, request: Request, notes: list[str]) -> Answer:
    if request.data is None:
        raise UsageError("this model tags given sequences; name a file of them, or - for standard input")
    nested, rows = [], []
    for identity, steps in model.predict(read_source(request.data), request.reading, notes):
        nested.append({"id": identity, "steps": steps})
        rows += [{"id": identity, **step} for step in steps]
    return Answer(nested, rows)


def _next_tokens(model: LanguageModel, request: Request) -> Answer:
    if request.data is None:
        raise UsageError("a language model predicts after given lines; name a file of them, or - for standard input")
    source = read_source(request.data)
    encoding = str(request.reading.get("encoding", "utf-8"))
    text = decode(source, encoding).replace("\r\n", "\n").removesuffix("\n")
    nested, rows = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        following = model.next_tokens(line, request.top or TOP, f"{source.name}:{number}")
        nested.append({"line": line, "next": [{"token": token, "probability": p} for token, p in following]})
        rows += [
            {"line": line, "rank": rank, "token": token, "probability": p}
            for rank, (token, p) in enumerate(following, start=1)
        ]
    return Answer(nested, rows)
