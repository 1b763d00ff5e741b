"""What moved a forecast: a baseline and what the network adds, to the last digit, and covariates one at a time."""

from decimal import Decimal

import numpy as np
import pytest
from experiments import csv, reloaded, shaken, trained, trainee_of
from experiments import rows as rows_of

from rnncli.data.digits import Digits
from rnncli.notes import noting
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.explanation import Explanation, Usual, explained, usual_values
from rnncli.tasks.forecast.windows import Features

N, CONTEXT, HORIZON, SEASON = 72, 8, 3, 4
AHEAD = 9
RANDOM = np.random.default_rng(0)
SERIES = np.round(40 + 5 * np.sin(np.arange(N) * 2 * np.pi / SEASON) + RANDOM.normal(0, 1, N), 2)
PRICE = np.round(RANDOM.normal(3, 1, N + AHEAD), 2)
SKY = RANDOM.choice(["rain", "sun", "sun"], N + AHEAD)
DAYS = [str(day) for day in np.datetime64("2024-01-01") + np.arange(N + AHEAD)]
DECODERS = ["direct", "segments", "recursive"]
KEPT = 3 * SEASON  # rows in the model file, which is more than the context


def table(series=SERIES, price=PRICE, sky=SKY):
    ahead = [float("nan")] * (len(price) - len(series))
    return csv(day=DAYS[: len(price)], y=[*series, *ahead], price=price, sky=[str(word) for word in sky])


def made(content, training=None, model=None, **data):
    sizes = {"context": CONTEXT, "horizon": HORIZON, "season": SEASON, "residual": "last-value", "validation": 0.2}
    model = {"segment": 2, **(model or {})} if (model or {}).get("decoder") == "segments" else model
    return shaken(trainee_of(content, training, model, **{**sizes, "target": "y", **data}))


def explain(model, wanted=None, levels=()):
    with noting(lambda text: None):
        return model.explained(model.predicted(wanted, levels, network=True), network=True)


# The effect of a covariate.


def test_a_covariate_moves_a_linear_forecast_by_its_weight_times_the_way_to_its_usual_value():
    """A forecast of 2 price + 7 flag at each row, beside a usual price of 4 and a usual flag of 0."""
    known = np.zeros((CONTEXT + 2, 1, 2))
    known[CONTEXT:, 0] = [[5.0, 1.0], [1.0, 0.0]]
    values, nothing = np.zeros((CONTEXT, 1, 1)), np.zeros((CONTEXT, 1, 0))
    contexts = Features(values, values == 0, nothing, known, np.zeros((1, 0)), np.zeros(1, int))
    usual = Usual(np.array([[4.0, 0.0]]), {"price": slice(0, 1), "flag": slice(1, 2)})

    def forecast(at):
        return at.known_covariates[CONTEXT:] @ np.array([[2.0], [7.0]])

    member = made(table(), known_covariates=["price"]).members
    made_of = explained(member, contexts, usual, forecast(contexts), forecast)
    assert made_of.effects["price"][:, 0, 0].tolist() == [2 * (5 - 4), 2 * (1 - 4)]
    assert made_of.effects["flag"][:, 0, 0].tolist() == [7, 0]
    assert made_of.baseline[:, 0, 0].tolist() == [0, 0]
    assert known[CONTEXT:, 0].tolist() == [[5, 1], [1, 0]]  # the contexts themselves stay as they were


def test_an_effect_of_a_network_whose_weights_are_set_is_that_computed_by_hand():
    """A linear network h_t = 3 k_t + h_(t−1) / 2, which adds 2 h_t: a promotion still counts half on the next day."""
    promo = [1.0, 0.0, 0.0, 0.0] * 5 + [1.0, 0.0, 0.0]
    content = csv(y=[*np.arange(20.0), *[float("nan")] * 3], promo=promo)
    sizes = {"context": 4, "horizon": 3, "season": 1, "scaling": "none", "residual": "last-value", "validation": 0}
    model = {"cell": "rnn", "activation": "identity", "hidden_size": 1}
    experiment = trainee_of(content, {}, model, target="y", known_covariates=["promo"], **sizes)
    weights = experiment.network.parameters
    for name, value in (("rnn.weight_ih_l0", [[0], [3], [0]]), ("rnn.weight_hh_l0", [[0.5]]), ("head.weight", [[2]])):
        weights.view(name)[...] = value
    experiment.network.pack()
    away = 1 / np.std(promo[:20])  # of a promotion from none, in standard deviations
    effects = explain(reloaded(experiment)).explanation.effects["promo"][:, 0, 0]
    assert effects == pytest.approx(np.std(np.arange(20.0)) * 2 * 3 * away * np.array([1, 0.5, 0.25]), rel=1e-6)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("wanted", [HORIZON, AHEAD])
