"""The memory ruler: norms by lag against central differences and networks whose decay is known exactly."""

import naive
import numpy as np
import pytest
from inspection import (
    RAGGED,
    B,
    H,
    O,
    T,
    changed,
    differences,
    driver_of,
    inspected,
    made,
    naive_states,
    sample_of,
    window,
)
from pairs import Pairs
from pairs import small_shape as pair_shape
from unrolled import mean_by_lag
from windows import VARIANTS

from rnncli.inspection import gradient_by_lag
from rnncli.inspection.gradient_by_lag import readings_of
from rnncli.inspection.reach import left_by_lag, reach, verdict
from rnncli.inspection.reach import mean_by_lag as curve_of
from rnncli.inspection.reports import EXPLODING, HEALTHY, NO_GRADIENT, VANISHING
from rnncli.kernels.losses import IGNORED
from rnncli.training.backpropagation import Sample, ThreadPool


def orthogonal(scale, steps, input_scale=1e-6):
    """An identity network whose recurrent matrix is `scale` times an orthogonal one, and a window for it."""
    network = made("rnn", "identity", method="orthogonal", scale=scale)
    # 1.9^60 of an input would saturate the softmax
    changed(network, rnn__weight_ih_l0=lambda w: w * input_scale, rnn__bias_ih_l0=lambda b: 0 * b)
    return network, sample_of(network, *window(steps))


@pytest.mark.parametrize(
    ("scale", "steps", "wanted"),
    [
        (0.9, 5, HEALTHY),
        (0.9, 44, HEALTHY),
        (0.9, 45, VANISHING),
        (0.9, 61, VANISHING),
        (1.0, 61, HEALTHY),
        (1.9, 8, HEALTHY),
        (1.9, 9, EXPLODING),
        (1.9, 61, EXPLODING),
    ],
)
def test_an_orthogonal_identity_network_decays_by_its_scale_at_each_step(scale, steps, wanted):
    """0.9^43 is 1.08%, 0.9^44 0.97%; 1.9^7 is 89, 1.9^8 170."""
    network, sample = orthogonal(scale, steps)
    (layer,) = inspected(network, sample).layers
    for norms in (layer.gradient_norm_by_lag, layer.state_gradient_norm_by_lag):
        assert norms[0] > 0.01
        assert np.array(norms) / norms[0] == pytest.approx(scale ** np.arange(steps), rel=1e-10)
    assert layer.reach.decay == pytest.approx(scale, rel=1e-10)
    assert layer.reach.left == pytest.approx(scale ** (steps - 1), rel=1e-10)
    assert layer.reach.verdict == wanted
    assert layer.spectral_radius == pytest.approx(scale, rel=1e-12)
    assert layer.jacobians.norm == pytest.approx([scale] * steps, rel=1e-12)
    assert layer.jacobians.smallest == pytest.approx([scale] * steps, rel=1e-12)


@pytest.mark.parametrize("scale", [8.0, 1 / 8])
def test_norms_too_large_and_too_small_to_be_squared(scale):
    network, sample = orthogonal(scale, 400, input_scale=0.0)
    (layer,) = inspected(network, sample).layers
    norms = np.array(layer.gradient_norm_by_lag)[:340]  # 8^340 is 1e307
    assert norms / norms[0] == pytest.approx(scale ** np.arange(340.0), rel=1e-9)
    if scale > 1:
        assert np.isinf(layer.gradient_norm_by_lag[350:]).all()
        assert (layer.reach.verdict, layer.reach.left) == (EXPLODING, np.inf)
    else:
        assert (layer.gradient_norm_by_lag[-1], layer.reach.verdict, layer.reach.left) == (0, VANISHING, 0)
        assert layer.reach.decay == pytest.approx(scale, rel=1e-4)  # lags without a logarithm do not count
    assert layer.jacobians.lyapunov == pytest.approx(np.log(scale), rel=1e-12)


