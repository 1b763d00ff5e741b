"""A model from its file at work: on given data, beyond its horizon, with intervals, in the input's own names."""

from dataclasses import replace

import numpy as np
import pytest
from experiments import csv, reloaded, shaken, trainee_of
from experiments import rows as rows_of
from parameters import mostly_thorough

from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import Doubt, noting
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.options import ForecastOptions
from rnncli.tasks.forecast.paths import Past, Walk
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Features
from rnncli.tasks.task import Asked

N, CONTEXT, HORIZON, SEASON = 72, 8, 3, 4
RANDOM = np.random.default_rng(0)
WAVE = 30 + 5 * np.sin(np.arange(N) * 2 * np.pi / SEASON)
SERIES = WAVE + RANDOM.normal(0, 1, N)
DAYS = [str(day) for day in np.datetime64("2024-01-01") + np.arange(200)]
DECODERS = ["direct", "segments", "recursive"]


def made(content, training=None, model=None, **data):
    sizes = {"context": CONTEXT, "horizon": HORIZON, "season": SEASON}
    data = {**sizes, "residual": "last-value", "validation": 0.3, **data}
    model = model or {}
    if model.get("decoder") == "segments":
        model = {"segment": 2, **model}
    return shaken(trainee_of(content, training, model, **data))


def read(model, content, name="o.csv"):
    notes = []
    with noting(notes.append):
        model.read(Source(name, content), model.data)
    return notes


def of_member(experiment, features_of, origins):
    """What the networks say at these rows of a experiment's own data."""
    return experiment.members.point(experiment.members.widest.contexts(features_of, origins))


# What it says.


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_what_it_says_of_given_data_is_what_its_networks_say_of_that_context(decoder, seeds):
    """At every cut of the training data; contexts and scalings take turns."""
    turns = {"context": [8, 6], "scaling": ["standard", "mean"]} if seeds > 1 else {}
    extra = {"x": SERIES[::-1], "k": WAVE}
    experiment = made(
        csv(y=SERIES, **extra),
        {"seeds": seeds},
        {"decoder": decoder},
        target="y",
        past_covariates=["x"],
        known_covariates=["k"],
        **turns,
    )
    model, origins = reloaded(experiment), np.array([20, 41, 69])
    wanted = of_member(experiment, experiment.features, origins)
    for b, origin in enumerate(origins):
        y = np.where(np.arange(N) < origin, SERIES, np.nan)
        read(model, csv(y=y, **extra))
        got = model.forecasts(network=True).point
        assert got[:, 0] == pytest.approx(wanted[:, b], rel=1e-6)
    if seeds > 1:
        windows = [member.windowing for member in model.members.members]
        assert [(one.context, one.scaling) for one in windows] == [(8, "standard"), (6, "mean"), (8, "standard")]
        alone = model.members.points(experiment.members.widest.contexts(experiment.features, origins))
        assert np.array_equal(np.sort(alone, axis=0)[1], wanted)


def test_members_come_back_from_the_file_each_with_its_own_weights():
    experiment = made(csv(y=SERIES), {"seeds": 3, "seed": 7})
    model = reloaded(experiment)
    for mine, its in zip(experiment.members.members, model.members.members, strict=True):
        assert np.array_equal(mine.network.parameters.weights, its.network.parameters.weights)
    assert len({member.network.parameters.weights.tobytes() for member in model.members.members}) == 3
    alone = trainee_of(
        csv(y=SERIES),
        {"seed": 8},
        context=CONTEXT,
        horizon=HORIZON,
        season=SEASON,
        residual="last-value",
        validation=0.3,
    )
    names = [name for name in alone.network.parameters.export() if not name.startswith("head")]
    second = experiment.members.members[1].network.parameters.export()
    assert all(np.array_equal(alone.network.parameters.export()[name], second[name]) for name in names)
    assert np.array_equal(alone.learner._order(0), experiment.learner.learners[1]._order(0))


