"""A trained model in a program: what predict, generate, score and evaluate do, on data in memory or in files."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from rnncli.api import answers
from rnncli.api.handed import Handed, Names, encoded, handed, path_of
from rnncli.api.options import parsed
from rnncli.api.talk import heard, log, warn
from rnncli.cli.generate import request_of
from rnncli.cli.options import given, taken_reading
from rnncli.config.sections import SECTIONS
from rnncli.data.files import read_files
from rnncli.data.source import GIVEN, Source
from rnncli.data.text import BYTES
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import UsageError
from rnncli.tasks.answers import Answers
from rnncli.tasks.task import Predictor
from rnncli.ui.scores import evaluation_object
from rnncli.workflows import opening
from rnncli.workflows.evaluate import Request as Evaluating
from rnncli.workflows.evaluate import evaluate
from rnncli.workflows.generate import Texts, texts
from rnncli.workflows.predict import predict
from rnncli.workflows.score import Request as Scoring
from rnncli.workflows.score import score

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rnncli.api.options import EvaluateOptions, GenerateOptions, PredictOptions, ScoreOptions

Data = Any
"""What `handed` takes: a path, bytes, lists, arrays, columns by name, data frames, pairs of inputs and answers."""


@dataclass(frozen=True)
class _Kept(opening.Model):
    """An open model whose predictor is built once for each thread that uses it: it has room for what it computes."""

    _own: threading.local = field(default_factory=threading.local, init=False, compare=False, repr=False)

    def load(self) -> Predictor:
        """Return the predictor as it was loaded, whatever other calls read with it."""
        if not hasattr(self._own, "predictor"):
            self._own.predictor = super().load()
        return copy.copy(self._own.predictor)


class Model:
    """The model of a run, or of a model file alone. It may be used from several threads at once.

    path: of the run or the file. task: its name. Options are those of the commands, such as `horizon=12`, and so are
    their ranges, their defaults, and the errors (subclasses of `rnncli.Error`).
    """

    def __init__(self, path: str | os.PathLike[str], *, trained_on: Data = None):
        with heard():
            opened = opening.open_sound(path_of(path))
            data = None if trained_on is None else handed(trained_on, _names(opened)).data
            source = data if isinstance(data, Source) or data is None else read_files(data)
            self._model = _Kept(opened.run, opened.path, opened.task, opened.header, opened.arrays, source)

    def __repr__(self) -> str:
        return f"<rnncli.Model {self.task} {self.path}>"

    @property
    def path(self) -> str:
        return self._model.run

    @property
    def task(self) -> str:
        return self._model.task.name

    @property
    def config(self) -> dict[str, Any]:
        """What the model file keeps of the config: its task, data, model and training."""
        kept = {name: self._model.header[name] for name in ("task", *SECTIONS) if name in self._model.header}
        return copy.deepcopy(kept)

    @property
    def labels(self) -> list[str] | None:
        """The labels or tags that it answers, of classify and tag."""
        own = self._model.header.get("answers", {})
        found = own.get("labels", own.get("tags"))
        return None if found is None else list(found)

    @property
    def vocabulary(self) -> list[str] | None:
        """The tokens that it reads, of a language model and of models of texts; `<unk>` is the first."""
        header = self._model.header
        found = header.get("vocabulary") or header.get("encoder", {}).get("vocabulary")
        return None if found is None else list(Vocabulary.from_header(found).tokens)

    def predict(self, data: Data = None, **options: Unpack[PredictOptions]) -> Any:
        """Return what the model answers to data, as `rnncli predict` does; of a forecast also without any.

        forecast: a dict of an array for each column of its CSV, times as datetime64 where they can be. regress: an
        array of numbers. tag: a list of tags for each sequence. Others: a list of dicts, `{"label", "probabilities",
        …}`, `{"outputs": [{"text", …}]}` or `{"line", "next": [{"token", "probability"}]}`.
        """
        with heard():
            return answers.as_returned(self.task, self._answered(data, options))

    def answers(self, data: Data = None, **options: Unpack[PredictOptions]) -> list[dict[str, Any]]:
        """Return what the model answers as the objects that `rnncli predict -f json` writes, whatever the task."""
        with heard():
            return answers.objects(self._answered(data, options))

    def _answered(self, data: Data, options: Mapping[str, Any]) -> Answers:
        own = dict(options)
        future = own.pop("future", None)
        asked = parsed("predict", own)
        reading = taken_reading(asked)
        own = {name: value for name, value in asked.items() if name not in ("run", "data", "form", "plot", "quiet")}
        coming = {} if future is None else {"future": handed(future).data}
        taken = None if data is None else self._handed(data, reading)
        return predict(self._model, taken, reading, {**given(own), **coming}, warn)

    @overload
    def generate(
        self, prime: str = "", n: int = 500, *, count: None = None, **options: Unpack[GenerateOptions]
    ) -> str: ...
    @overload
    def generate(
        self, prime: str = "", n: int = 500, *, count: int, **options: Unpack[GenerateOptions]
    ) -> list[str]: ...
    def generate(
        self, prime: str = "", n: int = 500, *, count: int | None = None, **options: Unpack[GenerateOptions]
    ) -> str | list[str]:
        """Return a text of n tokens that continues `prime`, or a list of `count` texts, as `rnncli generate` does.

        A model of items gives whole ones, the prime included. The same seed gives the same text, count of them those of
        seed, seed + 1, …
        """
        made: dict[int, list[str]] = {}
        with heard():
            for number, piece in self._texts(prime, n, count, options).pieces:
                made.setdefault(number, []).append(piece)
        written = ["".join(pieces) for pieces in made.values()]
        return written if count is not None else "".join(written)

    def stream(self, prime: str = "", n: int = 500, **options: Unpack[GenerateOptions]) -> Iterator[str]:
        """Yield the text of `generate` in pieces, as they are made."""
        with heard():
            pieces = self._texts(prime, n, None, options).pieces
        more = True
        while more:
            with heard():
                piece = next(pieces, None)
            more = piece is not None
            if piece is not None and piece[1]:
                yield piece[1]

    def _texts(self, prime: str, n: int, count: int | None, options: Mapping[str, Any]) -> Texts:
        asked = parsed("generate", {**options, "prime": prime, "length": n, "count": count})
        for name in ("run", "echo", "form", "quiet"):
            del asked[name]
        return texts(request_of(self._model, asked), log)

    def score(self, text: Data, **options: Unpack[ScoreOptions]) -> dict[str, Any]:
        """Return how surprising a text is to a language model, as `rnncli score` tells.

        text: the text itself, its lines as a list, or a Path of a file. The result has `lines` and `tokens`, a dict for
        each, with its `bits`, and the `totals` of all lines. Bits that nothing precedes are None.
        """
        asked = parsed("score", options)
        reading = taken_reading(asked)
        own = {name: asked[name] for name in ("strict", "unknown", "adapt")}
        names = _names(self._model)
        plain = isinstance(text, str)
        source = Source(GIVEN, encoded(text, of_bytes=names.of_bytes)) if plain else handed(text, names).data
        with heard():
            request = Scoring(
                self._model, source, reading, given(own), asked["above"], asked["most_surprising"], asked["precision"]
            )
            found = score(request, warn)
            lines = [line for some in found.lines for line in some]
            tokens = [row for line in lines for row in line.token_rows()]
            made = {"totals": found.totals.to_json(), "lines": [line.row() for line in lines], "tokens": tokens}
        return dict(answers.rounded(made))

    def evaluate(self, data: Data = None, **options: Unpack[EvaluateOptions]) -> dict[str, Any]:
        """Return the score beside its baselines, as `rnncli evaluate -f json` writes it: on the split that training
        held out, or on data like those of training.

        The baselines learn from the training data: those of the file that they came from, or, where they were in
        memory, those that `train` had or that `load` was told of as `trained_on`. CheckFailedError where `must_beat` or
        `fail_if` holds.
        """
        asked = parsed("evaluate", options)
        reading = taken_reading(asked)
        precision = asked["precision"]
        others = ("run", "data", "overrides", "form", "confusion", "plot", "precision", "quiet")
        own = {name: value for name, value in asked.items() if name not in others}
        with heard():
            taken = () if data is None else (self._handed(data, reading),)
            request = Evaluating(self._model, taken, (), reading, given(own), precision)
            made = evaluate(request, lambda report: None)
            made.check()
            return evaluation_object(made.score, made.report)

    def _handed(self, data: Data, reading: dict[str, Any]) -> str | Source:
        """Return data as the workflows take them, a table read as it is written here, whatever training read."""
        found: Handed = handed(data, _names(self._model))
        if len(found.files) > 1:
            raise UsageError("several files are for training; give the data of one")
        trained = self._model.header.get("data", {})
        if isinstance(found.data, Source) and found.data.name != GIVEN:
            for name, written, default in (("delimiter", ",", None), ("decimal", ".", ".")):
                if trained.get(name, default) not in (default, written):
                    reading.setdefault(name, written)
        return found.data


def _names(model: opening.Model) -> Names:
    columns, vocabulary = model.header.get("columns"), model.header.get("vocabulary")
    if isinstance(vocabulary, dict) and vocabulary.get("kind") in BYTES:
        return Names(of_bytes=True)
    return Names.of(columns) if isinstance(columns, dict) else Names()


def load(path: str | os.PathLike[str], *, trained_on: Data = None) -> Model:
    """Return the model of a run directory, or of a model file alone.

    trained_on: the data of its training, which `evaluate` needs where they came from memory or from a pipe.
    """
    return Model(path, trained_on=trained_on)
