"""Jacobians of one step beside autograd and central differences; Lyapunov exponents and spectral radii beside known
matrices."""

import math

import naive
import numpy as np
import pytest
from extras import torch
from inspection import (
    POOL,
    RAGGED,
    B,
    H,
    T,
    changed,
    inspected,
    made,
    naive_jacobian,
    naive_states,
    passed_forward,
    sample_of,
    window,
)
from windows import VARIANTS, error

from rnncli.inspection import jacobians
from rnncli.inspection.jacobians import lyapunov, measure, spectral_radii, step_jacobians
from rnncli.kernels.cells import CELLS


def random_matrix(radius, size=6, seed=0):
    """Not normal, of this spectral radius."""
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    assert np.abs(matrix @ matrix.T - matrix.T @ matrix).max() > 1
    return radius * matrix / np.abs(np.linalg.eigvals(matrix)).max()


def leads_in_pair(matrix):
    values = np.linalg.eigvals(matrix)
    return abs(values[np.abs(values).argmax()].imag) > 1e-3


def linear(matrix, gates=1, cell="rnn"):
    """A network whose gates all have the recurrent matrix U (H, H) of h_t = U·h_{t−1}."""
    network = made(cell, "identity" if cell == "rnn" else "tanh", hidden_size=len(matrix))
    return changed(network, rnn__weight_hh_l0=lambda _: np.concatenate([matrix.T] * gates, axis=1))


def all_counted(sequences=B):
    return np.ones(sequences, bool)


@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_a_steps_jacobian_is_that_of_central_differences(cell, activation):
    network = made(cell, activation, scale=1.5)
    x, _ = window()
    (trace,) = passed_forward(network, x, RAGGED)
    for b, length in enumerate(RAGGED):
        states = naive_states(network, x, b, length)
        found = step_jacobians(trace, range(length), b)
        assert found.shape == (length, *[len(naive.STATES[cell]) * H] * 2)
        for t in range(length):
            assert error(found[t], naive_jacobian(network, x[t, b], states[t])) < 1e-8
    assert np.array_equal(step_jacobians(trace, [5, 2], 0), step_jacobians(trace, range(T), 0)[[5, 2]])


@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_singular_values_are_means_over_sequences_at_the_lag_of_their_own_end(cell, activation):
    network = made(cell, activation, scale=1.5)
    x, _ = window()
    counted = np.array([True, True, False, True])
    traces = passed_forward(network, x, RAGGED)
    (found,) = measure(traces, counted, POOL)
    assert found.sequences == 3
    wanted = {name: [[] for _ in range(T)] for name in ("norm", "smallest", "hidden_norm")}
    for b, length in enumerate(RAGGED):
        if counted[b]:
            states = naive_states(network, x, b, length)
            for k in range(length):
                J = naive_jacobian(network, x[length - 1 - k, b], states[length - 1 - k])
                wanted["norm"][k].append(np.linalg.norm(J, 2))
                wanted["smallest"][k].append(np.linalg.norm(J, -2))
                wanted["hidden_norm"][k].append(np.linalg.norm(J[:H, :H], 2))
    for name, by_lag in wanted.items():
        assert getattr(found, name) == pytest.approx([np.mean(some) for some in by_lag], rel=1e-7, abs=1e-9), name
    assert (found.norm == found.hidden_norm) == (naive.STATES[cell] == "h")
    assert min(a - b for a, b in zip(found.norm, found.smallest, strict=True)) > 0 or activation == "relu"


def test_singular_values_of_a_known_matrix():
    network = linear(np.diag([3.0, 2.0, 0.5, 0.25]))
    (found,) = measure(passed_forward(network, window()[0]), all_counted(), POOL)
    assert found.norm == pytest.approx([3.0] * T, rel=1e-12)
    assert found.smallest == pytest.approx([0.25] * T, rel=1e-12)
    assert found.lyapunov == pytest.approx(math.log(3), rel=1e-12)


