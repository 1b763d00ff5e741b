"""Forecasts that add up: MinT against the formula of its paper, and a hierarchy from its table to predicted rows."""

import re
from decimal import Decimal

import numpy as np
import pytest
from experiments import csv, reloaded, rows, shaken, trainee_of

from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.forecast import backtest
from rnncli.tasks.forecast.backtest import NETWORK, UNRECONCILED
from rnncli.tasks.forecast.calibration import calibrated
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.reconciliation import Reconciliation, by_series, by_window, cross_fitted, fitted, shrinkage
from rnncli.tasks.forecast.splits import TEST, VALIDATION
from rnncli.tasks.task import Asked

RANDOM = np.random.default_rng(5)
PARTS = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], np.float64)
TREE = Hierarchy(("total", "region", "shop"), np.array([0, 1, 1, 1, 2, 2, 2, 2, 2]), PARTS)
FREE = -np.inf


def correlated(*shape):
    """Errors (*shape, 9) of series whose sizes differ and that go together."""
    return RANDOM.normal(size=(*shape, 9)) @ RANDOM.normal(size=(9, 9)) * np.arange(1, 10)


def shrunk_by_loops(errors, independent):
    """The covariance W of errors (T, S) by the definitions of Schäfer and Strimmer, element by element."""
    T, S = errors.shape
    covariance = np.array([[sum(e[i] * e[j] for e in errors) / T for j in range(S)] for i in range(S)])
    size = np.sqrt(np.diag(covariance))
    above = below = 0.0
    for i in range(S):
        for j in range(S):
            if i != j:
                products = [e[i] * e[j] / size[i] / size[j] for e in errors]
                mean = sum(products) / T
                above += sum((one - mean) ** 2 for one in products) / T / (independent - 1)
                below += mean**2
    share = min(max(above / below, 0), 1)
    return share, share * np.diag(np.diag(covariance)) + (1 - share) * covariance


def mint_by_the_paper(W):
    """S·(S′·W⁻¹·S)⁻¹·S′·W⁻¹, equation 9 of Wickramasuriya, Athanasopoulos and Hyndman."""
    S, inverse = np.concatenate([PARTS, np.eye(5)]), np.linalg.inv(W)
    return S @ np.linalg.inv(S.T @ inverse @ S) @ S.T @ inverse


def test_mint_by_hand():
    """Errors alike and without a correlation: a gap of 1 between a sum and its two parts is shared by all three."""
    tree = Hierarchy(("total", "shop"), np.array([0, 1, 1]), np.ones((1, 2)))
    errors = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float).reshape(1, 4, 3, 1)
    made = fitted(errors, tree, FREE)(np.array([[10.0], [4.0], [5.0]]))
    assert made[:, 0] == pytest.approx([9 + 2 / 3, 4 + 1 / 3, 5 + 1 / 3])


@pytest.mark.parametrize(("steps", "origins"), [(1, 12), (3, 40), (4, 3)])
def test_mint_is_the_formula_of_its_paper(steps, origins):
    errors = correlated(steps, origins)[..., None]
    share, W = shrunk_by_loops(errors.reshape(-1, 9), origins)
    base = RANDOM.normal(50, 20, (7, 9, 1))
    made = fitted(errors, TREE, FREE)(base)
    assert made[..., 0] == pytest.approx(base[..., 0] @ mint_by_the_paper(W).T, rel=1e-9)
    flat = errors.reshape(-1, 9)
    assert shrinkage(flat / np.sqrt((flat**2).mean(axis=0)), origins) == pytest.approx(share, rel=1e-9)


def test_the_covariance_matters():
    """A sum that was forecast with little error moves its parts; one that was forecast badly does not."""
    base = np.concatenate([[[14.0]], [[14.0]], [[0.0]], [[0.0]], np.array([[1.0], [3.0], [0], [0], [0]])])
    size = np.ones(9)
    for total, wanted in ((1e-3, 14.0), (1e3, 4.0)):
        size[:2] = total
        errors = RANDOM.normal(size=(1, 4000, 9)) * size
        assert fitted(errors[..., None], TREE, FREE)(base)[0, 0] == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("gains", [None, RANDOM.normal(size=(2, 5, 4))])