def test_an_effect_is_the_way_from_a_table_with_the_usual_value_to_the_table(decoder, wanted):
    """Rows ahead that have the usual value are forecast in the plain way, beyond the trained horizon too."""
    content = table()
    experiment = made(content, {"seeds": 2}, {"decoder": decoder}, known_covariates=["price", "sky"])
    model = reloaded(experiment)
    effects = explain(model, wanted).explanation.effects
    recent = slice(N - KEPT, N)
    usual_price = np.sort(PRICE[recent])[(KEPT - 1) // 2]
    assert (SKY[recent] == "sun").sum() > KEPT / 2
    point = model.forecasts(wanted, network=True).point
    for name, price, sky in (
        ("price", np.where(np.arange(N + AHEAD) < N, PRICE, usual_price), SKY),
        ("sky", PRICE, np.where(np.arange(N + AHEAD) < N, SKY, "sun")),
    ):
        other = reloaded(
            made(table(price=price, sky=sky), {"seeds": 2}, {"decoder": decoder}, known_covariates=["price", "sky"])
        )
        assert effects[name] == pytest.approx(point - other.forecasts(wanted, network=True).point, rel=1e-6, abs=1e-9)
        assert np.abs(effects[name]).max() > 0.01


def test_a_promotion_that_adds_10_is_told_to_add_10():
    rows = 240
    promo = (np.random.default_rng(5).random(rows + HORIZON) < 0.3).astype(float)
    promo[-HORIZON:] = [1, 0, 1]
    season = 5 * np.sin(np.arange(rows) * 2 * np.pi / SEASON)
    content = csv(y=[*(50 + season + 10 * promo[:rows]), *[float("nan")] * HORIZON], promo=promo)
    data = {"context": CONTEXT, "horizon": HORIZON, "season": SEASON, "validation": 0, "residual": "last-value"}
    experiment = trainee_of(
        content,
        {"batch_size": 64, "loss": "mae"},
        {"hidden_size": 16},
        target="y",
        known_covariates=["promo"],
        scaling="none",
        **data,
    )
    effects = explain(reloaded(trained(experiment, 400))).explanation.effects["promo"][:, 0, 0]
    assert effects == pytest.approx([10, 0, 10], abs=1)


# Usual values.


def test_usual_values_are_those_of_the_newest_rows_of_each_series():
    flag = np.tile([0.0, 0.0, 1.0, 0.0], 5)
    content = csv(
        id=["a"] * 20 + ["b"] * 20,
        y=np.arange(40.0),
        price=[*[9.0] * 10, *[1.0, 2.0, 3.0, 4.0] * 2, 5.0, 6.0, *np.arange(100.0, 120.0)],
        flag=[*flag, *(1 - flag)],
        sky=["rain"] * 19 + ["sun"] + ["sun"] * 20,
    )
    experiment = trainee_of(
        content, id="id", target="y", known_covariates=["price", "flag", "sky"], context=4, horizon=2, season=4
    )
    encoders = experiment.fitted.encoders
    usual = usual_values(experiment.read, encoders, 10)
    price, flag_, sky = encoders.known_covariates
    assert usual.columns == {"price": slice(0, 1), "flag": slice(1, 2), "sky": slice(2, 4)}
    assert usual.features[:, 0] * price.scale + price.centre == pytest.approx([3, 114])
    assert usual.features[:, 1] * flag_.scale + flag_.centre == pytest.approx([0, 1])
    assert sky.words == ("rain", "sun")
    assert usual.features[:, 2:].tolist() == [[1, 0], [0, 1]]


def test_the_calendar_is_usual_at_its_mean_and_holidays_where_there_are_none():
    pytest.importorskip("holidays")
    dates = [str(day) for day in np.datetime64("2023-10-15") + np.arange(N)]  # to the 25th of December
    content = csv(ds=dates, y=SERIES, calendar=PRICE[:N])
    experiment = made(content, calendar=True, holidays=["DE"], past_covariates=["calendar"])
    encoders = experiment.fitted.encoders
    usual = usual_values(experiment.read, encoders, 14)
    assert list(usual.columns) == ["calendar", "holidays"]
    features = encoders.features(experiment.read).known_covariates[-14:]
    assert usual.features[0, usual.columns["calendar"]] == pytest.approx(features[:, :-1].mean(axis=0))
    assert usual.features[0, :2] == pytest.approx([0, 0], abs=1e-12)  # of two whole weeks
    assert usual.features[0, usual.columns["holidays"]].tolist() == [0]
    assert features[:, -1].sum() > 0
    effects = explain(reloaded(experiment)).explanation.effects["holidays"][:, 0, 0]
    assert effects[0] != 0  # the 26th


def test_a_covariate_that_is_called_calendar_stays_apart_from_the_calendar():
    experiment = made(
        csv(day=DAYS, y=[*SERIES, *[np.nan] * AHEAD], calendar=PRICE), calendar=True, known_covariates=["calendar"]
    )
    columns = usual_values(experiment.read, experiment.fitted.encoders, 14).columns
    assert list(columns) == ["calendar", "data.calendar"]
    assert columns["calendar"] == slice(0, 1)


# The baseline, and what the network adds.


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("loss", "transform"),
    [("mae", "none"), ("mae", "log"), ("quantile", "sqrt"), ("student-t", "none"), ("negative-binomial", "none")],
)
def test_baseline_and_network_are_the_forecast_to_the_last_digit(decoder, loss, transform):
    counts = loss == "negative-binomial"
    content = table(np.round(SERIES) if counts else SERIES)
    experiment = made(
        content,
        {"loss": loss, "seeds": 2},
        {"decoder": decoder},
        known_covariates=["price", "sky"],
        residual=None if counts else "seasonal-naive",
        transform=transform,
    )
    model = reloaded(experiment)
    for wanted in (HORIZON, AHEAD):
        rows = model.rows(explain(model, wanted))
        assert list(rows[0]) == ["day", "y", "y_baseline", "y_network", "y_effect_price", "y_effect_sky"]
        for k, row in enumerate(rows):
            y, baseline, added = (Decimal(str(row[name])) for name in ("y", "y_baseline", "y_network"))
            assert baseline + added == y
            assert float(baseline) == (0 if counts else SERIES[N - SEASON + k % SEASON])
            assert added != 0


