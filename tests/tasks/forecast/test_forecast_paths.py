"""Drawn paths: futures that carry the errors of their own rows, and intervals beyond the horizon that come of them."""

import itertools

import numpy as np
import pytest
from experiments import csv, reloaded, rows, shaken, trainee_of
from generators import GENERATORS

from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.tasks.forecast.calibration import Calibration, ranges
from rnncli.tasks.forecast.error_quantiles import SHARES
from rnncli.tasks.forecast.paths import Walk, _drawn
from rnncli.tasks.forecast.totals import totals

H, SEASON = 3, 4
RANDOM = np.random.default_rng(5)
Y = 5000 + RANDOM.normal(0, 2, 160).cumsum()


def made(loss="mae", decoder="direct", size=0.3, values=Y, average=False, **data):
    data = {"context": 9, "horizon": H, "season": SEASON, "residual": "last-value", "validation": 0.4} | data
    one = shaken(trainee_of(csv(y=values), {"loss": loss, "average": average}, {"decoder": decoder}, **data), size)
    one.score()
    return one


def past_of(experiment, wanted, baseline=None, at=None):
    return experiment.tester().past(np.array([len(Y)] if at is None else at), wanted, baseline)


def calibration(windows):
    """Return a calibration that has these errors of whole windows (H, N)."""
    windows = np.asarray(windows, np.float32)[:, :, None]
    return Calibration(np.tile(SHARES - 0.5, (len(windows), 1)), (), windows)


def test_a_path_of_the_last_value_is_the_sum_of_the_errors_before_it():
    experiment = made(scaling="none")
    scale = experiment.fitted.fixed[1][0, 0]
    ends = [(1, 2, 4), (-1, -2, -4)]
    walk, past = Walk(experiment.members, "last-value"), past_of(experiment, 2 * H, "last-value")
    paths = walk.paths(past, 2 * H, calibration(np.transpose(ends)), 40, seed=1)[:, :, 0, 0]
    assert paths.shape == (40, 2 * H)
    got = {tuple(np.round((path - Y[-1]) / scale, 6).tolist()) for path in paths}
    wanted = {(*first, *(first[-1] + one for one in second)) for first, second in itertools.product(ends, ends)}
    assert got == wanted
    assert (paths[:, 0] > Y[-1]).sum() == 20  # each window as often as the other


def test_paths_of_a_random_walk_spread_as_the_root_of_the_steps():
    random = np.random.default_rng(2)
    experiment = made(scaling="none")
    windows = random.normal(size=(400, H)).cumsum(axis=1).T
    walk, wanted = Walk(experiment.members, "last-value"), 8 * H
    past = past_of(experiment, wanted, "last-value")
    paths = walk.paths(past, wanted, calibration(windows), 2000, seed=3)[:, :, 0, 0]
    deviation = paths.std(axis=0) / experiment.fitted.fixed[1][0, 0]
    assert deviation == pytest.approx(np.sqrt(np.arange(1, wanted + 1)), rel=0.08)
    outlook = walk.outlook(past, wanted, calibration(windows), seed=3)
    assert outlook.spread[H:, 0, 0] / experiment.fitted.fixed[1][0, 0] == pytest.approx(
        1.2816 * np.sqrt(np.arange(H + 1, wanted + 1)), rel=0.12
    )
    for shape in outlook.drawn:
        low, high = np.interp((0.1, 0.9), SHARES, shape[0])
        assert high - low == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("decoder", "loss"),
    [("direct", "mae"), ("segments", "mae"), ("recursive", "mae"), ("direct", "quantile"), ("segments", "student-t")],
)
def test_a_path_reads_itself_and_depends_on_nothing_else_in_the_batch(loss, decoder):
    experiment = made(loss, decoder)
    walk, how = Walk(experiment.members), experiment.validated.calibrations["network"]
    origins = np.array([90, 120, len(Y)])
    together = walk.paths(past_of(experiment, 2 * H, at=origins), 2 * H, how, 20, seed=4)
    alone = walk.paths(past_of(experiment, 2 * H, at=origins[1:2]), 2 * H, how, 20, seed=4)
    assert together[:, :, 1] == pytest.approx(alone[:, :, 0], rel=1e-5)
    # The second horizon is a forecast from the first, plus the errors of one window in units of the same spread.
    past = past_of(experiment, 2 * H, at=origins[1:2])
    picked = _drawn(past.features.series, how.windows.shape[1], 20, 2, 4)[:, :, 0]
    spread = [experiment.members.spread(past.features, 4)[:, 0, 0]]
    if loss == "mae":
        scales = experiment.members.scales(past.features)
        for k in (0, 7):
            first = alone[k, :H, 0, 0]
            point = walk.points(past, H)[:, 0, 0]
            assert first == pytest.approx(point + how.windows[:, picked[0, k], 0] * spread[0], rel=1e-5)
            after = past.then(first[:, None, None], experiment.members.context).features
            again = experiment.members.point(after, scales)[:, 0, 0]
            assert alone[k, H:, 0, 0] == pytest.approx(again + how.windows[:, picked[1, k], 0] * spread[0], rel=1e-5)