def test_the_mean_of_norms_near_the_largest_number_does_not_warn():
    assert curve_of([np.full((1, 4), 1e308)])[0] == np.inf
    assert reach([np.array([[1e-10], [1e150], [1e305]])]).left == np.inf


def test_what_is_no_number_counts_as_exploding_not_as_missing():
    network, sample = made("rnn", "identity"), None
    changed(network, rnn__weight_hh_l0=lambda u: np.full_like(u, np.nan))
    sample = sample_of(network, *window())
    (layer,) = inspected(network, sample).layers
    assert layer.reach.verdict == EXPLODING
    assert not np.isfinite(layer.gradient_norm_by_lag[-1])


def test_sequences_without_a_last_step_are_left_out():
    x, targets = window()
    network = made("gru")
    whole = inspected(network, sample_of(network, x[:, :2], targets[:, :2]))
    targets[-1, 2:] = IGNORED
    part = inspected(network, sample_of(network, x, targets))
    assert (part.sequences, whole.sequences) == (2, 2)
    assert part.layers[0].gradient_norm_by_lag == pytest.approx(whole.layers[0].gradient_norm_by_lag, rel=1e-12)
    assert part.layers[0].jacobians.sequences == 2


def test_layers_tell_of_the_last_step_all_else_of_the_whole_window():
    x, targets = window()
    network = made("lstm", layers=2)
    first = inspected(network, sample_of(network, x, targets))
    targets[:-1] = (targets[:-1] + 1) % O
    second = inspected(network, sample_of(network, x, targets))
    assert first.layers == second.layers
    assert first.loss != second.loss
    assert first.parameters != second.parameters
    assert first.lags == tuple(range(T))
    assert [row.name for row in first.parameters] == [spec.name for spec in network.parameters.declared]
    assert [layer.name for layer in first.layers] == ["layer 0", "layer 1"]
    for layer in first.layers:  # what is remembered is the whole state, through the layer's own recurrence
        norms = layer.own_gradient_norm_by_lag
        assert (
            layer.reach.left == norms[-1] / norms[0] != layer.gradient_norm_by_lag[-1] / layer.gradient_norm_by_lag[0]
        )
    below, top = first.layers
    assert top.own_gradient_norm_by_lag == top.state_gradient_norm_by_lag  # nothing is above it
    assert below.own_gradient_norm_by_lag[0] == below.state_gradient_norm_by_lag[0]
    assert below.own_gradient_norm_by_lag[1:] != below.state_gradient_norm_by_lag[1:]


def test_outputs_of_the_last_steps_alone_are_measured_like_those_of_all():
    x, targets = window()
    network = made("gru", layers=2)
    whole, part = (inspected(network, sample_of(network, x, targets[-n:])) for n in (T, 3))
    assert part.layers == whole.layers
    assert part.parameters != whole.parameters


def test_each_direction_has_the_ruler_of_the_other_in_a_mirror():
    """Weights change sides, inputs and targets are turned round: so do the two curves."""
    x, targets = window()
    network, mirrored = made("lstm", bidirectional=True), made("lstm", bidirectional=True)
    weights = network.parameters.export()
    turned = {
        name: weights[name.removesuffix("_reverse") if "_reverse" in name else f"{name}_reverse"]
        for name in weights
        if name.startswith("rnn.")
    }
    head = {"head.weight": np.roll(weights["head.weight"], H, axis=1), "head.bias": weights["head.bias"]}
    mirrored.parameters.load(turned | head)
    mirrored.pack()
    ahead, back = inspected(network, sample_of(network, x, targets)).layers
    other_back, other_ahead = inspected(mirrored, sample_of(mirrored, x[::-1], targets[::-1])).layers
    for one, other in ((ahead, other_ahead), (back, other_back)):
        assert one.gradient_norm_by_lag == pytest.approx(other.gradient_norm_by_lag, rel=1e-12)
        assert one.state_gradient_norm_by_lag == pytest.approx(other.state_gradient_norm_by_lag, rel=1e-12)
    assert ahead.gradient_norm_by_lag != pytest.approx(back.gradient_norm_by_lag, rel=0.01)


