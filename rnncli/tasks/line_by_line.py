"""Answers line by line: a line that cannot be answered keeps its place, its error is told, the others are answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from rnncli.data.lines import LongLineError, UndecodedError, mended
from rnncli.errors import DataError
from rnncli.notes import doubt
from rnncli.tasks.answers import Piece
from rnncli.tasks.task import Asked

T = TypeVar("T")
NAMED = 20  # inputs without an answer that are told one by one


class Faults:
    """Counts the inputs of `name`, and those without an answer, and tells the errors of the first NAMED; of those that
    are in another encoding, that of the first: one option, named at the end for the bytes of all, mends them.

    what: "lines", "rows". strict: the first one is an end. A blank line is no fault. The error of an only input is the
    end of all; it is not told before, so that one mistake is one line, unless that end may never come.
    """

    def __init__(self, name: str, asked: Asked, what: str = "lines"):
        self.name, self.what, self.strict = name, what, bool(asked.options.get("strict"))
        self._tell, self._inputs, self._count = asked.tell, 0, 0
        self._only: DataError | None = None
        self._blank, self._blanks = "", 0
        self._undecoded, self._encoding, self._odd = 0, "", set[int]()

    def begin(self, inputs: int) -> None:
        """Take so many further inputs for what is to be answered."""
        self._inputs += inputs
        if self._only and self._inputs > 1:
            self._tell(str(self._only))
            self._only = None

    def add(self, error: DataError) -> None:
        """Tell of an input that cannot be answered."""
        self._count += 1
        if isinstance(error, UndecodedError):
            self._undecoded, self._encoding = self._undecoded + 1, error.encoding
            self._odd.update(error.odd)
            if self._undecoded > 1:
                return
        told = self._count - max(self._undecoded - 1, 0)
        if self._inputs == 1 and not isinstance(error, LongLineError):
            self._only = error
        elif told <= NAMED:
            self._tell(str(error))
        elif told == NAMED + 1:
            self._tell(f"further {self.what} without an answer are only counted")

    def add_blank(self, where: str) -> None:
        """Count a blank line."""
        self._blank = self._blank or where
        self._blanks += 1

    def end(self) -> None:
        """Tell how many inputs are blank; raise DataError if some could not be answered."""
        if self._blanks:
            several = f"is the first of {self._blanks:,} blank {self.what}, whose answers are blank too"
            doubt(f"{self._blank}: {several if self._blanks > 1 else 'is blank, and so is its answer'}")
        if self._only:
            raise self._only
        if self._count:
            without = f"{self._count:,} of {self._inputs:,} {self.what} have no answer"
            raise DataError(f"{self.name}: {without}{self._mend()}")

    def _mend(self) -> str:
        """Return what helps those without an answer."""
        if self._undecoded < 2:
            return "; mend those that are named above"
        others = ", and mend the others that are named above" if self._count > self._undecoded else ""
        return f": {self._undecoded:,} have bytes that are not {mended(bytes(self._odd), self._encoding)}{others}"


class Given(Protocol):
    """A line or what else is answered alone: its place FILE:LINE, and what is wrong with it if it cannot be read."""

    @property
    def where(self) -> str: ...

    @property
    def error(self) -> DataError | None: ...


G = TypeVar("G", bound=Given, contravariant=True)


class Answering(Protocol[G]):
    """A model that answers for each input alone."""

    def read(self, one: G, /) -> Any:
        """Return the input in a line, None if it is blank; raise DataError if it cannot be answered."""

    def answers(self, some: Sequence[G], inputs: Sequence[Any], /) -> list[Piece]:
        """Return the answers for lines with these inputs, at least one; they do not depend on each other."""

    def nothing(self, one: G, /) -> Piece:
        """Return an empty answer, in the form of the others."""


def line_by_line(lists: Iterable[list[G]], model: Answering[G], faults: Faults) -> Iterator[list[Piece]]:
    """Yield the answers to lines in their order, those together that came together.

    Raises DataError at the end if some could not be answered, or if `faults` is strict at the first of them.
    """
    for some in lists:
        faults.begin(len(some))
        inputs, error = _inputs(some, model, faults)
        good = [i for i, one in enumerate(inputs) if one is not None]
        found = model.answers([some[i] for i in good], [inputs[i] for i in good]) if good else []
        answered = dict(zip(good, found, strict=True))
        yield [answered[i] if i in answered else model.nothing(some[i]) for i in range(len(inputs))]
        if error:
            raise error
    faults.end()


def _inputs(some: Sequence[G], model: Answering[G], faults: Faults) -> tuple[list[Any], DataError | None]:
    """Return the input in each line, None without one; and the error at which strict reading stopped before the end."""
    inputs: list[Any] = []
    for one in some:
        try:
            if one.error:
                raise one.error
            inputs.append(model.read(one))
            if inputs[-1] is None:
                faults.add_blank(one.where)
        except DataError as error:
            if faults.strict:
                return inputs, error
            faults.add(error)
            inputs.append(None)
    return inputs, None


def in_lists(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))