def test_whatever_the_gains_rows_add_up_and_coherent_ones_stay(gains):
    reconcile = Reconciliation(TREE, gains)
    base = RANDOM.normal(size=(3, 4, 9, 2))
    made = reconcile(base)
    assert made[..., :4, :] == pytest.approx(np.einsum("mn,...nc->...mc", PARTS, made[..., 4:, :]))
    assert reconcile(made) == pytest.approx(made)
    if gains is None:
        assert np.array_equal(made[..., 4:, :], base[..., 4:, :])


def test_targets_have_gains_of_their_own():
    errors = np.stack([correlated(2, 30), correlated(2, 30)], axis=-1)
    base = RANDOM.normal(size=(9, 2))
    both = fitted(errors, TREE, FREE)(base)
    for c in (0, 1):
        assert both[:, c] == pytest.approx(fitted(errors[..., c : c + 1], TREE, FREE)(base[:, c : c + 1])[:, 0])


def test_what_cannot_be_negative_is_not_and_still_adds_up():
    made = Reconciliation(TREE, np.full((1, 5, 4), 0.1), 0.0)(np.arange(9.0)[:, None])
    assert made.min() == 0
    assert made[:4, 0] == pytest.approx(PARTS @ made[4:, 0])


def test_a_region_with_one_shop_and_a_series_without_errors_have_a_reconciliation():
    errors = correlated(1, 20)
    errors[..., 3] = errors[..., 8]  # the region of the shop alone
    errors[..., 5] = 0.0
    made = fitted(errors[..., None], TREE, FREE)(RANDOM.normal(size=(9, 1)))
    assert np.isfinite(made).all()
    assert made[3] == pytest.approx(made[8])


def test_errors_that_are_not_known_are_left_out():
    errors = correlated(2, 20)[..., None]
    errors[1, 4:, 2] = np.nan
    kept = np.concatenate([errors[0, :, :, 0], errors[1, :4, :, 0]])
    base = RANDOM.normal(size=(9, 1))
    _, W = shrunk_by_loops(kept, 20)
    assert fitted(errors, TREE, FREE)(base)[:, 0] == pytest.approx(mint_by_the_paper(W) @ base[:, 0], rel=1e-9)
    errors[:, 1:, 2] = np.nan
    assert fitted(errors, TREE, FREE).gains is None


@pytest.mark.parametrize(
    ("data", "training", "wanted"),
    [
        ({}, {}, -np.inf),
        ({"non_negative": True}, {}, 0),
        ({"transform": "sqrt"}, {}, 0),
        ({"transform": "log"}, {}, np.nextafter(0, 1)),
        ({"transform": "log", "non_negative": True}, {}, np.nextafter(0, 1)),
        ({}, {"loss": "negative-binomial"}, 0),
    ],
)
def test_the_lowest_value_of_a_forecast(data, training, wanted):
    whole = np.round(SOLD) if training else SOLD
    extra = {"residual": "none"} if training else {}
    assert made(table(whole), training, **data, **extra).reconciliation.least == wanted


def test_of_very_many_windows_whole_times_are_taken(monkeypatch):
    monkeypatch.setattr(backtest, "MOST_WINDOWS", 20)
    experiment = made()
    tested = experiment.tester().run(experiment.origins(VALIDATION))
    ends = experiment.splits.panel.starts[1:]
    assert (ends[:, None] - tested.origins.reshape(6, 3)).tolist() == [[25, 19, 13]] * 6


