"""tag: one label for every step of a sequence (many-to-many, aligned): blocks of speech, names, states of a machine."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.data_section import DIALECT
from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.typed import typed
from rnncli.errors import ConfigError, DataError, UsageError, shown
from rnncli.nn.crf import TagChain
from rnncli.nn.network import Network
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.protobuf import Dimension
from rnncli.notes import doubt
from rnncli.tasks.exported import padded
from rnncli.tasks.sequences.answers import AnswerInOnnx, Answers, Fact, Output
from rnncli.tasks.sequences.averages import outputs_of
from rnncli.tasks.sequences.config import TagConfig
from rnncli.tasks.sequences.decoding import Decoding, probabilities
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.experiment import SequenceExperiment, named, sized, splits_in
from rnncli.tasks.sequences.label_scores import accuracy, by_label, confusion, correct_of, macro_f1
from rnncli.tasks.sequences.network_shapes import word_size
from rnncli.tasks.sequences.predictor import SequencePredictor
from rnncli.tasks.sequences.spans import SCHEMES, are_spans, scheme_of, span_f1, strays
from rnncli.tasks.sequences.tag_columns import columns_in_blocks, sentences_in
from rnncli.tasks.sequences.tag_files import entries_in, read_tagged
from rnncli.tasks.sequences.tagged import TagColumns, Tagged, only
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import CHAIN, CROSS_ENTROPY, Loss
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.wrong_answers import PROBABILITY, WrongAnswer

CHARACTER_SIZE, AFFIX_SIZE = 32, 16
_CHAINED = (
    "the best sequence of tags: Viterbi over the emissions, with the transitions, starts and ends of `chain` and what "
    "`scheme` forbids"
)
_SCHEMED = "what `scheme` forbids: the best sequence of tags is the one of highest probability that keeps to it"


class Tags(Answers):
    """The tags of the training split, in alphabetical order.

    scheme: that of the spans that they mark, if they all keep to one; then no others are predicted.
    """

    every_step = True
    kept = ("format", *DIALECT, "missing", "scaling")

    def __init__(self, tags: list[str], counts: Counter[str], scheme: str | None):
        self.tags, self.counts, self.scheme, self.outputs = tags, counts, scheme, len(tags)
        self._number = {tag: number for number, tag in enumerate(tags)}
        self._follow([None])

    @classmethod
    def of(cls, train: Tagged) -> Tags:
        counts = Counter(_flat(train.tags or []))
        if len(counts) < 2:
            raise DataError(f"{train.name}: every step is tagged {shown(next(iter(counts)))}; to tag takes two tags")
        if are_spans(list(counts)) and (odd := strays(counts)):
            listed = ", ".join(f"{shown(tag)} {counts[tag]:,}" for tag in odd)
            doubt(f"{train.name}: tags that are in no span, and count as O in the span F1: {listed}")
        return cls(sorted(counts), counts, scheme_of(train.tags or []) if are_spans(list(counts)) else None)

    def refitted(self, train: Tagged, config: TagConfig) -> Tags:
        return Tags.of(train)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Tags:
        """Return the tags in the header of a model file."""
        of = header["answers"]
        tags, scheme = typed(list[str], of["tags"], "tags"), typed(str | None, of.get("scheme"), "scheme")
        if not len(set(tags)) == len(tags) > 0 or scheme not in (None, *SCHEMES):
            raise ValueError("its tags are none")
        return cls(tags, Counter(), scheme)

    def follow(self, networks: Sequence[Network]) -> None:
        self._follow([network.crf for network in networks])

    def _follow(self, chains: Sequence[TagChain | None]) -> None:
        """Decode the outputs of networks with these chains of tags."""
        self._chains = chains
        self._decoding = Decoding(self.tags, self.scheme, chains[0] if len(chains) == 1 else None)

    def recall(self, header: Mapping[str, Any]) -> None:
        """Keep to the scheme of the header; version 0.1 kept to none."""
        self.scheme = header["answers"].get("scheme")
        self._follow(self._chains)

    @staticmethod
    def read(source: Source, data: Any, like: Any = None, *, is_answer: Callable[[str], bool] | None = None) -> Tagged:
        return read_tagged(source, data, like, is_tag=is_answer)

    @staticmethod
    def of_lines(
        lines: Iterator[Line], name: str, data: Any, like: Any, is_answer: Callable[[str], bool]
    ) -> Callable[[Sequence[Line]], Tagged] | None:
        return sentences_in(lines, name, data, like)

    @staticmethod
    def entries(opened: Opened, data: Any, like: Any) -> Entries | None:
        return entries_in(opened, data, like)

    @staticmethod
    def blocks(opened: Opened, data: Any, like: Any, is_answer: Callable[[str], bool]) -> Iterator[Tagged]:
        return columns_in_blocks(opened, data, like, is_answer)

    @staticmethod
    def stand_in(like: Any) -> Tagged:
        return Tagged("", like, ["1"], [[1]], None if like.text is None else [["-"]], None, None)

    @staticmethod
    def columns(header: Mapping[str, Any]) -> TagColumns:
        return TagColumns.from_header(header["columns"])

    def is_answer(self, text: str) -> bool:
        return text in self._number

    def loss(self, config: TagConfig) -> Loss:
        return CHAIN if config.model.head == "crf" else CROSS_ENTROPY

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

    def figure(self, held_out: Tagged, outputs: Sequence[np.ndarray]) -> Figure:
        """Return the span F1 of tags that mark spans, else the token accuracy."""
        assert held_out.tags is not None
        predicted, count = self._predicted(outputs), sum(map(len, held_out.tags))
        if are_spans(self.tags):
            return Figure("span F1", span_f1(predicted, held_out.tags), count)
        return Figure("token accuracy", accuracy(_flat(predicted), _flat(held_out.tags)), count)

    def average(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the logarithms (n, K) of the mean probability of each tag at each step.

        That is exact of a mixture of chains, which is no chain itself: its best sequence cannot be found step by step.
        Decoded is the sequence of the highest product of these probabilities that the scheme permits.
        """
        return outputs_of([probabilities(one, chain) for one, chain in zip(outputs, self._chains, strict=True)])

    def _predicted(self, outputs: Sequence[np.ndarray]) -> list[list[str]]:
        return [[self.tags[k] for k in self._decoding.best(output)] for output in outputs]

    def score(self, split: str, train: Tagged, held_out: Tagged, outputs: Sequence[np.ndarray]) -> Score:
        """Return the token accuracy beside that of the most frequent tag and, if there are words, of the most frequent
        tag of each word; of tags that mark spans also the span F1, and the highest of these baselines.
        """
        assert held_out.tags is not None
        predicted = self._predicted(outputs)
        usual, by_word = most_frequent(train, held_out)
        simple = {"most frequent tag": usual} | ({"most frequent tag of the word": by_word} if by_word else {})
        actual, flat = _flat(held_out.tags), _flat(predicted)
        detail = f"{len(actual):,} steps of {len(held_out):,} sequences, macro-F1 {macro_f1(flat, actual):.4f}"
        figures: tuple[tuple[str, float], ...] = ()
        if are_spans(self.tags):
            best = max(span_f1(tags, held_out.tags) for tags in simple.values())
            figures = (("span F1", span_f1(predicted, held_out.tags)), ("baseline span F1", best))
        return Score(
            split,
            "token accuracy",
            accuracy(flat, actual),
            strongest_first({k: accuracy(_flat(tags), actual) for k, tags in simple.items()}, higher_is_better=True),
            detail,
            higher_is_better=True,
            confusion=confusion(self.tags, flat, actual),
            figures=figures,
            labels=by_label([(tag,) for tag in flat], [(tag,) for tag in actual]),
            headline=correct_of(flat, _flat(usual), actual, "the most frequent tag", "steps"),
        ).judged(self._compared(held_out, {NETWORK: predicted, **simple}))

    def _compared(self, held_out: Tagged, tagged: Mapping[str, Sequence[Sequence[str]]]) -> Compared:
        """Return the share of wrong tags of each sequence, the network's and those of the baselines."""
        assert held_out.tags is not None
        lengths = list(map(len, held_out.tags))
        errors = {
            name: [
                sum(map(operator.ne, tags, actual)) / len(actual)
                for tags, actual in zip(rows, held_out.tags, strict=True)
            ]
            for name, rows in tagged.items()
        }
        return Compared.of(errors, held_out.inputs(), "sequence", lengths)

    def wrong(self, held_out: Tagged, outputs: Sequence[np.ndarray]) -> Iterator[WrongAnswer]:
        for i, (output, actual) in enumerate(zip(outputs, held_out.tags or (), strict=True)):
            chances = probabilities(output, self._decoding.chain)
            for t, k in enumerate(self._decoding.best(output)):
                if self.tags[k] != actual[t]:
                    given, chance = held_out.given(i, t), float(chances[t, k])
                    yield WrongAnswer(held_out.where(i, t), given, actual[t], self.tags[k], PROBABILITY, chance)

    def answer(self, sequences: Tagged, i: int, output: np.ndarray) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        chances = probabilities(output, self._decoding.chain)
        steps = []
        for t, k in enumerate(self._decoding.best(output)):
            word = {} if sequences.words is None else {"word": sequences.words[i][t]}
            steps.append({"step": t + 1, **word, "tag": self.tags[k], "probability": float(chances[t, k])})
        return {"steps": steps}, steps

    def in_onnx(self, graph: Graph, outputs: Sequence[str]) -> AnswerInOnnx:
        """Return the probabilities of tags at each step, or of a chain how well each tag fits each step by itself."""
        shape: tuple[Dimension, ...] = ("time", "batch", self.outputs)
        if self._decoding.chain:
            return AnswerInOnnx(Output("emissions", outputs[0], "float32", shape), (_CHAINED,))
        if any(self._chains):
            raise UsageError(
                f"model.head: crf, and {len(outputs)} networks, whose chains are averaged, which is no chain; train "
                "with training.seeds: 1, or model.head: softmax"
            )
        mean = graph.mean([graph.add("Softmax", one, axis=2) for one in outputs])
        return AnswerInOnnx(Output("probabilities", mean, "float32", shape), (_SCHEMED,) if self.scheme else ())

    def as_in_onnx(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        chain = self._decoding.chain
        return padded([output if chain else probabilities(output, None) for output in outputs])

    def about(self) -> dict[str, Any]:
        made: dict[str, Any] = {"tags": self.tags, "scheme": self.scheme}
        if self._decoding.chain:
            names, scores = ("transitions", "start", "end"), self._decoding.chain.scores()
            made["chain"] = {name: score.tolist() for name, score in zip(names, scores, strict=True)}
        return made

    def to_header(self) -> dict[str, Any]:
        return {"tags": self.tags} | ({"scheme": self.scheme} if self.scheme else {})

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


def resolved(config: TagConfig, splits: Splits[Tagged], tags: Tags) -> TagConfig:
    """Return the config in which all nulls that depend on the data are filled in."""
    train, words = splits.train, splits.train.columns.text is not None
    config = sized(config, "tags of words" if words else "tags of numbers", splits)
    config = config.completed(
        data={} if words else {"scaling": "standard", "differences": False},
        model={
            "bidirectional": True,
            "word_dropout": 0.0,
            "head": "softmax" if words and not are_spans(tags.tags) else "crf",
        },
    )
    model = config.model
    spelling = model.character_size if model.character_size is not None else CHARACTER_SIZE
    affixes = model.affix_size if model.affix_size is not None else AFFIX_SIZE if spelling else 0
    if affixes and not spelling:
        raise ConfigError("model.affix_size: affixes stand beside characters; set model.character_size, or remove it")
    spelt = {"embedding_size": word_size(config), "character_size": spelling, "affix_size": affixes}
    unspelt = {"embedding_size": None, "character_size": None, "affix_size": 0}
    return config.changed(data=named(config, train), model=spelt if words else unspelt)


def prepare(
    config: TagConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> SequenceExperiment:
    splits = splits_in(config, source, Tags, only, learnt)
    tags = Tags.from_header(learnt) if learnt else Tags.of(splits.train)
    return SequenceExperiment(resolved(config, splits, tags), splits, tags, context, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SequencePredictor:
    """Return the trained tagger in a model file."""
    return SequencePredictor(header, arrays, TagConfig, Tags.from_header(header))
