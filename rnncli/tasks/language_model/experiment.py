"""The experiment of a language model: a text in splits, and a new network for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.data.source import Source, read_source
from rnncli.data.text import BYTES, WORDS, as_bytes
from rnncli.data.vectors import Vectors, vectors_in
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary, note_unknown, require_learnable
from rnncli.errors import ConfigError, DataError
from rnncli.nn.memory import require_memory
from rnncli.nn.network import Network, NetworkShape
from rnncli.notes import doubt, note
from rnncli.tasks.around_layers import around_layers
from rnncli.tasks.language_model import kneser_ney, ngram
from rnncli.tasks.language_model.compressors import compressed
from rnncli.tasks.language_model.config import LanguageModelConfig, completed
from rnncli.tasks.language_model.corpus import Corpus, counted
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.streams import StreamLearner, Validation
from rnncli.tasks.language_model.surprise import Surprise
from rnncli.tasks.language_model.unknown import RareWords
from rnncli.tasks.task import Context, Evaluation, Experiment, Options, set_first_weights, start_words
from rnncli.training.fit import fit
from rnncli.training.headline import AMONG, Headline
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Fit, Score, strongest_first

_BLOCK, _MOST_BLOCKS = 200, 100  # tokens of a block at least, so that blocks share little; and blocks


class HeldOut(NamedTuple):
    """A split that is not trained on, and the tokens before it in its text, which a model may have read."""

    ids: np.ndarray
    before: np.ndarray


class TextSplits(NamedTuple):
    """A text's vocabulary, and the token numbers of its training split and of the contiguous splits held out of it."""

    vocabulary: Vocabulary
    train: np.ndarray
    validation: HeldOut
    test: HeldOut | None