def test_an_lstms_memory_keeps_what_its_forget_gate_lets_through():
    """With weights of zero, c_t = σ(b_f)·c_{t−1} + …, h_t = σ(0)·tanh(c_t), and nothing goes through h_{t−1}."""
    network = made("lstm")
    nothing = dict.fromkeys(("rnn__weight_ih_l0", "rnn__weight_hh_l0"), np.zeros_like)
    changed(network, **nothing, rnn__bias_ih_l0=lambda b: np.repeat([0, 2.0, 0, 0], H))
    (trace,) = passed_forward(network, window()[0])
    (J,) = step_jacobians(trace, [3], 0)
    forget = 1 / (1 + math.exp(-2))
    assert pytest.approx(forget * np.eye(H), rel=1e-12) == J[H:, H:]
    assert pytest.approx(forget / 2 * np.eye(H), rel=1e-12) == J[:H, H:]  # tanh' is 1 at c = 0
    assert not J[:, :H].any()
    (found,) = measure([trace], all_counted(), POOL)
    assert found.norm == pytest.approx([forget * math.sqrt(1.25)] * T, rel=1e-12)
    assert found.hidden_norm == (0.0,) * T
    assert found.lyapunov == pytest.approx(math.log(forget), rel=1e-12)


def test_where_time_is_short_fewer_sequences_and_then_fewer_steps_are_measured(monkeypatch):
    network = made("gru")
    traces = passed_forward(network, window()[0])
    (whole,) = measure(traces, all_counted(), POOL)
    first = all_counted() & [False, True, False, False]
    (second_alone,) = measure(traces, first, POOL)
    monkeypatch.setattr(jacobians, "_WORK", 2.5 * T * H**3)
    (two,) = measure(traces, all_counted(), POOL)
    assert (whole.sequences, two.sequences, second_alone.sequences) == (4, 2, 1)
    (first_alone,) = measure(traces, np.array([True, False, False, False]), POOL)
    halves = zip(first_alone.norm, second_alone.norm, strict=True)
    assert two.norm == pytest.approx([(a + b) / 2 for a, b in halves], rel=1e-12)
    assert two.lyapunov == pytest.approx((first_alone.lyapunov + second_alone.lyapunov) / 2, rel=1e-12)
    monkeypatch.setattr(jacobians, "_MOST", 3.5 * H**3)
    (last_steps,) = measure(traces, np.array([True, False, False, False]), POOL)
    assert last_steps.norm == (*first_alone.norm[:3], *[None] * (T - 3))


@pytest.mark.parametrize("steps", [1, 2, 5, 64])
@pytest.mark.parametrize("radius", [0.9, 1.9])
def test_a_linear_cells_exponent_is_the_logarithm_of_its_spectral_radius(radius, steps):
    in_pairs = 0
    for seed in range(12):
        matrix = random_matrix(radius, seed=seed)
        in_pairs += leads_in_pair(matrix)
        (found,) = measure(passed_forward(linear(matrix), window(steps)[0]), all_counted(), POOL)
        assert abs(found.lyapunov - math.log(radius)) < 1e-9
    assert 3 < in_pairs < 12


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 64])
def test_a_rotation_along_an_ellipse_neither_grows_nor_shrinks_whatever_the_window(steps):
    """A vector is five times as long every second step."""
    turn = np.array([[0.0, -5.0], [0.2, 0.0]])
    assert lyapunov(np.repeat(turn[None], steps, axis=0)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 5, 64])
@pytest.mark.parametrize("scale", [0.9, 1.9])
def test_a_scaled_orthogonal_matrix_has_the_exponent_of_its_scale(scale, steps):
    Q, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(H, H)))
    assert abs(lyapunov(np.repeat(scale * Q[None], steps, axis=0)) - math.log(scale)) < 1e-9
    (layer,) = inspected(linear(scale * Q), sample_of(linear(scale * Q), *window(steps))).layers
    assert abs(layer.jacobians.lyapunov - math.log(scale)) < 1e-9


@pytest.mark.parametrize("scale", [1e3, 1e-3])
def test_products_beyond_the_range_of_numbers_stay_exact(scale):
    matrix = random_matrix(scale)
    assert abs(lyapunov(np.repeat(matrix[None], 400, axis=0)) - math.log(scale)) < 1e-9


def test_steps_that_differ_multiply():
    """Diagonal ones: the exponent is the largest mean logarithm."""
    diagonals = np.random.default_rng(1).uniform(0.2, 3, (50, 4))
    steps = np.stack([np.diag(d) for d in diagonals])
    assert lyapunov(steps) == pytest.approx(np.log(diagonals).mean(axis=0).max(), rel=1e-12)


def test_the_order_of_steps_matters():
    """Forwards the second matrix takes what the first gives; backwards nothing comes through."""
    first, second = np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[0.0, 3.0], [0.0, 0.0]])
    third = np.array([[5.0, 0.0], [0.0, 0.0]])
    assert lyapunov(np.stack([first, second, third])) == pytest.approx(math.log(30) / 3, rel=1e-12)
    assert lyapunov(np.stack([third, second, first])) == -math.inf


