"""What reaches a network and what is read of it, element by element; gradients of every decoder with every loss."""

import math
from dataclasses import replace

import numpy as np
import pytest
from forecasts import member_of, panel_features
from windows import central_differences, error

from rnncli.tasks.forecast.baselines import last_value, seasonal_naive
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.decoders import Direct, Segments, Sizes
from rnncli.tasks.forecast.learner import WindowLearner
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.losses import LEVELS
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Windowing
from rnncli.training.backpropagation import ThreadPool

CONTEXT, HORIZON, SEASON, SEGMENT, C = 4, 3, 2, 2, 2
POOL = ThreadPool(1)
ORIGINS = np.array([5, 12, 21, 28])  # two of each series of 16 rows
BESIDE = {"past": 1, "known_covariates": 2, "static": 2}
DECODERS = {
    "direct": (Direct, {}),
    "direct with past and static": (Direct, {"past": 1, "static": 2, "masked": True}),
    "direct reading on": (Direct, {**BESIDE, "masked": True}),
    "segments": (Segments, {}),
    "segments with everything": (Segments, {**BESIDE, "masked": True, "channels": 2}),
    "recursive of values": (Recursive, {"lag": 0}),
    "recursive of steps": (Recursive, {"lag": 1}),
    "recursive of seasons": (Recursive, {"lag": SEASON}),
    "recursive with everything": (Recursive, {**BESIDE, "masked": True, "lag": SEASON}),
}
each_decoder = pytest.mark.parametrize("name", DECODERS)


def model(kind):
    return ForecastModelConfig(
        cell="gru", hidden_size=3, num_layers=1, dropout=0.0, segment=SEGMENT if kind is Segments else None
    )


def windowing(scaling="none", baseline=last_value):
    """Unless it says otherwise, values as they are."""
    return Windowing(CONTEXT, HORIZON, SEASON, scaling, baseline, (np.zeros((2, C)), np.ones((2, C))))


def learner(name, loss="mse", how=None, bptt=None, features=None, batch=4):
    kind, changes = DECODERS[name]
    sizes = Sizes(CONTEXT, HORIZON, C, **changes, parameters=FORECAST_LOSSES[loss].parameters)
    beside = {key: value for key, value in changes.items() if key in BESIDE}
    made = features or panel_features(np.random.default_rng(2), gaps=sizes.masked, **beside)
    how = how or windowing()
    return WindowLearner(
        member_of(kind, model(kind), sizes, how, POOL, loss, bptt=bptt),
        made,
        ORIGINS,
        ORIGINS,
        batch_size=batch,
        seed=1,
        masks=sizes.masked,
    )


def prepared(made, draw=None):
    """A window to run of all origins, its frame, and the targets."""
    frame, targets, _ = made.examples(ORIGINS)
    return made.decoder.prepared(frame, made.backpropagation, draw), frame, targets


def row(made, r, origin, *, ahead_of=None):
    """One row as it is read: values, which are known, past, ahead (of another row, if one is given), static."""
    f, sizes = made.features, made.decoder.sizes
    last = min(r, origin - 1)  # covariates of the past are known up to there
    known = f.known[r].astype(float) if sizes.masked else []
    ahead = f.known_covariates[r if ahead_of is None else ahead_of]
    return np.concatenate([f.values[r], known, f.past[last], ahead, f.static[f.series[origin - 1]]])


