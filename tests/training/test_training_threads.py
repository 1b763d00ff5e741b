"""Shards cover the batch once, an error in any of them is raised, and the number of threads changes no bit."""

import os
import threading

import numpy as np
import pytest

from rnncli.kernels.jit import enabled
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.recurrence import Recurrence
from rnncli.tasks.language_model.streams import StreamLearner
from rnncli.training import backpropagation
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

FLOAT32 = np.dtype(np.float32)


@pytest.fixture
def pool_of(monkeypatch):
    """Pools by their number of threads, closed afterwards; no job is too short to be spread."""
    monkeypatch.setattr(backpropagation, "WORTH_WAKING", 0.0)
    pools = []

    def make(count, dtype=FLOAT32):
        pools.append(ThreadPool(count))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_sequence_is_in_exactly_one_shard(pool_of, count):
    pool = pool_of(count)
    for B in (1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 1000):
        shards = []
        pool.over_batch(B, lambda low, high: shards.append((low, high)))  # noqa: B023
        assert [b for low, high in sorted(shards) for b in range(low, high)] == list(range(B))
        sizes = [high - low for low, high in shards]
        assert len(sizes) == min(count, B)
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shares_cover_every_column_once_whatever_the_width(pool_of, count):
    for columns in (1, 7, 8, 9, 64, 100, 513):
        pieces = []
        pool_of(count).over_shares(lambda share: pieces.append(share.columns(columns)))  # noqa: B023
        assert [k for low, high in sorted(pieces) for k in range(low, high)] == list(range(columns))


def test_shards_run_at_the_same_time(pool_of):
    """A barrier that only three threads together can pass."""
    barrier = threading.Barrier(3, timeout=60)
    pool_of(3).over_batch(3, lambda low, high: barrier.wait())
    assert not barrier.broken


def test_a_short_phase_is_cut_into_the_same_jobs_and_wakes_nobody(pool_of, monkeypatch):
    monkeypatch.setattr(backpropagation, "WORTH_WAKING", 1000.0)
    for nanoseconds, spread in ((999.0, False), (1000.0, True)):
        jobs = []
        pool_of(2).over_batch(5, lambda low, high: jobs.append((low, threading.current_thread())), nanoseconds)  # noqa: B023
        assert sorted(low for low, _ in jobs) == [0, 2]
        assert (len({thread for _, thread in jobs}) == 2) == spread


@pytest.mark.skipif(not enabled(), reason="plain Python cannot reach the control word")
@pytest.mark.parametrize("count", [1, 2])
def test_denormals_are_zero_on_every_thread_while_jobs_run_and_only_then(pool_of, count):
    def product():
        return float(np.float32(1e-38) * np.float32(1e-3))

    seen, barrier = [], threading.Barrier(count, timeout=60)

    def job(low, high):
        barrier.wait()
        seen.append(product())

    pool_of(count).over_batch(count, job)
    assert seen == [0.0] * count
    assert product() > 0
    with pytest.raises(ZeroDivisionError):
        pool_of(count).over_batch(count, lambda low, high: 1 // 0)
    assert product() > 0


def test_the_calling_thread_works_too(pool_of):
    workers = set()
    pool_of(2).over_batch(2, lambda low, high: workers.add(threading.current_thread()))
    assert threading.current_thread() in workers


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_an_error_in_any_job_is_raised_when_the_others_are_done(pool_of, count, failing):
    done = []

    def job(k):
        if k == failing:
            raise ValueError(f"job {k}")
        done.append(k)

    with pytest.raises(ValueError, match=f"job {failing}"):
        pool_of(count).run([lambda k=k: job(k) for k in range(4)])
    assert sorted(done) == [k for k in range(4) if k != failing and (count > 1 or k < failing)]


def test_a_pool_works_on_after_an_error(pool_of):
    pool, seen = pool_of(3), []
    with pytest.raises(ZeroDivisionError):
        pool.over_batch(3, lambda low, high: 1 // (2 - low))
    pool.over_batch(3, lambda low, high: seen.append(low))
    assert sorted(seen) == [0, 1, 2]


SHAPES = {
    "lstm with dropout": NetworkShape("lstm", 9, 21, 2, 9, token_input=True, dropout=0.3),
    "gru": NetworkShape("gru", 9, 13, 2, 9, token_input=True),
    "embedding": NetworkShape("rnn", 9, 17, 1, 9, token_input=True, embedding_size=11, fold_up_to=0),
    "folded embedding": NetworkShape("gru", 9, 17, 1, 9, token_input=True, embedding_size=11),
    "gru with a dropped recurrence": NetworkShape(
        "gru", 9, 17, 1, 9, token_input=True, recurrence=Recurrence(weight_drop=0.3, state_dropout=0.3)
    ),
}


def four_updates(shape, pool):
    """Losses, gradients and gradient norm of four updates of a ragged batch of 7."""
    network = Network(shape)
    network.initialise("orthogonal", 1.0, 3)
    ids = np.random.default_rng(0).integers(0, 9, 7 * 30 - 4).astype(np.int32)
    learner = StreamLearner(network, ids, ids[:90], ids, batch_size=7, bptt=9, stride=6, seed=5, pool=pool)
    seen = []
    for update in range(4):
        loss, count = learner.gradient(update)
        gradient = network.parameters.gradient
        assert np.isfinite(gradient).all()
        seen.append((loss, count, gradient.tobytes()))
        network.parameters.weights -= np.float32(0.5) * gradient
        network.pack()
    return seen, learner.validate()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_number_of_threads_changes_no_bit(pool_of, shape):
    alone = four_updates(shape, pool_of(1))
    assert len({gradient for _, _, gradient in alone[0]}) == 4
    for count in (2, 3, 5):
        assert four_updates(shape, pool_of(count)) == alone


def test_another_dropout_mask_is_another_gradient(pool_of):
    """Or the comparison above would not see a mask at all."""
    network = Network(SHAPES["lstm with dropout"])
    network.initialise("orthogonal", 1.0, 3)
    work = network.workspace(5, 4, 5, training=True)
    driver = Backpropagation(network, CROSS_ENTROPY, pool_of(2))
    targets = np.ones((5, 4), np.int32)
    losses = []
    for seed, update in [(1, 0), (1, 0), (1, 1), (2, 0)]:
        work.dropout_keys = network.dropout_keys(seed, update)
        losses.append(driver.gradient(work, targets, 20))
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_a_pool_has_a_thread_for_each_cpu_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    pool = ThreadPool(None)
    pool.close()
    assert pool.count == 3
