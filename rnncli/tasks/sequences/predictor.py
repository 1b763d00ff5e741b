"""The predictor that classify, regress and tag share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.nn.ensemble import as_one
from rnncli.nn.network import Network
from rnncli.tasks.answers import Piece, Pieces
from rnncli.tasks.headers import config_in
from rnncli.tasks.line_by_line import Faults, line_by_line
from rnncli.tasks.sequences import readers
from rnncli.tasks.sequences.answers import Answers
from rnncli.tasks.sequences.config import LabelledConfig
from rnncli.tasks.sequences.entries import Entry
from rnncli.tasks.sequences.gaps import Gaps
from rnncli.tasks.sequences.learner import answered
from rnncli.tasks.sequences.network_shapes import network_shape
from rnncli.tasks.sequences.readers import Words
from rnncli.tasks.task import Asked, Predictor
from rnncli.training.backpropagation import ThreadPool

if TYPE_CHECKING:
    from rnncli.tasks.exported import InOnnx, InTorch


class SequencePredictor(Predictor):
    """A trained model of classify, regress or tag, which answers for sequences."""

    def __init__(
        self,
        header: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        schema: type[Config],
        answers: Answers,
    ):
        self.config, self.answers = config_in(header, schema), answers
        self.columns = answers.columns(header)
        spelt = bool(getattr(self.config.model, "character_size", 0))
        self.reader = readers.from_header(header["encoder"], self.config.data, spelt=spelt)
        numbers = range(self.config.networks)
        self.networks = [Network(network_shape(self.config, self.reader, answers, number)) for number in numbers]
        as_one(self.networks).load(arrays)
        answers.follow(self.networks)

    def predict(self, asked: Asked) -> Pieces:
        """Return an answer for each sequence of the data, read like the training data except for `asked.reading`; for
        lines as they come.
        """
        if asked.data is None:
            raise UsageError("this model answers for given sequences; name a file of them, or - for standard input")
        data = self.config.changed(data=asked.reading).data
        assert isinstance(data, LabelledConfig)
        self.answers = self.answers.asked(asked.options)
        delimiter, opened = ";" if data.decimal == "," else ",", Opened(asked.data)
        lines = chain.from_iterable(opened.first_lines(data.encoding))
        of_lines = self.answers.of_lines(lines, opened.name, data, self.columns, self.answers.is_answer)
        if of_lines is not None:
            answers = self._one_by_one(opened.lines(data.encoding), of_lines, Faults(opened.name, asked))
        elif (entries := self.answers.entries(opened, data, self.columns)) is not None:
            answers = self._one_by_one(entries.judged(), entries.of, Faults(opened.name, asked, "rows"), entries.gaps)
        else:
            blocks = self.answers.blocks(opened, data, self.columns, self.answers.is_answer)
            answers = self._block_by_block(blocks, opened.name)
        return Pieces(answers, delimiter=delimiter, decimal=data.decimal)

    def answers_to(self, source: Source, data: LabelledConfig) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the answers, nested and as flat rows, in the order of the sequences in `source`."""
        sequences = self.answers.read(source, data, self.columns, is_answer=self.answers.is_answer)
        pieces = [piece for some in self._block_by_block(iter([sequences]), source.name) for piece in some]
        return [piece.nested for piece in pieces], [row for piece in pieces for row in piece.rows]

    def in_onnx(self) -> InOnnx:
        from rnncli.tasks.sequences import exported

        return exported.in_onnx(self)

    def in_torch(self) -> InTorch:
        from rnncli.tasks.sequences import exported

        return exported.in_torch(self)

    def _block_by_block(self, blocks: Iterator[Any], name: str) -> Iterator[list[Piece]]:
        """Yield the answers to sequences of the data `name`, those together that came together."""
        pool = ThreadPool(None)
        try:
            for sequences in blocks:
                if len(sequences):
                    yield self.pieces(sequences, readers.encode(self.reader, sequences), pool)
                self.forget()
        finally:
            pool.close()
            self._tell(name)

    def forget(self) -> None:
        """Forget the words that were answered: all those of an endless pipe would be kept."""
        if isinstance(self.reader, Words):
            self.reader.forget()

    def _tell(self, name: str) -> None:
        """Tell in notes how many sequences of the data `name` were cut, and how many tokens were unknown."""
        self.reader.cut.tell(name, self.reader.unit)
        self.reader.tell_unseen(name)

    def pieces(self, sequences: Any, inputs: list[np.ndarray], pool: ThreadPool) -> list[Piece]:
        """Return the answers for sequences with these inputs of the network."""
        bases = self.answers.bases(sequences, own=False)
        each = [
            answered(
                network,
                inputs,
                pool,
                lexicon=self.reader.lexicon,
                bases=bases if self.answers.corrects(number) else None,
            )
            for number, network in enumerate(self.networks)
        ]
        outputs = self.answers.averaged(each)
        return [self.piece(sequences, i, output) for i, output in enumerate(outputs)]

    def piece(self, sequences: Any, i: int, output: np.ndarray) -> Piece:
        """Return the answer for sequence i, given its output."""
        nested, rows = self.answers.answer(sequences, i, output)
        identity = {"id": sequences.ids[i]}
        return Piece(identity | nested, [identity | row for row in rows])

    def _one_by_one(
        self,
        inputs: Iterable[list[Any]],
        sequences_of: Callable[[Sequence[Any]], Any],
        faults: Faults,
        gaps: Gaps | None = None,
    ) -> Iterator[list[Piece]]:
        pool, empty = ThreadPool(None), True
        try:
            for pieces in line_by_line(inputs, _Inputs(self, sequences_of, pool), faults):
                yield pieces
                empty = False
        finally:
            pool.close()
            self._tell(faults.name)
            if gaps:
                gaps.tell(faults.name)
        if empty:
            raise DataError(f"{faults.name}: is empty; give it an example a line")


class _Inputs:
    """Answers for lines or entries of a table, of which `sequences_of` makes sequences."""

    def __init__(self, predictor: SequencePredictor, sequences_of: Callable[[Sequence[Any]], Any], pool: ThreadPool):
        self.predictor, self.sequences_of, self.pool = predictor, sequences_of, pool
        answers = predictor.answers
        output = np.zeros((1, answers.outputs) if answers.every_step else answers.outputs, np.float32)
        self._form = predictor.piece(answers.stand_in(predictor.columns), 0, output)

    def read(self, one: Line | Entry) -> np.ndarray | None:
        if one.blank:
            return None
        return readers.encode(self.predictor.reader, self.sequences_of([one]))[0]

    def answers(self, some: Sequence[Line | Entry], inputs: Sequence[np.ndarray]) -> list[Piece]:
        pieces = self.predictor.pieces(self.sequences_of(some), list(inputs), self.pool)
        self.predictor.forget()
        return pieces

    def nothing(self, one: Line | Entry) -> Piece:
        identity = {"id": str(one.number) if isinstance(one, Line) else one.id}
        nested, rows = self._form.nested, self._form.rows
        return Piece(dict.fromkeys(nested) | identity, [dict.fromkeys(row) | identity for row in rows])
