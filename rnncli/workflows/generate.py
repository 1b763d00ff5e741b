"""generate: text from a trained language model, piece by piece."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rnncli.config.sections import Config
from rnncli.data.source import Source, decode, read_source
from rnncli.errors import UsageError
from rnncli.notes import noting
from rnncli.tasks.task import Experiment, Options, Predictor
from rnncli.workflows.opening import Model, first_run, open_to_answer, require_understood


@dataclass(frozen=True)
class Request:
    """The arguments of `generate`; `options` are the model's for sampling, and each text ends before one of `stops`
    occurs. prime_file, bad_words_file: files of a prime and of texts, one a line, that are never written; - is
    standard input. report: tell what the texts copy of the training text. precision: that of products, None as the
    model was trained.
    """

    run: str | Model
    options: Options
    prime: str = ""
    stops: Sequence[str] = ()
    report: bool = False
    prime_file: str | None = None
    bad_words_file: str | None = None
    precision: str | None = None


class Writer(Protocol):
    """Takes texts in pieces, and notes."""

    def after(self, prime: str) -> None:
        """Expect texts that go on after `prime`."""

    def whole(self, between: str) -> None:
        """Expect whole texts, with the prime, and write `between` them."""

    def write(self, number: int, piece: str) -> None: ...


@dataclass(frozen=True)
class Texts:
    """Texts as they are made: pieces (text number, piece), in the order of the numbers. between: what stands between
    whole texts, None of those that continue `prime`.
    """

    prime: str
    between: str | None
    pieces: Iterator[tuple[int, str]]


def generate(
    request: Request, out: Writer, say: Callable[[str], None], report: Callable[[str], None] | None = None
) -> None:
    """Generate texts: call out.write(text number, piece) as pieces are made, and say(note) for each note.

    report: is called with what Request.report asks for, in place of `say`.
    """
    made = texts(request, say, report)
    if made.between is not None:
        out.whole(made.between)
    out.after(made.prime)
    for number, piece in made.pieces:
        out.write(number, piece)


def texts(request: Request, say: Callable[[str], None], report: Callable[[str], None] | None = None) -> Texts:
    """Return texts that are made when they are asked for; for `say` and `report` see `generate`."""
    with noting(say):
        model, options = open_to_answer(request.run).in_precision(request.precision), dict(request.options)
    if options["seed"] + options["count"] > 2**63:
        raise UsageError("--seed plus --count goes beyond the largest seed, 9223372036854775807; lower one")
    if request.bad_words_file is not None:
        options.setdefault("bad_words", ())
    require_understood("generate", model.task, options)
    writer = model.load()
    prime = request.prime
    if request.prime_file is not None:
        prime = _text_for(writer, "--prime", request.prime_file, "save the prime as UTF-8")
    if request.bad_words_file is not None:
        listed = (
            _text_for(writer, "--bad-words", request.bad_words_file, "save it as UTF-8").replace("\r", "\n").split("\n")
        )
        options["bad_words"] = (*options["bad_words"], *filter(None, listed))
    for text in first_run("generation"):
        say(text)
    return Texts(
        prime, writer.between_texts, _told(_pieces(model, writer, prime, request, options, report or say), say)
    )


def _pieces(
    model: Model, writer: Predictor, prime: str, request: Request, options: Options, report: Callable[[str], None]
) -> Iterator[tuple[int, str]]:
    with _training(model, request) as experiment:
        if options["novel"]:
            writer.know(*_training_data(model))
        written: list[str] = []
        for number, pieces in writer.generate(prime, options, experiment):
            made = []
            for piece in until(pieces, request.stops) if request.stops else pieces:
                yield number, piece
                if request.report:
                    made.append(piece)
            if request.report:
                written.append("".join(made))
        if request.report:
            assert experiment is not None
            report(writer.copied(written, experiment))


def _told(pieces: Iterator[tuple[int, str]], say: Callable[[str], None]) -> Iterator[tuple[int, str]]:
    """Yield the pieces, and say after each text the notes that making it gave; meanwhile notes are the caller's."""
    notes: list[str] = []
    last, made = None, True
    while made:
        before = len(notes)
        with noting(notes.append):
            piece = next(pieces, None)
        made = piece is not None
        if last is not None and (piece is None or piece[0] != last):
            for text in notes[:before]:
                say(text)
            del notes[:before]
        if piece is not None:
            last = piece[0]
            yield piece
    for text in notes:
        say(text)


def _text_for(model: Predictor, option: str, path: str, hint: str) -> str:
    """Return the text of a file, in place of which `option` takes it, without a byte order mark; of a model that reads
    bytes those that are no UTF-8 are surrogates."""
    try:
        source = read_source(path)
    except UsageError as error:
        raise UsageError(f"{option}-file takes a file, and {option} the text itself: {error}") from None
    if not model.reads_bytes:
        return decode(source, hint=hint)
    return source.content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _training_data(model: Model) -> tuple[Config, Source]:
    """Return what a model was trained on, whose texts are not new."""
    from rnncli.workflows.trained_on import training_data

    return training_data(model, why="--novel leaves out what the training text has", mend="train on a file of it")


@contextlib.contextmanager
def _training(model: Model, request: Request) -> Iterator[Experiment | None]:
    """Yield the experiment of the run where what is copied from its training text matters, else None."""
    option = "--report" if request.report else "--max-copy"
    if not request.report and not request.options.get("max_copy"):
        yield None
        return
    from rnncli.workflows.evaluate import recalled

    why = f"{option} compares with the training text"
    with recalled(model, why=why, mend="train on a file of it") as (experiment, _):
        yield experiment


def until(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield `pieces` up to the first of `stops`, which is left out and may span several of them.

    Text that may be the beginning of one is held back until it is clear that it is not.
    """
    held, longest = "", max(map(len, stops))
    for piece in pieces:
        held += piece
        found = [at for stop in stops if (at := held.find(stop)) >= 0]
        if found:
            yield held[: min(found)]
            return
        ends = range(min(longest - 1, len(held)), 0, -1)
        keep = next((n for n in ends if any(stop.startswith(held[-n:]) for stop in stops)), 0)
        yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    yield held
