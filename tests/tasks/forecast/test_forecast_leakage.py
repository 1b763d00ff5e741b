"""Nothing that comes after a cutoff reaches a forecast made there, nor what was learnt before it."""

import itertools

import numpy as np
import pytest
from experiments import csv, trained, trainee_of

from rnncli.data.numeric import SCALERS
from rnncli.tasks.forecast.baselines import CORRECTABLE
from rnncli.tasks.forecast.windows import TRANSFORMS

ROWS, CUT, CONTEXT, HORIZON, SEASON = 50, 35, 8, 4, 4
RANDOM = np.random.default_rng(0)
COLUMNS = {
    "y": 20 + 3 * np.sin(np.arange(2 * ROWS) * 2 * np.pi / SEASON) + RANDOM.normal(0, 1, 2 * ROWS),
    "x": RANDOM.normal(0, 1, 2 * ROWS),
    "k": RANDOM.normal(0, 1, 2 * ROWS),
    "g": np.repeat([1.0, 5.0], ROWS),
}
LATER = np.arange(2 * ROWS) % ROWS >= CUT
ORIGINS = np.array([CUT, ROWS + CUT])
GAPS = [5, 6, 15, 25, CUT + 5, ROWS + 20, ROWS + 30]  # the rows before a cutoff are there
OPTIONS = {
    "scaling": [*SCALERS, "last-value", "none"],
    "residual": ["none", *CORRECTABLE],
    "transform": list(TRANSFORMS),
    "decoder": ["direct", "segments", "recursive"],
    "covariates": ["none", "past", "known", "static", "all"],
    "missing": ["refuse", "ffill", "interpolate", "mask"],
    "loss": ["mae", "student-t"],
}
ROLES = {"past": {"past_covariates": ["x"]}, "known": {"known_covariates": ["k"]}, "static": {"static": ["g"]}}
ROLES |= {"none": {}, "all": ROLES["past"] | ROLES["known"] | ROLES["static"]}


def covering():
    """Combinations in which every two values of any two options meet."""
    names, random = list(OPTIONS), np.random.default_rng(1)
    wanted = {(a, va, b, vb) for a, b in itertools.combinations(names, 2) for va in OPTIONS[a] for vb in OPTIONS[b]}
    chosen = []
    grown_step_by_step = ("residual", "seasonal-growth", "decoder", "recursive")  # which no network corrects
    wanted.remove(grown_step_by_step)
    while wanted:
        drawn = [{name: str(random.choice(values)) for name, values in OPTIONS.items()} for _ in range(60)]
        drawn = [one for one in drawn if (one["residual"], one["decoder"]) != grown_step_by_step[1::2]]
        pairs = [{(a, one[a], b, one[b]) for a, b in itertools.combinations(names, 2)} & wanted for one in drawn]
        best = max(range(len(drawn)), key=lambda i: len(pairs[i]))
        if pairs[best]:
            chosen.append(drawn[best])
            wanted -= pairs[best]
    return chosen


CASES = covering()
each_case = pytest.mark.parametrize("case", CASES, ids=["-".join(case.values()) for case in CASES])


def made(case, columns, gaps=GAPS):
    columns = {"id": ["a"] * ROWS + ["b"] * ROWS, **{name: column.copy() for name, column in columns.items()}}
    if case["missing"] != "refuse":
        columns["y"][gaps] = np.nan
    decoder = case["decoder"]
    return trainee_of(
        csv(**columns),
        {"loss": case["loss"], "batch_size": 8, "seeds": 1},
        {"decoder": decoder} | ({"segment": 2} if decoder == "segments" else {}),
        target="y",
        id="id",
        context=CONTEXT,
        horizon=HORIZON,
        season=SEASON,
        validation=ROWS - CUT,
        scaling=case["scaling"],
        residual=case["residual"],
        transform=case["transform"],
        missing=case["missing"],
        **ROLES[case["covariates"]],
    )


def said(experiment, origins=ORIGINS):
    """All that is forecast from the cutoffs, by name."""
    tester = experiment.tester()
    quantiles = experiment.members.quantiles(tester.past(origins, 1).features, (0.1, 0.9), seed=1)
    return {**tester.run(origins).forecasts, "quantiles": quantiles}


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