@pytest.mark.parametrize(
    ("decoder", "loss"),
    [
        ("direct", "mae"),
        ("segments", "quantile"),
        ("recursive", "mse"),
        ("direct", "gaussian"),
        ("recursive", "student-t"),
    ],
)
def test_intervals_never_narrow_beyond_the_horizon(loss, decoder):
    model = reloaded(made(loss, decoder, scaling="standard"))
    notes = []
    low, high = model.forecasts(6 * H, (80,), network=True).bands[80.0]
    rows(model, 6 * H, (80,), network=True, notes=notes)
    wide = (high - low)[:, 0, 0]
    assert (wide[H:] >= wide[:H].mean() * (1 - 1e-9)).all()
    assert (wide[H:] >= wide[H - 1 : -1] * (1 - 1e-9)).all()
    assert wide[3 * H :].mean() > 1.2 * wide[:H].mean()
    told = [note for note in notes if note.startswith("intervals: asked 80%")]
    assert [note.rpartition("(")[2].partition(")")[0] for note in told] == [
        "rows 1 to 3",
        "rows 4 to 6",
        "rows 7 to 12",
    ]
    assert "intervals: the validation split has too few windows to check the coverage of rows 13 to 18" in notes


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_the_band_of_a_row_does_not_depend_on_how_many_rows_are_wanted(decoder):
    model = reloaded(made(decoder=decoder))
    whole = model.forecasts(8 * H, (80,), network=True).bands[80]
    for wanted in (1, H, H + 1, 2 * H, 3 * H, 5 * H + 1):
        for ours, theirs in zip(model.forecasts(wanted, (80,), network=True).bands[80], whole, strict=True):
            assert ours == pytest.approx(theirs[:wanted], rel=1e-6)


def test_receipts_are_of_the_rows_that_were_asked_for():
    model, notes = reloaded(made()), []
    rows(model, H, (95,), network=True, notes=notes)
    assert [note.rpartition("(")[2] for note in notes if "asked" in note] == ["rows 1 to 3) on validation"]


def test_without_held_out_windows_nothing_is_drawn_beyond_the_horizon():
    model = reloaded(made(validation=11))  # of which nine have a whole horizon
    assert model.forecasts(H, (80,), network=True).bands
    for asked in ({"levels": (80,)}, {"samples": 3}):
        with pytest.raises(UsageError, match="too few windows were held out"):
            model.forecasts(H + 1, **asked, network=True)


def test_ranges_end_at_twice_and_four_times_the_horizon():
    assert ranges(5, 5) == []
    assert ranges(5, 8) == [(5, 8)]
    assert ranges(5, 15) == [(5, 10), (10, 15)]
    assert ranges(5, 40) == [(5, 10), (10, 20), (20, 40)]


def test_a_total_has_the_spread_of_totals_and_not_the_sum_of_spreads():
    """It grows as the root of the rows if their errors have nothing in common, and as the rows if these are alike."""
    random, n = np.random.default_rng(6), 12
    experiment = made(scaling="none", horizon=n)
    scale = experiment.fitted.fixed[1][0, 0]
    walk, past = Walk(experiment.members, "last-value"), past_of(experiment, n, "last-value")
    for windows, deviation in (
        (random.normal(size=(n, 400)), np.sqrt(n)),
        (np.tile(random.normal(size=(1, 400)), (n, 1)), n),
    ):
        total, bands = totals(walk, past, n, calibration(windows), (80, 95), seed=1)
        (low, high), (lower, higher) = bands[80], bands[95]
        assert total[0, 0] == pytest.approx(n * Y[-1], abs=0.2 * deviation * scale)
        assert (high - low)[0, 0] / scale == pytest.approx(2 * 1.2816 * deviation, rel=0.15)
        assert (higher - lower)[0, 0] / scale == pytest.approx(2 * 1.96 * deviation, rel=0.15)


