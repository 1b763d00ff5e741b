"""Series with fewer rows than a context: what lacks before them changes nothing, and each of them is forecast."""

from dataclasses import replace

import numpy as np
import pytest
from experiments import csv, reloaded, shaken, trained, trainee_of
from experiments import rows as rows_of
from forecasts import member_of, panel_features
from panels import panel_of, refused

from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS, last_value, seasonal_naive
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.decoders import Sizes
from rnncli.tasks.forecast.learner import WindowLearner
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.members import DECODERS
from rnncli.tasks.forecast.padding import lengths_of, of_each_length, scaled
from rnncli.tasks.forecast.report import backtested, rows_before, window_rows
from rnncli.tasks.forecast.windows import Windowing
from rnncli.training.backpropagation import ThreadPool
from tests.bench.short_series import table as table_of_kinds

CONTEXT, HORIZON, SEASON, C, ROWS = 6, 3, 4, 2, 16
POOL = ThreadPool(1)
BESIDE = {"past": 1, "known_covariates": 2, "static": 1}
FEATURES = panel_features(np.random.default_rng(4), **BESIDE, series=2, rows=ROWS)
SHORT = ROWS + np.array([1, 2, 3, 5])  # origins in the second series, after so many rows
SHARE = np.array([0.25, 0.5])


def made(decoder="direct", loss="mse", scaling="standard", baseline=last_value, beside=BESIDE):
    fixed = np.zeros((2, C)), np.ones((2, C))
    padding = {"padded": True, "by_known": True, "share": SHARE}
    how = Windowing(CONTEXT, HORIZON, SEASON, scaling, baseline, fixed, **padding)
    lag = {None: 0, last_value: 1}.get(baseline, SEASON)
    sizes = Sizes(CONTEXT, HORIZON, C, **beside, masked=True, lag=lag, parameters=FORECAST_LOSSES[loss].parameters)
    model = ForecastModelConfig(decoder=decoder, cell="gru", hidden_size=4, num_layers=1, dropout=0.0, segment=2)
    return member_of(DECODERS[decoder], model, sizes, how, POOL, loss)


def with_garbage(features):
    """Every row before the second series is another."""
    random = np.random.default_rng(7)
    return replace(
        features,
        **{
            name: np.concatenate([random.normal(50, 20, column[:ROWS].shape), column[ROWS:]])
            for name, column in (
                ("values", features.values),
                ("past", features.past),
                ("known_covariates", features.known_covariates),
            )
        },
        known=np.concatenate([random.random((ROWS, C)) > 0.5, features.known[ROWS:]]),
    )


# Windows.


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("loss", FORECAST_LOSSES)
def test_what_lies_before_a_series_changes_no_forecast(decoder, loss):
    unsigned = not FORECAST_LOSSES[loss].signed
    features = replace(FEATURES, values=np.round(np.abs(FEATURES.values) * 10)) if unsigned else FEATURES
    member = made(decoder, loss, "mean" if unsigned else "standard", None if unsigned else last_value)
    ours, theirs = (member.windowing.contexts(one, SHORT) for one in (features, with_garbage(features)))
    assert np.isfinite(member.point(ours)).all()
    assert np.array_equal(member.point(ours), member.point(theirs))
    if (drawn := member.draws(ours, 5, seed=3)) is not None:
        assert np.array_equal(drawn, member.draws(theirs, 5, seed=3))
        assert np.array_equal(*(member.quantiles(one, (0.1, 0.9), 3) for one in (ours, theirs)))
    loss_and_gradient = []
    for one in (features, with_garbage(features)):
        learner = WindowLearner(member, one, SHORT, SHORT, batch_size=4, seed=1)
        loss_and_gradient.append((learner.gradient(0)[0], member.network.parameters.gradient.copy()))
    assert loss_and_gradient[0][0] == loss_and_gradient[1][0]
    assert np.array_equal(loss_and_gradient[0][1], loss_and_gradient[1][1])