@pytest.mark.parametrize("name", [name for name, (kind, _) in DECODERS.items() if kind is Direct])
def test_a_direct_network_reads_the_context_and_on_through_what_is_known_beforehand(name):
    made = learner(name)
    work, _, targets = prepared(made)
    sizes = made.decoder.sizes
    for b, origin in enumerate(ORIGINS):
        steps = [row(made, origin + k, origin) for k in range(-CONTEXT, 0)]
        if sizes.known_covariates:
            steps = [np.append(step, 0) for step in steps]
            for k in range(HORIZON):
                nothing = np.zeros(2 * C + sizes.past)
                steps.append(
                    np.concatenate([nothing, made.features.known_covariates[origin + k], steps[0][-3:-1], [1]])
                )
        assert np.array_equal(work.x[:, b], np.stack(steps))
        future = made.features.values[origin : origin + HORIZON] - made.features.values[origin - 1]
        known = made.features.known[origin : origin + HORIZON]
        wanted = np.where(known, future, np.nan)
        got = targets[:, b] if sizes.known_covariates else targets[0, b].reshape(HORIZON, C)
        assert np.array_equal(got, wanted, equal_nan=True)
    assert work.head_from == (CONTEXT if sizes.known_covariates else CONTEXT - 1)
    assert len(work.outputs) == (HORIZON if sizes.known_covariates else 1)