def test_the_report_does_not_depend_on_the_threads():
    network = made("gru", layers=2, bidirectional=True, pooling="last")
    x, targets = window()
    pool = ThreadPool(2)
    try:
        two = inspected(network, sample_of(network, x, targets[-1:], RAGGED), pool=pool)
    finally:
        pool.close()
    assert inspected(network, sample_of(network, x, targets[-1:], RAGGED)) == two


def test_batches_of_other_lengths_are_averaged_sequence_by_sequence():
    network = made("rnn")
    x, targets = window()
    one, two = (sample_of(network, x[:n, cut], targets[:n, cut]) for n, cut in ((9, slice(3)), (5, slice(3, 4))))
    report, reports = inspected(network, one, two), [inspected(network, sample) for sample in (one, two)]
    assert report.loss == pytest.approx((27 * reports[0].loss + 5 * reports[1].loss) / 32, rel=1e-12)
    together, *alone = (some.layers[0].gradient_norm_by_lag for some in (report, *reports))
    wanted = [(3 * a + b) / 4 for a, b in zip(alone[0], alone[1], strict=False)] + list(alone[0][5:])
    assert together == pytest.approx(wanted, rel=1e-12)
    both = inspected(network, two, one)
    assert both.layers[0].gradient_norm_by_lag == pytest.approx(wanted, rel=1e-12)
    assert len(both.layers[0].jacobians.norm) == len(both.lags)  # None where the first batch was shorter
    assert both.layers[0].jacobians.norm[5:] == (None,) * 4


@pytest.mark.parametrize("lengths", [None, RAGGED])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_norms_by_lag_are_those_of_central_differences(cell, activation, lengths):
    """Of the loss at the last step, to the state that the naive twin goes on from k steps earlier."""
    network = made(cell, activation, scale=1.3)
    x, targets = window()
    (layer,) = inspected(network, sample_of(network, x, targets, lengths)).layers
    weights = network.parameters.export()
    hidden, whole = [], []
    for b, n in enumerate(RAGGED if lengths is not None else [T] * B):
        states = naive_states(network, x, b, n)
        rows = []
        for k in range(n):

            def loss(s, k=k, b=b, n=n):
                state = tuple(np.split(s, len(naive.STATES[cell])))
                outputs = state[0] @ weights["head.weight"].T + weights["head.bias"]
                if k:
                    outputs = naive.network(network.shape, weights, x[n - k : n, b], [state])[-1]
                return np.array([naive.cross_entropy(outputs[None], targets[n - 1 : n, b])])

            rows.append(differences(loss, np.concatenate(states[n - k]))[0])
        hidden.append([np.linalg.norm(row[:H]) for row in rows])
        whole.append([np.linalg.norm(row) for row in rows])
    assert layer.gradient_norm_by_lag == pytest.approx(mean_by_lag(hidden), rel=1e-7, abs=1e-11)
    assert layer.state_gradient_norm_by_lag == pytest.approx(mean_by_lag(whole), rel=1e-7, abs=1e-11)


@pytest.mark.parametrize(
    ("curve", "wanted"),
    [
        ([1, 100, 1], HEALTHY),
        ([1, np.nextafter(100, 101), 1], EXPLODING),
        ([1, 0.5, 0.01], HEALTHY),
        ([1, 0.5, np.nextafter(0.01, 0)], VANISHING),
        ([1, 0.001, 1], HEALTHY),
        ([1, 200, 0.001], EXPLODING),
        ([0, 0, 0], NO_GRADIENT),
        ([1, np.inf, 1], EXPLODING),
        ([np.nan] * 3, EXPLODING),
        ([3.0], HEALTHY),
    ],
)
def test_a_verdict_keeps_to_its_rule_at_the_very_boundaries(curve, wanted):
    assert verdict(np.array(curve, float), np.array(curve, float)) == wanted


