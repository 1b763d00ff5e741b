"""tag: one label for every step of a sequence (many-to-many, aligned): parts of speech, names, states of a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.sections import DIALECT
from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.errors import DataError, shown
from rnncli.kernels import losses
from rnncli.notes import doubt
from rnncli.tasks import sizes
from rnncli.tasks.sequences.config import TagConfig
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.experiment import (
    Answers,
    Fact,
    SequenceExperiment,
    named,
    splits_in,
    word_size,
)
from rnncli.tasks.sequences.label_scores import accuracy, by_label, confusion, macro_f1
from rnncli.tasks.sequences.predictor import SequencePredictor
from rnncli.tasks.sequences.spans import are_spans, span_f1, strays
from rnncli.tasks.sequences.tagged import TagColumns, Tagged, entries_in, only, read_tagged, sentences_in
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import CROSS_ENTROPY, Loss
from rnncli.training.reports import Score

CHARACTER_SIZE = 32


class Tags(Answers):
    """The tags of the training split, in alphabetical order."""

    every_step = True
    kept = ("format", *DIALECT, "missing", "scaling")

    def __init__(self, tags: list[str], counts: Counter[str]):
        self.tags, self.counts, self.outputs = tags, counts, len(tags)
        self._number = {tag: number for number, tag in enumerate(tags)}

    @classmethod
    def of(cls, train: Tagged) -> Tags:
        counts = Counter(_flat(train.tags or []))
        if len(counts) < 2:
            raise DataError(f"{train.name}: every step is tagged {shown(next(iter(counts)))}; to tag takes two tags")
        if are_spans(list(counts)) and (odd := strays(counts)):
            listed = ", ".join(f"{shown(tag)} {counts[tag]:,}" for tag in odd)
            doubt(f"{train.name}: tags that are in no span, and count as O in the span F1: {listed}")
        return cls(sorted(counts), counts)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Tags:
        """Return the tags in the header of a model file."""
        return cls(list(header["answers"]["tags"]), Counter())

    @staticmethod
    def read(source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None) -> Tagged:
        return read_tagged(source, data, like, is_tag=is_answer)

    @staticmethod
    def of_lines(
        lines: Iterator[Line], name: str, data: Any, like: Any, is_answer: Callable[[str], bool]
    ) -> Callable[[Sequence[Line]], Tagged] | None:
        return sentences_in(lines, name, data, like)

    @staticmethod
    def entries(source: Source, data: Any, like: Any) -> Entries | None:
        return entries_in(source, data, like)

    @staticmethod
    def stand_in(like: Any) -> Tagged:
        return Tagged("", like, ["1"], [[1]], None if like.text is None else [["-"]], None, None)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> TagColumns:
        return TagColumns.from_header(header["columns"])

    def is_answer(self, text: str) -> bool:
        return text in self._number

    def loss(self, config: TagConfig) -> Loss:
        return CROSS_ENTROPY

    def targets(self, tagged: Tagged) -> list[np.ndarray]:
        assert tagged.tags is not None
        return [np.array([self._number[tag] for tag in tags], np.int32) for tags in tagged.tags]

    def unseen(self, tagged: Tagged) -> dict[int, tuple[str, str]]:
        found = {}
        for i, tags in enumerate(tagged.tags or ()):
            step = next((t for t, tag in enumerate(tags) if tag not in self._number), None)
            if step is not None:
                found[i] = tagged.where(i, step), tags[step]
        return found

    def score(self, split: str, train: Tagged, held_out: Tagged, outputs: Sequence[np.ndarray]) -> Score:
        """Return the token accuracy beside that of the most frequent tag and, if there are words, of the most frequent
        tag of each word.
        """
        assert held_out.tags is not None
        predicted = [[self.tags[k] for k in output.argmax(axis=1)] for output in outputs]
        usual, by_word = most_frequent(train, held_out)
        simple = {"most frequent tag": usual} | ({"most frequent tag of the word": by_word} if by_word else {})
        actual, flat = _flat(held_out.tags), _flat(predicted)
        detail = f"{len(actual):,} steps of {len(held_out):,} sequences, macro-F1 {macro_f1(flat, actual):.4f}"
        if are_spans(self.tags):
            best = list(simple.values())[-1]
            detail += f", span F1 {span_f1(predicted, held_out.tags):.4f} (baseline {span_f1(best, held_out.tags):.4f})"
        return Score(
            split,
            "token accuracy",
            accuracy(flat, actual),
            tuple((name, accuracy(_flat(tags), actual)) for name, tags in simple.items()),
            detail,
            higher_is_better=True,
            confusion=confusion(self.tags, flat, actual),
            labels=by_label([(tag,) for tag in flat], [(tag,) for tag in actual]),
        )

    def answer(self, sequences: Tagged, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        steps = [self._step(sequences, i, t, z) for t, z in enumerate(output)]
        return {"steps": steps}, steps

    def _step(self, tagged: Tagged, i: int, t: int, output: np.ndarray) -> dict[str, Any]:
        chances = output.copy()
        losses.softmax(chances)
        k = int(chances.argmax())
        word = {} if tagged.words is None else {"word": tagged.words[i][t]}
        return {"step": t + 1, **word, "tag": self.tags[k], "probability": float(chances[k])}

    def to_header(self) -> dict[str, Any]:
        return {"tags": self.tags}

    def fact(self) -> Fact:
        usual = [f"{shown(tag)} {count:,}" for tag, count in self.counts.most_common(4)]
        more = f" and {len(self.tags) - 4} more" if len(self.tags) > 4 else ""
        return "tags", f"{len(self.tags)}: {', '.join(usual)}{more}"


def _flat(rows: Sequence[Sequence[str]]) -> list[str]:
    return [tag for row in rows for tag in row]


def most_frequent(train: Tagged, tagged: Tagged) -> tuple[list[list[str]], list[list[str]] | None]:
    """Return, for each step, the most frequent tag of the training split, and that of the step's word, or None if
    there are no words.
    """
    assert train.tags is not None
    counts = Counter(_flat(train.tags))
    usual = min(counts, key=lambda tag: (-counts[tag], tag))
    always = [[usual] * len(lines) for lines in tagged.lines]
    if train.words is None or tagged.words is None:
        return always, None
    of_word: dict[str, Counter[str]] = {}
    for words, tags in zip(train.words, train.tags, strict=True):
        for word, tag in zip(words, tags, strict=True):
            of_word.setdefault(word, Counter())[tag] += 1
    best = {word: min(seen, key=lambda tag: (-seen[tag], tag)) for word, seen in of_word.items()}
    return always, [[best.get(word, usual) for word in words] for words in tagged.words]


def resolved(config: TagConfig, splits: Splits[Tagged]) -> TagConfig:
    """Return the config in which all nulls that depend on the data are filled in."""
    train, words = splits.train, splits.train.columns.text is not None
    kind = "tags of words" if words else "tags of numbers"
    config = sizes.completed(config, kind, len(train), len(splits.held_out.get("validation", ())))
    config = config.completed(
        data={"validation": splits.validation}, model={"bidirectional": True, "word_dropout": 0.0}
    )
    size, spelling = (word_size(config), config.model.character_size) if words else (None, None)
    if words and spelling is None:
        spelling = CHARACTER_SIZE
    return config.changed(data=named(config, train), model={"embedding_size": size, "character_size": spelling})


def prepare(
    config: TagConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> SequenceExperiment:
    splits = splits_in(config, source, Tags, only, learnt)
    tags = Tags.from_header(learnt) if learnt else Tags.of(splits.train)
    return SequenceExperiment(resolved(config, splits), splits, tags, context, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SequencePredictor:
    """Return the trained tagger in a model file."""
    return SequencePredictor(header, arrays, TagConfig, Tags.from_header(header))
