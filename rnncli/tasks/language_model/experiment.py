"""The experiment of a language model: a text in splits, and a new network for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.config.training_section import DEFAULT_PRECISION
from rnncli.data.look import look_at
from rnncli.data.places import Places
from rnncli.data.source import Source
from rnncli.data.text import WORDS
from rnncli.data.vectors import vectors_in
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary, describe_tokens, note_unknown
from rnncli.errors import DataError, UsageError
from rnncli.nn.memory import require_memory
from rnncli.nn.network import Network
from rnncli.notes import doubt, note
from rnncli.tasks.first_weights import set_first_weights, start_words
from rnncli.tasks.headers import training_in_header
from rnncli.tasks.language_model import kneser_ney, mixture, ngram
from rnncli.tasks.language_model.compressors import compressed
from rnncli.tasks.language_model.config import LanguageModelConfig, completed
from rnncli.tasks.language_model.copies import share_copied
from rnncli.tasks.language_model.corpus import counted
from rnncli.tasks.language_model.figures import further_baselines, headline, in_blocks, in_other_units, perplexity
from rnncli.tasks.language_model.items import BETWEEN, STREAM
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.shape import network_shape, with_embedding
from rnncli.tasks.language_model.splits import HeldOut, held_out_text, read_splits
from rnncli.tasks.language_model.streams import StreamLearner
from rnncli.tasks.language_model.surprise import Surprise
from rnncli.tasks.language_model.texts import Texts, TextsLearner
from rnncli.tasks.language_model.unknown import RareWords
from rnncli.tasks.task import EXTENDS, Context, Evaluation, Experiment, Options
from rnncli.training.fit import fit
from rnncli.training.reports import NETWORK, Fit, Score, strongest_first

_LONG, _MOSTLY = 50, 0.5  # characters that are no common phrase; the share from which a text is no new one
WITH_NGRAM = "network and Kneser-Ney 5-gram together"


# The axis along which a parameter has an entry for each token; of the input matrices, if they read tokens.
_TOKENS = {"embedding.weight": 0, "head.weight": 0, "head.bias": 0, "rnn.weight_ih_l0": 1, "rnn.weight_skip": 1}


class TextExperiment(Experiment):
    """The tokens of a text, in streams or as items, and the network that learns them."""

    config: LanguageModelConfig
    network: Network
    learner: StreamLearner | TextsLearner

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
        known = _known(learnt, self.config)
        begins = EXTENDS in (learnt or {})
        splits = read_splits(self.config, source, known, extends=begins)
        _doubt_list(source, given, begins=begins)
        self.vocabulary, self.train_ids, self.texts = splits.vocabulary, splits.train, splits.texts
        if splits.texts and self.config.data.items != STREAM:
            self.config = with_embedding(completed(given, source.size, splits.texts.lengths), vectors)
        self._encoding = str(self.config.data.encoding)  # of what is scored
        self._places = splits.places
        self._held_out = {"validation": splits.validation} | ({"test": splits.test} if splits.test else {})
        if known is not None:
            _note_new(known, self.vocabulary)
            note_unknown([self.train_ids], "the training split", "read as <unk>")
        self._note_unseen()
        self._doubt_repeated()
        shape = network_shape(self.config, len(self.vocabulary))
        self.rare, sees_unknown = self._rare_words()

        def plan() -> Network:
            network = Network(shape)
            self._require_room(network)
            return network

        require_memory(plan, shape, "lower model.hidden_size, training.batch_size or training.bptt")
        self.network = Network(shape, context.dtype)
        set_first_weights(self.network, self.config)
        start_words(self.network, self.config.data, vectors, self.vocabulary)
        self.learner = self._learner(context, known_only=self.rare is not None and not sees_unknown)
        self.shares: np.ndarray | None = None  # of the 5-gram in the mixture that the model file has
        self.facts = self._facts(source, sized=given.fills_time and is_open(given.model.hidden_size))

    def _require_room(self, network: Network) -> None:
        """Plan the arrays of the largest window."""
        training, steps = self.config.training, len(self.train_ids)
        B = min(training.batch_size, steps)
        longest = -(-steps // B) if self.texts is None else int(self.texts.steps.max())
        T = min(training.bptt, longest)
        network.workspace(T, B, T, training=True)

    def _learner(self, context: Context, *, known_only: bool) -> StreamLearner | TextsLearner:
        training, valid = self.config.training, self._held_out["validation"]
        how: dict[str, Any] = {
            "batch_size": training.batch_size,
            "bptt": training.bptt,
            "stride": training.bptt_stride,
            "seed": training.seed,
            "pool": context.pool,
            "rare": self.rare,
            "known_only": known_only,
        }
        if self.texts is not None:
            return TextsLearner(self.network, self.texts, valid, **how)
        learner = StreamLearner(self.network, self.train_ids, valid.ids[:0], valid.ids[:0], **how)
        learner.validation = valid.validation(self.network, learner.backpropagation, known_only=known_only)
        return learner

    def widened(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return weights of a model that knows the first tokens of the vocabulary, with new rows for the others."""
        found = dict(arrays)
        for name, own in self.network.parameters.export().items():
            given = found.get(name)
            axis = _TOKENS.get(re.sub(r"^(rnn\.weight_skip)_l\d+$", r"\1", name))
            if axis is None or given is None or given.ndim != own.ndim or given.shape[axis] >= own.shape[axis]:
                continue
            whole = own.copy()
            np.moveaxis(whole, axis, 0)[: given.shape[axis]] = np.moveaxis(given, axis, 0)
            found[name] = whole
        return found

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
        if self.vocabulary.end is not None:
            once[self.vocabulary.end] = False
        return RareWords(once, training.unknown_words, training.seed), bool(once.any() or counts[UNKNOWN_NUMBER])

    def _note_unseen(self) -> None:
        for split, held_out in self._held_out.items():
            if not isinstance(getattr(self.config.data, split), str):  # whose reader tells it by the name of the file
                note_unknown([held_out.own], f"the {split} split", "scored as <unk>")
            if not len(held_out.scored) and (wanted := getattr(self.config.data, split)):
                doubt(f"nothing is held out for {split}: data.{split} {wanted} has no token to score")

    def _doubt_repeated(self) -> None:
        """Tell of held-out text that mostly stands in the training split too, as where a text repeats itself: what is
        scored is then remembered. Of items equal ones are in one split."""
        if self.config.data.items != STREAM:
            return
        kind = self.config.data.kind
        n = _LONG if kind in ("char", "byte") else _LONG // 5
        for split, held_out in self._held_out.items():
            share = share_copied(held_out.own, self.train_ids, n)
            if share > _MOSTLY:
                doubt(
                    f"{share:.0%} of the {split} split is in the training split too, {n} tokens at a time, so that its "
                    f"score says nothing of new text; hold out other text: --set data.{split}=FILE"
                )

    def _facts(self, source: Source, *, sized: bool) -> tuple[tuple[str, str], ...]:
        """Return what is to be told; sized: True if the time chose the size of the network."""
        model, kind = self.config.model, self.config.data.tokens
        counts = (f"{_size(one)} for {split}" for split, one in self._held_out.items())
        held_out = ", ".join(counts)
        size = self.network.parameters.weights.size
        training = self.config.training
        why = f", for {source.size:,} bytes in {training.max_time}" if sized else ""
        how = "" if training.precision == DEFAULT_PRECISION else f", in {training.precision}"
        once = int(self.rare.once.sum()) if self.rare else 0
        rare = f"; {once:,} occur once, and are <unk> in {self.rare.share:.0%} of epochs" if self.rare and once else ""
        return (
            ("data", f"{source.name}: {self._size_of_training(kind)} to train on, {held_out}"),
            ("vocabulary", f"{self.vocabulary.size:,} distinct tokens and <unk>{rare}"),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}, {size:,} parameters{how}{why}"),
        )

    def _size_of_training(self, kind: str) -> str:
        """Return how much there is to train on, as in `1,000 lines of 8,000 char tokens, their ends included,`."""
        tokens = f"{self._count_of_training:,} {kind} tokens"
        if self.texts is None:
            return tokens
        what = "files" if self.config.data.items == STREAM else self.config.data.items
        return f"{len(self.texts.starts):,} {what} of {tokens}{self._ended}"

    @property
    def _count_of_training(self) -> int:
        """How many tokens are learnt: of texts not what only stands before the first."""
        return len(self.train_ids if self.texts is None else self.texts.scored)

    @property
    def _ended(self) -> str:
        return "" if self.vocabulary.end is None else ", ends included,"

    @property
    def places(self) -> Places:
        return self._places

    @property
    def reasons(self) -> dict[str, str]:
        held_out, weights = self._held_out["validation"], self.network.parameters.weights.size
        where = {STREAM: "the end of the text"}.get(self.config.data.items, f"some {self.config.data.items}, drawn")
        return {
            "data.tokens": f"{self.vocabulary.size:,} of them are told apart",
            "data.items": "a text in one, or lines, paragraphs or files that have nothing to do with each other",
            "data.validation": f"{where}: {len(held_out.own):,} tokens tell when the network is best",
            "model.hidden_size": f"units, for {self._count_of_training:,} tokens to train on: {weights:,} parameters",
            "training.bptt": "tokens that gradients flow back through",
            "training.bptt_stride": "tokens between updates",
        }

    def after_training(self, *, can_evaluate: bool) -> tuple[str, ...]:
        return ("generate",)

    def header(self) -> dict[str, Any]:
        return {
            "task": self.config.task,
            "data": {key: getattr(self.config.data, key) for key in ("tokens", "words", "encoding", "items")},
            "model": self.config.model.model_dump(),
            **training_in_header(self.config),
            "vocabulary": self.vocabulary.to_header(),
            **({} if self.shares is None else {"validated": {"ngram": self.shares.tolist()}}),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        found = super().arrays()
        if self.shares is not None:
            found[mixture.TOKENS] = mixture.packed(self._counted_tokens(), len(self.vocabulary))
        return found

    def recall(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().recall(header, arrays)
        if (shares := header.get("validated", {}).get("ngram")) is not None:
            self.shares = np.array(shares)

    def choose(self) -> None:
        """Fit the shares of the 5-gram on validation, if it is to be a part of the model."""
        held_out = self._held_out["validation"]
        if not self.config.training.with_ngram:
            return
        if not len(held_out.scored):
            note("training.with_ngram: no validation split to fit the shares of the 5-gram on; the network is alone")
            return
        counts, each = self._kneser_ney(), np.empty(len(held_out.scored))
        held_out.validation(self.network, self.learner.backpropagation).run(each)
        self.shares = mixture.fitted(each, held_out.read_by(counts.losses), held_out.read_by(counts.trust))

    def _counted_tokens(self) -> np.ndarray:
        """Return the tokens that n-grams count, with `<unk>` where the network has seen it."""
        train = self.train_ids[-kneser_ney.MOST_TOKENS :]
        return train if self.rare is None else self.rare.taken(0)[train]

    def _kneser_ney(self) -> KneserNey:
        return KneserNey(self._counted_tokens(), len(self.vocabulary), self.vocabulary.end)

    def hold_out(self, source: Source, changes: Options) -> None:
        """Replace the test split by the text in `source`; raise DataError if no token of it is scored."""
        config = self.config.changed(data=changes)
        held_out = held_out_text(source, config, self.vocabulary)
        if not len(held_out.scored):
            raise DataError(f"{source.name}: has too few tokens, so that nothing in it can be scored; give more text")
        self._held_out["test"] = held_out
        self._encoding = str(config.data.encoding)

    def score(self) -> Score | None:
        """Return the network's loss on a held-out split beside those of the baselines."""
        split = "test" if "test" in self._held_out else "validation"
        held_out = self._held_out[split]
        scored = held_out.scored
        if not len(scored):
            return None
        words = self.vocabulary.kind in WORDS
        unknown = int(np.count_nonzero(scored == UNKNOWN_NUMBER)) if words else 0
        driver = self.learner.backpropagation
        self.learner.free()  # scoring takes room
        each = np.empty(len(scored))
        total, count = held_out.validation(self.network, driver).run(each)
        mean = total / count
        ended = self._ended or ","
        detail = f"{count:,} tokens{ended} {_per_token(mean)}"
        known_alone = held_out.validation(self.network, driver, known_only=True)
        total, known = known_alone.run() if unknown else (0.0, 0)
        if known:
            detail += f"; {unknown:,} unknown, without them {_per_token(total / known)}"
        counts = self._kneser_ney()
        losses = {
            "Kneser-Ney 5-gram": held_out.read_by(counts.losses),
            **further_baselines(held_out, self._counted_tokens(), self.vocabulary),
        }
        together = self._mixed(split, each, losses["Kneser-Ney 5-gram"], held_out.read_by(counts.trust))
        baselines = strongest_first({name: ngram.mean_loss(one) for name, one in losses.items()})
        strongest = baselines[0][0]
        units = in_other_units(self.vocabulary, scored, mean, self._encoding)
        self._surprise = lambda: self._surprise_by(split, each, strongest, losses[strongest])
        return Score(
            split,
            driver.loss.unit,
            mean,
            baselines,
            detail,
            figures=(*units, (WITH_NGRAM, ngram.mean_loss(together))),
            headline=headline(self.config.data.tokens, mean, *baselines[0]),
            compressed=None if words else compressed(self.vocabulary, self.train_ids, scored),
        ).judged(in_blocks({NETWORK: each, **losses}))

    def _surprise_by(self, split: str, each: np.ndarray, name: str, theirs: np.ndarray) -> Surprise:
        """Return the tokens of a split with the nats of each by the network and by a baseline."""
        shown = list(map(self.vocabulary.written, range(len(self.vocabulary))))
        if self.vocabulary.end is not None:
            shown[self.vocabulary.end] = BETWEEN[self.config.data.items]
        tokens = tuple(shown[number] for number in self._held_out[split].scored.tolist())
        apart = self.vocabulary.kind in WORDS
        return Surprise(split, tokens, tuple(each.tolist()), tuple(theirs.tolist()), name, apart=apart)

    def _mixed(self, split: str, each: np.ndarray, by_ngram: np.ndarray, trust: np.ndarray) -> np.ndarray:
        """Return the nats of tokens by network and 5-gram together, in shares that were not fitted on them."""
        if self.shares is None or split == "validation":
            return mixture.cross_fitted(each, by_ngram, trust)
        return mixture.mixed(each, by_ngram, self.shares[trust])

    @property
    def most_epochs(self) -> int:
        """See `budget.Row`."""
        return self.config.training.epochs

    def fit(self, metrics: Sequence[Mapping[str, Any]], *, longer: str) -> Fit | None:
        return fit(metrics, len(self._held_out["validation"].own), self.config.model, longer)

    def evaluate(self, options: Options) -> Evaluation:
        made = super().evaluate(options)
        return replace(made, charts=lambda: (self._surprise(),))


def _per_token(mean: float) -> str:
    return f"perplexity {perplexity(mean)}, {mean / np.log(2):.3f} bits per token"


def _known(learnt: Mapping[str, Any] | None, config: LanguageModelConfig) -> Vocabulary | None:
    """Return the vocabulary of the model that is gone on with; UsageError if that has learnt other tokens, or ends of
    items, and the config has none, or the other way round."""
    if not learnt:
        return None
    known = Vocabulary.from_header(learnt["vocabulary"])
    if known.kind != config.data.kind:
        raise UsageError(
            f"data.tokens: {config.data.kind}, and the weights to start from have learnt {known.kind}; leave it out"
        )
    if (known.end is None) != (config.data.items == STREAM):
        raise UsageError(
            f"data.items: {config.data.items}, and the weights to start from have learnt "
            f"{'no ends of items' if known.end is None else 'where items end'}; leave it out"
        )
    return known


def _doubt_list(source: Source, config: LanguageModelConfig, *, begins: bool) -> None:
    """Tell of a list that is learnt as one text though nobody has asked for that; begins: with the weights of another
    run, whose config asks for it."""
    data = config.data
    if data.items != STREAM or data.kind == "byte" or ("items" in data.model_fields_set and not begins):
        return
    if look_at(source, "text", {"encoding": data.encoding}).may_list_items:
        then = ", as the weights to start from have learnt one" if begins else "; for a list: --set data.items=lines"
        doubt(f"{source.name}: looks like a list, each line an item of its own, and is learnt as one text{then}")


def _note_new(known: Vocabulary, vocabulary: Vocabulary) -> None:
    """Tell of the tokens that are new to a model."""
    new = vocabulary.tokens[len(known) :]
    if new:
        named = describe_tokens(new, vocabulary.kind)
        note(f"{len(new):,} tokens are new to the model, and start with new weights: {named}")


def _size(held_out: HeldOut | Texts) -> str:
    """Return the number of tokens that are held out, and of items."""
    items = f"{len(held_out.starts):,} of " if isinstance(held_out, Texts) else ""
    return f"{items}{len(held_out.own):,}"
