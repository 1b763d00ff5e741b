"""A forecast from table to rows: what is held out stays out, an untrained network is its baseline."""

import math

import numpy as np
import pytest
from experiments import rows as forecast_rows
from forecasts import forecast as forecast_after
from parameters import mostly_thorough

from rnncli.data.numeric import SCALERS
from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.forecast.baselines import CORRECTABLE, NAIVE_FORECASTS
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.experiment import ForecastExperiment
from rnncli.tasks.forecast.forecaster import Forecaster
from rnncli.tasks.forecast.panel_tables import read_panel
from rnncli.tasks.forecast.windows import rows_before
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
N, CONTEXT, HORIZON, SEASON = 100, 12, 4, 6
SCALINGS = [*SCALERS, "last-value", "none"]
RANDOM = np.random.default_rng(0)
SERIES = 50 + 8 * np.sin(np.arange(N) * 2 * np.pi / SEASON) + RANDOM.normal(0, 1, N)


def table(**columns):
    """CSV bytes of columns of equal length."""
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(repr(float(x)) for x in row) for row in rows), ""]).encode()


def prepared(content, notes=None, training=None, model=None, **data):
    data = {"encoding": "utf-8", "context": CONTEXT, "horizon": HORIZON, "season": SEASON} | data
    model = {"cell": "gru", "hidden_size": 5, "num_layers": 1} | (model or {})
    config = config_from_mapping(
        {
            "task": "forecast",
            "data": {key: value for key, value in data.items() if value is not None},
            "model": model,
            "training": {"average": False, **(training or {})},
        }
    )
    with noting(([] if notes is None else notes).append):
        return ForecastExperiment(config, Source("s.csv", content), Context(POOL))


def shaken(experiment):
    """The same with a head that says something."""
    head = experiment.network.parameters.view("head.weight")
    head[...] = np.random.default_rng(1).normal(0, 1, head.shape)
    experiment.network.pack()
    return experiment


def windowing_of(experiment):
    return experiment.members.first.windowing


def reloaded(experiment):
    header = experiment.header()
    return Forecaster(header, {**experiment.network.parameters.export(), **header["arrays"]})


def rows_of(model, horizon=None, notes=None):
    rows = forecast_rows(model, horizon, network=True, notes=notes)
    return np.array([[row[target] for target in model.columns.targets] for row in rows])


# What is held out.

VALID, TEST = 1000 + np.arange(30.0), 2000 + np.arange(40.0)


@pytest.fixture
def files(tmp_path):
    """Paths of a validation and a test file."""
    for name, values in (("v", VALID), ("t", TEST)):
        (tmp_path / f"{name}.csv").write_bytes(table(y=values))
    return {"V": str(tmp_path / "v.csv"), "T": str(tmp_path / "t.csv")}


@pytest.mark.parametrize(
    ("validation", "test", "wanted"),
    [
        (0.2, None, (range(80), range(80, 100), [])),
        (0.2, 0.1, (range(70), range(70, 90), range(90, 100))),
        (0.0, None, (range(100), [], [])),
        (0.0, 0.2, (range(80), [], range(80, 100))),
        (0.2, "T", (range(80), range(80, 100), TEST)),
        (0.0, "T", (range(100), [], TEST)),
        ("V", None, (range(100), VALID, [])),
        ("V", "T", (range(100), VALID, TEST)),
    ],
)
def test_every_row_is_in_the_part_that_the_config_says(files, validation, test, wanted):
    experiment = prepared(
        table(y=np.arange(100)), validation=files.get(validation, validation), test=files.get(test, test)
    )
    train_end, valid_end, end = experiment.splits.ends[0]
    values = experiment.splits.panel.values[:, 0]
    parts = values[:train_end], values[train_end:valid_end], values[valid_end:end]
    for part, rows in zip(parts, wanted, strict=True):
        assert part.tolist() == list(rows)
    learnt = windowing_of(experiment).futures(experiment.splits.panel.values, experiment.learner.train)
    assert set(learnt.ravel()) <= set(wanted[0])
    chosen_by = windowing_of(experiment).futures(experiment.splits.panel.values, experiment.learner.valid)
    assert set(chosen_by.ravel()) == set(wanted[1])
    score = experiment.score()
    split = "test" if len(wanted[2]) else "validation" if len(wanted[1]) else None
    assert (score.split if score else None) == split
    if score:
        count = len(wanted[2] if split == "test" else wanted[1]) - HORIZON + 1
        assert score.detail == f"{count} rolling origins, horizon {HORIZON}"


