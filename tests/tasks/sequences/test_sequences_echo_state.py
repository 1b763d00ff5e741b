"""Echo state networks: answers to what is left out, by refitting; independence of each answer; gaps; large data."""

import json

import numpy as np
import pytest

from rnncli.notes import noting
from rnncli.tasks.sequences import echo_state
from rnncli.tasks.sequences.echo_state import EchoState

RANDOM = np.random.default_rng(5)


def refitted(features, y, penalty, left_out):
    """The answers (L,) to one example by a ridge regression with an intercept, on all the others."""
    kept = np.arange(len(y)) != left_out
    x, targets = features[kept], y[kept]
    centre, mean = x.mean(axis=0), targets.mean(axis=0)
    normal = (x - centre).T @ (x - centre) + penalty * np.eye(x.shape[1])
    return (features[left_out] - centre) @ np.linalg.solve(normal, (x - centre).T @ (targets - mean)) + mean


def test_what_is_left_out_is_missed_by_as_much_as_a_new_fit_misses_it():
    features, y, penalty = RANDOM.normal(size=(9, 4)), RANDOM.normal(size=(9, 2)), 0.7
    centred = features - features.mean(axis=0)
    _, missed = echo_state._ridge(centred @ centred.T, penalty, np.ascontiguousarray((y - y.mean(axis=0)).T))
    for n in range(9):
        assert y[n] - missed[:, n] == pytest.approx(refitted(features, y, penalty, n))


def sequences(N=12):
    return [RANDOM.normal(size=(RANDOM.integers(1, 15), 2)).cumsum(axis=0) for _ in range(N)]


def test_the_penalty_is_the_best_of_those_tried():
    features, y = RANDOM.normal(size=(30, 10)), RANDOM.normal(size=(1, 30))
    centred = features - features.mean(axis=0)
    y = (y + centred[:, 0]) - (y + centred[:, 0]).mean()
    _, missed = echo_state._best_ridge(centred @ centred.T / 10, y)
    every = [echo_state._ridge(centred @ centred.T / 10, penalty, y)[1] for penalty in echo_state._PENALTIES]
    assert (missed**2).sum() == min((one**2).sum() for one in every)


def test_an_answer_depends_on_its_sequence_alone(monkeypatch):
    monkeypatch.setattr(echo_state, "_AT_ONCE", 3)
    known, unseen = sequences(), sequences(5)
    model = EchoState.of(known, RANDOM.normal(size=(12, 3)))
    together = model.answers(unseen)
    assert together.tobytes() == np.concatenate([model.answers([one]) for one in unseen]).tobytes()


def test_a_model_file_has_all_that_answers():
    known, targets = sequences(), RANDOM.normal(size=(12, 2))
    model = EchoState.of(known, targets)
    again = EchoState.from_header(json.loads(json.dumps(model.to_header())))
    assert again.answers(known).tobytes() == model.answers(known).tobytes()
    assert again.left_out is None
    assert again.answers_left_out(known, targets).tobytes() == model.left_out.tobytes()


def test_inputs_are_values_and_differences_in_units_of_the_training_split():
    inputs = echo_state._Inputs.of([np.array([[1.0], [2.0], [6.0]]), np.array([[3.0]])], by_series=False)
    steps, starts = inputs([np.array([[1.0], [np.nan], [5.0]])])
    assert starts.tolist() == [0, 3]
    centre, spread, change = 3.0, np.std([1, 2, 6, 3]), np.sqrt((1 + 16) / 4)
    wanted = [[(1 - centre) / spread, 0], [0, 2 / change], [(5 - centre) / spread, 2 / change]]
    assert steps == pytest.approx(np.array(wanted))


def shapes(scaled):
    """Thirty waves of two shapes; each has a size and a level of its own unless they are all scaled alike."""
    t, made = np.arange(40) / 3, []
    for k in range(30):
        wave = (np.sin(t), np.sign(np.sin(t)))[k % 2] + 0.3 * RANDOM.normal(size=40)
        made.append((wave if scaled else 10 ** RANDOM.uniform(-2, 2) * wave + RANDOM.normal(0, 100))[:, None])
    return made, np.eye(2)[np.arange(30) % 2]


def test_series_of_many_sizes_are_scaled_each_by_itself_where_that_answers_better():
    mixed, targets = shapes(scaled=False)
    model, alike = EchoState.of(mixed, targets), EchoState.of(mixed, targets, by_series=False)
    assert (model.inputs.by_series, alike.inputs.by_series) == (True, False)
    assert model.error < 0.5 * alike.error
    new = [100 * one - 7 for one in mixed]
    assert model.answers(new) == pytest.approx(model.answers(mixed), abs=1e-3)
    again = EchoState.from_header(json.loads(json.dumps(model.to_header())))
    assert again.answers(mixed).tobytes() == model.answers(mixed).tobytes()


def test_series_that_were_scaled_before_are_not_fitted_twice(monkeypatch):
    mixed, targets = shapes(scaled=False)
    alike = [np.round((one - one.mean()) / one.std(), 3) for one in mixed]
    ways, fitted = [], EchoState._best
    monkeypatch.setattr(EchoState, "_best", lambda *given: ways.append(given[-1]) or fitted(*given))
    for series, wanted in ((mixed, [False, True]), (alike, [False])):
        EchoState.of(series, targets)
        assert ways == wanted
        ways.clear()


def test_series_stay_scaled_together_where_the_level_tells_or_steps_are_few():
    levels = [RANDOM.normal(k % 2, 0.3, (20, 1)) for k in range(30)]
    targets = np.eye(2)[np.arange(30) % 2]
    assert not EchoState.of(levels, targets).inputs.by_series
    mixed, targets = shapes(scaled=False)
    assert not EchoState.of([*mixed[:29], mixed[29][:7]], targets).inputs.by_series


@pytest.mark.parametrize(("limit", "value"), [("MOST", 8), ("_WORK", 8 * 4 * (8 + 2))])
def test_too_many_sequences_are_learnt_from_a_sample_and_answered_all(limit, value, monkeypatch):
    monkeypatch.setattr(echo_state, limit, value)
    known, told = [RANDOM.normal(size=(4, 2)) for _ in range(20)], []
    targets = np.array([[float(k % 2)] for k in range(20)])
    with noting(told.append):
        model = EchoState.of(known, targets)
    assert told == [
        "the echo state network, a baseline, learns from 8 of 20 examples, to save time",
    ]
    same = (model.left_out == model.answers(known)).all(axis=1)
    assert same.sum() == 12
