"""Output of generated texts, piece by piece as they are made; none is kept whole, however long it is."""

from __future__ import annotations

import json
from types import TracebackType

from rnncli.ui.output import Output

_WHOLE = 1 << 20  # characters: the JSON line of a longer text is written in pieces too


class GeneratedText:
    """Writes pieces of numbered texts in order: as text with an empty line between two, or one JSON line each.

    Whole texts, which have the prime in them, are separated as their model says, and end with a line end.
    """

    def __init__(self, form: str, seed: int, *, echoes: bool):
        self.out = Output()
        self.json, self.seed, self.echoes, self.echo = form == "jsonl", seed, echoes, ""
        self._number = -1
        self._line = _JsonLine(self.out)
        self._between, self._ends = "\n\n", ""

    def after(self, prime: str) -> None:
        self.echo = prime if self.echoes else ""

    def whole(self, between: str) -> None:
        self._between, self._ends, self.echoes = between, "\n", False

    def write(self, number: int, piece: str) -> None:
        if number != self._number:
            self._end_text()
            self._number = number
            if self.json:
                self._line.begin(self.seed + number)
            self._put(self.echo)
        self._put(piece)

    def _put(self, piece: str) -> None:
        if not piece:
            return
        if self.json:
            self._line.add(piece)
        else:
            self.out.write(piece)

    def _end_text(self, last: bool = False) -> None:
        if self._number < 0:
            return
        if self.json:
            self._line.end()
        elif not last:
            self.out.write(self._between)
        elif not self.out.terminal:
            self.out.write(self._ends)

    def __enter__(self) -> GeneratedText:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_text(last=True)
        self.out.end_line()  # so that the prompt, or an error, starts on a line of its own


class _JsonLine:
    """Writes a text as the JSON line {"seed", "text"}: when it has ended, or from _WHOLE characters on as it comes."""

    def __init__(self, out: Output):
        self._out = out

    def begin(self, seed: int) -> None:
        self._head = json.dumps({"seed": seed, "text": ""})[:-2]
        self._held: list[str] = []
        self._size = 0

    def add(self, piece: str) -> None:
        self._held.append(piece)
        self._size += len(piece)
        if self._size > _WHOLE:
            self._write()

    def end(self) -> None:
        self._write()
        self._out.write('"}\n')

    def _write(self) -> None:
        text = "".join(self._held)
        raw = any(0xD800 <= ord(character) <= 0xDFFF for character in text)  # bytes that are no UTF-8
        self._out.write(self._head + json.dumps(text, ensure_ascii=raw)[1:-1])
        self._head, self._size = "", 0
        self._held.clear()