def test_each_origin_is_reconciled_by_the_errors_of_others():
    forecasts = RANDOM.normal(size=(2, 12, 9, 1))
    actual = forecasts + correlated(2, 12)[..., None]
    made = cross_fitted(forecasts, actual, TREE, FREE)
    changed = actual.copy()
    changed[:, 3:6] += 100  # the second of four folds
    again = cross_fitted(forecasts, changed, TREE, FREE)
    same = [bool(np.array_equal(made[:, t], again[:, t])) for t in range(12)]
    assert same == [False] * 3 + [True] * 3 + [False] * 6
    others = fitted(np.delete(actual - forecasts, [3, 4, 5], axis=1), TREE, FREE)
    assert made[:, 3:6] == pytest.approx(others(forecasts[:, 3:6]))


def test_windows_stand_series_by_series():
    windows = np.arange(2 * 12).reshape(2, 12, 1)
    assert by_series(windows, 4)[0, 1, :, 0].tolist() == [1, 4, 7, 10]
    assert np.array_equal(by_window(by_series(windows, 4)), windows)


# From the table to the rows.

SHOPS = {"A": "North", "B": "North", "C": "South"}
N = 60
DAYS = [str(day) for day in np.datetime64("2024-01-01") + np.arange(N + 10)]
SOLD = np.round(20 + 5 * np.sin(np.arange(N) * 2 * np.pi / 7)[:, None] + RANDOM.normal(0, 3, (N, 3)), 1)
SIZES = {"context": 8, "horizon": 3, "season": 7, "residual": "last-value", "validation": 15, "test": 10}


def table(sold=SOLD, begin=0, shops="ABC"):
    chosen = ["ABC".index(shop) for shop in shops]
    return csv(
        region=[SHOPS[shop] for shop in shops for _ in sold],
        shop=[shop for shop in shops for _ in sold],
        day=DAYS[begin : begin + len(sold)] * len(shops),
        y=np.concatenate([sold[:, c] for c in chosen]),
    )


def made(content=None, training=None, notes=None, **data):
    data = {"hierarchy": ["region", "shop"], "target": "y", **SIZES, **data}
    training = {"average": False, **(training or {})}
    return shaken(trainee_of(table() if content is None else content, training, notes=notes, **data), 1.0)


def scored(**changes):
    notes = []
    experiment = made(**changes)
    with noting(notes.append):
        score = experiment.score()
    return experiment, score, notes


def sums(predicted, shops="ABC"):
    """Assert that rows add up as they are written, digit by digit; return the number of rows."""
    cells = {(row["region"], row["shop"], row["day"]): Decimal(str(row["y"])) for row in predicted}
    for region, shop, day in cells:
        if shop == "total":
            parts = [cells[SHOPS[one], one, day] for one in shops if region in ("total", SHOPS[one])]
            assert cells[region, shop, day] == sum(parts)
    return len(cells)


@pytest.mark.parametrize("asked", ["mint", "bottom-up", None])
@pytest.mark.parametrize(("network", "average"), [(True, False), (False, False), (True, True)])
def test_rows_of_the_forecast_add_up_as_they_are_written(asked, network, average):
    experiment, _, _ = scored(reconcile=asked, training={"average": average})
    assert (experiment.validated.average is not None) == average
    model = reloaded(experiment)
    assert sums(rows(model, 7, (80,), network=network)) == 6 * 7  # beyond the horizon too
    if asked == "mint":
        assert model.learnt_reconciliation.gains.shape == (1, 3, 3)


def test_rows_add_up_where_series_are_written_with_more_digits_than_their_sums():
    experiment = made(table(SOLD * [0.001, 1, 1000]))
    predicted = rows(reloaded(experiment))
    assert sums(predicted) == 6 * 3
    assert max(len(str(row["y"]).partition(".")[2]) for row in predicted if row["shop"] == "total") >= 5


