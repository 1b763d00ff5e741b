"""generate: text from a trained language model, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rnncli.data.source import decode, read_source
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


def generate(request: Request, write: Callable[[int, str], None], say: Callable[[str], None]) -> None:
    """Generate texts: call write(text number, piece) as pieces are made, and say(note) for each note."""
    model, options = open_model(request.run), request.options
    if options["seed"] + options["count"] > 2**63:
        raise UsageError("--seed plus --count goes beyond the largest seed, 9223372036854775807; lower one")
    require_understood("generate", model.task, options)
    writer = model.load()
    for text in first_run("generation"):
        say(text)
    notes: list[str] = []
    with noting(notes.append):
        texts = writer.generate(request.prime, options)
        for number, pieces in enumerate(texts):
            for piece in until(pieces, request.stop) if request.stop else pieces:
                write(number, piece)
            while notes:
                say(notes.pop(0))


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
