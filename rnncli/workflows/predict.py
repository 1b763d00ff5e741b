"""predict: the next rows of a series, the next tokens after each line of a text, an answer for each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnncli.config.schema import DataConfig
from rnncli.data.source import decode, read_source
from rnncli.errors import UsageError
from rnncli.tasks.forecast import Forecaster
from rnncli.tasks.language_model import LanguageModel
from rnncli.tasks.many_to_one import Answerer
from rnncli.workflows.opening import open_model


@dataclass(frozen=True)
class Request:
    """`data` None continues a series from the context in the model file. `reading` changes how DATA is read."""

    run: str
    data: str | None = None
    horizon: int | None = None
    top: int = 5
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """`nested` is what JSON shows, one object per item; `rows` the same flat, for tables and CSV.

    A CSV is written with the delimiter and the decimal sign of the data it continues.
    """

    nested: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    delimiter: str = ","
    decimal: str = "."


def predict(request: Request, notes: list[str]) -> Answer:
    model = open_model(request.run).load()
    if isinstance(model, Forecaster):
        return _rows(model, request, notes)
    if isinstance(model, LanguageModel):
        answer = _next_tokens(model, request)
        notes += model.notes
        return answer
    if isinstance(model, Answerer):
        return _answers(model, request, notes)
    raise UsageError(f"{request.run}: predict does not know this model's task")


def _rows(model: Forecaster, request: Request, notes: list[str]) -> Answer:
    if request.data is not None:
        data: DataConfig = model.data.model_copy(update=dict(request.reading))
        model.read(read_source(request.data), data, notes)
    rows = model.predict(request.horizon, notes)
    return Answer(rows, rows, model.delimiter, model.data.decimal)


def _answers(model: Answerer, request: Request, notes: list[str]) -> Answer:
    if request.data is None:
        raise UsageError("this model answers for given sequences; name a file of them, or - for standard input")
    if request.horizon is not None:
        raise UsageError("--horizon is for a series; this model gives one answer for each sequence")
    nested, rows = [], []
    for identity, answer, flat in model.predict(read_source(request.data), request.reading, notes):
        nested.append({"id": identity, **answer})
        rows.append({"id": identity, **flat})
    decimal = model.data.decimal
    return Answer(nested, rows, ";" if decimal == "," else ",", decimal)


def _next_tokens(model: LanguageModel, request: Request) -> Answer:
    if request.data is None:
        raise UsageError("a language model predicts after given lines; name a file of them, or - for standard input")
    if request.horizon is not None:
        raise UsageError("--horizon is for a series; a language model takes --top, or use generate")
    source = read_source(request.data)
    encoding = str(request.reading.get("encoding", "utf-8"))
    text = decode(source, encoding).replace("\r\n", "\n").removesuffix("\n")
    nested, rows = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        following = model.next_tokens(line, request.top, f"{source.name}:{number}")
        nested.append({"line": line, "next": [{"token": token, "probability": p} for token, p in following]})
        rows += [
            {"line": line, "rank": rank, "token": token, "probability": p}
            for rank, (token, p) in enumerate(following, start=1)
        ]
    return Answer(nested, rows)
