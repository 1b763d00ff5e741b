"""The predictor of seq2seq and caption: the best answers of a beam search, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, NoReturn

import numpy as np

from rnncli.data.lines import Line, Opened
from rnncli.data.source import is_table, read_source
from rnncli.errors import UsageError
from rnncli.nn.encoder_decoder import EncoderDecoder
from rnncli.nn.ensemble import as_one
from rnncli.tasks.answers import Piece, Pieces
from rnncli.tasks.headers import config_in
from rnncli.tasks.line_by_line import Faults, in_lists, line_by_line
from rnncli.tasks.seq2seq.attention_map import AttentionMap, attention_map
from rnncli.tasks.seq2seq.candidates import Candidate, Writers
from rnncli.tasks.seq2seq.config import PairsConfig, WritingConfig
from rnncli.tasks.seq2seq.pairs import PairColumns, read_pairs
from rnncli.tasks.seq2seq.prompts import Prompts
from rnncli.tasks.seq2seq.writing import (
    ALPHA,
    BEAMS,
    baseline_in,
    copies,
    longest_in,
    pair_shape,
    speller_of,
    target_vocabulary,
)
from rnncli.tasks.task import Asked, Predictor

_AT_ONCE = 64
_COLUMNS = ("input", "rank", "output", "log_probability")


@dataclass(frozen=True)
class Search:
    """Settings of the search for answers: beams, length penalty, number of answers, and whether scores are shown."""

    beam: int = BEAMS
    length_penalty: float = ALPHA
    n_best: int = 1
    scores: bool = False


class Given(NamedTuple):
    """A prompt: its cells, and what they are encoded to."""

    prompt: tuple[str, ...]
    source: np.ndarray


class Writer(Predictor):
    """A trained encoder-decoder."""

    def __init__(
        self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], schema: type[WritingConfig], prompts: Prompts
    ):
        self.config = config_in(header, schema)
        self.prompts, self.columns = prompts, PairColumns.from_header(header["columns"])
        self._first: tuple[Given, str] | None = None  # input, and the answer to it
        target = target_vocabulary(header)
        shape = pair_shape(self.config, prompts, target)
        networks = [EncoderDecoder(shape) for _ in range(self.config.networks)]
        as_one(networks).load(arrays)
        self.writers = Writers(
            networks,
            speller_of(self.config, prompts, target),
            longest_in(header),
            copies=copies(self.config),
            baseline=baseline_in(header),
        )

    def in_onnx(self) -> NoReturn:
        self._refuse_export()

    def in_torch(self) -> NoReturn:
        self._refuse_export()

    def _refuse_export(self) -> NoReturn:
        raise UsageError(
            f"export: a {self.config.task} searches for its answers token by token, which is no single graph; use "
            "rnncli predict, which reads from a pipe"
        )

    def predict(self, asked: Asked) -> Pieces:
        """Return the answers for each input: for lines of a text as they arrive, or for the pairs of a table."""
        path = asked.data
        if path is None:
            raise UsageError("this model writes for what it is given; name a file of that, or - for standard input")
        search = Search(**{name: value for name, value in asked.options.items() if name not in ("strict", "plot")})
        if "plot" in asked.options and self.writers.networks[0].attention is None:
            raise UsageError("--plot: this model has no attention, so that there is no picture of it; leave it out")
        data = self.config.changed(data=asked.reading).data
        assert isinstance(data, PairsConfig)
        if self.prompts.encodes and not is_table(path if isinstance(path, str) else path.name):
            opened = Opened(path)
            top = next(chain.from_iterable(opened.first_lines(data.encoding)), None)
            if top is None or not self.columns.are_named_in(top):
                return self._line_by_line(opened, data.encoding, search, Faults(opened.name, asked))
            path = opened.source()
        self.prompts.decimal = data.decimal
        pairs = read_pairs(read_source(path), data, self.columns, answered=False)
        join = self.columns.delimiter.join
        rows = [_Row(pairs.where(i), cells, join(cells)) for i, cells in enumerate(pairs.prompts)]
        faults = Faults(pairs.name, asked, "rows")
        answers = line_by_line(in_lists(rows, _AT_ONCE), _Inputs(self, search, lambda row: row.cells), faults)
        return Pieces(self._telling(answers, pairs.name), as_lines=True, charts=self._charts, columns=_COLUMNS)

    def _line_by_line(self, opened: Opened, encoding: str, search: Search, faults: Faults) -> Pieces:
        """Return the answers for lines of a text as they arrive."""
        bare = self.columns.without_names(opened.lines(encoding))
        lists = (some for lines in bare for some in in_lists(lines, _AT_ONCE))
        answers = line_by_line(lists, _Inputs(self, search, self.columns.of_line), faults)
        return Pieces(self._telling(answers, opened.name), as_lines=True, charts=self._charts, columns=_COLUMNS)

    def _telling(self, answers: Iterator[list[Piece]], name: str) -> Iterator[list[Piece]]:
        """Yield the answers, and tell afterwards how many sources were cut, and how many tokens were unknown."""
        try:
            yield from answers
        finally:
            self.prompts.cut.tell(name, self.prompts.kind)
            self.prompts.unseen.tell(name)

    def given(self, prompt: tuple[str, ...], where: str) -> Given:
        """Return a prompt, encoded; raise DataError naming its place if it cannot be."""
        return Given(prompt, self.prompts.encode([prompt], [where])[0])

    def pieces(self, texts: Sequence[str], inputs: Sequence[Given], search: Search) -> list[Piece]:
        """Return the answers for inputs, which are written as these texts."""
        found = self.writers.candidates(
            [given.prompt for given in inputs],
            [given.source for given in inputs],
            beams=max(search.beam, search.n_best),
            alpha=search.length_penalty,
        )
        if self._first is None and inputs and found[0]:
            self._first = inputs[0], found[0][0].text
        return [as_piece(text, some[: search.n_best], search) for text, some in zip(texts, found, strict=True)]

    def _charts(self) -> tuple[AttentionMap, ...]:
        """Return where the networks looked when they wrote the best answer to the first input, if there was one."""
        if self._first is None:
            return ()
        given, text = self._first
        return (attention_map(self.writers.networks, self.writers.speller, given.prompt, given.source, text),)


@dataclass(frozen=True)
class _Row:
    """What is given in a row of a table: its cells, and these as one text."""

    where: str
    cells: tuple[str, ...]
    text: str
    error: None = None

    @property
    def blank(self) -> bool:
        return not any(map(str.strip, self.cells))


class _Inputs:
    """Answers for lines or rows, whose cells `cells` gives."""

    def __init__(self, writer: Writer, search: Search, cells: Callable[[Any], tuple[str, ...]]):
        self.writer, self.search, self.cells = writer, search, cells

    def read(self, one: Line | _Row) -> Given | None:
        return None if one.blank else self.writer.given(self.cells(one), one.where)

    def answers(self, some: Sequence[Line | _Row], inputs: Sequence[Given]) -> list[Piece]:
        return self.writer.pieces([one.text for one in some], inputs, self.search)

    def nothing(self, one: Line | _Row) -> Piece:
        return no_piece(one.text, self.search, blank=one.blank)


def no_piece(given: str, search: Search, *, blank: bool) -> Piece:
    """Return an empty answer to an input that is blank, or that cannot be answered."""
    if blank:
        return as_piece(given, [Candidate("", 0.0)], search)
    row = dict.fromkeys(_COLUMNS) | {"input": given}
    return Piece({"input": given, "outputs": None}, [row], ["\t" if search.scores else ""] * search.n_best)


def as_piece(given: str, answers: list[Candidate], search: Search) -> Piece:
    """Return the answers to one input, nested, flat and as lines, which are as many for every input."""
    lines = [f"{answer.text}\t{answer.score:.4f}" if search.scores else answer.text for answer in answers]
    return Piece(
        {"input": given, "outputs": [{"text": answer.text, "log_probability": answer.score} for answer in answers]},
        [
            {"input": given, "rank": rank, "output": answer.text, "log_probability": answer.score}
            for rank, answer in enumerate(answers, start=1)
        ],
        lines + ["\t" if search.scores else ""] * (search.n_best - len(lines)),
    )
