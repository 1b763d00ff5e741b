"""The mixture of a network and the 5-gram: its shares, what each token has by it, and a model that keeps it."""

import math

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.nn.network import Network, NetworkShape
from rnncli.notes import noting
from rnncli.tasks.language_model import mixture
from rnncli.tasks.language_model.experiment import WITH_NGRAM, TextExperiment
from rnncli.tasks.language_model.kneser_ney import KINDS, KneserNey
from rnncli.tasks.language_model.learning import LearningReading
from rnncli.tasks.language_model.mixture import LEVELS, MixedReading
from rnncli.tasks.language_model.predictor import LanguageModel
from rnncli.tasks.language_model.reading import StreamReading
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(2)
V = 7
RANDOM = np.random.default_rng(0)
KNOWN = np.minimum(RANDOM.zipf(1.4, 3000) - 1, V - 1).astype(np.int32)
TEXT = np.minimum(RANDOM.zipf(1.4, 400) - 1, V - 1).astype(np.int32)
SHARES = RANDOM.uniform(0.05, 0.95, LEVELS)
PROSE = "".join(RANDOM.choice(["the hen ", "a fox ", "ran.\n", "sat, ", "well "], 900).tolist())


def network():
    made = Network(NetworkShape(cell="gru", input_size=V, hidden_size=8, num_layers=1, output_size=V, token_input=True))
    made.initialise("orthogonal", 1.0, 1)
    made.parameters.weights[...] *= 2
    made.pack()
    return made


def test_the_distribution_of_the_next_token_is_what_its_losses_say():
    counts = KneserNey(KNOWN, V)
    for n in (0, 1, 3, 4, 9):
        context = TEXT[:n]
        each = [math.exp(-counts.losses(np.array([v], np.int32), context)[0]) for v in range(V)]
        assert counts.distribution(context).tolist() == pytest.approx(each, rel=1e-12)


def test_trust_is_the_longest_context_that_was_seen_and_how_little_it_gives_away():
    known = [1, 2, 3, 4, 5] * 30 + [6, 1, 6]
    counts = KneserNey(np.array(known, np.int32), V)
    found = counts.trust(np.array([5], np.int32), np.array([1, 2, 3, 4], np.int32))
    assert found // KINDS == 4
    assert counts.trust(np.array([5], np.int32), np.array([2, 2, 2, 6], np.int32)) // KINDS == 1
    assert counts.trust(np.array([5], np.int32), np.array([], np.int32)) // KINDS == 0
    # After 1 come 2 and 6, after 1, 2, 3, 4 always 5: the latter gives less to shorter contexts.
    assert counts.trust(np.array([5], np.int32), np.array([0, 1], np.int32)) % KINDS < found % KINDS


def test_shares_are_those_that_make_a_text_most_likely():
    network, ngram = RANDOM.exponential(1, 4000), RANDOM.exponential(1, 4000)
    trust = RANDOM.integers(0, 3, 4000)
    ngram[trust == 2] += 0.7
    found = mixture.fitted(network, ngram, trust)
    grid = np.linspace(0.005, 0.995, 199)
    for level in range(3):
        at = trust == level
        total = [-np.log((1 - λ) * np.exp(-network[at]) + λ * np.exp(-ngram[at])).sum() for λ in grid]
        assert found[level] == pytest.approx(grid[np.argmin(total)], abs=0.03)
    assert found[2] < found[0] - 0.1
    unseen = found[3:]
    assert np.ptp(unseen) < 1e-12  # where nothing tells, that of all
    assert found[:3].min() < unseen[0] < found[:3].max()


def test_no_half_of_a_text_is_scored_by_shares_that_were_fitted_on_it():
    network, ngram = RANDOM.exponential(1, 500), RANDOM.exponential(1, 500)
    trust = RANDOM.integers(0, LEVELS, 500)
    before = mixture.cross_fitted(network, ngram, trust)
    ngram[300] += 5
    after = mixture.cross_fitted(network, ngram, trust)
    changed = np.flatnonzero(before != after)
    assert changed.min() < 250  # by its shares
    assert set(changed[changed >= 250]) == {300}


def readings(kind):
    made = {"network": StreamReading, "learning": LearningReading}[kind](network(), POOL, 1)
    return MixedReading(made, KneserNey(KNOWN, V), SHARES, 1)


@pytest.mark.parametrize("kind", ["network", "learning"])
@pytest.mark.parametrize("read", [0, 1, 3, 333])
def test_the_chances_of_all_tokens_sum_to_one(kind, read):
    chances = []
    for token in range(V):
        reader = readings(kind)
        reader.nats(TEXT[:read])
        chances.append(math.exp(-reader.nats(np.array([token], np.int32))[0]))
    assert sum(chances) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3, 40, 41, 300], list(range(1, 400))])
def test_each_token_has_the_nats_of_both_in_the_share_of_its_context(cuts):
    reader = readings("network")
    found = np.concatenate([reader.nats(piece) for piece in np.split(TEXT, cuts)])
    alone, counts, before = StreamReading(network(), POOL, 1).nats(TEXT), KneserNey(KNOWN, V), np.array([1], np.int32)
    trust = counts.trust(TEXT, before)
    for p, q, λ, mixed in zip(alone, counts.losses(TEXT, before), SHARES[trust], found, strict=True):
        assert mixed == pytest.approx(-math.log((1 - λ) * math.exp(-p) + λ * math.exp(-q)), abs=1e-5)


def experiment(validation=0.2, **training):
    config = config_from_mapping(
        {
            "task": "language-model",
            "data": {"encoding": "utf-8", "validation": validation, "test": 0.2},
            "model": {"cell": "gru", "hidden_size": 6, "num_layers": 1},
            "training": training,
        }
    )
    return TextExperiment(config, Source("t.txt", PROSE.encode()), Context(POOL))


def test_a_model_keeps_the_mixture_it_was_asked_to_have_and_no_other_does():
    plain, mixed = experiment(), experiment(with_ngram=True)
    for one in (plain, mixed):
        one.choose()
    assert set(mixed.arrays()) - set(plain.arrays()) == {mixture.TOKENS}
    assert mixed.arrays()[mixture.TOKENS].dtype == np.uint8
    assert "validated" not in plain.header()
    again = experiment(with_ngram=True)
    again.recall(mixed.header(), mixed.arrays())
    assert dict(again.score().figures) == dict(mixed.score().figures)
    assert dict(mixed.score().figures)[WITH_NGRAM] < min(value for _, value in mixed.score().baselines) + 0.05
    model, alone = (LanguageModel(one.header(), one.arrays()) for one in (mixed, plain))
    ids = model.beginning("the he", "it")
    (token, chance), *_ = model.next_tokens(ids, 5)
    assert token == "n"
    assert chance > 0.5 > dict(alone.next_tokens(ids, 99))["n"]
    assert sum(p for _, p in model.next_tokens(ids, 99)) == pytest.approx(1, abs=1e-9)


def test_without_a_validation_split_the_network_is_alone_and_says_so():
    notes = []
    with noting(notes.append):
        alone = experiment(0.0, with_ngram=True)
        alone.choose()
    assert mixture.TOKENS not in alone.arrays()
    assert [text for text in notes if text.startswith("training.with_ngram: no validation split")]
