"""What classify, regress and tag differ in: a kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnncli.config.data_section import DIALECT
from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source
from rnncli.data.splits import Splits, by_rarest
from rnncli.nn.network import Network
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.protobuf import Dimension
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.examples import Columns
from rnncli.tasks.sequences.tagged import TagColumns
from rnncli.tasks.task import Options
from rnncli.training.backpropagation import Loss
from rnncli.training.reports import Figure, Score
from rnncli.training.wrong_answers import WrongAnswer

Fact = tuple[str, str]


class Output(NamedTuple):
    """An output of a graph: its name, its value, the kind of its elements and their shape."""

    name: str
    value: str
    kind: str
    shape: tuple[Dimension, ...]


@dataclass(frozen=True)
class AnswerInOnnx:
    """An answer as an output of a graph. left_out: what is done with it beside, in a sentence each."""

    output: Output
    left_out: tuple[str, ...] = ()


class Answers:
    """A kind of answer (a label, a number, or a label for every step), and the reading of sequences with such answers.

    outputs: the number of outputs of a network. kept: the keys of `data` that a model file keeps. kinds: how many kinds
    of networks there are, which come in turn.
    """

    every_step: ClassVar[bool] = False
    kept: ClassVar[tuple[str, ...]] = ("format", "tokens", "words", *DIALECT, "missing")
    outputs: int
    kinds = 1
    counted = True  # whether there are so many answers, all of which training should see

    @staticmethod
    def read(source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None) -> Any:
        """Return the sequences in `source`; if `is_answer` is given, answers are optional, and it recognises them."""
        raise NotImplementedError

    @staticmethod
    def of_lines(
        lines: Iterator[Line], name: str, data: Any, like: Any, is_answer: Callable[[str], bool]
    ) -> Callable[[Sequence[Line]], Any] | None:
        """Return what makes sequences to be predicted of lines, one of each, or None if the file `name` has to be read
        as a whole. `lines`, those of the file, are looked at as far as needed.
        """
        raise NotImplementedError

    @staticmethod
    def entries(opened: Opened, data: Any, like: Any, is_answer: Callable[[str], bool]) -> Entries | None:
        """Return the sequences to be predicted in a table one by one, None for a file of another form."""
        raise NotImplementedError

    @classmethod
    def blocks(cls, opened: Opened, data: Any, like: Any, is_answer: Callable[[str], bool]) -> Iterator[Any]:
        """Yield the sequences to be predicted in a file that is neither of lines nor a table, as they come."""
        yield cls.read(opened.source(), data, like, is_answer=is_answer)

    @staticmethod
    def stand_in(like: Any) -> Any:
        """Return one sequence, which has no answer, for an answer of the form that all have."""
        raise NotImplementedError

    @staticmethod
    def columns(header: Mapping[str, Any]) -> Columns | TagColumns:
        """Return the columns of the sequences from the header of a model file."""
        raise NotImplementedError

    @staticmethod
    def strata(sequences: Any, data: Any) -> Sequence[Any]:
        """Return what each sequence is sorted by, so that every split has its share of all answers."""
        return by_rarest(sequences.answers())

    def refitted(self, train: Any, config: Any) -> Answers:
        """Return answers of the same kind, made from another training split."""
        raise NotImplementedError

    def is_answer(self, text: str) -> bool:
        """True if `text` is an answer as the data write it."""
        raise NotImplementedError

    def loss(self, config: Any) -> Loss:
        raise NotImplementedError

    def asked(self, options: Options) -> Answers:
        """Return the answers that the options of a command line ask for; UsageError for options that do not apply."""
        return self

    def follow(self, networks: Sequence[Network]) -> None:
        """Take from the networks what makes answers of their outputs; it is read whenever there are some."""

    def averaged(self, each: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
        """Return outputs that stand for those of all networks; each: the outputs of one network for all sequences."""
        return each[0] if len(each) == 1 else [self.average(outputs) for outputs in zip(*each, strict=True)]

    def average(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the outputs that stand for those of several networks for a sequence."""
        raise NotImplementedError

    def recall(self, header: Mapping[str, Any]) -> None:
        """Restore what the header of a model file says beside what the data do."""

    def first_biases(self) -> np.ndarray | None:
        """Return the biases (O,) of the head before training, or None where they are zero."""
        return None

    def bases(self, sequences: Any, *, own: bool) -> list[np.ndarray] | None:
        """Return the values (O,) that the network corrects for each sequence, or None if it corrects nothing; own: True
        for the sequences that these values were made from.
        """
        return None

    def corrects(self, number: int) -> bool:
        """True if the network of this number, from 0, corrects these values, so that its outputs should be zero before
        it has learnt."""
        return False

    def compared(self, held_out: Any, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return what tells how good these outputs of a network are for each sequence, (N,)."""
        raise NotImplementedError

    def weigh(self, compared: Sequence[np.ndarray]) -> None:
        """Choose the weights of the kinds of networks by what is `compared` of each, of sequences it did not see."""

    def validated(self) -> dict[str, Any]:
        """Return what `weigh` chose, for the header of a model file, if anything."""
        return {}

    def unseen(self, sequences: Any) -> dict[int, tuple[str, str]]:
        """Return the first answer of each sequence that training never saw, and its place, by the sequence's number."""
        return {}

    def targets(self, sequences: Any) -> list[np.ndarray]:
        """Return an array per sequence for the loss; raise DataError naming a sequence with another kind of answer."""
        raise NotImplementedError

    def figure(self, held_out: Any, outputs: Sequence[np.ndarray]) -> Figure:
        """Return the figure that the best weights are the best by, of sequences with these outputs."""
        raise NotImplementedError

    def score(self, split: str, splits: Splits[Any], outputs: Sequence[np.ndarray]) -> Score:
        """Return the score on one of the splits, which tells `figure`, beside the baselines that apply."""
        raise NotImplementedError

    def wrong(self, held_out: Any, outputs: Sequence[np.ndarray]) -> Iterator[WrongAnswer]:
        """Yield the wrong answers to sequences with these outputs, in their order."""
        raise NotImplementedError

    def answer(self, sequences: Any, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the answer to sequence i, given its output: nested for JSON, and as flat rows."""
        raise NotImplementedError

    def in_onnx(self, graph: Graph, outputs: Sequence[str]) -> AnswerInOnnx:
        """Return the answer to a batch, given the outputs of all networks; UsageError for one without such a form."""
        raise NotImplementedError

    def as_in_onnx(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the same of outputs that stand for those of all networks, of each sequence, longest first."""
        raise NotImplementedError

    def about(self) -> dict[str, Any]:
        """Return what other programs need to know of the answers, as JSON."""
        raise NotImplementedError

    def to_header(self) -> dict[str, Any]:
        raise NotImplementedError

    def fact(self) -> Fact:
        """Return a (label, text) pair that describes the possible answers to the user."""
        raise NotImplementedError
