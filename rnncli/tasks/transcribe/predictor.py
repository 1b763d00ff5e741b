"""The predictor of transcribe: recordings are answered for as they are read, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.data.files import Paths
from rnncli.data.manifest import Listed
from rnncli.data.recordings import Layout, Recording, recordings_of
from rnncli.data.source import Source
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import DataError, UsageError
from rnncli.nn.network import Network
from rnncli.tasks.answers import Piece, Pieces, Stream
from rnncli.tasks.headers import config_in
from rnncli.tasks.line_by_line import Faults, line_by_line
from rnncli.tasks.task import Asked, Predictor
from rnncli.tasks.transcribe.config import TranscribeConfig, TranscriptsConfig
from rnncli.tasks.transcribe.decoding import Decoder, Search, Transcript
from rnncli.tasks.transcribe.experiment import network_shape
from rnncli.tasks.transcribe.learner import outputs_of
from rnncli.tasks.transcribe.recordings import Scaler, entries_of
from rnncli.training.backpropagation import ThreadPool

BEAM, WEIGHT = 16, 0.5  # of a search with a language model
_AT_ONCE, _STEPS = 32, 1 << 15  # recordings, and their steps, that are answered together


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Transcriber:
    """Return the trained model in a model file."""
    return Transcriber(header, arrays)


class Transcriber(Predictor):
    """A trained model, which writes a transcript for each recording."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.config = config_in(header, TranscribeConfig)
        self.layout = Layout.from_header(header["layout"])
        self.scaler = Scaler.from_header(header["scaler"], self.layout.size)
        self.decoder = Decoder(Vocabulary.from_header(header["symbols"]))
        self.network = Network(network_shape(self.config, self.layout.size, len(self.decoder.vocabulary)))
        self.network.load(arrays)

    def predict(self, asked: Asked) -> Pieces | Stream:
        """Return the transcripts of each recording of the data, or the times of their symbols; with --follow the
        symbols as they come."""
        from rnncli.tasks.transcribe import follow

        if asked.options.get("follow"):
            return follow.follow(self, asked)
        if raw := [name for name in follow.RAW if name in asked.options]:
            raise UsageError(f"--{raw[0]}: tells of raw sound, which is read with --follow; leave it out")
        if asked.data is None:
            raise UsageError("this model transcribes recordings; name files, a folder or a list of them")
        data, options = self.config.changed(data=asked.reading).data, asked.options
        for name in ("n_best", "scores"):
            if name in options and options.get("timestamps"):
                what = f"--{name.replace('_', '-')}"
                raise UsageError(f"{what}: does not go with --timestamps, which tells of the best alone; leave it out")
        path: Paths | Source = [str(asked.data), *asked.more] if asked.more else asked.data
        name = path.name if isinstance(path, Source) else path if isinstance(path, str) else ", ".join(path[:3])
        form = Form(
            self._search(asked),
            scores=bool(options.get("scores")),
            step=self.layout.step_seconds(data.features) if options.get("timestamps") else None,
            timed=bool(options.get("timestamps")),
        )
        given = together(self._given(entries_of(path, data), data))
        answers = self._answers(given, Faults(name, asked, "recordings"), form)
        return Pieces(answers, as_lines=not form.timed)

    def _search(self, asked: Asked) -> Search:
        """Return the search that the options ask for; with a language model its beam is wide by default."""
        options, symbols = asked.options, self.decoder.vocabulary
        n_best = options.get("n_best", 1)
        if asked.language is None:
            if "lm_weight" in options:
                raise UsageError("--lm-weight: is that of a language model; name its run with --lm")
            return Search(options.get("beam", 1), n_best)
        language = asked.language.following(symbols.tokens, symbols.kind)
        return Search(options.get("beam", BEAM), n_best, language, options.get("lm_weight", WEIGHT))

    def _answers(self, given: Iterator[list[Given]], faults: Faults, form: Form) -> Iterator[list[Piece]]:
        pool = ThreadPool(None)
        try:
            yield from line_by_line(given, _Inputs(self, pool, form), faults)
        finally:
            pool.close()

    def _given(self, entries: Iterable[Listed], data: TranscriptsConfig) -> Iterator[Given]:
        """Yield the recordings in some files as they are read, and an error in place of those that cannot be."""
        for entry in entries:
            try:
                for one in recordings_of(entry, data, self.layout, labelled=False):
                    yield Given(one.name, one.where, one)
            except DataError as error:
                yield Given(entry.name, entry.where, None, error)

    def transcripts(self, inputs: Sequence[np.ndarray], pool: ThreadPool, search: Search) -> list[list[Transcript]]:
        """Return the transcripts of recordings with these scaled features, of each the best first."""
        return [self.decoder.transcripts(outputs, search) for outputs in outputs_of(self.network, inputs, pool)]