@each_case
def test_what_comes_later_changes_nothing_and_what_came_before_does(case):
    before = trained(made(case, COLUMNS))
    forecasts = said(before)
    assert all(np.isfinite(values).all() for values in forecasts.values() if values is not None)

    after = {
        **COLUMNS,
        "y": np.where(LATER, RANDOM.uniform(1, 1e4, 2 * ROWS), COLUMNS["y"]),
        "x": np.where(LATER, 1e3, COLUMNS["x"]),
    }
    other = trained(made(case, after, [*GAPS, CUT, CUT + 2, ROWS + CUT + 1]))
    assert other.config == before.config
    assert other.fitted.to_header() == before.fitted.to_header()
    assert np.array_equal(other.learner.train, before.learner.train)
    assert np.array_equal(other.network.parameters.weights, before.network.parameters.weights)
    assert same(said(other), forecasts)
    assert other.learner.validate() != before.learner.validate()

    known = {**COLUMNS, "k": np.where(LATER, COLUMNS["k"] + 1, COLUMNS["k"])}
    told = trained(made(case, known))
    assert np.array_equal(told.network.parameters.weights, before.network.parameters.weights)
    assert told.fitted.to_header() == before.fitted.to_header()
    heard = not np.array_equal(said(told)["network"], forecasts["network"])
    assert heard == (case["covariates"] in ("known", "all"))

    for name in ["y"] + (["x"] if case["covariates"] in ("past", "all") else []):
        moved = before.tester()
        column = moved.features.values if name == "y" else moved.features.past
        kept = column[ORIGINS - 1].copy()
        column[ORIGINS - 1] += 0.5
        assert not np.array_equal(said(before)["network"], forecasts["network"])
        column[ORIGINS - 1] = kept
    assert same(said(before), forecasts)


@pytest.mark.parametrize("decoder", OPTIONS["decoder"])
@pytest.mark.parametrize("missing", ["ffill", "interpolate", "mask", "zero"])
@pytest.mark.parametrize("column", ["y", "x"])
def test_what_fills_a_gap_before_a_cutoff_does_not_come_from_behind_it(decoder, missing, column):
    """The last row before the cutoff has a gap, in the target or in a covariate of the past."""
    case = {
        "scaling": "none",
        "residual": "last-value",
        "transform": "none",
        "decoder": decoder,
        "loss": "mae",
        "covariates": "past",
        "missing": missing,
    }
    experiments = []
    for later in (0.0, 50.0):
        columns = {**COLUMNS, column: COLUMNS[column] + np.where(LATER, later, 0.0)}
        columns[column][ORIGINS - 1] = np.nan
        experiments.append(trained(made(case, columns, [])))
    before, after = experiments
    assert after.fitted.to_header() == before.fitted.to_header()
    assert np.array_equal(after.network.parameters.weights, before.network.parameters.weights)
    fit = np.isin(ORIGINS, before.splits.origins(before.members.widest, 1, missing))
    assert same(said(after, ORIGINS[fit]), said(before, ORIGINS[fit])) if fit.any() else missing != "mask"


@pytest.mark.parametrize("loss", ["mae", "gaussian"])
def test_intervals_and_who_is_preferred_come_from_validation_alone(loss):
    """What the test part holds changes its score and nothing of the model file."""
    headers, scores = [], []
    for later in (0.0, 300.0):
        y = COLUMNS["y"] + np.where(np.arange(2 * ROWS) % ROWS >= 42, later, 0.0)
        content = csv(id=["a"] * ROWS + ["b"] * ROWS, y=y)
        made = trained(
            trainee_of(
                content,
                {"loss": loss},
                target="y",
                id="id",
                context=CONTEXT,
                horizon=HORIZON,
                season=SEASON,
                validation=ROWS - 30 - 8,
                test=8,
            )
        )
        scores.append(made.score())
        headers.append((made.header()["validated"], made.fitted.to_header()))
    assert headers[0] == headers[1]
    assert headers[0][0]["calibrations"]["network"]["errors"]
    assert scores[0].network != scores[1].network