@pytest.mark.parametrize("decoder", DECODERS)
def test_what_is_read_of_a_series_does_change_it(decoder):
    member = made(decoder)
    before = member.point(member.windowing.contexts(FEATURES, SHORT))
    for name in ("values", "past", "known_covariates"):
        column = getattr(FEATURES, name).copy()
        column[ROWS] += 1  # its first row, which each of these contexts reads
        moved = member.point(member.windowing.contexts(replace(FEATURES, **{name: column}), SHORT))
        assert (np.abs(moved - before).max(axis=(0, 2)) > 1e-6).all(), name


def test_a_network_reads_zeros_and_that_nothing_is_known_before_a_series():
    frame = made().frame(made().windowing.contexts(FEATURES, SHORT))
    assert frame.lengths.tolist() == [[1, 1], [2, 2], [3, 3], [5, 5]]
    for b, n in enumerate((1, 2, 3, 5)):
        for part in (frame.x, frame.contexts.known, frame.contexts.past, frame.contexts.known_covariates):
            assert not part[: CONTEXT - n, b].any()
        assert frame.contexts.known[CONTEXT - n :, b].all()
        own = FEATURES.values[ROWS : ROWS + n]
        assert frame.x[CONTEXT - n :, b] * frame.scale[b] + frame.centre[b] == pytest.approx(own, rel=1e-12)
        assert frame.centre[b] == pytest.approx(own.mean(axis=0), rel=1e-12)
        size = np.sqrt((own**2).mean(axis=0))
        wanted = ((n - 1) * own.std(axis=0) + (8 - n) * SHARE * size) / 7
        assert frame.scale[b] == pytest.approx(wanted, rel=1e-12)


def test_a_whole_context_is_as_without_padding():
    origins = np.array([6, 11, ROWS + 6, ROWS + 13])
    whole = replace(made().windowing, padded=False, by_known=False)
    for name in ("x", "centre", "scale", "baseline"):
        ours, theirs = (getattr(how.frame(how.contexts(FEATURES, origins)), name) for how in (made().windowing, whole))
        assert np.array_equal(ours, theirs), name


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_untrained_network_forecasts_its_baseline_of_what_there_is(decoder):
    """A season back where there is one, else the last value."""
    member = made(decoder, baseline=seasonal_naive, scaling="mean")
    member.network.parameters.weights[...] = 0
    member.network.pack()
    origins = np.append(SHORT, ROWS + 4)
    got = member.point(member.windowing.contexts(FEATURES, origins))
    for b, origin in enumerate(origins):
        own = FEATURES.values[ROWS:origin]
        wanted = own[-SEASON:][:HORIZON] if len(own) >= SEASON else np.repeat(own[-1:], HORIZON, axis=0)
        assert got[:, b] == pytest.approx(wanted, rel=1e-6), b


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("baseline", [None, last_value, seasonal_naive])
def test_what_is_learnt_is_what_makes_a_forecast_right(decoder, baseline):
    """Targets in place of outputs give the values that came true."""
    member = made(decoder, baseline=baseline)
    learner = WindowLearner(member, FEATURES, SHORT, SHORT, batch_size=4, seed=1)
    frame, targets, count = learner.examples(SHORT)
    assert count == HORIZON * len(SHORT) * C
    actual = FEATURES.values[SHORT + np.arange(HORIZON)[:, None]]
    corrections = member.decoder.read(targets.astype(np.float64))[..., 0]
    if decoder == "recursive":
        z = np.concatenate([frame.x, np.zeros_like(corrections)])
        for k, (b, n) in ((k, bn) for k in range(HORIZON) for bn in enumerate(SHORT - ROWS)):
            lag = member.decoder.lag if member.decoder.lag <= n else 1
            z[CONTEXT + k, b] = corrections[k, b] + (z[CONTEXT + k - lag, b] if lag else 0)
        corrections = z[CONTEXT:] - (frame.baseline - frame.centre) / frame.scale
    assert member.windowing.forecasts(frame, corrections) == pytest.approx(actual, rel=1e-5)


def test_origins_need_one_row_before_them():
    how = made().windowing
    assert how.origins(0, 9, 0).tolist() == [1, 2, 3, 4, 5, 6]
    assert replace(how, padded=False).origins(0, 9, 0).tolist() == [6]