def test_mint_is_learnt_from_the_networks_errors_on_validation():
    """And applied alike in a backtest, in predict, and after a model file."""
    experiment, _, notes = scored(reconcile="mint")
    assert any(note.startswith("forecasts add up by data.reconcile mint, mean MASE") for note in notes)
    plain = made(reconcile="none")
    base, actual = (
        by_series(one, 6)
        for tested in [plain.tester().run(plain.origins(VALIDATION))]
        for one in (tested.forecasts[NETWORK], tested.actual)
    )
    wanted = fitted(actual - base, experiment.hierarchy, FREE)
    assert experiment.reconciliation.gains == pytest.approx(wanted.gains)
    tested = experiment.tester().run(experiment.origins(TEST))
    alone = plain.tester().run(plain.origins(TEST))
    assert np.array_equal(tested.forecasts[UNRECONCILED], alone.forecasts[NETWORK])
    assert by_series(tested.forecasts[NETWORK], 6) == pytest.approx(wanted(by_series(alone.forecasts[NETWORK], 6)))
    assert np.array_equal(tested.forecasts["last-value"], alone.forecasts["last-value"])
    point = reloaded(plain).forecasts(network=True).point
    assert reloaded(experiment).forecasts(network=True).point == pytest.approx(wanted(point))


def test_intervals_are_calibrated_on_errors_of_reconciled_forecasts():
    """Those that were not fitted to the errors that they are measured by."""
    experiment, _, _ = scored(reconcile="mint")
    plain = made(reconcile="none")
    tested = plain.tester().run(plain.origins(VALIDATION))
    base, actual = by_series(tested.forecasts[NETWORK], 6), by_series(tested.actual, 6)
    missed = by_window(actual - cross_fitted(base, actual, experiment.hierarchy, FREE))
    spread = plain.tester().outlook(tested.origins, plain.tester().horizon).spread
    wanted = calibrated(missed / spread, tested.together)
    assert experiment.validated.calibrations[NETWORK].errors == pytest.approx(wanted.errors)
    unreconciled = calibrated((tested.actual - tested.forecasts[NETWORK]) / spread, tested.together)
    assert np.abs(unreconciled.errors - wanted.errors).max() > 0.03


def test_what_is_better_on_validation_is_taken_and_few_origins_are_told():
    experiment, _, notes = scored()
    (told,) = [note for note in notes if note.startswith("forecasts add up by data.reconcile ")]
    chosen, *others = re.findall(r"(mint|bottom-up|unreconciled)(?:, mean MASE)? ([0-9.]+)", told)
    assert [name for name, _ in others] == [{"mint": "bottom-up", "bottom-up": "mint"}[chosen[0]], "unreconciled"]
    assert float(chosen[1]) <= float(others[0][1])
    assert (experiment.reconciliation.gains is not None) == (chosen[0] == "mint")
    few, _, notes = scored(validation=5, reconcile="mint")
    assert few.reconciliation.gains is None
    assert notes[0] == (
        "data.reconcile mint learns from 8 origins, and the validation split has 3, so bottom-up is taken; hold out "
        "more with data.validation"
    )
    without, _, notes = scored(validation=0, reconcile="mint")
    assert without.reconciliation.gains is None
    assert "sums are forecast bottom-up: no errors of validation are known, which data.reconcile mint needs" in notes


def test_each_level_is_scored_before_and_after():
    experiment, score, _ = scored(reconcile="mint")
    assert score.unit == "mean MASE of 6 series"
    assert score.baselines[0][0] == UNRECONCILED
    with noting([].append):
        report = experiment.evaluate({}).report
    assert [(one.level, one.series) for one in report.levels] == [("total", 1), ("region", 2), ("shop", 3)]
    for after, before in (("mase", NETWORK), ("unreconciled", UNRECONCILED)):
        mean = sum(getattr(one, after) * one.series for one in report.levels) / 6
        assert mean == pytest.approx(next(one.mase for one in report.forecasters if one.name == before))


