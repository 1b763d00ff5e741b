"""tag: one label for every step of a sequence (many-to-many, aligned): parts of speech, names, states of a machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config, DataConfig
from rnncli.data.source import Source
from rnncli.data.splits import Parts
from rnncli.errors import DataError, shown
from rnncli.kernels import losses
from rnncli.nn.memory import require_memory
from rnncli.nn.network import FLOAT32, Network, NetworkShape
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.sequences.classify import accuracy, confusion, macro_f1
from rnncli.tasks.sequences.learner import ExampleLearner
from rnncli.tasks.sequences.readers import Numbers, Tokens, Words, from_header
from rnncli.tasks.sequences.tagged import TagColumns, Tagged, only, read_tagged
from rnncli.tasks.whole_sequences import refuse_keys, require_whole_sequences
from rnncli.training.backpropagation import CROSS_ENTROPY
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool

name = "tag"
CHARACTER_SIZE = 32


def reader_of(train: Tagged, data: DataConfig) -> Words | Numbers:
    """The reader that the training part calls for."""
    if train.words is not None:
        return Words.of(train.words)
    assert train.values is not None
    return Numbers.of(train.values, next(iter(data.scalings), None))


def reader_in(header: Mapping[str, Any]) -> Words | Numbers:
    """The reader of a model file."""
    reader = from_header(header["reader"])
    assert not isinstance(reader, Tokens)
    return reader


def encode(reader: Words | Numbers, tagged: Tagged) -> list[np.ndarray]:
    """What the network reads of each sequence."""
    read, given = ("words", "numbers") if isinstance(reader, Words) else ("numbers", "words")
    if isinstance(reader, Words) and tagged.words is not None:
        return reader.encode(tagged.words)
    if isinstance(reader, Numbers) and tagged.values is not None:
        return reader.encode(tagged.values, tagged.where)
    raise DataError(f"{tagged.name}: the model reads {read}, and these are {given}")


def network_shape(config: Config, reader: Words | Numbers, outputs: int) -> NetworkShape:
    model, words = config.model, isinstance(reader, Words)
    spelling = words and model.character_size
    return NetworkShape(
        cell=model.cell, input_size=reader.size, hidden_size=model.hidden_size, num_layers=model.num_layers,
        output_size=outputs, token_input=words, embedding_size=model.embedding_size if words else None,
        activation=model.activation, dropout=model.dropout, bidirectional=model.bidirectional, drops_ends=True,
        word_dropout=model.word_dropout,
        characters=len(reader.characters) if spelling and isinstance(reader, Words) else 0,
        character_size=model.character_size or 0 if spelling else 0,
    )  # fmt: skip


class Trainee:
    """Tagged sequences and a fresh network for them."""

    def __init__(
        self, config: Config, parts: Parts[Tagged], pool: ThreadPool, dtype: np.dtype,
        learnt: Mapping[str, Any] | None,
    ):  # fmt: skip
        train = parts.train
        assert train.tags is not None
        self.parts, self.config = parts, config
        counts = Counter(tag for tags in train.tags for tag in tags)
        self.tags = list(learnt["tags"]) if learnt else sorted(counts)
        if len(self.tags) < 2:
            raise DataError(f"{train.name}: every step is tagged {shown(self.tags[0])}; to tag takes two tags")
        self._number = {tag: number for number, tag in enumerate(self.tags)}
        self.reader = reader_in(learnt) if learnt else reader_of(train, config.data)
        inputs, targets = encode(self.reader, train), self._targets(train)
        valid = parts.held_out.get("validation")
        held_out = ([], []) if valid is None else (encode(self.reader, valid), self._targets(valid))
        training = config.training
        shape = network_shape(config, self.reader, len(self.tags))
        require_memory(shape, max(map(len, inputs)), min(training.batch_size, len(inputs)))
        self.network = Network(shape, dtype)
        set_first_weights(self.network, config)
        self.learner = ExampleLearner(
            self.network, inputs, targets, held_out, loss=CROSS_ENTROPY, batch_size=training.batch_size,
            seed=training.seed, pool=pool, lexicon=self.reader.lexicon,
        )  # fmt: skip
        self.facts = self._facts([len(x) for x in inputs], counts)

    def _targets(self, tagged: Tagged) -> list[np.ndarray]:
        assert tagged.tags is not None
        for i, tags in enumerate(tagged.tags):
            odd = next((t for t, tag in enumerate(tags) if tag not in self._number), None)
            if odd is not None:
                raise DataError(
                    f"{tagged.where(i, odd)}: the tag {shown(tags[odd])} does not occur in the training part; "
                    "remove the sequence, or train on some like it"
                )
        return [np.array([self._number[tag] for tag in tags], np.int32) for tags in tagged.tags]

    def _facts(self, lengths: list[int], counts: Counter[str]) -> tuple[tuple[str, str], ...]:
        model, shape = self.config.model, self.network.shape
        ways = ", both ways" if model.bidirectional else ""
        spelt = f", words spelt by 2 × {shape.character_size}" if shape.characters else ""
        usual = [f"{shown(tag)} {count:,}" for tag, count in counts.most_common(4)]
        more = f" and {len(counts) - 4} more" if len(counts) > 4 else ""
        return (
            ("data", f"{self.parts.train.name}: {len(lengths):,} sequences of {sum(lengths):,} steps to train on"
                     f"{self.parts.facts()}"),
            ("tags", f"{len(counts)}: {', '.join(usual)}{more}"),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}{ways}{spelt}, "
                      f"{self.network.parameters.weights.size:,} parameters"),
        )  # fmt: skip

    def header(self) -> dict[str, Any]:
        kept = ("format", "encoding", "delimiter", "decimal", "skip_rows", "ragged", "scaling")
        return {
            "task": name,
            "data": {key: getattr(self.config.data, key) for key in kept},
            "model": self.config.model.model_dump(),
            "columns": self.parts.train.columns.to_header(),
            "reader": self.reader.to_header(),
            "tags": self.tags,
        }

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        data = self.config.data.model_copy(update=dict(changes))
        self.parts.held_out["test"] = read_tagged(source, data, notes, self.parts.train.columns)
        self._targets(self.parts.held_out["test"])  # refuses what training never saw

    def score(self) -> Score | None:
        """Token accuracy beside the most frequent tag, of each word where there are words."""
        split = self.parts.scored()
        if split is None:
            return None
        train, part = self.parts.train, self.parts.held_out[split]
        assert part.tags is not None
        outputs = self.learner.outputs(encode(self.reader, part))
        said = [[self.tags[k] for k in output.argmax(axis=1)] for output in outputs]
        usual, by_word = most_frequent(train, part)
        floors = {"most frequent tag": usual} | ({"most frequent tag of the word": by_word} if by_word else {})
        right, flat = _flat(part.tags), _flat(said)
        detail = f"{len(right):,} steps of {len(part):,} sequences, macro-F1 {macro_f1(flat, right):.4f}"
        if are_spans(self.tags):
            best = list(floors.values())[-1]
            detail += f", span F1 {span_f1(said, part.tags):.4f} (floor {span_f1(best, part.tags):.4f})"
        return Score(
            split, "token accuracy", accuracy(flat, right),
            tuple((floor, accuracy(_flat(tags), right)) for floor, tags in floors.items()),
            detail, higher_is_better=True, confusion=confusion(self.tags, flat, right),
        )  # fmt: skip


def _flat(rows: Sequence[Sequence[str]]) -> list[str]:
    return [tag for row in rows for tag in row]


def most_frequent(train: Tagged, part: Tagged) -> tuple[list[list[str]], list[list[str]] | None]:
    """For each step, the training part's most frequent tag; and that of the very word, where there are words."""
    assert train.tags is not None
    counts = Counter(_flat(train.tags))
    usual = min(counts, key=lambda tag: (-counts[tag], tag))
    always = [[usual] * len(lines) for lines in part.lines]
    if train.words is None or part.words is None:
        return always, None
    of_word: dict[str, Counter[str]] = {}
    for words, tags in zip(train.words, train.tags, strict=True):
        for word, tag in zip(words, tags, strict=True):
            of_word.setdefault(word, Counter())[tag] += 1
    best = {word: min(seen, key=lambda tag: (-seen[tag], tag)) for word, seen in of_word.items()}
    return always, [[best.get(word, usual) for word in words] for words in part.words]