def test_each_column_begins_with_its_first_known_value():
    known = np.array([[0, 0, 1], [1, 0, 0], [1, 0, 0]], bool)[:, None]
    assert lengths_of(known).tolist() == [[2, 1, 3]]
    w = np.array([[9.0, 9, 2], [3, 9, 4], [4, 9, 6]])[:, None]
    drift = of_each_length(lambda past: NAIVE_FORECASTS["drift"](past, 2, 1), w, lengths_of(known), 2)
    assert drift[:, 0].tolist() == [[5, 9, 8], [6, 9, 10]]


def test_filled_values_do_not_shrink_a_scale():
    """Every third of 12 values is missing; the one before stands for it."""
    z = np.arange(12.0) % 5
    known = np.arange(12) % 3 != 1
    filled = np.where(known, z, np.roll(z, 1))
    wanted = {
        "mean": (0, np.abs(z[known]).mean()),
        "standard": (z[known].mean(), z[known].std()),
        "robust": (np.median(z[known]), np.subtract(*np.percentile(z[known], [75, 25])) / 2),
        "seasonal-error": (z[-1], np.mean([abs(z[t] - z[t - 1]) for t in range(1, 12) if known[t] and known[t - 1]])),
    }
    for name, (centre, scale) in wanted.items():
        got = scaled(name, filled[:, None, None], known[:, None, None], 1, np.ones(1))
        assert got[0].item() == pytest.approx(centre, rel=1e-12), name
        assert got[1].item() == pytest.approx(scale, rel=1e-12), name


def test_a_seasonal_difference_needs_two_seasons():
    z = (np.arange(9.0) ** 2)[:, None, None]
    for n, lag in ((9, 4), (8, 4), (7, 1)):
        known = np.arange(9)[:, None, None] >= 9 - n
        own, size = z[9 - n :, 0, 0], np.sqrt((z[9 - n :] ** 2).mean())
        step = np.abs(own[lag:] - own[:-lag]).mean()
        _, scale = scaled("seasonal-error", z, known, 4, np.array([0.1]))
        assert scale.item() == pytest.approx(step if n >= 8 else (6 * step + 0.1 * size) / 7), n


def test_where_no_difference_is_known_the_usual_scale_is_taken():
    """Every second value is missing."""
    z, known = np.arange(20.0)[:, None, None], np.arange(20)[:, None, None] % 2 == 1
    _, scale = scaled("seasonal-error", z, known, 1, np.array([0.1]))
    assert scale.item() == pytest.approx(0.1 * np.sqrt((z[known] ** 2).mean()))


def test_one_value_has_the_usual_scale_and_none_that_of_what_stands_for_it():
    z, known = np.full((4, 2, 1), -20.0), np.zeros((4, 2, 1), bool)
    known[-1, 0] = True
    for name in ("seasonal-error", "standard", "robust", "mean"):
        _, scale = scaled(name, z, known, 12, np.array([0.1]))
        assert scale.ravel() == pytest.approx([2.0, 2.0]), name


# Panels.


def table(lengths, trend=0.0, unit=1.0, **columns):
    """Series a, b, … of noise around 30, with a trend."""
    random = np.random.default_rng(sum(lengths))
    names = [name for name, n in zip("abcdefgh", lengths, strict=False) for _ in range(n)]
    y = np.concatenate([unit * (30 + trend * np.arange(n) + random.normal(0, 1, n)) for n in lengths])
    return csv(id=names, y=y, **columns)


def panel(lengths, notes=None, training=None, model=None, trend=0.0, unit=1.0, **data):
    data = {"id": "id", "target": "y", "horizon": 3, "season": 4, **data}
    return trainee_of(table(lengths, trend, unit), {"seeds": 1} | (training or {}), model, notes, **data)


def test_short_series_are_trained_on_and_scored_and_the_count_is_told():
    notes = []
    experiment = panel([40, 40, 9, 5, 2], notes, context=8, validation=0.2)
    assert experiment.config.data.padding is True
    assert experiment.splits.ends.tolist() == [[32, 40, 40], [32, 40, 40], [6, 9, 9], [2, 5, 5], [2, 2, 2]]
    assert notes[-3:] == [
        "2 of 5 series are too short to train on",
        "1 of 5 series have fewer than the 11 training rows of a whole context and horizon; rows missing before them "
        "are masked",
        "4 of 5 series are scored on validation: the others have too few rows",
    ]
    assert experiment.learner.train.tolist() == [*range(1, 30), *range(41, 70), 81, 82, 83]
    assert np.unique(experiment.features.series[experiment.origins(1) - 1]).tolist() == [0, 1, 2, 3]
    score = experiment.score()
    assert score.unit == "mean MASE of 4 series"