@pytest.mark.parametrize("steps", [1, 2, 64])
def test_nothing_comes_through_a_matrix_of_zeros(steps):
    (found,) = measure(passed_forward(linear(np.zeros((H, H))), window(steps)[0]), all_counted(), POOL)
    assert found.lyapunov == -math.inf
    assert found.norm == (0.0,) * steps


def test_nothing_comes_through_units_that_are_dead():
    network = changed(made("rnn", "relu", scale=1.5), rnn__bias_ih_l0=lambda b: b - 100)
    (layer,) = inspected(network, sample_of(network, *window())).layers
    assert layer.jacobians.lyapunov == -math.inf
    assert (layer.jacobians.norm, layer.spectral_radius > 0) == ((0.0,) * T, True)


def test_a_mean_of_exponents_of_which_some_are_infinite():
    found = jacobians._Found(*[np.ones((2, 2))] * 3, np.array([-math.inf, 1.0]))
    assert found.means().lyapunov == -math.inf
    found.exponents[1] = math.inf
    assert found.means().lyapunov == math.inf


@pytest.mark.parametrize("cell", CELLS)
def test_weights_that_are_no_numbers_have_no_singular_values(cell):
    network = changed(made(cell), rnn__weight_hh_l0=lambda u: np.full_like(u, np.nan))
    traces = passed_forward(network, window()[0])
    (found,) = measure(traces, all_counted(), POOL)
    assert set(found.norm + found.smallest + found.hidden_norm) == {None}
    assert found.lyapunov == math.inf
    assert {radius for _, radius in spectral_radii(traces[0])} == {None}


@pytest.mark.parametrize(
    ("cell", "gates"),
    [
        ("rnn", ["hidden"]),
        ("gru", ["reset", "update", "candidate"]),
        ("lstm", ["input", "forget", "candidate", "output"]),
    ],
)
def test_spectral_radii_of_every_gate(cell, gates):
    network = made(cell, layers=2)
    radii = 0.5 + np.arange(len(gates))
    blocks = [random_matrix(radius, seed=3 + i) for i, radius in enumerate(radii)]
    network.parameters.load(network.parameters.export() | {"rnn.weight_hh_l1": np.concatenate(blocks)})
    network.pack()
    lower, upper = inspected(network, sample_of(network, *window())).layers
    assert [gate for gate, _ in upper.spectral_radius_by_gate] == gates
    assert [radius for _, radius in upper.spectral_radius_by_gate] == pytest.approx(radii, rel=1e-9)
    shown = "candidate" if cell != "rnn" else "hidden"
    assert upper.spectral_radius == dict(upper.spectral_radius_by_gate)[shown]
    assert lower.spectral_radius_by_gate != upper.spectral_radius_by_gate


@pytest.mark.parity
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_a_steps_jacobian_is_that_of_autograd(cell, activation, layers):
    from unrolled import Unrolled

    network = made(cell, activation, layers, scale=1.5)
    x, _ = window()
    traces = passed_forward(network, x, RAGGED)
    twin = Unrolled(torch, network.parameters)
    expected = {name: [[] for _ in range(T)] for name in ("norm", "smallest", "hidden_norm")}
    for b, length in enumerate(RAGGED):
        work = traces[-1].work
        below = traces[-2].work.h[1:, b] if layers > 1 else x[:, b]
        step = twin.cell(cell, activation, f"rnn.{{}}_l{layers - 1}")
        found = step_jacobians(traces[-1], range(length), b)
        for t in range(length):
            row = torch.from_numpy(below[t : t + 1])
            state = torch.from_numpy(np.concatenate([part[t, b] for part in work.states.values()]))

            def whole(s, row=row, step=step):
                return torch.cat(step(row, s[None].split(H, dim=1)), dim=1)[0]

            J = torch.autograd.functional.jacobian(whole, state).numpy()
            assert np.abs(found[t] - J).max() < 1e-9
            k = length - 1 - t
            expected["norm"][k].append(np.linalg.norm(J, 2))
            expected["smallest"][k].append(np.linalg.norm(J, -2))
            expected["hidden_norm"][k].append(np.linalg.norm(J[:H, :H], 2))
    got = measure(traces, all_counted(), POOL)[-1]
    for name, by_lag in expected.items():
        assert getattr(got, name) == pytest.approx([np.mean(some) for some in by_lag], rel=1e-9, abs=1e-12), name
