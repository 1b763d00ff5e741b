"""Words that occur once are <unk> in a share of the epochs, as inputs and as targets alike."""

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.kernels.losses import IGNORED
from rnncli.notes import noting
from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.experiment import TextExperiment
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.streams import Validation
from rnncli.tasks.language_model.unknown import RareWords
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import Plan

POOL = ThreadPool(1)
# 40 words that occur once, each after one that occurs often
TEXT = " ".join(f"often{i % 3} once{i}" for i in range(40))


def prepared(text=TEXT, training=None, notes=None, **data):
    config = config_from_mapping(
        {
            "task": "language-model",
            "data": {"encoding": "utf-8", "tokens": "word", "validation": 0.0, **data},
            "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1},
            "training": {"batch_size": 3, "bptt": 7, "bptt_stride": 5} | (training or {}),
        }
    )
    with noting(([] if notes is None else notes).append):
        return TextExperiment(config, Source("t.txt", text.encode()), Context(POOL))


def epoch_of(experiment, epoch):
    """The inputs and the targets of an epoch, (L, B) each, put together from its windows; in overlaps they agree."""
    learner = experiment.learner
    shape = learner.streams.L, learner.streams.B
    inputs, targets = np.full(shape, -9), np.full(shape, -9)
    for number, window in enumerate(learner.windows):
        sample = learner.sample(epoch * learner.updates_per_epoch + number, carried=True)
        before = inputs[window.start : window.stop]
        assert ((before == -9) | (before == sample.work.tokens)).all()
        before[...] = sample.work.tokens
        targets[window.start + window.head_from : window.stop] = sample.targets
    return inputs, targets


def test_a_word_is_unknown_as_a_target_where_it_is_unknown_as_an_input():
    experiment = prepared()
    ids, B = experiment.train_ids, 3
    once = np.array([token.startswith("once") for token in experiment.vocabulary.tokens])
    seen = []
    for epoch in range(40):
        inputs, targets = epoch_of(experiment, epoch)
        read = inputs.T.reshape(-1)[: len(ids) - 1]
        written = targets.T.reshape(-1)[: len(ids) - 1]
        assert (targets.T.reshape(-1)[len(ids) - 1 :] == IGNORED).all()
        assert np.array_equal(read[1:], written[:-1])
        whole = np.concatenate([read[:1], written])
        assert set(ids[whole != ids].tolist()) <= set(np.flatnonzero(once).tolist())
        assert (whole[whole != ids] == 0).all()
        seen.append(whole[once[ids]] == 0)
    assert experiment.learner.streams.B == B
    taken = np.array(seen)  # epochs, words
    assert abs(taken.mean() - 0.5) < 4 * 0.5 / np.sqrt(taken.size)
    assert (0 < taken.sum(axis=0)).all()
    assert (taken.sum(axis=0) < 40).all()  # each is sometimes itself
    assert len({row.tobytes() for row in taken}) == 40  # drawn anew


def test_the_share_is_that_of_the_config():
    for share, unknown in ((1.0, 40), (0, 0)):
        experiment = prepared(training={"unknown_words": share})
        assert (epoch_of(experiment, 0)[1] == 0).sum() == unknown


def test_the_gradient_is_that_of_the_batch_with_unknown_words():
    experiment = prepared()
    loss, count = experiment.learner.gradient(0)
    sample = experiment.learner.sample(0, carried=True)
    assert (sample.work.tokens == 0).any()
    assert loss == pytest.approx(experiment.learner.backpropagation.evaluate(sample.work, sample.targets), rel=1e-6)
    assert count == sample.count


def test_drawing_depends_on_seed_and_epoch_alone():
    once = np.array([False, *[True] * 50])
    words = RareWords(once, 0.5, 3)
    late = words.taken(7).copy()
    words.taken(2)
    assert np.array_equal(words.taken(7), late)
    assert np.array_equal(RareWords(once, 0.5, 3).taken(7), late)
    assert not np.array_equal(RareWords(once, 0.5, 4).taken(7), late)


def test_a_resumed_training_ends_with_the_same_bits():
    def loop():
        experiment = prepared(validation=0.2)
        optimizer = Optimizer("adam", experiment.network, 5.0, POOL)
        return TrainingLoop(experiment.learner, optimizer, Plan(12, 3, 0.01, "constant", None))

    whole, first, second = loop(), loop(), loop()
    for _ in whole.run():
        pass
    for _ in first.run(lambda: first.position.update == 7):
        pass
    second.restore({name: array.copy() for name, array in first.arrays().items()}, first.snapshot())
    for _ in second.run():
        pass
    assert second.position.update == 12
    assert np.array_equal(second.parameters.weights, whole.parameters.weights)
    assert np.array_equal(second.best, whole.best)


def test_words_that_are_cut_are_always_unknown():
    notes = []
    experiment = prepared(notes=notes, min_count=2)
    assert experiment.vocabulary.tokens == ("<unk>", "often0", "often1", "often2")
    assert (experiment.train_ids == 0).sum() == 40
    assert notes[0].startswith("40 of 80 tokens of the training split (50.0%) are <unk>: ")
    assert not experiment.rare.once.any()


@pytest.mark.parametrize("tokens", ["char", "byte"])
def test_characters_that_occur_once_stay(tokens):
    assert prepared(TEXT + "é", tokens=tokens).rare is None


def test_the_score_tells_known_words_apart():
    train = "a b c a b c a b c a b c b a c once twice twice "
    experiment = prepared(train + "a b new c new a", validation=6.5 / 24)
    score = experiment.score()
    ids, before = experiment._held_out["validation"]
    driver = experiment.learner.backpropagation
    V = len(experiment.vocabulary)
    assert ids.tolist().count(0) == 2
    trained = experiment.rare.taken(0)[experiment.train_ids]
    assert dict(score.baselines) == {
        "interpolated 5-gram": ngram.cross_entropy(trained, ids, before, V),
        "Kneser-Ney 5-gram": ngram.mean_loss(KneserNey(trained, V).losses(ids, before)),
    }
    # One token at a time: the loss of each prefix less that of the one before
    sums = [Validation(experiment.network, ids[:n], before, driver).run()[0] for n in range(1, 7)]
    each = np.diff([0.0, *sums])
    known = each[ids != 0].mean()
    assert score.network == pytest.approx(each.mean(), rel=1e-6)
    assert score.detail.endswith(
        f"; 2 unknown, without them perplexity {np.exp(known):.3f}, {known / np.log(2):.3f} bits per token"
    )
    assert ";" not in prepared(train + "a b c", validation=3.5 / 21).score().detail


def test_where_training_never_sees_the_unknown_word_known_words_choose():
    text = "a b c " * 30 + "a b new c new a b"
    for share, scored in ((0.5, 5), (0, 7)):
        experiment = prepared(text, training={"unknown_words": share}, validation=7.5 / 97)
        assert experiment.learner.validate()[1] == scored
    assert prepared("once " + text, validation=7.5 / 98).learner.validate()[1] == 7