@pytest.mark.parametrize(
    ("lengths", "data", "padding", "context"),
    [
        ([40, 40], {}, False, 10),
        ([40, 40, 12], {}, True, 12),  # three seasons fit into half of a long one
        ([40, 40, 12], {"padding": False}, False, 10),
        ([40], {"missing": "mask"}, True, 10),
        ([40], {"validation": 0.02}, False, 10),  # one series is cut as it is asked
        ([40, 40], {"validation": 0.02}, True, 12),
        ([400, 400, 30, 30, 30, 30, 30], {"season": 24}, True, 72),  # most rows are in the long ones
        ([30] * 7 + [40], {"season": 24}, False, 10),  # as many rows as there are windows left
    ],
)
def test_padding_and_the_context_go_by_the_lengths(lengths, data, padding, context):
    made = panel(lengths, model={"decoder": "direct"}, **{"validation": 0.2, **data}).config.data
    assert (made.padding, made.context) == (padding, context)


def test_nothing_to_train_on_is_still_refused():
    assert "has 3 rows; 1 row before + horizon 3 needs 4" in refused(DataError, panel, [3, 2], validation=0.0)


def test_all_series_too_short_for_a_fraction_are_trained_on():
    """A horizon off each would leave nothing to train on."""
    made = panel([5, 6], validation=0.2)
    assert made.splits.ends[:, 0].tolist() == [4, 5]


@pytest.mark.parametrize(("lengths", "few"), [([1], 1), ([7, 8], 1), ([1, 3, 20], 2), ([8], 0)])
def test_intervals_of_few_rows_are_doubted(lengths, few):
    experiment = shaken(panel([40, 40, 9], context=8, validation=0.4))
    experiment.score()
    model, notes = reloaded(experiment), []
    ids = [f"s{i}" for i, length in enumerate(lengths) for _ in range(length)]
    model.read(Source("n.csv", csv(id=ids, y=[float(i % 5) for i in range(len(ids))])), model.data)
    with noting(notes.append):
        model.predicted(None, (80,))
    told = [note for note in notes if "may hold far less than they ask" in note]
    assert len(told) == (few > 0)
    assert all(note.startswith(f"intervals: {few} of {len(lengths)} series have fewer than 8 rows") for note in told)
    notes.clear()
    with noting(notes.append):
        model.predicted(None)
    assert "intervals" not in " ".join(notes)


def test_a_file_is_forecast_by_as_few_rows_as_it_has():
    experiment = shaken(panel([40, 40, 9], context=8, validation=0.2))
    model, notes = reloaded(experiment), []
    together = csv(id=["x", "y", "y", "z", "z", "z"], y=[5.0, 1.0, 2.0, 7.0, 8.0, 6.0])
    model.read(Source("n.csv", together), model.data)
    assert model.data.padding is True
    got = rows_of(model, network=True, notes=notes)
    assert notes == [
        "3 of 3 series have fewer than the 8 rows that the network reads, 1 the fewest; rows missing before them are "
        "masked"
    ]
    for name, values in {"x": [5.0], "y": [1.0, 2.0], "z": [7.0, 8.0, 6.0]}.items():
        model.read(Source("n.csv", csv(id=[name] * len(values), y=values)), model.data)
        assert rows_of(model, network=True) == [row for row in got if row["id"] == name]
        own = np.array(values)[None].T[:, None]
        for naive in ("last-value", "seasonal-naive"):
            model.validated = replace(model.validated, prefers=naive)
            assert model.forecasts().point == pytest.approx(NAIVE_FORECASTS[naive](own, 3, 4))
        model.validated = replace(model.validated, prefers=None)


def test_a_series_without_a_value_is_named():
    model = reloaded(panel([40, 40, 9], context=8, validation=0.2, missing="mask"))
    content = csv(id=["x", "y", "y"], y=[5.0, float("nan"), float("nan")])
    said = refused(DataError, model.read, Source("n.csv", content), model.data)
    assert said.startswith('n.csv:3: column 2 "y": the series "y" has no value in it')


