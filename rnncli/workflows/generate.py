"""generate: text from a trained language model, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rnncli.data.source import decode, read_source
from rnncli.errors import UsageError
from rnncli.tasks.language_model.decoding import Sampling
from rnncli.tasks.language_model.experiment import LanguageModel
from rnncli.workflows.opening import first_run, open_model

__all__ = ["Request", "Sampling", "generate", "read_prime"]


@dataclass(frozen=True)
class Request:
    """`length` tokens, not counting the prime, fewer where `stop` occurs; `count` texts from seeds seed, seed+1, …"""

    run: str
    length: int
    sampling: Sampling
    prime: str = ""
    stop: str | None = None
    count: int = 1


def read_prime(path: str) -> str:
    """The text of a prime file; - is standard input."""
    return decode(read_source(path), hint="save the prime as UTF-8")


def generate(request: Request, write: Callable[[int, str], None], say: Callable[[str], None]) -> None:
    """write(text number, piece) as pieces are made; say(note) where there is something to know."""
    if request.sampling.seed + request.count > 2**63:
        raise UsageError("--seed plus --count goes beyond the largest seed, 9223372036854775807; lower one")
    model = open_model(request.run)
    writer = model.load()
    if not isinstance(writer, LanguageModel):
        raise UsageError(f"{request.run}: made for the task {model.task.name}; generate needs a language-model")
    for note in first_run("generation"):
        say(note)
    texts = writer.generate(request.prime, request.sampling, request.length, request.count)
    for number, pieces in enumerate(texts):
        for piece in until(pieces, request.stop) if request.stop else pieces:
            write(number, piece)
        if number == 0:
            for note in writer.notes:
                say(note)


def until(pieces: Iterator[str], stop: str) -> Iterator[str]:
    """`pieces` up to `stop`, which is not part of the result and may span several of them.

    What may be the beginning of `stop` is held back until it is known not to be.
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