@dataclass(frozen=True)
class Given:
    """A recording that was read, or what is wrong with it."""

    name: str
    where: str
    recording: Recording | None
    error: DataError | None = None


def together(given: Iterable[Given]) -> Iterator[list[Given]]:
    """Yield recordings in lists of those that are answered together."""
    some: list[Given] = []
    steps = 0
    for one in given:
        some.append(one)
        steps += len(one.recording.features) if one.recording else 0
        if len(some) == _AT_ONCE or steps >= _STEPS:
            yield some
            some, steps = [], 0
    if some:
        yield some


@dataclass(frozen=True)
class Form:
    """How transcripts are found and written. timed: as a row for each symbol of the best one; step: the seconds from
    one step to the next, None where times are steps."""

    search: Search
    scores: bool = False
    timed: bool = False
    step: float | None = None

    def piece(self, name: str, found: Sequence[Transcript]) -> Piece:
        """Return the answers for a recording, nested, flat and as lines, which are as many for every recording."""
        if self.timed:
            rows = [{"name": name, **row} for row in self._times(found[0])]
            return Piece({"name": name, "symbols": self._times(found[0])}, rows)
        rows = [
            {"name": name, "rank": rank, "transcript": one.text, "log_probability": one.score}
            for rank, one in enumerate(found, start=1)
        ]
        nested = [{"text": one.text, "log_probability": one.score} for one in found]
        lines = [f"{one.text}\t{one.score:.4f}" if self.scores else one.text for one in found]
        return Piece({"name": name, "transcripts": nested}, rows, self._filled(lines))

    def nothing(self, name: str) -> Piece:
        """Return an empty answer."""
        if self.timed:
            return Piece({"name": name, "symbols": None}, [])
        row = {"name": name, "rank": None, "transcript": None, "log_probability": None}
        return Piece({"name": name, "transcripts": None}, [row], self._filled([]))

    def _filled(self, lines: list[str]) -> list[str]:
        return lines + ["\t" if self.scores else ""] * (self.search.n_best - len(lines))

    def _times(self, best: Transcript) -> list[dict[str, Any]]:
        """Return the symbols of a transcript with their beginnings and ends, in seconds or in steps from 0."""
        return [
            {"symbol": symbol, "start": self._time(start), "end": self._time(end)}
            for symbol, (start, end) in zip(best.symbols, best.spans, strict=True)
        ]

    def _time(self, step: int) -> float | int:
        return step if self.step is None else round(step * self.step, 6)


class _Inputs:
    """Answers for recordings."""

    def __init__(self, transcriber: Transcriber, pool: ThreadPool, form: Form):
        self.transcriber, self.pool, self.form = transcriber, pool, form

    def read(self, one: Given) -> np.ndarray:
        assert one.recording is not None
        return self.transcriber.scaler.scaled(one.recording)

    def answers(self, some: Sequence[Given], inputs: Sequence[np.ndarray]) -> list[Piece]:
        found = self.transcriber.transcripts(inputs, self.pool, self.form.search)
        return [self.form.piece(one.name, transcripts) for one, transcripts in zip(some, found, strict=True)]

    def nothing(self, one: Given) -> Piece:
        return self.form.nothing(one.name)