@pytest.mark.long
@pytest.mark.parametrize("name", ["walk", "season 3", "ar .8"])
def test_intervals_hold_beyond_the_horizon_too(name):
    """One table has 120 series of one process; what was learnt does not matter, only that errors are known."""
    random, count, n = np.random.default_rng(8), 120, 140
    series = [GENERATORS[name](random, n) for _ in range(count)]
    content = csv(id=[f"s{s}" for s in range(count) for _ in range(n)], y=np.concatenate(series))
    one = trainee_of(content, id="id", target="y", context=24, horizon=6, season=12, validation=48, test=24)
    one.score()
    tested = one.tester().run(one.origins(2, 24), one.validated.calibrations["network"], horizon=24)
    for level in (80, 95):
        low, high = tested.band(level)
        inside = (low <= tested.actual) & (tested.actual <= high)
        for first, last in ((0, 6), (6, 12), (12, 24)):
            assert 100 * inside[first:last].mean() == pytest.approx(level, abs=8 if level == 80 else 5)


def test_a_series_has_the_paths_that_it_has_alone_whatever_stands_beside_it():
    random, n = np.random.default_rng(9), 120
    each = {name: 500 + random.normal(size=n).cumsum() for name in ("a", "b", "c")}

    def table(*names):
        return csv(id=[name for name in names for _ in range(n)], y=np.concatenate([each[name] for name in names]))

    one = trainee_of(table("a", "b", "c"), id="id", target="y", context=9, horizon=H, season=1, validation=40)
    shaken(one, 0.3).score()
    found = []
    for names in (("a", "b", "c"), ("c", "a", "b"), ("c",)):
        model = reloaded(one)
        model.read(Source("o.csv", table(*names)), model.data)
        made, s = model.forecasts(4 * H, (95,), 5, network=True), names.index("c")
        found.append([made.point[:, s], *(end[:, s] for end in made.bands[95]), made.paths[:, :, s].reshape(-1, 1)])
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.long
def test_totals_of_counts_are_not_lifted_by_the_end_at_0():
    """Counts of 0.3 on average: every second path would end below 0, where it is cut off when it is read on."""
    random, n = np.random.default_rng(10), 400
    one = made("mse", values=random.poisson(0.3, n).astype(float), scaling="standard", horizon=8, residual="none")
    origins = one.origins(1)
    calibrated = one.validated.calibrations["network"]
    past = one.tester().past(origins, 8)
    total, bands = totals(Walk(one.members), past, 8, calibrated, (80,), seed=1)
    actual = one.tester().actual(origins, 8).sum(axis=0)
    cut_off = Walk(one.members).paths(past, 8, calibrated, 200, seed=1).sum(axis=1).mean()
    assert total.mean() == pytest.approx(actual.mean(), rel=0.12)
    assert cut_off > 1.2 * actual.mean()
    assert bands[80][0].min() >= 0
    assert 70 < 100 * ((bands[80][0] <= actual) & (actual <= bands[80][1])).mean() < 95


def test_levels_that_errors_cannot_tell_are_refused():
    with pytest.raises(UsageError, match=r"--levels 99\.9: errors tell intervals of up to 99%"):
        reloaded(made()).forecasts(H, (80, 99.9), network=True)
    with pytest.raises(UsageError, match=r"--levels 0\.8: is in percent, 1 or more; did you mean 80\?"):
        reloaded(made()).forecasts(H, (0.8,), network=True)


def test_paths_that_all_end_at_zero_do_not_make_the_errors_of_others_immense():
    """Their spread is no unit."""
    noise = np.random.default_rng(8).normal(0, 0.5, 100)
    falling = np.maximum(30 - 0.3 * np.arange(100) + noise, 0.01)
    model = reloaded(made(values=falling, size=0.0, context=12, season=6, scaling="standard", non_negative=True))
    low, high = model.forecasts(6 * H, (80,), network=True).bands[80.0]
    assert low.min() >= 0
    assert high.max() < 2 * falling[-12:].max()