def test_forecasts_of_the_file_and_of_the_backtest_are_the_same():
    """What validation reads before an origin is what predict reads after those rows."""
    experiment = shaken(panel([40, 40, 9], context=8, validation=0.2, scaling="standard"))
    model = reloaded(experiment)
    y = experiment.splits.panel.values
    for origin in (41, 43, 83, 86):
        first = max(int(experiment.splits.panel.starts[experiment.features.series[origin - 1]]), origin - 8)
        model.read(Source("n.csv", csv(id=["new"] * (origin - first), y=y[first:origin, 0])), model.data)
        wanted = experiment.tester().run(np.array([origin])).forecasts[NETWORK][:, 0]
        assert model.forecasts(network=True).point[:, 0] == pytest.approx(wanted, rel=1e-9)


def test_a_model_of_whole_contexts_takes_the_first_value_for_what_lacks():
    """Its scale comes from what there is: three rows, and five that have the spread of training."""
    experiment = shaken(panel([40, 40], context=8, validation=0.2, scaling="standard"))
    assert experiment.network.shape.input_size == 1
    model = reloaded(experiment)
    model.read(Source("n.csv", csv(id=["w"] * 9 + ["x"] * 3, y=[1e3] * 9 + [5.0, 6.0, 9.0])), model.data)
    member = model.members.first
    how = member.windowing
    frame = member.frame(how.contexts(model.fitted.encoders.features(model.panel), np.array([12])))
    own = np.array([5.0, 6.0, 9.0])
    assert frame.contexts.values[:, 0, 0].tolist() == [5, 5, 5, 5, 5, 5, 6, 9]
    centre, scale = experiment.fitted.fixed
    share = np.median(scale / np.sqrt(centre**2 + scale**2))
    assert frame.scale.item() == pytest.approx((2 * own.std() + 5 * share * np.sqrt((own**2).mean())) / 7)


def test_a_file_of_rows_that_are_filled_first_begins_with_what_is_known():
    made = panel_of(
        "id,ds,y\n" + "".join(f"a,2024-01-0{d},{v}\n" for d, v in enumerate(["", "", 3, 4], 1)), missing="mask"
    )
    assert made.begins.tolist() == [[2]]


@pytest.mark.parametrize("name", ["drift", "theta", "last-value"])
def test_baselines_begin_with_the_first_known_value(name):
    """The rows before it hold it as well, and are none of the series."""
    gaps, y = 5, np.arange(30.0) ** 1.5
    days = [str(day) for day in np.datetime64("2024-01-01") + np.arange(gaps + len(y))]
    content = csv(day=days, y=[*[float("nan")] * gaps, *y])
    experiment = trainee_of(content, missing="mask", context=4, horizon=3, season=2, validation=6)
    origin = 32
    got = experiment.tester().run(np.array([origin])).forecasts[name]
    wanted = NAIVE_FORECASTS[name](y[: origin - gaps, None, None], 3, 2)
    assert got == pytest.approx(wanted, rel=1e-12)


def test_a_history_of_less_than_a_season_is_measured_from_row_to_row():
    experiment = panel([40, 9], context=8, validation=0.2, season=8)
    y = experiment.splits.panel.values[:, 0]
    absolute, squared = experiment.tester().run(experiment.origins(1), begins=experiment.splits.begins(1)).scales
    assert absolute.ravel() == pytest.approx([np.abs(y[8:32] - y[:24]).mean(), np.abs(np.diff(y[40:46])).mean()])
    assert squared[1].item() == pytest.approx((np.diff(y[40:46]) ** 2).mean())


def test_the_rows_before_each_forecast_are_told():
    experiment = shaken(panel([40, 9, 5], context=8, validation=0.2, test=3))
    experiment.score()
    tested = experiment.tester().run(experiment.origins(2))
    told = rows_before(experiment, tested)
    assert (told.least, told.median, told.most, told.fewer_than_context) == (2, 6, 37, 2)
    assert [row["rows_before"] for row in window_rows(experiment, tested)] == [37] * 3 + [6] * 3 + [2] * 3


