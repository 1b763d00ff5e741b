"""What tasks with one answer for each sequence share: the reading of examples, and the filling in of their configs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import WORDS, is_prose
from rnncli.tasks.sequences.answers import Answers
from rnncli.tasks.sequences.echo_state import EchoState
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_files import entries_in, read_examples
from rnncli.tasks.sequences.example_lines import texts_in
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.experiment import named, require_words, sized, word_size

_WORD_DROPOUT = 0.4


class OneAnswer(Answers):
    """Answers of which every sequence has one: a label, several labels together, or a number."""

    kept = (*Answers.kept, "max_length", "truncate")
    echo_state: EchoState | None = None  # of series, fitted to the training split

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
    def entries(source: Source, data: Any, like: Any) -> Entries | None:
        return entries_in(source, data, like)

    @staticmethod
    def stand_in(like: Any) -> Examples:
        return Examples("", like, ["1"], [1], None)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> Columns:
        return Columns.from_header(header["columns"])


def resolved(config: Any, splits: Splits[Examples], pooling: Mapping[str, str]) -> Any:
    """Return the config of classify or regress in which all nulls that depend on the data are filled in; pooling: by
    kind of data.
    """
    train, columns = splits.train, splits.train.columns
    tokens = "word" if config.data.vectors or is_prose(train.texts or ()) else "char"
    config = config.completed(data={"tokens": tokens})
    words = train.texts is not None and config.data.tokens in WORDS
    require_words(config, words=words)
    kind = "numbers" if train.texts is None else "words" if words else "characters"
    config = sized(config, kind, splits)
    config = config.completed(
        data={"differences": False} if train.values else {},
        model={
            "bidirectional": True,
            "pooling": pooling[kind],
            "word_dropout": _WORD_DROPOUT if words else 0.0,
            "embedding_size": word_size(config) if words else None,
        },
    )
    return config.changed(data=named(config, train) | ({"inputs": None} if columns.form == "ts" else {}))
