"""What tasks with one answer for each sequence share: the reading of examples, and the filling in of their configs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import WORDS, is_prose
from rnncli.data.typed import typed
from rnncli.tasks import sizes
from rnncli.tasks.sequences.answers import Answers
from rnncli.tasks.sequences.averages import weights_of
from rnncli.tasks.sequences.echo_state import EchoState
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_files import entries_in, read_examples
from rnncli.tasks.sequences.example_lines import texts_in
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.experiment import named, sized
from rnncli.tasks.sequences.network_shapes import require_words, word_size


@dataclass(frozen=True)
class Usual:
    """What a kind of data is given where a config leaves it open; sizes: a kind of `sizes.KINDS`."""

    sizes: str
    pooling: str
    word_dropout: float = 0.0
    networks: int = 1


def kept_labels(answers: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    """Return the labels in the `answers` of a model's header, and how many training sequences have each."""
    labels, counts = typed(list[str], answers["labels"], "labels"), typed(list[int], answers["counts"], "counts")
    if not len(set(labels)) == len(labels) == len(counts) >= 2 or min(counts) < 1:
        raise ValueError("its labels and their counts do not fit each other")
    return labels, counts


A_HALF = 0.5  # the share of networks that correct something, until it is chosen


def share_in(header: Mapping[str, Any]) -> float | None:
    """Return the share of networks that correct something, which the header of a model file has; None if all do, or
    none."""
    if not header["answers"].get("half"):
        return None
    share = typed(float, header.get("validated", {}).get("share", A_HALF), "share")
    if not 0 <= share <= 1:
        raise ValueError("its share is none")
    return share


class OneAnswer(Answers):
    """Answers of which every sequence has one: a label, several labels together, or a number."""

    kept = (*Answers.kept, "max_length", "truncate")
    echo_state: EchoState | None = None  # of series, fitted to the training split
    corrected: Any = None  # the baseline that networks correct, or None
    share: float | None = None  # of the networks that correct it in the answer, where every second one does

    def corrects(self, number: int) -> bool:
        return self.corrected is not None and (self.share is None or number % 2 == 0)

    def validated(self) -> dict[str, Any]:
        return {} if self.share is None else {"share": self.share}

    def recall(self, header: Mapping[str, Any]) -> None:
        self.share = header.get("validated", {}).get("share", self.share)

    def weights(self, count: int) -> list[float] | None:
        """Return the weights of so many networks in the answer, None if all count alike."""
        return None if self.share is None else weights_of(self.share, count)

    @staticmethod
    def read(
        source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None
    ) -> Examples:
        return read_examples(source, data, like, is_label=is_answer)

    @staticmethod
    def of_lines(
        lines: Iterator[Line], name: str, data: Any, like: Any, is_answer: Callable[[str], bool]
    ) -> Callable[[Sequence[Line]], Examples] | None:
        return texts_in(lines, name, data, like, is_answer)

    @staticmethod
    def entries(opened: Opened, data: Any, like: Any) -> Entries | None:
        return entries_in(opened, data, like)

    @staticmethod
    def stand_in(like: Any) -> Examples:
        return Examples("", like, ["1"], [1], None)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> Columns:
        return Columns.from_header(header["columns"])


def resolved(config: Any, splits: Splits[Examples], usual: Mapping[str, Usual]) -> Any:
    """Return the config of classify or regress in which all nulls that depend on the data are filled in; usual: for
    numbers, characters and words.
    """
    train, columns = splits.train, splits.train.columns
    tokens = "word" if config.data.vectors or is_prose(train.texts or ()) else "char"
    config = config.completed(data={"tokens": tokens})
    words = train.texts is not None and config.data.tokens in WORDS
    require_words(config, words=words)
    mine = usual["numbers" if train.texts is None else "words" if words else "characters"]
    if mine.networks > 1:
        config = sizes.with_networks(config, mine.networks)
    config = sized(config, mine.sizes, splits)
    config = config.completed(
        data={"differences": False} if train.values else {},
        model={
            "bidirectional": True,
            "pooling": mine.pooling,
            "word_dropout": mine.word_dropout,
            "embedding_size": word_size(config) if words else None,
        },
    )
    return config.changed(data=named(config, train) | ({"inputs": None} if columns.form == "ts" else {}))