def test_a_table_in_another_order_is_reconciled_alike_and_other_series_bottom_up():
    model = reloaded(scored(reconcile="mint")[0])

    def predicted(content):
        notes = []
        with noting(notes.append):
            model.read(Source("o.csv", content), model.data)
        got = {(row["region"], row["shop"], row["day"]): str(row["y"]) for row in rows(model, network=True)}
        return got, notes

    ordered, _ = predicted(table())
    turned, notes = predicted(table(shops="CBA"))
    assert turned == ordered
    assert notes == []
    few, notes = predicted(table(shops="AB"))
    assert notes == ["its series are not those of training, whose errors are known: sums are forecast bottom-up"]
    assert len(few) == 4 * 3
    assert predicted(table())[0] == ordered


def test_rows_that_go_on_are_appended_to_every_level():
    model = reloaded(scored(reconcile="mint")[0])
    more = np.round(RANDOM.normal(20, 3, (4, 3)), 1)
    whole = reloaded(scored(reconcile="mint")[0])
    notes = []
    with noting(notes.append):
        model.read(Source("m.csv", table(more, begin=N)), model.data)
        assert notes[-1].endswith("its 12 rows are appended")  # those of the file: sums are none
        whole.read(Source("w.csv", table(np.concatenate([SOLD, more]))), whole.data)
    assert model.forecasts().point == pytest.approx(whole.forecasts().point)
    for shops in ("AB", "BC"):
        with pytest.raises(DataError, match=r"l\.csv: has no rows of the series .*, which is in the sums; add them"):
            reloaded(scored()[0]).read(Source("l.csv", table(more, begin=N, shops=shops)), model.data)


def test_reconcile_needs_a_hierarchy():
    with pytest.raises(ConfigError, match=r"^data.reconcile: is for data.hierarchy; name the columns of one there, or"):
        made(hierarchy=None, id=["region", "shop"], reconcile="mint")


def test_gains_of_other_series_are_no_gains_of_a_model():
    reconciliation = Reconciliation(TREE, np.ones((1, 5, 4)))
    again = Reconciliation(TREE).restored(reconciliation.to_header())
    assert np.array_equal(again.gains, reconciliation.gains)
    with pytest.raises(ValueError, match="its gains are not of the hierarchy"):
        Reconciliation(TREE).restored({"gains": np.ones((1, 4, 5)).tolist()})


def test_draws_and_streams_are_refused():
    model = reloaded(scored(training={"loss": "gaussian"})[0])
    with pytest.raises(UsageError, match=r"--samples: draws of the levels of data.hierarchy would not add up"):
        model.forecasts(samples=3, network=True)
    with pytest.raises(UsageError, match="--follow: reads series row by row, and a sum needs the rows of all"):
        model.predict(Asked("-", {}, {"follow": True}))


def test_origins_are_those_that_all_series_have():
    text = table().decode().splitlines()
    begin = next(i for i, line in enumerate(text) if line.startswith("South,C"))
    kept = [*text[:begin], *text[begin + 45 :], ""]  # 15 of its 60 rows, of which 10 are for testing
    notes = []
    padded = made("\n".join(kept).encode())  # whose forecasts need one row before them
    ends = padded.splits.panel.starts[1:]
    assert (ends[:, None] - padded.origins(TEST).reshape(6, -1)).tolist() == [[10, 9, 8, 7, 6, 5, 4, 3]] * 6
    assert (ends[:, None] - padded.origins(VALIDATION).reshape(6, -1)).tolist() == [[14, 13]] * 6
    experiment = made("\n".join(kept).encode(), notes=notes, padding=False)
    assert "the validation split has no origin with 8 rows of every series before it" in notes
    origins = experiment.origins(TEST).reshape(6, -1)
    ends = experiment.splits.panel.starts[1:]
    assert (ends[:, None] - origins).tolist() == [[7, 6, 5, 4, 3]] * 6
    assert len(experiment.origins(VALIDATION)) == 0