def test_a_fraction_to_test_on_cannot_come_after_a_file_to_validate_on(files):
    with pytest.raises(ConfigError, match=r"data\.test: a fraction cannot come after"):
        prepared(table(y=SERIES), validation=files["V"], test=0.2)


@pytest.mark.parametrize(("validation", "test"), [(0.6, 0.5), (0.9, 0.9), (0.5, 0.5)])
def test_parts_that_leave_nothing_to_train_on(validation, test):
    with pytest.raises((DataError, ConfigError)) as caught:
        prepared(table(y=SERIES), validation=validation, test=test)
    assert "-" not in str(caught.value).split(";")[0].replace("s.csv", "")  # no negative number of rows


@pytest.mark.parametrize("residual", [None, *CORRECTABLE])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_no_held_out_value_reaches_what_is_learnt_from(scaling, residual):
    """Weights, scales, baseline, season and every training example are the same whatever the future holds."""
    options = {"validation": 0.2, "test": 0.1, "scaling": scaling, "residual": residual, "season": None}
    before = prepared(table(y=SERIES), **options)
    future = SERIES.copy()
    future[70:] = 1e4 * RANDOM.random(30) ** 3
    after = prepared(table(y=future), **options)
    assert after.config == before.config
    assert after.fitted.to_header() == before.fitted.to_header()
    for update in range(before.learner.updates_per_epoch):
        assert after.learner.gradient(update) == before.learner.gradient(update)
        gradients = (each.network.parameters.gradient for each in (after, before))
        assert np.array_equal(*gradients)
    assert after.learner.validate() != before.learner.validate()


@pytest.mark.parametrize("residual", CORRECTABLE)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_forecast_made_at_an_origin_knows_nothing_from_there_on(scaling, residual):
    experiment = shaken(prepared(table(y=SERIES), scaling=scaling, residual=residual, validation=0.3))
    origins = np.arange(70, 97)
    values = experiment.splits.panel.values
    made = forecast_after(experiment.learner, rows_before(values, origins, CONTEXT))
    for b, origin in enumerate(origins):
        future = values.copy()
        future[origin:] = 1e5
        again = forecast_after(experiment.learner, rows_before(future, origins, CONTEXT))
        assert np.array_equal(again[:, : b + 1], made[:, : b + 1])
        assert b + 1 == len(origins) or not np.array_equal(again[:, b + 1], made[:, b + 1])


# What it says.


@pytest.mark.parametrize("residual", CORRECTABLE)
@pytest.mark.parametrize("scaling", mostly_thorough(SCALINGS, ["seasonal-error", "mean"]))
@pytest.mark.parametrize("columns", mostly_thorough([1, 3], [3]))
def test_an_untrained_network_forecasts_exactly_its_baseline(scaling, residual, columns):
    series = {f"y{k}": SERIES * 10.0**k + RANDOM.normal(0, 1, N) for k in range(columns)}
    experiment = prepared(table(**series), scaling=scaling, residual=residual, validation=0.2)
    score = experiment.score()
    assert score.network == dict(score.baselines)[residual.replace("-", " ")]
    rows = rows_of(reloaded(experiment))
    for c, values in enumerate(series.values()):
        past = values[-CONTEXT:, None, None]
        assert rows[:, c].tolist() == CORRECTABLE[residual](past, HORIZON, SEASON)[:, 0, 0].tolist()