_SPAN_TAG = re.compile(r"O|[BI]-.+")


def are_spans(tags: Sequence[str]) -> bool:
    """Whether these mark the beginnings and insides of spans (BIO)."""
    return all(_SPAN_TAG.fullmatch(tag) for tag in tags) and any(tag.startswith("B-") for tag in tags)


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """(first, end, kind) of every span; an I- that nothing of its kind began begins one, as conlleval has it."""
    found, start, kind = set(), 0, ""
    for i, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and tag[2:] == kind
        if kind and not goes_on:
            found.add((start, i, kind))
            kind = ""
        if tag != "O" and not goes_on:
            start, kind = i, tag[2:]
    return found


def span_f1(said: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> float:
    """2·hits / (said + right) over all spans; a hit has the same place and kind."""
    pairs = [(spans(a), spans(b)) for a, b in zip(said, right, strict=True)]
    total = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(len(a & b) for a, b in pairs) / total if total else 0.0


class Tagger:
    """A trained model."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        self.data, self.tags = config.data, list(header["tags"])
        self.columns = TagColumns.from_header(header["columns"])
        self.reader = reader_in(header)
        self.network = Network(network_shape(config, self.reader, len(self.tags)))
        self.network.load(arrays)

    def predict(
        self, source: Source, changes: Mapping[str, Any], notes: list[str]
    ) -> Iterable[tuple[str, list[dict[str, Any]]]]:
        """(id, steps) of each sequence in `source`, read like the training data but for `changes`."""
        data = self.data.model_copy(update=dict(changes))
        tagged = read_tagged(source, data, notes, self.columns, is_tag=set(self.tags).__contains__)
        inputs = encode(self.reader, tagged)
        pool = ThreadPool(None, self.network.dtype)
        try:
            outputs = ExampleLearner(
                self.network, inputs, [], ([], []), loss=CROSS_ENTROPY, batch_size=32, seed=0, pool=pool,
                lexicon=self.reader.lexicon,
            ).outputs(inputs)  # fmt: skip
        finally:
            pool.close()
        for i, output in enumerate(outputs):
            yield tagged.ids[i], [self._step(tagged, i, t, z) for t, z in enumerate(output)]

    def _step(self, tagged: Tagged, i: int, t: int, output: np.ndarray) -> dict[str, Any]:
        chances = output.copy()
        losses.softmax(chances)
        k = int(chances.argmax())
        word = {} if tagged.words is None else {"word": tagged.words[i][t]}
        return {"step": t + 1, **word, "tag": self.tags[k], "probability": float(chances[k])}


def prepare(
    config: Config, source: Source, pool: ThreadPool, notes: list[str], dtype: np.dtype = FLOAT32,
    learnt: Mapping[str, Any] | None = None,
) -> Trainee:  # fmt: skip
    require_whole_sequences(config)
    refuse_keys(config, {"model.pooling": "a tag has an answer for every step; remove it"})
    whole = read_tagged(source, config.data, notes, TagColumns.from_header(learnt["columns"]) if learnt else None)
    parts = Parts(config, whole, lambda other: read_tagged(other, config.data, notes, whole.columns), only)
    return Trainee(_resolved(config, whole.columns), parts, pool, dtype, learnt)


def _resolved(config: Config, columns: TagColumns) -> Config:
    data, model = config.data, config.model
    words = columns.text is not None
    spelling = model.character_size if model.character_size is not None else CHARACTER_SIZE
    filled = {
        "embedding_size": (model.embedding_size or model.hidden_size) if words else None,
        "character_size": spelling if words else None,
    }
    named = {"text": columns.text, "inputs": list(columns.inputs) or None, "id": columns.id, "label": columns.label}
    return config.model_copy(update={"data": data.model_copy(update=named), "model": model.model_copy(update=filled)})


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Tagger:
    return Tagger(header, arrays)