def test_with_the_baseline_it_has_a_vote():
    experiment = made(csv(y=SERIES), {"seeds": 2, "with_baseline": True})
    model = reloaded(experiment)
    contexts = experiment.members.widest.contexts(experiment.features, np.array([N]))
    alone = [member.point(contexts)[:, 0, 0] for member in experiment.members.members]
    wanted = np.sort([*alone, np.repeat(SERIES[-1], HORIZON)], axis=0)[1]
    assert model.forecasts(network=True).point[:, 0, 0] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("wanted", [1, HORIZON + 1, 3 * HORIZON])
def test_beyond_its_horizon_it_reads_its_own_rows_and_the_covariates_that_are_known(decoder, wanted):
    k = np.concatenate([WAVE, RANDOM.normal(30, 5, 12)])
    table = csv(y=np.concatenate([SERIES, np.full(12, np.nan)]), k=k)
    experiment = made(table, None, {"decoder": decoder}, target="y", known_covariates=["k"], scaling="none")
    model, got = reloaded(experiment), []
    point = model.forecasts(wanted, network=True).point[:, 0, 0]
    assert point.shape == (wanted,)
    if decoder == "recursive":  # one row at a time by a network whose scale stays that of the first context
        assert isinstance(model.members.first.decoder, Recursive)
        longer = model.members.reaching(wanted)
        features = experiment.fitted.encoders.features(experiment.splits.panel)
        contexts = longer.widest.contexts(features, np.array([N]))
        later = (
            k[N : N + wanted] - experiment.fitted.encoders.known_covariates[0].centre
        ) / experiment.fitted.encoders.known_covariates[0].scale
        contexts.known_covariates[CONTEXT:, 0, 0] = later
        assert point == pytest.approx(longer.point(contexts)[:, 0, 0], rel=1e-9)
        assert point[: min(wanted, HORIZON)] == pytest.approx(
            model.forecasts(HORIZON, network=True).point[: min(wanted, HORIZON), 0, 0], rel=1e-9
        )
        return
    while len(got) < wanted:
        y = np.concatenate([SERIES, got, np.full(len(k) - N - len(got), np.nan)])
        read(model, csv(y=y, k=k))
        got += model.forecasts(HORIZON, network=True).point[:, 0, 0].tolist()
    assert point == pytest.approx(got[:wanted], rel=1e-6)


@pytest.mark.parametrize("scaling", ["seasonal-error", "mean", "standard", "robust"])
def test_beyond_its_horizon_the_scale_stays_that_of_rows_that_were_seen(scaling):
    """As of a twin that scales by hand: forecast rows are smoother, and would make it small."""
    experiment = made(csv(y=SERIES), scaling=scaling)
    model, member = reloaded(experiment), experiment.members.first
    y, scale = SERIES, None
    for _ in range(3):
        frame = member.frame(member.windowing.contexts(_features(y), np.array([len(y)])))
        scale = frame.scale if scale is None else scale
        seen = replace(frame, x=frame.x * frame.scale / scale, scale=scale)
        said = member.decoder.point(seen, member.driver, member.loss)
        y = np.append(y, (seen.baseline + said * scale)[:, 0, 0])
    assert model.forecasts(3 * HORIZON, network=True).point[:, 0, 0] == pytest.approx(y[N:], rel=1e-6)
    assert abs(frame.scale / scale - 1) > 0.05


def _features(y):
    nothing = np.zeros((len(y), 0))
    return Features(
        y[:, None], np.ones((len(y), 1), bool), nothing, nothing, np.zeros((1, 0)), np.zeros(len(y), np.int64)
    )


@pytest.mark.parametrize("decoder", DECODERS)
def test_covariates_that_end_before_a_horizon_beyond_the_trained_one_are_named(decoder):
    k = np.concatenate([WAVE, RANDOM.normal(30, 5, 12)])
    table = csv(day=DAYS[: N + 12], y=np.concatenate([SERIES, np.full(12, np.nan)]), k=k)
    model = reloaded(made(table, None, {"decoder": decoder}, target="y", known_covariates=["k"]))
    assert len(model.forecasts(12, network=True).point) == 12
    with pytest.raises(DataError) as caught:
        model.forecasts(14, network=True)
    assert str(caught.value) == (
        f'the known covariates "k" end too early: {DAYS[N + 12]} to {DAYS[N + 13]} are missing; give them to predict '
        "by --future FILE or in rows of DATA without a target, or train with data.future, or pass --horizon 12"
    )
    assert caught.value.exit_code == 3


