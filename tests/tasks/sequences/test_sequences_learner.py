"""Batches of whole sequences: everything once an epoch, no wait for the longest, answers in order."""

import numpy as np
import pytest

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.sequences.classify import CROSS_ENTROPY
from rnncli.tasks.sequences.learner import ExampleData, ExampleLearner
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.room import Room

N, I, LABELS = 75, 3, 4
RANDOM = np.random.default_rng(5)
INPUTS = [RANDOM.normal(0, 1, (int(n), I)).astype(np.float32) for n in RANDOM.integers(1, 30, N)]
TARGETS = RANDOM.integers(0, LABELS, N).astype(np.int32)


def learner(
    cell="gru", batch=8, threads=1, seed=1, dropout=0.0, inputs=INPUTS, targets=TARGETS, dtype=np.float32, **shape
):
    shape = {"pooling": "last"} | shape
    network = Network(
        NetworkShape(cell, I, 12, 2, LABELS, False, dropout=dropout, bidirectional=True, **shape), np.dtype(dtype)
    )
    network.initialise("orthogonal", 1.0, 1)
    pool = ThreadPool(threads)
    return ExampleLearner(
        network,
        ExampleData(inputs, targets),
        ExampleData(INPUTS[:20], TARGETS[:20]),
        loss=CROSS_ENTROPY,
        batch_size=batch,
        seed=seed,
        pool=pool,
    )


@pytest.mark.parametrize("batch", [1, 8, 200])
def test_an_epoch_is_every_sequence_once_in_an_order_of_its_own(batch):
    made = learner(batch=batch)
    epochs = [np.concatenate(made.batches._epoch(epoch)).tolist() for epoch in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(N))] * 2
    assert epochs[0] != epochs[1] or batch == 200
    assert np.concatenate(learner(batch=batch).batches._epoch(1)).tolist() == epochs[1]
    assert len(made.batches._epoch(0)) == made.updates_per_epoch


def test_sequences_of_like_length_share_a_batch():
    lengths = np.array([len(x) for x in INPUTS])
    batches = learner().batches._epoch(0)
    assert all((np.diff(lengths[batch]) <= 0).all() for batch in batches)
    padding = sum(int((lengths[batch].max() - lengths[batch]).sum()) for batch in batches)
    drawn = [np.arange(N)[i : i + 8] for i in range(0, N, 8)]
    assert padding < 0.4 * sum(int((lengths[batch].max() - lengths[batch]).sum()) for batch in drawn)


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_said_of_a_sequence_does_not_depend_on_its_batch(cell):
    together = learner(cell, batch=8, threads=2).outputs(INPUTS)
    alone = np.concatenate([learner(cell, batch=1).outputs([x]) for x in INPUTS[:10]])
    assert np.array_equal(together[:10], alone)


def test_validation_is_the_mean_over_its_sequences_and_drops_nothing():
    made = learner(dropout=0.5)
    total, count = made.validate()
    z = np.stack(made.outputs(INPUTS[:20])).astype(float)
    wanted = np.log(np.exp(z).sum(axis=1)) - z[np.arange(20), TARGETS[:20]]
    assert count == 20
    assert total == pytest.approx(wanted.sum(), rel=1e-5)


def test_the_gradient_is_the_same_bits_on_any_number_of_threads():
    gradients = []
    for threads in (1, 2, 3):
        made = learner("lstm", threads=threads, dropout=0.3)
        losses = [made.gradient(update)[0] for update in range(3)]
        gradients.append((losses, made.network.parameters.gradient.tobytes()))
    assert gradients[0] == gradients[1] == gradients[2]


def test_a_longer_sequence_than_any_before_is_answered():
    made = learner()
    made.outputs(INPUTS)
    assert np.isfinite(made.outputs([np.zeros((99, I), np.float32)])).all()


LONG = [RANDOM.normal(0, 1, (900, I)).astype(np.float32), *INPUTS[:30]]


@pytest.mark.parametrize("pooling", ["mean", None])
def test_a_batch_in_pieces_has_the_gradient_of_the_whole_batch(pooling):
    targets = TARGETS[: len(LONG)]
    if pooling is None:
        targets = [RANDOM.integers(0, LABELS, len(x)).astype(np.int32) for x in LONG]
    found = []
    for room in (None, Room(np.array([900]), np.array([900 * len(LONG)]))):
        made = learner(batch=40, inputs=LONG, targets=targets, dtype=np.float64, pooling=pooling)
        made.windows.room = room or made.windows.room
        assert len(made._pieces(0)) == (1 if room else 2)
        loss, count = made.gradient(0)
        found.append((loss / count, made.network.parameters.gradient.copy()))
    (loss, pieces), (wanted, whole) = found
    assert loss == pytest.approx(wanted, rel=1e-12)
    assert np.abs(pieces - whole).max() < 1e-12 * np.abs(whole).max()


def test_pieces_drop_each_their_own_values():
    """Dropout leaves different units of equal sequences in different pieces."""
    made = learner(batch=2, inputs=[INPUTS[0], INPUTS[0]], targets=TARGETS[:2], dropout=0.5)
    made.windows.room = Room(np.array([len(INPUTS[0])]), np.array([1]))
    keys = []
    filled = made.windows.filled
    made.windows.filled = lambda *given: keys.append((work := filled(*given)).dropout_keys) or work
    made.gradient(3)
    assert len(keys) == 2
    assert keys[0] == made.network.dropout_keys(1, 3)
    assert not set(keys[0]) & set(keys[1])