def test_what_is_written_sums_where_rounding_alone_would_not():
    digits = Digits(0, 1)
    explanation = Explanation(np.full((1, 1, 1), 0.26), {})
    cells = explanation.cells("y", digits.number(0.54), digits, (0, 0, 0))
    assert {name: str(value) for name, value in cells.items()} == {"y_baseline": "0.3", "y_network": "0.2"}


def test_columns_side_by_side_are_explained_each():
    content = csv(day=DAYS, y=[*SERIES, *[np.nan] * AHEAD], z=[*2 * SERIES, *[np.nan] * AHEAD], price=PRICE)
    for channels in ("joint", "independent"):
        model = reloaded(made(content, target=["y", "z"], known_covariates=["price"], channels=channels))
        rows = model.rows(explain(model))
        parts = ["{}", "{}_baseline", "{}_network", "{}_effect_price"]
        assert list(rows[0]) == ["day", *(part.format("y") for part in parts), *(part.format("z") for part in parts)]
        assert [(float(row["y_baseline"]), float(row["z_baseline"])) for row in rows] == [
            (SERIES[-1], 2 * SERIES[-1])
        ] * HORIZON
        point = model.forecasts(network=True).point.reshape(HORIZON, 2)
        assert [row["y_network"] for row in rows] == pytest.approx(point[:, 0] - SERIES[-1], abs=0.01)


def test_the_forecast_of_a_baseline_is_all_baseline():
    walk = np.cumsum(SERIES)
    experiment = made(table(walk), known_covariates=["price"], validation=0.4)
    with noting(lambda text: None):
        shaken(experiment, 20.0).score()
    assert experiment.validated.prefers
    model = reloaded(experiment)
    with noting(lambda text: None):
        rows = model.rows(model.explained(model.predicted(None)))
    wanted = NAIVE_FORECASTS[experiment.validated.prefers](walk[:, None, None], HORIZON, SEASON)[:, 0, 0]
    assert [row["y_baseline"] for row in rows] == [row["y"] for row in rows] == pytest.approx(wanted)
    assert {float(row[name]) for row in rows for name in ("y_network", "y_effect_price")} == {0}
    assert rows_of(model)[0]["y"] == rows[0]["y"]