def test_a_series_that_ended_before_others_is_left_out_where_its_covariates_are_not_told():
    def shop(name, rows, more):
        y = [*map(str, SERIES[:rows]), *[""] * more]
        return "".join(f"{name},{day},{value},{k % 5}\n" for k, (day, value) in enumerate(zip(DAYS, y, strict=False)))

    table = "shop,day,y,k\n" + shop("a", N, HORIZON) + shop("b", N - 20, 0) + shop("c", N, HORIZON)
    experiment = made(table.encode(), target="y", known_covariates=["k"])
    model, told = reloaded(experiment), []
    assert dict(experiment.facts)["covariates"] == "k known ahead, for 3 rows of 2 of 3 series to forecast"
    assert experiment.after_training(can_evaluate=True) == ("predict",)
    with noting(told.append):
        got = model.predict(Asked(None, {}, {"network": True})).nested
    assert [row["shop"] for row in got] == ["a"] * HORIZON + ["c"] * HORIZON
    assert [text for text in told if "not forecast" in text] == [
        f'1 of 3 series is not forecast, "b" the first: it ended at {DAYS[N - 21]}, before others, and its known '
        "covariates are not told for 3 rows after it; if it goes on, give them in --future FILE"
    ]
    whole = reloaded(experiment)
    rows = "shop,day,k\n" + "".join(f"b,{DAYS[N - 20 + k]},{k}\n" for k in range(HORIZON))
    whole.read_future(Source("f.csv", rows.encode()), whole.data)
    every = whole.predict(Asked(None, {}, {"network": True})).nested
    assert [row for row in every if row["shop"] != "b"] == got
    assert len(every) == 3 * HORIZON
    with pytest.raises(DataError, match='of the series "a" end too early'):
        model.predict(Asked(None, {}, {"horizon": HORIZON + 1}))


def test_a_horizon_of_fifty_times_the_trained_one_is_the_last():
    model = reloaded(made(csv(y=SERIES)))
    assert len(rows_of(model, 50 * HORIZON)) == 150
    with pytest.raises(UsageError, match="--horizon 151: is more than 50 times the 3 rows "):
        rows_of(model, 50 * HORIZON + 1)


def test_beyond_its_horizon_it_still_knows_which_values_were_missing():
    series = SERIES.copy()
    series[-2] = np.nan
    experiment = made(csv(y=series, x=WAVE), target="y", missing="mask", context=2 * HORIZON)
    told = []
    model = reloaded(experiment)
    member = model.members.first
    whole = type(member).point
    try:
        type(member).point = lambda self, given, scale: (
            told.append(given.known[:, 0, 0].tolist()) or whole(self, given, scale)
        )
        model.forecasts(2 * HORIZON, network=True)
    finally:
        type(member).point = whole
    assert told == [[True] * 4 + [False, True], [True, False, True] + [True] * HORIZON]


# What it goes on from.


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_rows_that_follow_are_appended(layout):
    more = RANDOM.normal(30, 3, 5)

    def table(days, *series):
        if layout == "wide":
            return csv(day=days, y=series[0], z=series[1])
        return csv(id=["a"] * len(days) + ["b"] * len(days), day=[*days, *days], y=np.concatenate(series))

    columns = {"target": ["y", "z"]} if layout == "wide" else {"target": "y", "id": "id"}
    experiment = made(table(DAYS[:N], SERIES, 2 * SERIES), time="day", **columns)
    model, whole = reloaded(experiment), reloaded(experiment)
    notes = read(model, table(DAYS[N : N + 5], more, 3 * more))
    assert "goes on where the training data end; its " in notes[-1]
    read(whole, table(DAYS[: N + 5], np.append(SERIES, more), np.append(2 * SERIES, 3 * more)))
    assert np.array_equal(model.forecasts(network=True).point, whole.forecasts(network=True).point)
    assert rows_of(model, None)[0]["day"] == DAYS[N + 5]
    for days in (DAYS[N + 1 : N + 6], DAYS[N - 1 : N + 4]):  # a hole, or an overlap: other data
        other = reloaded(experiment)
        (doubted,) = read(other, table(days, more, more))
        assert doubted.startswith(f"o.csv: begins at {days[0]}")
        assert f"so its 5 rows are read alone, and the network reads {model.members.context}; " in doubted
        assert f"rows that begin at {DAYS[N]} would be read after the training data" in doubted
        assert len(other.panel.values) == len(more) * len(other.panel.ids)


