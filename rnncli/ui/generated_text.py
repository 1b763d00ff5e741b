"""Generated text on standard output as it is made, or one JSON object per text."""

from __future__ import annotations

import json
from types import TracebackType

from rnncli.ui.output import Output


class GeneratedText:
    """Takes pieces of numbered texts in order. Several texts are separated by an empty line."""

    def __init__(self, form: str, seed: int, echo: str):
        self.out = Output()
        self.json, self.seed, self.echo = form == "jsonl", seed, echo
        self._number = -1
        self._pieces: list[str] = []

    def write(self, number: int, piece: str) -> None:
        if number != self._number:
            self._end_text()
            self._number = number
            self._put(self.echo)
        self._put(piece)

    def _put(self, piece: str) -> None:
        self._pieces.append(piece)
        if not self.json and piece:
            self.out.write(piece)

    def _end_text(self, last: bool = False) -> None:
        if self._number < 0:
            return
        text = "".join(self._pieces)
        self._pieces.clear()
        if self.json:
            line = {"seed": self.seed + self._number, "text": text}
            raw = any(0xD800 <= ord(character) <= 0xDFFF for character in text)  # bytes that are no UTF-8
            self.out.write(json.dumps(line, ensure_ascii=raw) + "\n")
        elif not last:
            self.out.write("\n\n")
        elif self.out.terminal and not text.endswith("\n"):
            self.out.write("\n")  # so that the prompt starts on a line of its own

    def __enter__(self) -> GeneratedText:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_text(last=True)