def test_reach_of_curves_made_by_hand():
    halving = reach([(0.5 ** np.arange(10.0))[:, None]])
    assert halving.decay == pytest.approx(0.5, rel=1e-12)
    assert halving.half_life == pytest.approx(1, rel=1e-12)
    assert halving.memory_1_percent == 7  # 2^−6 is 1.6%, 2^−7 0.8%
    assert halving.left == 2.0**-9
    exactly = reach([np.array([[100.0], [10.0], [1.0], [5.0]])])
    assert exactly.memory_1_percent == 2  # 1% itself is enough, and what comes back later does not matter
    growing = reach([(2.0 ** np.arange(4))[:, None]])
    assert (growing.half_life, growing.memory_1_percent, growing.left) == (None, None, 8)
    level = reach([np.ones((4, 1))])
    assert (level.decay, level.half_life, level.left) == (1, None, 1)
    one = reach([np.ones((1, 3))])
    assert (one.decay, one.half_life, one.memory_1_percent, one.left) == (None, None, None, 1)
    fit = reach([np.array([[1.0], [np.e], [1.0], [np.e]])])
    assert np.log(fit.decay) == pytest.approx(0.2, rel=1e-12)  # least squares of 0, 1, 0, 1
    none = reach([np.zeros((4, 2))])
    assert (none.decay, none.half_life, none.memory_1_percent, none.left) == (None, None, None, None)


def test_a_half_life_beyond_what_was_looked_at_is_not_never():
    for factor, lags in ((0.999, 65), (0.9, 5)):  # half-lives of 693 and 6.6 steps
        found = reach([np.repeat(factor ** np.arange(lags)[:, None], 3, axis=1)])
        assert (found.half_life, found.half_life_above) == (None, lags - 1)
        assert found.half_life_interval == (None, None)
        assert found.decay == pytest.approx(factor)
    for factor in (1.0, 1.01):
        found = reach([np.repeat(factor ** np.arange(65)[:, None], 3, axis=1)])
        assert (found.half_life, found.half_life_above) == (None, None)
    rising, falling = 1.02 ** np.arange(30.0), 0.98 ** np.arange(30.0)
    doubtful = reach([np.stack([rising, rising, falling], axis=1)])  # a draw of sequences may fall: not measured
    assert (doubtful.half_life, doubtful.half_life_above) == (None, 29)


def test_the_half_life_does_not_depend_on_how_far_beyond_1_percent_was_looked():
    curve = np.concatenate([0.8 ** np.arange(25.0), 0.8**24 * 0.99 ** np.arange(400.0)])[:, None]
    near, far = reach([curve[:25]]), reach([curve])
    assert near.half_life == far.half_life == pytest.approx(np.log(0.5) / np.log(0.8))
    assert near.memory_1_percent == far.memory_1_percent == 21


def test_a_verdict_goes_by_the_lags_that_training_flows_back_through():
    curve = [0.9 ** np.arange(100.0)[:, None]]
    for flows, wanted in ((16, HEALTHY), (44, HEALTHY), (45, VANISHING), (None, VANISHING), (1000, VANISHING)):
        found = reach(curve, flows)
        assert (found.verdict, found.judged) == (wanted, min(flows or 100, 100) - 1)
        assert found.left == pytest.approx(0.9**found.judged)
        assert found.half_life == reach(curve).half_life
    growing = [1.1 ** np.arange(100.0)[:, None]]
    assert (reach(growing, 16).verdict, reach(growing).verdict) == (HEALTHY, EXPLODING)


def test_intervals_hold_the_truth_of_noisy_curves_and_are_the_same_again():
    truth, inside = np.log(0.5) / np.log(0.8), []
    for seed in range(20):
        random = np.random.default_rng(seed)
        noisy = 0.8 ** np.arange(40.0)[:, None] * np.exp(random.normal(0, 0.5, (40, 30)))
        found = reach([noisy[:, :10], noisy[:, 10:]])
        low, high = found.half_life_interval
        assert low < found.half_life < high < 1.5 * low
        first, last = found.memory_interval
        assert first <= found.memory_1_percent <= last
        assert isinstance(first, int)
        inside.append((low <= truth <= high, first <= 21 <= last))  # 0.8^21 is 0.92%
        assert reach([noisy[:, :10], noisy[:, 10:]]) == found
    assert np.array(inside).sum(axis=0).min() >= 16  # of 20, where 19 are expected