def test_rows_of_some_series_leave_the_others_where_they_were():
    content = csv(id=["a"] * N + ["b"] * N, day=DAYS[:N] * 2, y=np.append(SERIES, 2 * SERIES))
    experiment = made(content, target="y", id="id", time="day")
    model = reloaded(experiment)
    before = model.forecasts(network=True).point
    read(model, csv(id=["b"] * 2, day=DAYS[N : N + 2], y=[3.0, 4.0]))
    after = model.forecasts(network=True).point
    assert np.array_equal(after[:, 0], before[:, 0])
    assert not np.array_equal(after[:, 1], before[:, 1])
    notes = []
    assert [row["day"] for row in rows_of(model, 1, notes=notes)] == [DAYS[N], DAYS[N + 2]]
    told = f'1 of 2 series end before others, "a" at {DAYS[N - 1]} the first: each is forecast from its own end on, '
    assert [text.startswith(told) for text in notes if isinstance(text, Doubt)] == [True]
    with noting(notes.clear() or notes.append):
        model.totals(ForecastOptions(sum=True))
    assert any(text.startswith(told) for text in notes)


def test_series_that_end_together_are_not_doubted():
    content = csv(id=["a"] * N + ["b"] * (N - 5), day=[*DAYS[:N], *DAYS[5:N]], y=np.append(SERIES, SERIES[5:]))
    notes = []
    rows_of(reloaded(made(content, target="y", id="id", time="day")), 1, notes=notes)
    assert not any(isinstance(text, Doubt) for text in notes)


def test_a_series_of_training_keeps_its_scale_and_another_has_its_own():
    """With scaling none: the centre of the training rows, or of all that is given of a stranger."""
    experiment = made(
        csv(id=["a"] * N + ["b"] * N, y=np.append(SERIES, 9 * SERIES)), target="y", id="id", scaling="none"
    )
    model = reloaded(experiment)
    stranger = 1000 + 50 * SERIES[:40]
    read(model, csv(id=["c"] * 40 + ["b"] * 20, y=np.append(stranger, SERIES[:20])))
    centre, scale = model.members.first.windowing.fixed
    rows = 9 * SERIES[: N - int(0.3 * N)]
    assert centre[:, 0] == pytest.approx([stranger.mean(), rows.mean()])
    assert scale[:, 0] == pytest.approx([stranger.std(), rows.std()])
    alone = reloaded(experiment)
    read(alone, csv(id=["b"] * 20, y=SERIES[:20]))
    assert np.array_equal(alone.forecasts(network=True).point[:, 0], model.forecasts(network=True).point[:, 1])


# Who speaks.


def test_a_baseline_that_was_better_speaks_unless_the_network_is_asked():
    experiment = made(csv(y=SERIES.cumsum()), validation=0.4)
    shaken(experiment, 20.0)
    experiment.score()
    assert experiment.validated.prefers
    model, notes = reloaded(experiment), []
    said = [row["y"] for row in rows_of(model, notes=notes)]
    assert any("was at least as good as the network" in note for note in notes)
    past = SERIES.cumsum()[:, None, None]
    assert said == pytest.approx(
        NAIVE_FORECASTS[experiment.validated.prefers](past, HORIZON, SEASON)[:, 0, 0], rel=1e-12
    )
    notes = []
    asked = [row["y"] for row in rows_of(model, network=True, notes=notes)]
    assert asked == model.forecasts(network=True).point[:, 0, 0].tolist()
    assert asked != pytest.approx(said, rel=1e-3)
    assert notes == []
    bands = [model.forecasts(levels=(80,), network=network).bands[80] for network in (False, True)]
    assert (bands[0][1] - bands[0][0] < bands[1][1] - bands[1][0]).all()  # each with the errors of who speaks
    never = made(csv(y=SERIES.cumsum()), {"fallback": False}, validation=0.4)
    shaken(never, 20.0).score()
    assert never.validated.prefers
    assert reloaded(never).method == "network"


