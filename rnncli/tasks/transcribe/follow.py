"""predict --follow: sound is transcribed as it comes, each symbol as soon as it is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.data.lines import Opened
from rnncli.data.sound_stream import Raw, steps_as_they_come
from rnncli.data.text import Detokenizer
from rnncli.errors import RnncliError, UsageError
from rnncli.kernels.ctc import BLANK
from rnncli.tasks.answers import Stream
from rnncli.tasks.stopping_between import Stopping
from rnncli.tasks.task import Asked, Options
from rnncli.tasks.transcribe.learner import Carrying
from rnncli.training.backpropagation import ThreadPool

if TYPE_CHECKING:
    from rnncli.tasks.transcribe.predictor import Transcriber

RAW = ("rate", "coding", "channels")  # options that tell how raw sound is written


def follow(transcriber: Transcriber, asked: Asked) -> Stream:
    """Return the symbols of sound as it comes: as text, and as rows with their times in seconds from its beginning.

    UsageError for a model that needs all of a recording, and for options that do.
    """
    _require_followable(transcriber, asked)
    heard = _Heard(transcriber, asked)
    return Stream(heard.rows(), texts=None if asked.options.get("timestamps") else heard.texts())


def _require_followable(transcriber: Transcriber, asked: Asked) -> None:
    if asked.more:
        raise UsageError(f"--follow: follows one sound at a time; leave out {asked.more[0]}")
    for name in ("beam", "n_best", "scores", "lm", "lm_weight"):
        if name in asked.options:
            what = f"--{name.replace('_', '-')}"
            raise UsageError(f"{what}: does not go with --follow, which writes the best path as it comes; leave it out")
    if transcriber.layout.rate is None:
        raise UsageError("--follow: follows sound, and this model reads other steps; name their files without --follow")
    if transcriber.network.shape.bidirectional:
        raise UsageError(
            "--follow: this model reads each recording from both ends, and so needs all of it; train one with "
            "model.bidirectional: false"
        )
    if transcriber.config.data.features.normalise == "recording":
        raise UsageError(
            "--follow: this model normalises each recording by its own mean, and so needs all of it; train one with "
            "data.features.normalise: training"
        )


def raw_of(options: Options) -> Raw:
    """Return how the options tell that raw sound is written."""
    return Raw(**{name: options[name] for name in RAW if name in options})


class _Heard:
    """What is heard in the sound that is asked for, as it comes; it is read once, by the first that asks."""

    def __init__(self, transcriber: Transcriber, asked: Asked):
        self.transcriber, self.asked = transcriber, asked
        self._step = transcriber.layout.step_seconds(transcriber.config.data.features)

    def texts(self) -> Iterator[str]:
        """Yield the transcript in pieces, and at last the end of its line."""
        vocabulary = self.transcriber.decoder.vocabulary
        detokenizer, held = Detokenizer(vocabulary.kind, errors="surrogateescape"), ""
        begun = False
        try:
            for _, symbol in self._changes():
                if symbol == BLANK:
                    continue
                # As of a whole transcript: no line ends around it, and spaces in place of those within.
                text = held + detokenizer.push(vocabulary.decode([symbol])[0])
                text = text if begun else text.lstrip("\n")
                shown = text.rstrip("\n")
                held, begun = text[len(shown) :], begun or bool(shown)
                if shown:
                    yield shown.replace("\n", " ")
        except RnncliError:
            yield detokenizer.flush() + "\n"
            raise
        yield detokenizer.flush() + "\n"

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each symbol with the times at which it begins and ends, as soon as it ends."""
        before: tuple[int, int] | None = None
        for step, symbol in self._changes():
            if before is not None and before[1] != BLANK:
                yield self._row(*before, step)
            before = step, symbol

    def _row(self, start: int, symbol: int, end: int) -> dict[str, Any]:
        assert self._step is not None
        (token,) = self.transcriber.decoder.vocabulary.decode([symbol])
        return {"symbol": token, "start": round(start * self._step, 6), "end": round(end * self._step, 6)}

    def _changes(self) -> Iterator[tuple[int, int]]:
        """Yield each step at which another symbol, or the blank, becomes the highest, with it; the end is a change to
        the blank. A StoppedError or what is wrong with the sound is raised after that."""
        step, last, ended = 0, BLANK, None
        outputs = self._outputs()
        while True:
            try:
                highest = next(outputs).argmax(axis=1)
            except StopIteration:
                break
            except RnncliError as error:
                ended = error
                break
            for i in np.flatnonzero(highest != np.concatenate([[last], highest[:-1]])):
                yield step + int(i), int(highest[i])
            step, last = step + len(highest), int(highest[-1])
        if last != BLANK:
            yield step, BLANK
        if ended is not None:
            raise ended

    def _outputs(self) -> Iterator[np.ndarray]:
        """Yield outputs (n, C) as soon as there are some."""
        transcriber = self.transcriber
        features, rate = transcriber.config.data.features, transcriber.layout.rate
        assert rate is not None
        pool = ThreadPool(1)
        carrying = Carrying(transcriber.network, pool)
        opened = Opened(self.asked.data or "-")
        steps = steps_as_they_come(opened.pieces(), opened.name, raw_of(self.asked.options), features, rate)
        try:
            with Stopping() as stopping:
                for some in stopping.between(steps):
                    yield from carrying.outputs(transcriber.scaler.of_steps(some, opened.name))
        finally:
            pool.close()