@pytest.mark.parametrize("residual", CORRECTABLE)
@pytest.mark.parametrize("scaling", mostly_thorough(SCALERS, ["robust"]))
def test_another_unit_scales_the_forecasts(scaling, residual):
    options = {"scaling": scaling, "residual": residual, "validation": 0.2}
    once, thousandth = (shaken(prepared(table(y=factor * SERIES), **options)) for factor in (1, 1e-3))
    assert once.score().network != pytest.approx(dict(once.score().baselines)[residual.replace("-", " ")], rel=0.01)
    assert rows_of(reloaded(thousandth)) == pytest.approx(1e-3 * rows_of(reloaded(once)), rel=1e-4)
    assert thousandth.score().network == pytest.approx(1e-3 * once.score().network, rel=1e-4)


@pytest.mark.parametrize("wanted", [1, HORIZON, HORIZON + 1, 3 * HORIZON - 1])
def test_beyond_the_trained_horizon_forecasts_are_fed_back(wanted):
    model = reloaded(
        shaken(prepared(table(y=SERIES, z=SERIES[::-1]), target=["y", "z"], validation=0.2, scaling="none"))
    )
    notes = []
    got = rows_of(model, wanted, notes)
    assert bool(notes) == (wanted > HORIZON)
    by_hand = np.zeros((0, 2))
    while len(by_hand) < wanted:
        whole = np.concatenate([np.stack([SERIES, SERIES[::-1]], 1), by_hand])
        model.read(Source("o.csv", table(y=whole[:, 0], z=whole[:, 1])), model.data)
        by_hand = np.concatenate([by_hand, rows_of(model)])
    assert np.array_equal(got, by_hand[:wanted])


def test_other_data_is_continued_from_its_own_end():
    experiment = shaken(prepared(table(y=SERIES), validation=0.2))
    model, other = reloaded(experiment), SERIES[::-1] + 7
    model.read(Source("o.csv", table(y=other)), model.data)
    wanted = forecast_after(experiment.learner, other[-CONTEXT:, None, None])[:, 0]
    assert rows_of(model) == pytest.approx(wanted, rel=1e-12)
    notes = []
    model.read(Source("o.csv", table(y=other[:11])), model.data)
    assert len(rows_of(model, notes=notes)) == HORIZON
    assert notes == [
        f"1 of 1 series have fewer than the {CONTEXT} rows that the network reads, 11 the fewest; rows missing before "
        "them are their first value"
    ]


def test_several_targets_are_named_and_ordered_as_asked():
    content = table(a=SERIES, b=2 * SERIES, c=3 * SERIES)
    experiment = prepared(content, target=["c", "a"], residual="last-value", validation=0.2)
    (first, *_) = forecast_rows(reloaded(experiment))
    assert list(first.items()) == [("c", float(3 * SERIES[-1])), ("a", float(SERIES[-1]))]
    assert experiment.network.shape.output_size == 2 * HORIZON


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 0.1, -7.0])
def test_a_constant_column_is_noted_and_stays_finite(scaling, value):
    notes = []
    both = table(y=SERIES, flat=np.full(N, value))
    experiment = prepared(both, notes, scaling=scaling, validation=0.2, target=["y", "flat"])
    assert notes == ['column "flat" is constant; there is nothing in it to learn']
    loss, _ = experiment.learner.gradient(0)
    assert math.isfinite(loss)
    assert np.isfinite(experiment.network.parameters.gradient).all()
    frame, *_ = experiment.learner.examples(experiment.learner.train)
    assert np.abs(frame.x[:, :, 1]).max() < 1 + 1e-9  # scale 1, or by its size where the scale is the mean
    shaken(experiment)
    rows = rows_of(reloaded(experiment))
    assert np.isfinite(rows).all()
    assert np.abs(rows[:, 1] - value).max() < 20