@pytest.mark.parametrize("name", NAIVE_FORECASTS)
def test_a_model_keeps_the_rows_that_its_baseline_looks_back_at(name):
    values = SERIES.mean() + np.random.default_rng(6).normal(0.1, 1, 1500).cumsum()
    experiment = made(csv(y=values))
    experiment.validated = replace(experiment.validated, prefers=name)
    model = reloaded(experiment)
    assert model.panel.lengths.tolist() == [1000 if name in ("drift", "theta") else 3 * SEASON]
    wanted = NAIVE_FORECASTS[name](values[-1000:, None, None], HORIZON, SEASON)
    assert model.forecasts().point == pytest.approx(wanted, rel=1e-12)
    read(model, csv(y=values[:1300]))
    wanted = NAIVE_FORECASTS[name](values[300:1300, None, None], HORIZON, SEASON)
    assert model.forecasts().point == pytest.approx(wanted, rel=1e-12)


# In which form.


def test_independent_columns_come_back_side_by_side():
    experiment = made(csv(day=DAYS[:N], y=SERIES, z=5 * SERIES[::-1]), time="day", channels="independent")
    experiment.score()
    model = reloaded(experiment)
    rows = rows_of(model, None, (80,), network=True)
    assert [list(row) for row in rows] == [["day", "y", "y_lo_80", "y_hi_80", "z", "z_lo_80", "z_hi_80"]] * HORIZON
    assert [row["day"] for row in rows] == DAYS[N : N + HORIZON]
    made_of = model.forecasts(None, (80,), network=True)
    for k, row in enumerate(rows):
        assert (row["y"], row["z"]) == tuple(made_of.point[k, :, 0])
        assert (row["y_lo_80"], row["z_hi_80"]) == (made_of.bands[80][0][k, 0, 0], made_of.bands[80][1][k, 1, 0])


