"""Learning to write targets: teacher forcing and its schedule, validation, answers in any company."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.tasks.seq2seq.learner import PairData, PairLearner, write
from rnncli.training.backpropagation import ThreadPool

N, V = 30, 5
RANDOM = np.random.default_rng(0)
SOURCES = [RANDOM.integers(1, 6, RANDOM.integers(1, 9)).astype(np.int32) for _ in range(N)]
TARGETS = [RANDOM.integers(1, V, RANDOM.integers(1, 7)).astype(np.int32) for _ in range(N)]
DATA = PairData(SOURCES, TARGETS)


def learner(*, forcing=1.0, epochs=3, batch=8, train=DATA, valid=DATA, threads=1, dtype=np.float32, dropout=0.0):
    shape = PairShape("gru", 6, V, 7, 1, attention="dot", encoder_bidirectional=True, dropout=dropout)
    model = EncoderDecoder(shape, np.dtype(dtype))
    model.initialise("orthogonal", 1.0, 1)
    model.head.weight.value[...] *= 4  # so that it has opinions
    model.pack()
    return PairLearner(
        model,
        train,
        valid,
        batch_size=batch,
        epochs=epochs,
        teacher_forcing=forcing,
        seed=3,
        pool=ThreadPool(threads),
    )


def read_tokens(made, update):
    """What the decoder reads at an update, and the true tokens, (T, B)."""
    work, targets = made._filled(DATA, made.batches.of_update(update), update)
    share = 1 - (1 - made.teacher_forcing) * update / (made.updates - 1)
    if share < 1:
        made._sample(work, share, update)
    return work, targets


def test_the_decoder_reads_begin_and_the_target():
    work, targets = read_tokens(learner(), 0)
    tokens, inside = work.decoder.tokens, targets >= 0
    assert (tokens[0] == V).all()
    assert np.array_equal(tokens[1:][inside[1:]], targets[:-1][inside[1:]])
    assert all(targets[span - 1, b] == V for b, span in enumerate(work.spans))


def test_the_share_of_true_tokens_falls_in_a_straight_line():
    made = learner(forcing=0.2, epochs=40)
    last = made.updates - 1
    shares = []
    for low, high in ((0, 1), (last // 2 - 10, last // 2 + 10), (last - 20, last + 1)):
        kept, said = 0, 0
        for update in range(low, high):
            work, targets = read_tokens(made, update)
            truth = np.where(targets[:-1] >= 0, targets[:-1], 0)
            inside = targets[1:] >= 0
            kept += (work.decoder.tokens[1:] == truth)[inside].sum()
            said += inside.sum()
        shares.append(kept / said)
    chance = 0.25  # what is said may be true as well
    assert shares[0] == 1
    assert 0.6 - 0.06 < shares[1] < 0.6 + 0.4 * chance + 0.1
    assert 0.2 - 0.06 < shares[2] < 0.2 + 0.8 * chance + 0.1


def test_tokens_that_are_not_true_are_what_the_model_would_have_said():
    made = learner(forcing=0.0, epochs=1)
    last = made.updates - 1
    work, _ = made._filled(DATA, made.batches.of_update(last), last)
    made.backpropagation.forward(work)
    said = work.outputs.argmax(axis=2)
    work, _ = read_tokens(made, last)
    assert np.array_equal(work.decoder.tokens[1:], said[:-1])


def test_the_gradient_is_the_same_bits_on_any_number_of_threads():
    gradients = []
    for threads in (1, 2, 3):
        made = learner(forcing=0.3, threads=threads, dropout=0.4)
        losses = [made.gradient(update)[0] for update in range(5)]
        gradients.append((losses, made.network.parameters.gradient.tobytes()))
    assert gradients[0] == gradients[1] == gradients[2]


def test_validation_is_the_mean_over_all_tokens_and_their_ends():
    made = learner(dtype=np.float64, dropout=0.5)
    weights, total = made.network.parameters.export(), 0.0
    for source, target in zip(SOURCES, TARGETS, strict=True):
        z = naive.encoder_decoder(made.network.shape, weights, source, np.array([V, *target]))
        total += naive.cross_entropy(z, np.array([*target, V])) * (len(target) + 1)
    found, count = made.validate()
    assert count == sum(len(target) + 1 for target in TARGETS)
    assert found == pytest.approx(total, rel=1e-12)
    assert np.isnan(learner(valid=PairData([], [])).validate()[0])


@pytest.mark.parametrize("beams", [1, 3])
def test_answers_do_not_depend_on_their_company(beams):
    model = learner().network
    together, few = (
        [
            [(a.tokens.tolist(), a.score) for a in found]
            for found in write([model], SOURCES, beams=beams, longest=9, alpha=1.0, at_once=at_once)
        ]
        for at_once in (64, 3)
    )
    assert together == few
    assert len({str(answers) for answers in together}) > 5


@pytest.mark.parametrize("long", ["source", "target"])
def test_a_batch_in_pieces_has_the_gradient_of_the_whole_batch(long):
    more = PairData([np.tile(SOURCES[0], 60 if long == "source" else 1), *SOURCES], [*TARGETS, TARGETS[0]])
    if long == "target":
        more.targets[7] = np.tile(TARGETS[7], 60)
    found = []
    for whole in (False, True):
        made = learner(train=more, batch=40, dtype=np.float64)
        if whole:
            made.room.most = made.room.most * 100
        assert len(made._pieces(0)) == 1 if whole else len(made._pieces(0)) > 1
        loss, count = made.gradient(0)
        found.append((loss / count, made.network.parameters.gradient.copy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    assert np.abs(found[0][1] - found[1][1]).max() < 1e-12 * np.abs(found[1][1]).max()
