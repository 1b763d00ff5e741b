"""What seq2seq and caption share: something given, a sequence of tokens written for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config, DataConfig
from rnncli.data.source import Source, read_lines
from rnncli.data.splits import Parts
from rnncli.data.text import detokenize, tokenize
from rnncli.data.vocabulary import Vocabulary, require_learnable, token_vocabulary
from rnncli.errors import DataError
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.memory import require_memory_for_pairs
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.seq2seq.learner import PairData, PairLearner, write
from rnncli.tasks.seq2seq.pairs import PairColumns, Pairs, only, read_pairs
from rnncli.tasks.seq2seq.scores import METRICS, edit_distance, floors
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool

BEAMS = 4
ALPHA = 1.0  # of the length in a beam's ranking; see `rnncli.kernels.beam`
LONGER = 1.5  # than the longest target of the training part an answer may become
_AT_ONCE = 64


class Prompts(Protocol):
    """What is given: how it becomes what an encoder reads, or a vector."""

    encodes: bool
    kind: str  # "source tokens", "values"
    decimal: str  # of numbers among what is given

    @property
    def size(self) -> int: ...

    def encode(self, prompts: Sequence[tuple[str, ...]], where: Sequence[str]) -> list[np.ndarray]:
        """One array each; DataError naming where that cannot be."""

    def to_header(self) -> dict[str, Any]: ...


def pairs_in(
    config: Config, source: Source, notes: list[str], learnt: Mapping[str, Any] | None, *, named: bool
) -> Parts[Pairs]:
    """The pairs in `source`, the held-out parts apart."""
    like = PairColumns.from_header(learnt["columns"]) if learnt else None
    whole = read_pairs(source, config.data, notes, like, named=named)
    return Parts(config, whole, lambda other: read_pairs(other, config.data, notes, whole.columns), only)


def target_vocabulary(header: Mapping[str, Any]) -> Vocabulary:
    """Of a model file."""
    return Vocabulary.from_header(header["target"])


def pair_shape(config: Config, prompts: Prompts, target: Vocabulary) -> PairShape:
    model = config.model
    attends = prompts.encodes and model.attention != "none"
    return PairShape(
        cell=model.cell, source_size=prompts.size, target_size=len(target), hidden_size=model.hidden_size,
        num_layers=model.num_layers, encodes=prompts.encodes, embedding_size=model.embedding_size,
        activation=model.activation, dropout=model.dropout, attention=model.attention if attends else None,
        encoder_bidirectional=bool(model.encoder_bidirectional),
    )  # fmt: skip


class Trainee:
    """Pairs and a fresh model for them. metric: what `score` measures, one of METRICS."""

    metric = "exact"

    def __init__(
        self, name: str, config: Config, parts: Parts[Pairs], prompts: Prompts, pool: ThreadPool, dtype: np.dtype,
        learnt: Mapping[str, Any] | None,
    ):  # fmt: skip
        self.name, self.config, self.parts, self.prompts = name, config, parts, prompts
        training = config.training
        assert parts.train.targets is not None
        self.target = target_vocabulary(learnt) if learnt else token_vocabulary(parts.train.targets, config.data.tokens)
        require_learnable(self.target, parts.train.name)
        train = self._data(parts.train)
        valid = self._data(parts.held_out["validation"]) if "validation" in parts.held_out else PairData([], [])
        shape = pair_shape(config, prompts, self.target)
        S, T = np.array(train.lengths()).max(axis=0)
        require_memory_for_pairs(shape, int(S), int(T) + 1, min(training.batch_size, len(train.sources)))
        self.longest = int(LONGER * T) + 1
        self.network = EncoderDecoder(shape, dtype)
        set_first_weights(self.network, config)
        self.learner = PairLearner(
            self.network, train, valid, batch_size=training.batch_size, epochs=training.epochs,
            teacher_forcing=training.teacher_forcing, seed=training.seed, pool=pool,
        )  # fmt: skip
        self.facts = self._facts(train)

    def _data(self, pairs: Pairs) -> PairData:
        assert pairs.targets is not None
        places = [pairs.where(i) for i in range(len(pairs))]
        targets = [self.target.encode(target).astype(np.int32) for target in pairs.targets]
        empty = next((i for i, target in enumerate(targets) if not len(target)), None)
        if empty is not None:
            raise DataError(f"{places[empty]}: a target without tokens; remove it")
        return PairData(self.prompts.encode(pairs.prompts, places), targets)

    def _facts(self, train: PairData) -> tuple[tuple[str, str], ...]:
        model, shape = self.config.model, self.network.shape
        lengths = np.array(train.lengths())
        S, T = lengths.max(axis=0)
        ways = " read from both ends" if shape.encodes and shape.encoder_bidirectional else ""
        looks = f", {shape.attention} attention" if shape.attention else ""
        return (
            ("data", f"{self.parts.train.name}: {len(train.sources):,} pairs of up to {S:,} {self.prompts.kind} and "
                     f"{T:,} {self.config.data.tokens} tokens to train on{self.parts.facts()}"),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}{ways}{looks}, "
                      f"{self.network.parameters.weights.size:,} parameters"),
        )  # fmt: skip

    def header(self) -> dict[str, Any]:
        kept = ("format", "tokens", "encoding", "delimiter", "decimal", "skip_rows", "ragged")
        return {
            "task": self.name,
            "data": {key: getattr(self.config.data, key) for key in kept},
            "model": self.config.model.model_dump(),
            "columns": self.parts.train.columns.to_header(),
            "prompts": self.prompts.to_header(),
            "target": self.target.to_header(),
            "longest": self.longest,
        }

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        data = self.config.data.model_copy(update=dict(changes))
        self.parts.held_out["test"] = read_pairs(source, data, notes, self.parts.train.columns)

    def score(self) -> Score | None:
        """How good the answers are, beside those that need no network."""
        split = self.parts.scored()
        if split is None:
            return None
        part = self.parts.held_out[split]
        assert part.targets is not None
        sources = self.prompts.encode(part.prompts, [part.where(i) for i in range(len(part))])
        answers = write(self.network, sources, beams=BEAMS, longest=self.longest, alpha=ALPHA)
        said = [detokenize(self.target.decode(best[0].tokens), self.target.kind).strip() for best in answers]
        right = self._spaced(part.targets)
        edits = [edit_distance(tokenize(a, self.target.kind), tokenize(b, self.target.kind))
                 for a, b in zip(said, right, strict=True)]  # fmt: skip
        unit, metric = METRICS[self.metric]
        return Score(
            split, unit, metric(said, right),
            tuple((floor, metric(found, right)) for floor, found in self._floors(part)),
            f"{len(part):,} pairs, mean edit distance {sum(edits) / len(edits):.3f} {self.config.data.tokens}s",
            higher_is_better=True,
        )  # fmt: skip

    def _floors(self, part: Pairs) -> list[tuple[str, list[str]]]:
        return floors(self.parts.train, part, texts=self.prompts.encodes, spaced=self._spaced)

    def _spaced(self, texts: Sequence[str]) -> list[str]:
        """Texts as their tokens would be written: what differs in spaces alone is equal."""
        kind = self.target.kind
        return [detokenize(tokenize(text, kind), kind).strip() for text in texts]


@dataclass(frozen=True)
class Candidate:
    """One answer and its log-probability in nats."""

    text: str
    score: float


@dataclass(frozen=True)
class Search:
    """How answers are searched for, and how many of each are wanted."""

    beams: int = BEAMS
    length_penalty: float = ALPHA
    n_best: int = 1


class Writer:
    """A trained encoder-decoder."""

    def __init__(self, name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], prompts: Prompts):
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        self.data, self.prompts, self.longest = config.data, prompts, int(header["longest"])
        self.columns = PairColumns.from_header(header["columns"])
        self.target = target_vocabulary(header)
        self.network = EncoderDecoder(pair_shape(config, prompts, self.target))
        self.network.load(arrays)

    def from_lines(self, path: str, data: DataConfig, search: Search) -> Iterator[tuple[str, list[Candidate]]]:
        """(line, answers) for each line of `path`, as they come from a pipe; an empty line gets an empty answer."""
        for batch in in_batches(read_lines(path, data.encoding), 1 if path == "-" else _AT_ONCE):
            texts = [line for _, line in batch]
            full = [i for i, line in enumerate(texts) if line.strip()]
            places = [batch[i][0] for i in full]
            prompts = [self.columns.of_line(texts[i], batch[i][0]) for i in full]
            found = iter(self._written(prompts, places, search))
            for line in texts:
                yield line, next(found) if line.strip() else [Candidate("", 0.0)]

    def from_table(
        self, source: Source, data: DataConfig, search: Search, notes: list[str]
    ) -> Iterator[tuple[str, list[Candidate]]]:
        """(what was given, answers) for each pair of a table."""
        self.prompts.decimal = data.decimal
        return self._answered(read_pairs(source, data, notes, self.columns, answered=False), search)

    def _answered(self, pairs: Pairs, search: Search) -> Iterator[tuple[str, list[Candidate]]]:
        for some in in_batches(range(len(pairs)), _AT_ONCE):
            prompts = [pairs.prompts[i] for i in some]
            found = self._written(prompts, [pairs.where(i) for i in some], search)
            for prompt, answers in zip(prompts, found, strict=True):
                yield self.columns.delimiter.join(prompt), answers

    def _written(self, prompts: list[tuple[str, ...]], places: Sequence[str], search: Search) -> list[list[Candidate]]:
        if not prompts:
            return []
        answers = write(
            self.network, self.prompts.encode(prompts, places), beams=max(search.beams, search.n_best),
            longest=self.longest, alpha=search.length_penalty,
        )  # fmt: skip
        return [[Candidate(self._text(a.tokens), a.score) for a in found[: search.n_best]] for found in answers]

    def _text(self, tokens: np.ndarray) -> str:
        """On one line."""
        text = detokenize(self.target.decode(tokens), self.target.kind)
        return text.strip("\n").replace("\n", " ")


def in_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """`items`, `size` at a time, the last fewer."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