@pytest.mark.parametrize(
    ("content", "data", "names", "first"),
    [
        (csv(y=SERIES), {}, ["y"], []),
        (csv(year=range(1900, 1900 + N), y=SERIES), {"time": "year"}, ["year", "y"], [1900 + N]),
        (csv(id=["a"] * N + ["b"] * N, y=[*SERIES] * 2), {"target": "y", "id": "id"}, ["id", "y"], ["a"]),
        (csv(day=DAYS[:N], b=SERIES, a=SERIES), {"time": "day", "target": ["b", "a"]}, ["day", "b", "a"], [DAYS[N]]),
    ],
)
def test_rows_have_the_names_of_the_input(content, data, names, first):
    experiment = made(content, {"loss": "gaussian"}, **data)
    experiment.score()
    model = reloaded(experiment)
    row = rows_of(model, None, network=True)[0]
    assert list(row) == names
    assert list(row.values())[: len(first)] == first
    drawn = rows_of(model, None, samples=2, network=True)
    assert [list(row) for row in drawn] == [["sample", *names]] * len(drawn)
    assert [row["sample"] for row in drawn] == [1] * (len(drawn) // 2) + [2] * (len(drawn) // 2)
    banded = rows_of(model, None, (50, 90), network=True)[0]
    target = names[-1]
    assert list(banded)[-5:] == [target, *(f"{target}_{end}_{level}" for level in (50, 90) for end in ("lo", "hi"))]


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_intervals_of_counts_end_in_whole_numbers_from_zero(decoder):
    counts = np.random.default_rng(1).poisson(3, 90).astype(float)
    experiment = made(csv(y=counts), {"loss": "negative-binomial"}, {"decoder": decoder}, residual=None, season=1)
    experiment.score()
    low, high = reloaded(experiment).forecasts(levels=(95,), network=True).bands[95]
    for end in (low, high):
        assert np.array_equal(end, np.round(end))
    assert low.min() >= 0
    assert (low <= high).all()
    paths = reloaded(experiment).forecasts(samples=40, network=True).paths
    assert np.abs(paths - np.round(paths)).max() < 1e-6
    assert paths.min() >= 0


@pytest.mark.parametrize("loss", ["mae", "gaussian"])
@pytest.mark.parametrize("transform", ["none", "log"])
def test_intervals_are_numbers_in_order_far_beyond_the_horizon_too(loss, transform):
    experiment = made(csv(y=SERIES), {"loss": loss}, transform=transform)
    experiment.score()
    bands = reloaded(experiment).forecasts(4 * HORIZON, (50, 95), network=True).bands
    row = [bands[95][0], bands[50][0], bands[50][1], bands[95][1]]
    assert np.isfinite(row).all()
    assert (np.diff(row, axis=0) >= 0).all()
    assert transform == "none" or np.min(row) > 0


@pytest.mark.parametrize(
    ("held_out", "told"), [(3, "80% and 95% are"), (8, "80% and 95% are"), (12, "95% is"), (45, None)]
)
def test_levels_that_so_few_errors_cannot_promise_are_doubted(held_out, told):
    """Between the outmost of n errors are (n − 1) / (n + 1) of all values: 50%, 78%, 85% and 96%."""
    experiment = made(csv(y=SERIES), horizon=1, validation=held_out)
    experiment.score()
    notes = []
    with noting(notes.append):
        reloaded(experiment).predicted(None, (40, 80, 95))
    doubts = [note for note in notes if isinstance(note, Doubt)]
    share = 100 * (held_out - 1) / (held_out + 1)
    assert doubts == [
        f"intervals: {held_out} errors that were checked on validation promise no more than {share:.0f}%, so that "
        f"{told} a guess; lower --levels, or train with more data.validation"
        for _ in range(told is not None)
    ]


def test_what_it_cannot_say_is_refused():
    model = reloaded(made(csv(y=SERIES), validation=0.0))
    with pytest.raises(UsageError, match="has no intervals"):
        model.forecasts(levels=(80,))
    with pytest.raises(UsageError, match="too few windows were held out to draw from their errors"):
        model.forecasts(samples=3)
    with pytest.raises(UsageError, match="too few windows were held out to draw from their errors"):
        reloaded(made(csv(y=SERIES), {"loss": "gaussian"}, validation=0.0)).forecasts(HORIZON + 1, samples=3)
    recursive = reloaded(made(csv(y=SERIES), {"loss": "gaussian"}, {"decoder": "recursive"}))
    assert recursive.forecasts(4 * HORIZON, samples=3).paths.shape == (3, 4 * HORIZON, 1, 1)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_short_series_is_forecast_from_its_own_rows(order):
    """Whatever series lies before it, and as the only one of a file."""

    def said(factor):
        long, short = ("a", [*SERIES * factor]), ("b", [5.0, 6.0, 7.0])
        first, second = (long, short) if order == "ab" else (short, long)
        content = csv(id=[first[0]] * len(first[1]) + [second[0]] * len(second[1]), y=[*first[1], *second[1]])
        model = reloaded(made(content, id="id", target="y", validation=0.1, scaling="mean"))
        notes = []
        rows = rows_of(model, network=True, notes=notes)
        assert "1 of 2 series have fewer than the 8 rows that the network reads, 3 the fewest" in " ".join(notes)
        return model, [row["y"] for row in rows if row["id"] == "b"]

    (model, got), (_, scaled) = said(1), said(1000)
    assert got == scaled
    read(model, csv(id=["b"] * 3, y=[5.0, 6.0, 7.0]))
    assert got == [row["y"] for row in rows_of(model, None, network=True)]


def test_columns_of_their_own_have_pictures_of_their_own():
    experiment = made(csv(y=SERIES, z=SERIES[::-1]), channels="independent")
    experiment.score()
    model = reloaded(experiment)
    charts = list(model.charts(model.forecasts(None, (80,), network=True)))
    assert [chart.title for chart in charts] == ["y", "z"]
    assert charts[1].history[-1][1] == SERIES[0]


@pytest.mark.parametrize("sign", ["€", ""])
def test_a_picture_has_the_sign_of_what_training_read_or_of_what_was_read_since(sign):
    experiment = made(csv(y=[f"{sign}{value:.2f}" for value in SERIES]))
    experiment.score()
    model = reloaded(experiment)
    (chart,) = model.charts(model.forecasts(network=True))
    assert chart.unit == sign
    read(model, csv(y=[f"{value:.2f} $" for value in SERIES]))
    (chart,) = model.charts(model.forecasts(network=True))
    assert chart.unit == "$"


def test_what_is_drawn_for_a_window_does_not_depend_on_its_company():
    experiment = made(csv(id=["a"] * N + ["b"] * N, y=[*SERIES] * 2), {"loss": "student-t"}, id="id", target="y")
    both = experiment.members.quantiles(
        experiment.members.widest.contexts(experiment.features, np.array([N, N + 40])), (0.1,), 1
    )
    alone = experiment.members.quantiles(
        experiment.members.widest.contexts(experiment.features, np.array([N + 40])), (0.1,), 1
    )
    assert both[:, :, 1:] == pytest.approx(alone, rel=1e-6)


def test_ends_of_intervals_of_counts_are_whole_in_a_backtest_too():
    counts = np.random.default_rng(3).poisson(4, N).astype(float)
    experiment = made(csv(y=counts), {"loss": "negative-binomial"}, residual=None)
    experiment.score()
    tested = experiment.tester().run(experiment.origins(1), experiment.validated.calibrations["network"])
    for end in tested.band(80):
        assert np.array_equal(end, np.round(end))
        assert end.min() >= 0


@pytest.mark.parametrize(("factor", "scaling", "noted"), [(1, "none", 0), (100, "none", 1), (100, "standard", 0)])
def test_another_level_is_noted_where_nothing_scales_it(factor, scaling, noted):
    model = reloaded(made(csv(y=SERIES), scaling=scaling, residual="none"))
    notes = read(model, csv(y=factor * SERIES))
    assert sum("its level is far from" in text for text in notes) == noted


# The calendar.


def test_holidays_ahead_are_read_and_come_back_from_the_file():
    dates = [str(day) for day in np.datetime64("2023-10-15") + np.arange(N)]  # to the 25th of December
    experiment = made(csv(ds=dates, y=SERIES), holidays=["DE"], calendar=True)
    model = reloaded(experiment)
    assert model.fitted.encoders.after(model.panel, 0, 3, 3)[:, -1].tolist() == [1, 0, 0]  # the 26th
    told = model.forecasts(network=True).point
    model.fitted = replace(model.fitted, encoders=replace(model.fitted.encoders, holidays=("US",)))
    assert model.fitted.encoders.after(model.panel, 0, 3, 3)[:, -1].tolist() == [0, 0, 0]
    assert (model.forecasts(network=True).point != told).all()


# Series that cannot be negative.

FALLING = np.maximum(np.linspace(30, 0.2, N) + RANDOM.normal(0, 2, N), 0)


@pytest.mark.parametrize("loss", ["mae", "quantile", "student-t"])
@pytest.mark.parametrize("decoder", mostly_thorough(DECODERS, ["direct"]))
def test_what_cannot_be_negative_ends_at_0_in_forecasts_intervals_and_paths(loss, decoder):
    def of(**data):
        experiment = made(csv(y=FALLING), {"loss": loss}, {"decoder": decoder}, validation=0.3, **data)
        with noting(lambda text: None):
            experiment.score()  # calibrates
        model = reloaded(experiment)
        wanted = 6 if decoder == "recursive" else HORIZON
        return model, model.forecasts(wanted, (95,), 0 if loss == "mae" else 20, network=True)

    _, free = of(bounded=False)
    model, bound = of(non_negative=True)
    low, high = bound.bands[95.0]
    every = [bound.point, low, high, *([] if bound.paths is None else [bound.paths])]
    assert min(free.point.min(), free.bands[95.0][0].min()) < 0
    assert all((one >= 0).all() for one in every)
    assert (low <= bound.point).all()
    assert (bound.point <= high).all()
    assert np.array_equal(bound.point[:1], np.maximum(free.point[:1], 0))  # later rows may read the first
    features = model.fitted.encoders.features(model.panel)
    past = Past(model.members.widest.contexts(features, model.panel.starts[1:]), np.array([CONTEXT]))
    assert (Walk(model.members, "drift").points(past, 40) >= 0).all()


def test_negative_values_of_what_cannot_be_negative_are_refused():
    with pytest.raises(
        DataError, match=r"s.csv: data.non_negative is true, and the lowest value is -3; set it to false"
    ):
        made(csv(y=np.append(FALLING, -3.0)), non_negative=True)
    model = reloaded(made(csv(y=FALLING), non_negative=True))
    with pytest.raises(DataError, match=r"o.csv: data.non_negative is true, and the lowest value is -1"):
        read(model, csv(y=FALLING - FALLING.min() - 1))


# Settings that are of the training data alone.


def test_a_footer_of_the_training_data_is_none_of_others_and_what_is_resampled_is_not_followed():
    content = csv(ds=[*DAYS[:N], "Total"], y=[*SERIES, SERIES.sum()])
    model = reloaded(made(content, skip_footer=1))
    asked = Asked("new.csv", {}, {})
    with pytest.raises(UsageError, match="no such file"):
        model.predict(asked)
    hourly = csv(ds=[f"{day} {hour:02}:00" for day in DAYS[:40] for hour in (0, 12)], y=np.arange(80.0))
    model = reloaded(made(hourly, resample="1d"))
    with pytest.raises(UsageError, match="--follow: reads rows as they come, and this model was trained on rows that"):
        list(model.predict(Asked("-", {}, {"follow": True})).rows)


# Words that training never saw.


def test_words_that_training_never_saw_are_told_with_their_count_and_first_line():
    words = [("sun", "rain", "fog")[k % 3] for k in range(N)]
    model = reloaded(made(csv(ds=DAYS[:N], y=SERIES, w=words), target="y", known_covariates=["w"]))
    new = [*words[: N - 4], "hail", "sun", "hail", "Sun"]
    notes = read(model, csv(ds=DAYS[20 : 20 + N], y=SERIES, w=new))
    assert (
        f'o.csv:{N - 2}: 3 cells of the column "w" hold words that training never saw, "hail" the first; they are read '
        "as none of the words that it knows" in notes
    )
    assert not [text for text in read(model, csv(ds=DAYS[:N], y=SERIES, w=words)) if "never saw" in text]
    future = csv(ds=DAYS[N : N + 3], w=["sun", "snow", "fog"])
    told = []
    with noting(told.append):
        model.read_future(Source("f.csv", future), model.data)
    assert [text.split(" they")[0] for text in told] == [
        'f.csv:3: 1 cells of the column "w" hold words that training never saw, "snow" the first;'
    ]


def coming_rows(header, row, count=HORIZON):
    """The rows after the training data, by their days."""
    return "\n".join([header, *(row.format(day) for day in DAYS[N : N + count]), ""])


@pytest.mark.parametrize(
    ("known", "header", "row", "mend"),
    [
        (True, "ds,y,k", "{},,3", "give it as --future {}: without DATA, "),
        (True, "ds,k", "{},3", "give it as --future {}: without DATA, "),
        (True, "ds,k,y", "{},3,NA", "give it as --future {}: without DATA, "),
        (False, "ds,y,k", "{},,3", "leave it out: without DATA, "),
        (False, "ds", "{}", "leave it out: without DATA, "),
        (True, "ds,Y,k", "{},4,3", None),  # a target under another name
        (True, "ds,y", "{},", None),  # without the covariate
        (True, "ds,y,k", "{},x,3", None),
    ],
)
def test_a_file_of_rows_ahead_alone_is_sent_to_future(tmp_path, known, header, row, mend):
    data = {"known_covariates": ["k"]} if known else {}
    experiment = made(csv(ds=DAYS[:N], y=SERIES, k=WAVE), target="y", time="ds", **data)
    path = tmp_path / "next.csv"
    path.write_text(coming_rows(header, row))
    with noting(lambda text: None), pytest.raises((UsageError, DataError)) as caught:
        reloaded(experiment).predict(Asked(str(path), {}, {}, lambda text: None))
    message = str(caught.value)
    if mend is None:
        assert "rows to forecast alone" not in message
        return
    why = f'{path}: has rows to forecast alone, without a value of "y"; '
    assert message == why + mend.format(path) + "the forecast goes on where the training data end"
    options = {"future": str(path)} if known else {}
    with noting(lambda text: None):
        rows = reloaded(experiment).predict(Asked(None, {}, {**options, "network": True}, lambda text: None)).rows
    assert [made["ds"] for made in rows] == DAYS[N : N + HORIZON]