def test_without_a_residual_the_better_one_on_the_training_part_is_taken():
    t = np.arange(N)
    season, walk = 10 * np.sin(t * 2 * np.pi / SEASON), np.random.default_rng(3).normal(0, 1, N).cumsum()
    assert prepared(table(y=season), validation=0.2).config.data.residual == "seasonal-naive"
    assert prepared(table(y=walk), validation=0.2).config.data.residual == "last-value"
    # Each first 70 rows of one kind, then of the other: the held-out part has no say.
    assert prepared(table(y=np.where(t < 70, season, walk)), validation=0.3).config.data.residual == "seasonal-naive"
    assert prepared(table(y=np.where(t < 70, walk, 10 * season)), validation=0.3).config.data.residual == "last-value"


# The baselines.


def by_hand(values, first, last, guess):
    """Mean absolute error over every origin whose targets lie in first ≤ row < last."""
    errors = []
    for origin in range(first, last - HORIZON + 1):
        errors += [abs(values[origin + k] - guess(values[:origin], k)) for k in range(HORIZON)]
    return sum(errors) / len(errors)


GUESSES = {
    "last value": lambda past, k: past[-1],
    "seasonal naive": lambda past, k: past[len(past) - SEASON + k % SEASON],
}


@pytest.mark.parametrize(("test", "first", "last"), [(None, 80, 100), (0.1, 90, 100)])
def test_the_floors_of_one_column_are_mean_absolute_errors(test, first, last):
    score = prepared(table(y=SERIES), validation=0.2, test=test).score()
    assert score.unit == "MAE of y"
    assert score.split == ("test" if test else "validation")
    for name, guess in GUESSES.items():
        assert dict(score.baselines)[name] == pytest.approx(by_hand(SERIES, first, last, guess), rel=1e-12)


def test_all_naive_forecasts_are_floors_and_the_strongest_comes_first():
    score = prepared(table(y=SERIES), validation=0.2).score()
    names, values = zip(*score.baselines, strict=True)
    assert set(names) == {name.replace("-", " ") for name in NAIVE_FORECASTS}
    assert list(values) == sorted(values)
    assert score.verdicts.keys() == set(names)
    assert set(score.verdicts.values()) == {"cannot tell, 3 groups"}  # 17 origins, cut every 8 rows
    assert score.used == (score.baselines[0][0] if score.baselines[0][1] <= score.network else "network")


def test_the_floors_of_several_columns_are_means_of_scaled_errors():
    other = 1e4 * np.cos(np.arange(N)) + RANDOM.normal(0, 1, N)
    score = prepared(table(y=SERIES, z=other), target=["y", "z"], validation=0.2).score()
    assert score.unit == "mean MASE of 2 columns"
    for name, guess in GUESSES.items():
        scaled = []
        for values in (SERIES, other):
            step = np.abs(values[SEASON:80] - values[: 80 - SEASON]).mean()  # of the training part
            scaled.append(by_hand(values, 80, 100, guess) / step)
        assert dict(score.baselines)[name] == pytest.approx(sum(scaled) / 2, rel=1e-12)


@pytest.mark.parametrize("channels", ["joint", "independent"])
def test_a_mean_is_told_to_be_of_the_columns_that_it_is_of(channels):
    again, what = np.arange(N) % SEASON, {"joint": "columns", "independent": "series"}[channels]
    three = table(y=SERIES, z=SERIES**2, again=again)
    score = prepared(three, target=["y", "z", "again"], channels=channels, validation=0.2).score()
    assert score.unit == f"mean MASE of 2 of 3 {what} whose seasons differ before the split"
    two = prepared(table(y=SERIES, z=SERIES**2), target=["y", "z"], channels=channels, validation=0.2).score()
    assert two.unit == f"mean MASE of 2 {what}"
    assert dict(score.baselines)["last value"] == pytest.approx(dict(two.baselines)["last value"], rel=1e-12)
    assert score.headline.to_json()["baseline"] == pytest.approx(two.headline.to_json()["baseline"], rel=1e-12)


