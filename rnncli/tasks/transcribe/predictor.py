"""The predictor of transcribe: recordings are answered for as they are read, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.data.manifest import Listed
from rnncli.data.recordings import Layout, Recording, listed_in, recordings_of
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import DataError, UsageError
from rnncli.nn.network import Network
from rnncli.tasks.line_by_line import Faults, line_by_line
from rnncli.tasks.task import Asked, Piece, Pieces, Predictor, config_in
from rnncli.tasks.transcribe.config import TranscribeConfig, TranscriptsConfig
from rnncli.tasks.transcribe.decoding import Decoder, Transcript
from rnncli.tasks.transcribe.experiment import network_shape
from rnncli.tasks.transcribe.learner import outputs_of
from rnncli.tasks.transcribe.recordings import Scaler
from rnncli.training.backpropagation import ThreadPool

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

    def predict(self, asked: Asked) -> Pieces:
        """Return a transcript for each recording of the data."""
        path = asked.data
        if path is None:
            raise UsageError("this model transcribes recordings; name files, a folder or a list of them")
        data = self.config.changed(data=asked.reading).data
        given = together(self._given(listed_in(path, data, labelled=False), data))
        return Pieces(self._answers(given, Faults(path, asked, "recordings"), asked), as_lines=True)

    def _answers(self, given: Iterator[list[Given]], faults: Faults, asked: Asked) -> Iterator[list[Piece]]:
        pool = ThreadPool(None)
        try:
            yield from line_by_line(given, _Inputs(self, pool, scores=bool(asked.options.get("scores"))), faults)
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

    def transcripts(self, inputs: Sequence[np.ndarray], pool: ThreadPool) -> list[Transcript]:
        """Return the transcripts of recordings with these scaled features."""
        return [self.decoder.best(outputs) for outputs in outputs_of(self.network, inputs, pool)]


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


class _Inputs:
    """Answers for recordings."""

    def __init__(self, transcriber: Transcriber, pool: ThreadPool, *, scores: bool):
        self.transcriber, self.pool, self.scores = transcriber, pool, scores

    def read(self, one: Given) -> np.ndarray:
        assert one.recording is not None
        return self.transcriber.scaler.scaled(one.recording)

    def answers(self, some: Sequence[Given], inputs: Sequence[np.ndarray]) -> list[Piece]:
        found = self.transcriber.transcripts(inputs, self.pool)
        return [self._piece(one.name, transcript) for one, transcript in zip(some, found, strict=True)]

    def nothing(self, one: Given) -> Piece:
        row = {"name": one.name, "transcript": None, "log_probability": None}
        return Piece(row, [row], ["\t" if self.scores else ""])

    def _piece(self, name: str, transcript: Transcript) -> Piece:
        row = {"name": name, "transcript": transcript.text, "log_probability": transcript.score}
        line = f"{transcript.text}\t{transcript.score:.4f}" if self.scores else transcript.text
        return Piece(row, [row], [line])