def test_as_many_windows_are_scored_as_a_short_series_has():
    experiment, notes = panel([40, 9], context=8, validation=0.0, test=7), []
    with noting(notes.append):
        _, tested = backtested(experiment, 5, 1, None)
    assert tested.origins.tolist() == [33, 34, 35, 36, 37, 42, 43, 44, 45, 46]
    experiment = panel([40, 9, 4], context=8, validation=0.0, test=6)
    with noting(notes.append):
        _, tested = backtested(experiment, 4, 1, None)
    assert tested.origins.tolist() == [34, 35, 36, 37, 43, 44, 45, 46, 50]
    assert notes == ["1 of 3 series have fewer than 4 windows; all that they have are scored"]
    assert "--windows 5: 4 origins, 1 row apart, fit into what was held out" in refused(
        UsageError, backtested, experiment, 5, 1, None
    )


@pytest.mark.long
def test_a_panel_of_short_series_is_forecast_at_least_as_well_as_by_theta_and_drift():
    """A small table of the benchmark, and few updates; the whole one is tests/bench/short_series.py."""
    roles = {"id": "id", "target": "y", "horizon": 4, "test": 4, "validation": 0.0}
    experiment = trainee_of(table_of_kinds(6, 100).encode(), {"batch_size": 32}, {"hidden_size": 16}, **roles)
    trained(experiment, 400, rate=0.005)
    tested = experiment.tester().run(experiment.origins(2), begins=experiment.splits.begins(2))
    mase = {name: score.mase for name, score in tested.scores().items()}
    assert len(tested.origins) == 100
    assert mase[NETWORK] <= min(mase["theta"], mase["drift"])


def test_fixed_scales_are_of_known_rows_and_lean_on_the_usual_one():
    """The centre is that of what is known where scaling is none, also of a new series of one row."""
    experiment = panel([40, 40, 9, 4], context=8, validation=0.0, scaling="none")
    centre, scale = (part.ravel() for part in experiment.fitted.fixed)
    y = experiment.splits.panel.values[:, 0]
    assert centre[3] == pytest.approx(y[89:].mean())
    assert scale[:2] == pytest.approx([y[:40].std(), y[40:80].std()])
    spreads = np.array([y[:40], y[40:80], y[80:89], y[89:]], dtype=object)
    share = np.median([one.std() / np.sqrt((one**2).mean()) for one in spreads])
    assert scale[3] == pytest.approx((3 * y[89:].std() + 4 * share * np.sqrt((y[89:] ** 2).mean())) / 7)
    model = reloaded(experiment)
    model.read(Source("n.csv", csv(id=["x"], y=[500.0])), model.data)
    new_centre, new_scale = (part.item() for part in model.members.first.windowing.fixed)
    assert new_centre == 500
    assert new_scale == pytest.approx(500 * experiment.fitted.share.item())


def test_a_stream_is_followed_by_a_model_whose_series_are_shorter_than_its_context():
    from rnncli.tasks.forecast.follower import Follower

    y = 30 + np.random.default_rng(3).normal(0, 1, 12)
    experiment = shaken(trainee_of(csv(y=y), time="none", context=16, horizon=2, season=1, validation=0.0))
    follower, whole = Follower(reloaded(experiment), ()), reloaded(experiment)
    more = [28.0, 33.0]
    for value in more:
        got = follower.push(np.array([value])).point
    whole.read(Source("n.csv", csv(y=[*y, *more])), whole.data)
    assert got == pytest.approx(whole.forecasts().point[0, 0], rel=1e-9)


def test_learning_from_short_series_finds_what_they_have_in_common():
    """All of them rise by 2 a row: a forecast after two rows of a new one does, after training only."""
    experiment = panel([9] * 6 + [20], trend=2.0, context=8, validation=0.0, training={"batch_size": 8})
    model = reloaded(trained(experiment, 60))
    model.read(Source("n.csv", csv(id=["x"] * 3, y=[50.0, 52.0, 54.0])), model.data)
    missed = model.forecasts(network=True).point.ravel() - [56, 58, 60]
    assert np.abs(missed).mean() < 1.5  # the last value misses by 4
