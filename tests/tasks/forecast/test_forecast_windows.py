"""Learning from windows: each one once an epoch, nothing from after its origin, no gradient further back than bptt."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from forecasts import bare, direct_member, forecast, learner_of
from parameters import mostly_thorough
from windows import error

from rnncli.data.numeric import SCALERS, whole_series
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import NetworkShape
from rnncli.tasks.forecast.baselines import CORRECTABLE, seasonal_naive
from rnncli.tasks.forecast.decoders import from_outputs, to_outputs
from rnncli.tasks.forecast.windows import Windowing, bounds_of, loosened, rows_before
from rnncli.training.backpropagation import ThreadPool

CONTEXT, HORIZON, SEASON, C, H = 10, 4, 5, 2, 6
FLOAT64 = np.dtype(np.float64)
POOL = ThreadPool(1)
RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(0, 1, (120, C)).cumsum(axis=0) + 5 * np.sin(np.arange(120) * 2 * np.pi / SEASON)[:, None]
SCALINGS = [*SCALERS, "last-value", "none"]


def fixed_of(values):
    """(centre, scale) of one series."""
    return tuple(part[None] for part in whole_series(values))


def windowing(scaling="seasonal-error", baseline=seasonal_naive):
    return Windowing(CONTEXT, HORIZON, SEASON, scaling, baseline, fixed_of(VALUES[:80]))


def learner(cell="gru", how=None, train=(0, 80), valid=(80, 120), batch=16, bptt=CONTEXT, seed=1, **changes):
    shape = NetworkShape(cell, C, H, 2, HORIZON * C, token_input=False, **changes)
    member = direct_member(shape, how or windowing(), POOL, bptt=bptt)
    return learner_of(member, VALUES, train, valid, batch_size=batch, seed=seed)


def examples(made, origins):
    """Inputs and targets of these windows."""
    frame, targets, _ = made.examples(origins)
    return frame.x, targets


def seen(made, epoch, monkeypatch):
    """The origins that one epoch trains on, batch by batch."""
    batches = []
    whole = made.examples
    monkeypatch.setattr(made, "examples", lambda origins: batches.append(origins.tolist()) or whole(origins))
    for k in range(made.updates_per_epoch):
        made.gradient(epoch * made.updates_per_epoch + k)
    monkeypatch.setattr(made, "examples", whole)
    return batches


@pytest.mark.parametrize("batch", [1, 7, 16, 1000])
def test_an_epoch_is_every_training_window_once_in_an_order_of_its_own(batch, monkeypatch):
    made = learner(batch=batch)
    epochs = [seen(made, epoch, monkeypatch) for epoch in range(3)]
    flat = [[origin for one in batches for origin in one] for batches in epochs]
    for batches, order in zip(epochs, flat, strict=True):
        assert sorted(order) == list(range(CONTEXT, 80 - HORIZON + 1))
        assert all(len(one) <= batch for one in batches)
        assert order != sorted(order)
    assert len({tuple(order) for order in flat}) == 3
    assert seen(learner(batch=batch), 1, monkeypatch) == epochs[1]
    assert seen(learner(batch=batch, seed=2), 1, monkeypatch) != epochs[1]


def test_the_counts_are_of_target_values():
    made = learner(batch=16)
    counts = [made.gradient(k)[1] for k in range(made.updates_per_epoch)]
    assert sum(counts) == (80 - HORIZON - CONTEXT + 1) * HORIZON * C
    assert made.validate()[1] == (40 - HORIZON + 1) * HORIZON * C


@pytest.mark.parametrize(("first", "last"), [(0, 80), (0, 14), (80, 120), (83, 90), (5, 15)])
def test_targets_lie_in_their_part_and_all_that_fit_are_there(first, last):
    origins = windowing().origins(first, last)
    rows = windowing().futures(np.arange(120)[:, None], origins)
    assert rows.size == 0 or (rows.min() >= first and rows.max() < last)
    wanted = [o for o in range(120) if o >= CONTEXT and first <= o and o + HORIZON <= last]
    assert origins.tolist() == wanted
    contexts = rows_before(np.arange(120)[:, None], origins, CONTEXT)
    assert np.array_equal(contexts[:, :, 0], origins + np.arange(-CONTEXT, 0)[:, None])


@pytest.mark.parametrize("baseline", CORRECTABLE)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_target_is_the_scaled_correction_of_the_baseline(scaling, baseline):
    how = windowing(scaling, CORRECTABLE[baseline])
    made = learner(how=how)
    origins = np.array([10, 33, 70])
    x, targets = examples(made, origins)
    w, actual = rows_before(VALUES, origins, CONTEXT), how.futures(VALUES, origins)
    for b, origin in enumerate(origins):
        for c in range(C):
            column = VALUES[:, c]
            past = column[origin - CONTEXT : origin]
            guess = CORRECTABLE[baseline](past[:, None, None], HORIZON, SEASON)[:, 0, 0]
            if scaling in SCALERS:
                centre, scale = SCALERS[scaling](w[:, b], SEASON)
            else:
                centre, scale = (part[0] for part in how.fixed)
                centre = w[-1, b] if scaling == "last-value" else centre
            wanted = (column[origin : origin + HORIZON] - guess) / scale[c]
            assert targets.reshape(3, HORIZON, C)[b, :, c] == pytest.approx(wanted, rel=1e-12)
            assert x[:, b, c] == pytest.approx((past - centre[c]) / scale[c], rel=1e-12)
    assert np.array_equal(from_outputs(to_outputs(actual), C), actual)


@pytest.mark.parametrize("baseline", CORRECTABLE)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_no_forecast_sees_a_value_at_or_after_its_origin(scaling, baseline):
    how = windowing(scaling, CORRECTABLE[baseline])
    made, origin = learner(how=how), 90
    before = forecast(made, rows_before(VALUES, np.array([origin]), CONTEXT))
    poisoned = VALUES.copy()
    poisoned[origin:] = 1e6 * RANDOM.normal(0, 1, (30, C))
    assert np.array_equal(forecast(made, rows_before(poisoned, np.array([origin]), CONTEXT)), before)
    for back in (1, CONTEXT):  # while what is before it counts
        moved = VALUES.copy()
        moved[origin - back] += 1
        assert not np.array_equal(forecast(made, rows_before(moved, np.array([origin]), CONTEXT)), before)
    moved = VALUES.copy()
    moved[origin - CONTEXT - 1] += 1e6
    assert np.array_equal(forecast(made, rows_before(moved, np.array([origin]), CONTEXT)), before)


@pytest.mark.parametrize("baseline", CORRECTABLE)
@pytest.mark.parametrize("scaling", SCALERS)
def test_a_series_in_another_unit_has_its_forecasts_in_that_unit(scaling, baseline):
    how = windowing(scaling, CORRECTABLE[baseline])
    made, origins = learner(how=how), np.arange(90, 100)
    w = rows_before(VALUES, origins, CONTEXT)
    once = forecast(made, w)
    assert np.abs(once - CORRECTABLE[baseline](w, HORIZON, SEASON)).max() > 0.1  # the network says something
    for factor in (1e-6, 0.3, 1024.0, 1e9):
        assert forecast(made, factor * w) == pytest.approx(factor * once, rel=1e-9, abs=1e-9 * factor)


@pytest.mark.parametrize("scaling", ["seasonal-error", "standard", "robust"])
def test_a_series_at_another_level_has_its_forecasts_at_that_level(scaling):
    how = windowing(scaling)
    made, w = learner(how=how), rows_before(VALUES, np.arange(90, 100), CONTEXT)
    assert forecast(made, w + 1000) == pytest.approx(forecast(made, w) + 1000, abs=1e-6)


@pytest.mark.parametrize("baseline", CORRECTABLE)
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("cell", mostly_thorough(CELLS, ["gru", "lstm"]))
def test_a_head_at_zero_forecasts_exactly_the_baseline(cell, scaling, baseline):
    naive_forecast = CORRECTABLE[baseline]
    made = learner(cell, windowing(scaling, naive_forecast), head_starts_at_zero=True)
    w = rows_before(VALUES, np.arange(80, 117), CONTEXT)
    assert np.array_equal(forecast(made, w), naive_forecast(w, HORIZON, SEASON))
    made.gradient(0)
    assert made.network.parameters.gradient_view("head.weight").any()  # and yet it can learn


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_flows_back_bptt_steps_and_no_further(cell):
    """Against central differences of the loss of the last steps, whose first state is held as it is."""
    bptt = 4
    made = learner(cell, batch=5, bptt=bptt)
    network = made.network
    loss, count = made.gradient(0)
    got = network.parameters.gradient.copy()
    origins = made.train[made._order(0)[:5]]
    x, targets = examples(made, origins)
    lead = network.workspace(CONTEXT - bptt, 5, 1, training=False)
    lead.x[...] = x[:-bptt]
    network.forward(lead, 0, 5)
    held = lead.state(CONTEXT - bptt)
    assert all(state[0].any() for state in held)

    def mean_loss(inputs, state):
        outputs = naive.network(network.shape, network.parameters.export(), inputs, state)
        return naive.squared_error(outputs[-1:], targets)

    assert loss / count == pytest.approx(mean_loss(x[-bptt:], held), rel=1e-12)
    cold = [naive.zero_state(cell, 5, H) for _ in range(2)]
    assert loss / count == pytest.approx(mean_loss(x, cold), rel=1e-12)  # the loss sees the whole context

    held_apart, whole = np.zeros_like(got), np.zeros_like(got)
    weights, step = network.parameters.weights, 5e-6
    for i in range(len(weights)):
        kept = weights[i]
        for sign in (1, -1):
            weights[i] = kept + sign * step
            held_apart[i] += sign * mean_loss(x[-bptt:], held) / (2 * step)
            if i % 7 == 0:
                whole[i] += sign * mean_loss(x, cold) / (2 * step)
        weights[i] = kept
    assert error(got, held_apart) < 1e-7
    assert error(got[::7], whole[::7]) > 1e-3
    full = learner(cell, batch=5, bptt=99)
    full.gradient(0)
    assert error(full.network.parameters.gradient[::7], whole[::7]) < 1e-7


def test_validation_is_the_mean_over_every_window_whatever_the_batches():
    made = learner("lstm")
    total, count = made.validate()
    x, targets = examples(made, made.valid)
    state = [naive.zero_state(made.network.shape.cell, len(made.valid), H)] * 2
    outputs = naive.network(made.network.shape, made.network.parameters.export(), x, state)
    assert total / count == pytest.approx(naive.squared_error(outputs[-1:], targets), rel=1e-12)
    assert learner(valid=(80, 80 + HORIZON - 1)).validate()[1] == 0


def test_many_validation_windows_are_taken_in_pieces(monkeypatch):
    made = learner()
    whole = made.validate()
    monkeypatch.setattr("rnncli.tasks.forecast.windows.EVALUATED_AT_ONCE", 7)
    assert made.validate() == pytest.approx(whole, rel=1e-13)


def test_a_constant_column_stays_finite_beside_one_that_varies():
    values = VALUES.copy()
    values[:, 1] = 0.1
    for scaling in SCALINGS:
        how = replace(windowing(scaling), fixed=fixed_of(values[:80]))
        made = learner(how=how)
        made.features = bare(values)
        loss, _ = made.gradient(0)
        assert np.isfinite(loss)
        made.network.parameters.weights[...] -= 0.1 * made.network.parameters.gradient
        made.network.pack()
        made_forecast = forecast(made, rows_before(values, np.arange(80, 117), CONTEXT))
        assert np.isfinite(made_forecast).all()
        assert np.abs(made_forecast[:, :, 1] - 0.1).max() < 10


# What intervals do not pass.


def test_values_that_never_pass_zero_one_or_hundred_bound_their_intervals():
    random = np.random.default_rng(3)
    shares = random.uniform(0, 1, 60)
    shares[[7, 20]] = 1.0
    columns = {
        "prices": random.uniform(3, 9, 60),
        "both": random.normal(0, 1, 60),
        "shares": shares,
        "percents": np.append(100 * shares[1:], np.nan),
        "amounts": np.where(np.arange(60) % 9 == 0, 0.0, 100.5 * shares),
        "growing": np.minimum(np.arange(60) + 41.0, 100.0),  # which comes to 100 once
        "few": np.append(random.uniform(3, 9, 20), np.full(40, np.nan)),
    }
    low, high = bounds_of(np.stack(list(columns.values()), axis=1))
    inf = np.inf
    above = np.nextafter(0, 1)  # of what never was 0
    assert low.tolist() == [above, -inf, above, above, 0, above, -inf]
    assert high.tolist() == [inf, inf, 1, 100, inf, inf, inf]
    later = np.array([[-1.0, 0, 0.5, 101.0, 1, 1, 1]])
    low, high = loosened((low, high), later)
    assert low.tolist() == [-inf, -inf, above, above, 0, above, -inf]
    assert high.tolist() == [inf, inf, 1, inf, inf, inf, inf]


def test_a_bound_gives_way_to_a_forecast_beyond_it():
    how = replace(windowing(), bounds=(np.array([0.0]), np.array([1.0])))
    values = np.array([-3.0, 0.5, 3.0])[:, None, None]
    assert how.bounded(values, np.full((3, 1, 1), 0.4)).ravel().tolist() == [0.0, 0.5, 1.0]
    assert how.bounded(values, np.full((3, 1, 1), -2.0)).ravel().tolist() == [-2.0, 0.5, 1.0]
    assert how.bounded(values, np.full((3, 1, 1), 2.5)).ravel().tolist() == [0.0, 0.5, 2.5]
    never_zero = replace(windowing(), bounds=(np.array([np.nextafter(0, 1)]), np.array([np.inf])))
    falling = np.array([3.0, 1.0, -1.0])[:, None, None]  # which shows that there is no such bound
    assert never_zero.bounded(values, falling).ravel().tolist() == [-3.0, 0.5, 3.0]
    assert never_zero.bounded(values, falling + 2).ravel() == pytest.approx([0.0, 0.5, 3.0])