def test_without_a_season_a_mean_is_of_columns_that_vary():
    three = table(y=SERIES.cumsum(), z=SERIES, same=np.full(N, 7.0))
    score = prepared(three, target=["y", "z", "same"], season=1, validation=0.2).score()
    assert score.unit == "mean MASE of 2 of 3 columns that vary before the split"


def test_a_season_longer_than_the_training_part_still_has_a_score():
    score = prepared(table(y=SERIES, z=SERIES**2), validation=0.5, season=60).score()
    assert math.isfinite(score.network)


def test_without_a_season_there_is_no_seasonal_floor():
    score = prepared(table(y=SERIES.cumsum()), season=1, validation=0.2).score()
    assert {name for name, _ in score.baselines} == {"last value", "drift", "theta"}


def test_a_series_too_short_says_how_much_is_needed():
    with pytest.raises(DataError, match=r"has 15 rows; context 12 \+ horizon 4 needs 16"):
        prepared(table(y=SERIES[:15]), padding=False)
    with pytest.raises(DataError, match=r"has 15 rows to train on; context 12 \+ horizon 4 needs 16"):
        prepared(table(y=SERIES[:30]), validation=0.5, padding=False)
    with pytest.raises(DataError, match=r"has 4 rows; 1 row before \+ horizon 4 needs 5; lower data\.horizon"):
        prepared(table(y=SERIES[:4]))
    with pytest.raises(DataError, match=r"has 4 rows to train on; 1 row before \+ horizon 4 needs 5"):
        prepared(table(y=SERIES[:8]), validation=0.5)
    assert len(prepared(table(y=SERIES[:16]), validation=0.0).learner.train) == 1
    assert len(prepared(table(y=SERIES[:15]), validation=0.0).learner.train) == 11  # of 1 to 11 rows


def test_a_loss_per_window_has_no_stride():
    with pytest.raises(ConfigError, match=r"training\.bptt_stride: a forecast has one loss a window"):
        prepared(table(y=SERIES), training={"bptt": 5, "bptt_stride": 2})


def test_a_sample_is_of_training_windows_as_far_back_as_gradients_flow():
    config = {
        "task": "forecast",
        "data": {"encoding": "utf-8", "context": CONTEXT, "horizon": HORIZON, "scaling": "none", "validation": 0.2},
    }
    config = config_from_mapping(config | {"model": {"hidden_size": 4}, "training": {"batch_size": 7, "bptt": 5}})
    sample = ForecastExperiment(config, Source("s.csv", table(y=SERIES)), Context(POOL)).learner.sample(0)
    assert sample.work.x.shape == (5, 7, 1)
    assert sample.targets.shape == (1, 7, HORIZON)
    centre, scale = SERIES[:80].mean(), SERIES[:80].std()
    seen = sample.work.x[:, :, 0] * scale + centre
    starts = [int(np.abs(SERIES[: 80 - HORIZON] - seen[0, b]).argmin()) for b in range(7)]
    for b, start in enumerate(starts):
        assert seen[:, b] == pytest.approx(SERIES[start : start + 5], rel=1e-6)
        assert CONTEXT <= start + 5 <= 80 - HORIZON
    assert len(set(starts)) == 7


def test_uneven_times_are_refused_with_the_way_out_and_can_be_ignored():
    days = [f"2024-01-{day:02}" for day in range(1, 32) if day not in (7, 8, 14)]
    table = "day,price\n" + "".join(f"{day},{100 + i % 5}\n" for i, day in enumerate(days))
    source = Source("prices.csv", table.encode())
    with pytest.raises(DataError, match=r"expected .*; or leave the times out with --set data.time=none"):
        read_panel(source, SeriesConfig(encoding="utf-8"))
    notes = []
    with noting(notes.append):
        panel, columns, _ = read_panel(source, SeriesConfig(encoding="utf-8", time="none"))
    assert (columns.time, panel.timelines, columns.targets) == (None, (), ("price",))
    assert notes == ["columns left out because they are not numbers: day"]
