"""The average of the weights: its values, its place beside the weights in evaluations, and that it changes no other."""

import math

import numpy as np
import pytest
from test_training_loop import POOL, Scripted, accuracies, evaluations, language_model, loop_of

from rnncli.kernels.optimizers import BLOCK, average
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.weight_average import WeightAverage

DECAY = 0.75


def by_hand(weights, decay):
    """What averages of these weights are after each of them: Σ dᵗ⁻ᵏ wₖ over the sum of these factors."""
    averages = []
    for t in range(1, len(weights) + 1):
        factors = [decay ** (t - k) for k in range(1, t + 1)]
        averages.append(sum(f * w for f, w in zip(factors, weights, strict=False)) / sum(factors))
    return averages


def test_the_average_is_that_of_the_definition():
    loop = loop_of(Scripted(), 6, averaging=DECAY)  # whose weight counts the updates
    found = [float(loop.average.values[0]) for _ in loop.run()][::2]  # a report of progress, then one of evaluation
    assert found == pytest.approx(by_hand(range(1, 7), DECAY), rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_pass_moves_the_average_by_a_share_of_the_difference(dtype):
    random = np.random.default_rng(0)
    a, w = (random.normal(0, 1, 37).astype(dtype) for _ in range(2))
    wanted = a + 0.3 * (w - a)
    average(a, w, dtype(0.3))
    assert np.allclose(a, wanted, rtol=0, atol=4 * np.finfo(dtype).eps)


def test_the_same_bytes_by_any_number_of_threads():
    found = set()
    for threads in (1, 2, 3, 4):
        pool = ThreadPool(threads)
        weights = np.random.default_rng(1).normal(0, 1, 7 * BLOCK + 5).astype(np.float32)
        kept = WeightAverage(0.9, weights, pool)
        for _ in range(3):
            kept.add()
            weights *= np.float32(1.01)
        pool.close()
        found.add(kept.values.tobytes())
    assert len(found) == 1


def judged_by_weight(learner, wanted):
    """Let the validation loss be how far the weight is from `wanted`."""

    def validate():
        learner.validated_at.append(float(learner.network.parameters.weights[0]))
        return abs(learner.validated_at[-1] - wanted) + 1, 1

    learner.validate = validate
    return learner


def test_the_better_of_both_is_the_candidate_and_is_kept():
    loop = loop_of(judged_by_weight(Scripted(), 3.0), 6, averaging=DECAY)
    lines = evaluations(loop.run())
    averages = by_hand(range(1, 7), DECAY)
    for line, mean in zip(lines, averages, strict=True):
        own = abs(line.step - 3) + 1
        assert line.losses == pytest.approx((own, abs(mean - 3) + 1), rel=1e-6)
        assert line.valid_loss == min(line.losses)
        assert line.averaged == (line.losses[1] <= line.losses[0])
    assert [line.averaged for line in lines] == [True, False, False, True, True, True]
    assert [line.improved for line in lines] == [True, True, True, False, False, False]
    assert (loop.best.tolist(), loop.position.best_averaged) == ([3], False)
    assert loop.parameters.weights.tolist() == [6]  # which the average does not touch


def test_the_average_is_kept_where_it_is_the_best():
    loop = loop_of(judged_by_weight(Scripted(), 5.0), 40, averaging=0.9, least=20)
    lines = evaluations(loop.run())
    best = min(lines, key=lambda line: line.valid_loss)
    assert best.averaged
    assert loop.position.best_averaged
    assert loop.position.best_update == best.step
    assert loop.best[0] == pytest.approx(by_hand(range(1, 41), 0.9)[best.step - 1], rel=1e-5)
    with loop.with_best():
        assert loop.parameters.weights.tolist() == loop.best.tolist()
    assert loop.parameters.weights.tolist() == [40]


def test_the_figure_decides_before_the_loss():
    learner = Scripted(valid=[1, 2, 1, 2], figures=accuracies(0.5, 0.6, 0.6, 0.5))
    lines = evaluations(loop_of(learner, 2, averaging=DECAY).run())
    assert [(line.averaged, line.figure.value, line.losses) for line in lines] == [
        (True, 0.6, (1, 2)),
        (False, 0.6, (1, 2)),
    ]
    assert [line.improved for line in lines] == [True, True]


def test_where_nothing_is_held_out_the_average_is_kept():
    learner = Scripted()
    learner.validate = lambda: (math.nan, 0)
    loop = loop_of(learner, 3, averaging=DECAY)
    list(loop.run())
    assert loop.best[0] == pytest.approx(by_hand(range(1, 4), DECAY)[-1])


def test_an_average_that_leads_nowhere_is_no_candidate():
    lines = evaluations(loop_of(Scripted(valid=[3, math.nan, 2, math.inf]), 2, averaging=DECAY).run())
    assert [(line.averaged, line.valid_loss) for line in lines] == [(False, 3), (False, 2)]


def test_patience_and_plateau_count_an_evaluation_once():
    learner = Scripted(valid=[5, 4, 9, 9, 9, 8, 7, 7])
    lines = evaluations(loop_of(learner, 20, patience=2, averaging=DECAY).run())
    assert [line.reason for line in lines] == ["scheduled", "scheduled", "patience"]
    assert lines[0].valid_loss == 4


def test_it_changes_no_weights_and_is_off_by_default():
    plain, averaged = (loop_of(language_model(), 12, "cosine", rate=0.02, averaging=d) for d in (0.0, 0.9))
    lines = [evaluations(loop.run()) for loop in (plain, averaged)]
    assert plain.average is None
    assert "average" not in plain.arrays()
    assert plain.parameters.weights.tobytes() == averaged.parameters.weights.tobytes()
    assert [line.train_loss for line in lines[0]] == [line.train_loss for line in lines[1]]
    assert [line.valid_loss for line in lines[0]] == [line.losses[0] for line in lines[1]]
    assert lines[0][0].losses is None


def test_the_pool_is_that_of_the_optimizer():
    assert loop_of(Scripted(), 2, averaging=DECAY).average.pool is POOL
