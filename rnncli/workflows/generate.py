"""generate: text from a trained language model, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rnncli.config.sections import Config
from rnncli.data.source import Source, decode, read_source
from rnncli.errors import UsageError
from rnncli.notes import noting
from rnncli.tasks.task import Options
from rnncli.workflows.opening import first_run, open_model, require_understood


@dataclass(frozen=True)
class Request:
    """The arguments of `generate`; `options` are the model's for sampling, and each text ends before `stop` occurs."""

    run: str
    options: Options
    prime: str = ""
    stop: str | None = None


def read_prime(path: str) -> str:
    """Return the text of a prime file; - is standard input."""
    return decode(read_source(path), hint="save the prime as UTF-8")


class Writer(Protocol):
    """Takes texts in pieces, and notes."""

    def whole(self, between: str) -> None:
        """Expect whole texts, with the prime, and write `between` them."""

    def write(self, number: int, piece: str) -> None: ...


def generate(request: Request, out: Writer, say: Callable[[str], None]) -> None:
    """Generate texts: call out.write(text number, piece) as pieces are made, and say(note) for each note."""
    model, options = open_model(request.run), request.options
    if options["seed"] + options["count"] > 2**63:
        raise UsageError("--seed plus --count goes beyond the largest seed, 9223372036854775807; lower one")
    require_understood("generate", model.task, options)
    writer = model.load()
    for text in first_run("generation"):
        say(text)
    notes: list[str] = []
    with noting(notes.append):
        if options["novel"]:
            writer.know(*_training_data(request.run))
        if writer.between_texts is not None:
            out.whole(writer.between_texts)
        for number, pieces in writer.generate(request.prime, options):
            for piece in until(pieces, request.stop) if request.stop else pieces:
                out.write(number, piece)
            while notes:
                say(notes.pop(0))
    for text in notes:
        say(text)


def _training_data(run: str) -> tuple[Config, Source]:
    """Return what a run was trained on, whose texts are not new."""
    from rnncli.workflows.evaluate import training_data

    return training_data(run, why="--novel leaves out what the training text has", mend="train on a file of it")


def until(pieces: Iterator[str], stop: str) -> Iterator[str]:
    """Yield `pieces` up to `stop`, which is left out and may span several of them.

    Text that may be the beginning of `stop` is held back until it is clear that it is not.
    """
    held = ""
    for piece in pieces:
        held += piece
        at = held.find(stop)
        if at >= 0:
            yield held[:at]
            return
        keep = next((n for n in range(min(len(stop) - 1, len(held)), 0, -1) if stop.startswith(held[-n:])), 0)
        yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    yield held