class TextExperiment(Experiment):
    """Streams of a text's tokens, and the network that learns them."""

    config: LanguageModelConfig
    network: Network
    learner: StreamLearner

    def __init__(
        self,
        config: LanguageModelConfig,
        source: Source,
        context: Context,
        learnt: Mapping[str, Any] | None = None,
    ):
        given, config = config, completed(config, source.size)
        vectors = None if learnt else vectors_in(config.data, config.data.tokens)
        self.config = with_embedding(config, vectors)
        splits = read_splits(self.config, source, Vocabulary.from_header(learnt["vocabulary"]) if learnt else None)
        self.vocabulary, self.train_ids = splits.vocabulary, splits.train
        self._held_out = {"validation": splits.validation} | ({"test": splits.test} if splits.test else {})
        if learnt:
            note_unknown([self.train_ids], "the training split", "read as <unk>")
        self._note_unseen()
        training, shape = self.config.training, network_shape(self.config, len(self.vocabulary))
        self.rare, sees_unknown = self._rare_words()
        N = len(self.train_ids)
        B = min(training.batch_size, N)
        T = min(training.bptt, -(-N // B))

        def plan() -> Network:
            network = Network(shape)
            network.workspace(T, B, T, training=True)
            return network

        require_memory(plan, shape, "lower model.hidden_size, training.batch_size or training.bptt")
        self.network = Network(shape, context.dtype)
        set_first_weights(self.network, self.config)
        start_words(self.network, self.config.data, vectors, self.vocabulary)
        self.learner = StreamLearner(
            self.network,
            self.train_ids,
            *splits.validation,
            batch_size=training.batch_size,
            bptt=training.bptt,
            stride=training.bptt_stride,
            seed=training.seed,
            pool=context.pool,
            rare=self.rare,
            known_only=self.rare is not None and not sees_unknown,
        )
        self.facts = self._facts(source, sized=given.fills_time and is_open(given.model.hidden_size))

    def _rare_words(self) -> tuple[RareWords | None, bool]:
        """Return the words that training sometimes takes for `<unk>`, None if it never does; and whether it sees
        `<unk>` at all. Where it does not, the loss of unknown tokens means nothing, and does not choose the weights.
        """
        training = self.config.training
        if self.vocabulary.kind not in WORDS or not training.unknown_words:
            return None, False
        counts = counted(self.train_ids, len(self.vocabulary))
        once = counts == 1
        once[UNKNOWN_NUMBER] = False
        return RareWords(once, training.unknown_words, training.seed), bool(once.any() or counts[UNKNOWN_NUMBER])

    def _note_unseen(self) -> None:
        for split, (ids, before) in self._held_out.items():
            note_unknown([ids], f"the {split} split", "scored as <unk>")
            if len(ids) < (1 if len(before) else 2):
                note(f"no {split} split: the training loss is used instead")

    def _facts(self, source: Source, *, sized: bool) -> tuple[tuple[str, str], ...]:
        """Return what is to be told; sized: True if the time chose the size of the network."""
        model, kind = self.config.model, self.config.data.tokens
        held_out = ", ".join(f"{len(ids):,} for {split}" for split, (ids, _) in self._held_out.items())
        size = self.network.parameters.weights.size
        why = f", for {source.size:,} bytes in {self.config.training.max_time}" if sized else ""
        once = int(self.rare.once.sum()) if self.rare else 0
        rare = f"; {once:,} occur once, and are <unk> in {self.rare.share:.0%} of epochs" if self.rare and once else ""
        return (
            ("data", f"{source.name}: {len(self.train_ids):,} {kind} tokens to train on, {held_out}"),
            ("vocabulary", f"{len(self.vocabulary) - 1:,} distinct tokens and <unk>{rare}"),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}, {size:,} parameters{why}"),
        )

    @property
    def reasons(self) -> dict[str, str]:
        held_out, weights = len(self._held_out["validation"].ids), self.network.parameters.weights.size
        return {
            "data.tokens": f"{len(self.vocabulary) - 1:,} of them are told apart",
            "data.validation": f"the end of the text: {held_out:,} tokens tell when the network is best",
            "model.hidden_size": f"units, for {len(self.train_ids):,} tokens to train on: {weights:,} parameters",
            "training.bptt": "tokens that gradients flow back through",
            "training.bptt_stride": "tokens between updates",
        }

    def header(self) -> dict[str, Any]:
        return {
            "task": self.config.task,
            "data": {key: getattr(self.config.data, key) for key in ("tokens", "words", "encoding")},
            "model": self.config.model.model_dump(),
            "vocabulary": self.vocabulary.to_header(),
        }

    def hold_out(self, source: Source, changes: Options) -> None:
        """Replace the test split by the text in `source`; raise DataError if it has fewer than 2 tokens."""
        ids = _corpus(source, self.config.changed(data=changes)).encode(self.vocabulary)
        if len(ids) < 2:
            raise DataError(f"{source.name}: has fewer than 2 tokens; nothing in it can be scored")
        self._held_out["test"] = HeldOut(ids, ids[:0])
        note_unknown([ids], source.name, "scored as <unk>")

    def score(self) -> Score | None:
        """Return the network's loss on a held-out split beside those of the baselines."""
        split = "test" if "test" in self._held_out else "validation"
        ids, before = self._held_out[split]
        scored = ids if len(before) else ids[1:]
        if not len(scored):
            return None
        words = self.vocabulary.kind in WORDS
        unknown = int(np.count_nonzero(scored == UNKNOWN_NUMBER)) if words else 0
        driver = self.learner.backpropagation
        self.learner.free()  # scoring takes room
        each = np.empty(len(scored))
        total, count = Validation(self.network, ids, before, driver).run(each)
        mean = total / count
        detail = f"{count:,} tokens, perplexity {_perplexity(mean)}, {mean / np.log(2):.3f} bits per token"
        total, known = Validation(self.network, ids, before, driver, known_only=True).run() if unknown else (0.0, 0)
        if known:
            detail += (
                f"; {unknown:,} unknown, without them {total / known:.4f}, perplexity {_perplexity(total / known)}"
            )
        losses = self._baselines(scored, before if len(before) else ids[:1])
        baselines = strongest_first({name: ngram.mean_loss(one) for name, one in losses.items()})
        strongest = baselines[0][0]
        self._surprise = lambda: Surprise(
            split,
            tuple(map(self.vocabulary.written, scored.tolist())),
            tuple(each.tolist()),
            tuple(losses[strongest].tolist()),
            strongest,
            apart=words,
        )
        return Score(
            split,
            driver.loss.unit,
            mean,
            baselines,
            detail,
            figures=self._figures(scored, mean),
            headline=self._headline(mean, *baselines[0]),
            compressed=None if words else compressed(self.vocabulary, self.train_ids, scored),
        ).judged(in_blocks({NETWORK: each, **losses}))

    @property
    def most_epochs(self) -> int:
        """See `budget.Row`."""
        return self.config.training.epochs

    def fit(self, metrics: Sequence[Mapping[str, Any]], *, seconds: float) -> Fit | None:
        training = self.config.training
        longer = f"training.max_time={2 * seconds:.0f}s" if seconds else f"training.epochs={2 * training.epochs}"
        return fit(metrics, len(self._held_out["validation"].ids), self.config.model, longer)

    def evaluate(self, options: Options) -> Evaluation:
        made = super().evaluate(options)
        return replace(made, charts=lambda: (self._surprise(),))

    def _headline(self, mean: float, name: str, baseline: float) -> Headline:
        """Return how many equally likely tokens are as hard to tell apart, which is the perplexity."""
        what = {"char": "character", "byte": "byte", "bpe": "token"}.get(self.config.data.tokens, "word")
        return Headline(AMONG, _exp(mean), _exp(baseline), name, what=what)

    def _baselines(self, scored: np.ndarray, before: np.ndarray) -> dict[str, np.ndarray]:
        """Return the nats of each token by 5-grams of training, one of which sees no line but its own."""
        train, size = self.train_ids, len(self.vocabulary)
        if self.rare is not None:  # the baselines count <unk> where the network has seen it
            train = self.rare.taken(0)[train[-kneser_ney.MOST_TOKENS :]]
        found = {
            "Kneser-Ney 5-gram": KneserNey(train, size).losses(scored, before),
            "interpolated 5-gram": ngram.token_losses(train, scored, before, size),
        }
        if line_end := int(self.vocabulary.encode("\n")[0]):
            found["5-gram within lines"] = KneserNey(train, size, line_end).losses(scored, before)
        return found

    def _figures(self, scored: np.ndarray, mean: float) -> tuple[tuple[str, float], ...]:
        """Return the bits per byte of characters, or per character of bytes, where these are not the bits per token;
        of byte pairs both, unless they are the same."""
        kind, tokens = self.vocabulary.kind, self.vocabulary.tokens
        if kind in WORDS:
            return ()
        units = {}
        if kind in BYTES:  # those from 0x80 to 0xBF go on with a character
            units["character"] = [sum(not "\x80" <= byte < "\xc0" for byte in token) for token in tokens]
        if kind != "byte":
            units["byte"] = [len(token if kind in BYTES else as_bytes(token)) for token in tokens]
        counts, bits = counted(scored, len(tokens)), len(scored) * mean / math.log(2)
        sizes = {int(counts @ np.array(each)): unit for unit, each in units.items()}
        if counts[UNKNOWN_NUMBER]:
            return ()
        return tuple((f"bits per {unit}", bits / size) for size, unit in sizes.items() if size not in (0, len(scored)))


def in_blocks(losses: Mapping[str, np.ndarray]) -> Compared:
    """Return losses (N,) of tokens, of the network and of baselines, as those of blocks of neighbouring tokens."""
    N = len(losses[NETWORK])
    starts = np.arange(0, N, max(_BLOCK, -(-N // _MOST_BLOCKS)))
    sizes = np.diff([*starts, N]).astype(float)
    means = {name: np.add.reduceat(one, starts) / sizes for name, one in losses.items()}
    return Compared(means, np.arange(len(starts)), sizes, "block")


def _perplexity(mean: float) -> str:
    return f"{_exp(mean):.3f}"


def _exp(mean: float) -> float:
    return math.exp(mean) if mean < 700 else math.inf


def with_embedding(config: LanguageModelConfig, vectors: Vectors | None) -> LanguageModelConfig:
    """Return the config with the size of token vectors: that of given vectors; but for characters and single bytes,
    which need none, that of the hidden state."""
    model = config.model
    embedding = vectors.embedding_size(model.embedding_size) if vectors else model.embedding_size
    if embedding is None and config.data.tokens in (*WORDS, "bpe"):
        embedding = model.hidden_size
    return config.changed(model={"embedding_size": embedding})


def network_shape(config: LanguageModelConfig, vocabulary_size: int) -> NetworkShape:
    model = config.model
    return NetworkShape(
        cell=model.cell,
        input_size=vocabulary_size,
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        output_size=vocabulary_size,
        token_input=True,
        embedding_size=model.embedding_size,
        activation=model.activation,
        dropout=model.dropout,
        **around_layers(model, "one-hot" if model.embedding_size is None else "vectors"),
    )


def read_splits(config: LanguageModelConfig, source: Source, vocabulary: Vocabulary | None = None) -> TextSplits:
    """Return the splits of a text: test is cut off the end, then validation, unless they are files of their own.

    The vocabulary is that of the training split if none is given. Raises DataError if there is too little to learn.
    """
    data = config.data
    shares = [split if isinstance(split, float) else 0.0 for split in (data.validation, data.test)]
    if sum(shares) >= 1:
        raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
    corpus = _corpus(source, config)
    N = len(corpus.ids)
    end = N - int(shares[1] * N)
    cut = end - int(shares[0] * N)
    if vocabulary is None:
        vocabulary = corpus.vocabulary(cut, data)
    cut, end, N = corpus.places(vocabulary, [cut, end, N])
    require_learnable(vocabulary, source.name)
    if cut < 2:
        raise DataError(f"{source.name}: the training split has fewer than 2 tokens; give more text")
    ids = corpus.encode(vocabulary)

    def held_out(split: str | float | None, low: int, high: int) -> HeldOut:
        if isinstance(split, str):
            return HeldOut(_corpus(read_source(split), config).encode(vocabulary), ids[:0])
        return HeldOut(ids[low:high], ids[:low])

    test = held_out(data.test, end, N) if data.test else None
    return TextSplits(vocabulary, ids[:cut], held_out(data.validation, cut, end), test)


def _corpus(source: Source, config: LanguageModelConfig) -> Corpus:
    hint = "pass --encoding latin-1, or --set data.tokens=byte"
    corpus = Corpus(source, config.data.kind, config.data.encoding, hint=hint)
    if corpus.is_tokenized and config.data.kind != "whitespace":
        doubt(
            f"{source.name}: looks tokenized already, and data.tokens: word cuts it anew, <unk> into three; perplexity "
            "is per token of that cut. Set data.tokens: whitespace for that of the file as it stands"
        )
    return corpus