@pytest.mark.parametrize("name", [name for name, (kind, _) in DECODERS.items() if kind is Segments])
def test_a_segment_network_reads_whole_segments_and_what_is_known_of_those_ahead(name):
    made = learner(name)
    work, _, targets = prepared(made)
    sizes, M = made.decoder.sizes, -(-HORIZON // SEGMENT)
    assert work.x.shape[0] == CONTEXT // SEGMENT
    for b, origin in enumerate(ORIGINS):
        for s in range(CONTEXT // SEGMENT):
            first = origin - CONTEXT + s * SEGMENT
            assert np.array_equal(work.x[s, b], np.concatenate([row(made, first + i, origin) for i in range(SEGMENT)]))
        if sizes.known_covariates:
            rows = [made.features.known_covariates[origin + k] for k in range(HORIZON)] + [
                np.zeros(sizes.known_covariates)
            ]
            assert np.array_equal(
                work.known_covariates[b].ravel(), np.concatenate(rows)
            )  # 4 rows in 2 segments, the last unasked
            assert work.channels.reshape(-1, M)[b].tolist() == [made.features.series[origin - 1]] * M
        future = made.features.values[origin : origin + HORIZON] - made.features.values[origin - 1]
        wanted = np.where(made.features.known[origin : origin + HORIZON], future, np.nan)
        padded = np.concatenate([wanted, np.full((1, C), np.nan)])
        assert np.array_equal(targets[0, b], padded.ravel(), equal_nan=True)


@pytest.mark.parametrize("name", [name for name, (kind, _) in DECODERS.items() if kind is Recursive])
def test_a_recursive_network_is_taught_each_next_row_from_what_came_before(name):
    made = learner(name)
    work, _, targets = prepared(made)
    f, lag = made.features, made.decoder.sizes.lag
    assert len(work.x) == CONTEXT + HORIZON - 1
    assert targets.shape == work.outputs.shape == (HORIZON, len(ORIGINS), C)  # every step ahead has its loss
    for b, origin in enumerate(ORIGINS):
        for t in range(CONTEXT + HORIZON - 1):
            r = origin - CONTEXT + t
            assert work.x[t, b] == pytest.approx(row(made, r, origin, ahead_of=r + 1), abs=1e-12)
        for k in range(HORIZON):
            base = f.values[origin + k - lag] if lag else 0.0
            wanted = np.where(f.known[origin + k], f.values[origin + k] - base, np.nan)
            assert targets[k, b] == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_a_recursive_network_of_a_season_beyond_its_context_corrects_the_last_value():
    """As seasonal naive does."""
    member = member_of(
        Recursive,
        model(Recursive),
        Sizes(CONTEXT, HORIZON, C, lag=CONTEXT + 3),
        replace(windowing(baseline=seasonal_naive), season=CONTEXT + 3),
        POOL,
    )
    member.network.parameters.weights[...] = 0
    member.network.pack()
    features = panel_features(np.random.default_rng(2))
    made = WindowLearner(member, features, ORIGINS, ORIGINS, batch_size=4, seed=1)
    _, targets, _ = made.examples(ORIGINS)
    for b, origin in enumerate(ORIGINS):
        steps = features.values[origin : origin + HORIZON] - features.values[origin - 1 : origin + HORIZON - 1]
        assert targets[:, b] == pytest.approx(steps, abs=1e-12)
    said = member.point(member.windowing.contexts(features, ORIGINS))
    assert np.array_equal(said, np.repeat(features.values[None, ORIGINS - 1], HORIZON, axis=0))


@each_decoder
@pytest.mark.parametrize("loss", ["mse", "student-t"])
def test_reading_is_the_inverse_of_arranging(name, loss):
    """With several parameters those of a value lie together, as the losses want them."""
    decoder, P = learner(name, loss).decoder, FORECAST_LOSSES[loss].parameters
    values = np.random.default_rng(0).normal(0, 1, (HORIZON, 5, C, P))
    arranged = [decoder.arranged(values[..., p]) for p in range(P)]
    outputs = np.stack(arranged, axis=-1).reshape(*arranged[0].shape[:2], -1)
    assert np.array_equal(decoder.read(outputs), values)


# Gradients.


def naive_loss(loss, p, y, scale):
    """Of one value, from the textbook's density."""

    def softplus(x):
        return math.log1p(math.exp(x))

    if loss in ("mae", "mse"):
        return abs(p[0] - y) if loss == "mae" else (p[0] - y) ** 2
    if loss == "quantile":
        return np.mean([2 * max(q * (y - f), (q - 1) * (y - f)) for q, f in zip(LEVELS, p, strict=True)])
    if loss == "negative-binomial":
        mean, alpha = scale * (softplus(p[0]) + 1e-6), softplus(p[1]) / math.sqrt(scale) + 1e-6
        r = 1 / alpha
        chance = math.lgamma(y + r) - math.lgamma(y + 1) - math.lgamma(r)
        return -(chance + r * math.log(r / (r + mean)) + y * math.log(mean / (r + mean)))
    sigma = softplus(p[1]) + 1e-3
    z = (y - p[0]) / sigma
    if loss == "gaussian":
        return math.log(sigma) + z * z / 2 + math.log(2 * math.pi) / 2
    nu = 2 + softplus(p[2])
    density = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - math.log(math.pi * nu) / 2 - math.log(sigma)
    return -(density - (nu + 1) / 2 * math.log(1 + z * z / nu))


def counts_of(features):
    """The same with small counts for values."""
    return replace(features, values=np.floor(3 * np.abs(features.values)))


@pytest.mark.parametrize(
    ("name", "loss"),
    [  # counts correct nothing
        (name, loss)
        for name, (_, changes) in DECODERS.items()
        for loss in FORECAST_LOSSES
        if loss != "negative-binomial" or not changes.get("lag")
    ],
)
def test_the_gradient_is_that_of_the_mean_loss_over_known_values(name, loss):
    made, counts = learner(name, loss), loss == "negative-binomial"
    if counts:
        made.features = counts_of(made.features)
        made.windowing = replace(windowing("mean", None))
    frame, *_ = made.examples(ORIGINS)
    f, how = made.features, made.windowing
    actual = how.forecasts(frame, how.corrections(frame, how.futures(f.values, ORIGINS)))
    known = how.futures(f.known, ORIGINS)
    guess = np.zeros_like(actual) if counts else np.repeat(f.values[None, ORIGINS - 1], HORIZON, axis=0)
    if isinstance(made.decoder, Recursive):
        lag = made.decoder.sizes.lag
        rows = ORIGINS[None] + np.arange(HORIZON)[:, None] - lag
        guess = f.values[rows] if lag else np.zeros_like(actual)
    wanted = actual if counts else actual - guess

    def mean_loss():
        made.network.pack()
        p = made.decoder.parameters(frame, made.backpropagation)
        each = [naive_loss(loss, p[i], wanted[i], frame.scale[i[1:]]) for i in np.ndindex(wanted.shape) if known[i]]
        return float(np.mean(each))

    total, count = made.gradient(0)
    assert count == known.sum()
    assert total / count == pytest.approx(mean_loss(), rel=1e-10)
    weights = made.network.parameters.weights
    sample = np.random.default_rng(1).permutation(len(weights))[:14]
    got = made.network.parameters.gradient[sample].copy()

    slopes = np.zeros(len(sample))
    for n, i in enumerate(sample):
        slopes[n] = central_differences(weights[i : i + 1], mean_loss, 1e-4, fourth_order=True)[0]
    assert error(got, slopes) < 1e-6


@each_decoder
@pytest.mark.parametrize("loss", ["mae", "quantile", "student-t"])
def test_unknown_targets_have_no_influence(name, loss):
    """Whatever stands in for the last row ahead, which no network reads, neither loss nor gradient sees it."""
    kind, changes = DECODERS[name]
    if not changes.get("masked"):
        changes = {**changes, "masked": True}
    beside = {key: value for key, value in changes.items() if key in BESIDE}
    features = panel_features(np.random.default_rng(5), **beside)
    origins = ORIGINS[:1]
    last = origins + HORIZON - 1
    features.known[last, 1] = False
    sizes = Sizes(CONTEXT, HORIZON, C, **changes, parameters=FORECAST_LOSSES[loss].parameters)
    found = []
    for value in (0.0, 1e8):
        values = features.values.copy()
        values[last, 1] = value
        member = member_of(kind, model(kind), sizes, windowing("standard"), POOL, loss)
        made = WindowLearner(
            member, replace(features, values=values), origins, origins, batch_size=1, seed=1, masks=True
        )
        found.append((made.gradient(0), made.validate(), made.network.parameters.gradient.copy()))
    (first, *other_first), (second, *other_second) = found
    assert first == second
    assert first[1] == HORIZON * C - 1
    assert other_first[0] == other_second[0]
    assert np.array_equal(other_first[1], other_second[1])
    assert other_first[1].any()


def test_a_window_without_a_known_target_is_not_trained_on():
    features = panel_features(np.random.default_rng(5))
    features.known[5:8] = False
    member = member_of(Direct, model(Direct), Sizes(CONTEXT, HORIZON, C, masked=True), windowing(), POOL)
    made = WindowLearner(member, features, ORIGINS, ORIGINS[:1], batch_size=1, seed=1, masks=True)
    assert made.train.tolist() == ORIGINS[1:].tolist()
    assert all(made.gradient(update)[1] > 0 for update in range(2 * made.updates_per_epoch))
    assert made.validate()[1] == 0


@pytest.mark.parametrize("name", ["direct reading on", "recursive of steps", "recursive with everything"])
@pytest.mark.parametrize("bptt", [1, 4, 5])
def test_steps_that_no_gradient_reaches_leave_the_loss_as_it_is(name, bptt):
    """Also where they are fewer than the rows ahead."""
    whole, cut = learner(name), learner(name, bptt=bptt)
    assert cut.gradient(0)[0] == pytest.approx(whole.gradient(0)[0], rel=1e-12)
    assert error(cut.network.parameters.gradient, whole.network.parameters.gradient) > 1e-4


def test_a_short_context_before_a_long_horizon_may_be_cut():
    sizes = Sizes(2, 6, 1, known_covariates=1)
    how = Windowing(2, 6, 1, "none", last_value, (np.zeros((1, 1)), np.ones((1, 1))))
    features = panel_features(np.random.default_rng(1), targets=1, known_covariates=1, series=1)
    losses = []
    for bptt in (1, None):
        member = member_of(Direct, model(Direct), sizes, how, POOL, bptt=bptt)
        made = WindowLearner(member, features, np.arange(2, 11), np.arange(0), batch_size=9, seed=1)
        losses.append(made.gradient(0)[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