def test_intervals_are_unknown_of_one_sequence_and_open_where_nothing_shrinks():
    assert reach([0.5 ** np.arange(9.0)[:, None]]).half_life_interval is None
    assert reach([0.5 ** np.arange(9.0)[:, None]]).memory_interval is None
    level = reach([np.ones((9, 5))])
    assert (level.half_life_interval, level.memory_interval) == ((None, None), (None, None))


def test_a_lag_that_a_resample_does_not_reach_is_no_end_of_memory():
    """One sequence is longer than the others; half of them without it must not say that its gradient is gone."""
    norms = np.full((30, 3), np.nan)
    norms[:, 0], norms[:5, 1:] = 0.99 ** np.arange(30), 0.99 ** np.arange(5.0)[:, None]
    assert reach([norms]).memory_interval == (None, None)


def test_sequences_are_compared_with_themselves_whatever_the_others_have():
    """Long sequences with a large gradient beside short ones with a small one: of each, half is left a step."""
    norms = np.full((20, 5), np.nan)
    norms[:, :2] = 1000 * 0.5 ** np.arange(20.0)[:, None]
    norms[:3, 2:] = 0.5 ** np.arange(3.0)[:, None]
    found = reach([norms[:, :3], norms[:3, 3:]])
    assert found.decay == pytest.approx(0.5)
    assert found.left == pytest.approx(0.5**19)
    assert found.memory_1_percent == 7
    assert found.half_life_interval == pytest.approx((1, 1))
    assert left_by_lag([norms], [norms]) == pytest.approx(0.5 ** np.arange(20.0))
    assert left_by_lag([norms / 4], [norms])[:3] == pytest.approx([0.25, 0.125, 0.0625])


def test_a_gradient_that_is_nothing_at_lag_0_alone_is_no_explosion():
    assert reach([np.array([[0.0], [1.0], [0.5]])]).verdict == HEALTHY
    assert reach([np.zeros((3, 2))]).verdict == NO_GRADIENT


def test_norms_are_those_of_numpy_and_beyond():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [3e200, 4e200], [3e-200, 4e-200], [np.inf, 1.0]])
    assert gradient_by_lag.norm(vectors) == pytest.approx([5, 0, 5e200, 5e-200, np.inf], rel=1e-15)


def test_states_leave_the_parameters_gradients_untouched():
    for sample, driver in _samples_of_every_kind():
        gradient = driver.network.parameters.gradient
        driver.gradient(sample.work, sample.targets, sample.count)
        before, weights = gradient.copy(), driver.network.parameters.weights.copy()
        assert np.abs(before).max() > 0
        driver.states(sample.work, (sample.targets + 1) % 3, 1)
        assert np.array_equal(gradient, before)
        gradient_by_lag.measure(driver, sample, readings_of(driver.network, sample.work))
        assert np.array_equal(gradient, before)
        assert np.array_equal(driver.network.parameters.weights, weights)


def _samples_of_every_kind():
    tokens = np.random.default_rng(3).integers(0, 4, (T, B)).astype(np.int32)
    for embedding, fold in ((None, 320), (3, 320), (3, 0)):
        network = made("gru", input_size=4, token_input=True, embedding_size=embedding, fold_up_to=fold, layers=2)
        yield sample_of(network, tokens, window()[1]), driver_of(network)
    network = made("lstm", bidirectional=True, pooling="attention")
    yield sample_of(network, window()[0], window()[1][:1], RAGGED), driver_of(network)
    pairs = Pairs(pair_shape("lstm", "additive"))
    pairs.run_forward()
    yield Sample(pairs.work, pairs.targets, pairs.count), driver_of(pairs.model)
