"""What tasks with one answer for each sequence share: the reading of examples, and the filling in of their configs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnncli.data.source import Source
from rnncli.tasks.sequences.example_files import read_examples
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.experiment import Answers, named, require_words


class OneAnswer(Answers):
    """Answers of which every sequence has one: a label, several labels together, or a number."""

    @staticmethod
    def read(
        source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None
    ) -> Examples:
        return read_examples(source, data, like, is_label=is_answer)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> Columns:
        return Columns.from_header(header["columns"])


def resolved(config: Any, columns: Columns) -> Any:
    """Return the config of classify or regress in which all nulls that depend on the data are filled in."""
    words = columns.form in ("text", "lines") and config.data.tokens == "word"
    require_words(config, words=words)
    model = config.model
    embedding = model.hidden_size if words and model.embedding_size is None else model.embedding_size
    found = named(config, columns) | ({"inputs": None} if columns.form == "ts" else {})
    return config.changed(data=found, model={"embedding_size": embedding, "pooling": model.pooling or "last"})
