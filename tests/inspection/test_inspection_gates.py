"""What gates say, beside gates computed from the naive twin's states."""

import naive
import numpy as np
import pytest
from inspection import RAGGED, B, H, T, changed, inspected, made, naive_states, sample_of, window
from pairs import SPANS, Pairs
from pairs import small_shape as pair_shape
from windows import VARIANTS

from rnncli.training.backpropagation import Sample

FOUR = ["input", "forget", "candidate", "output"]
GATES = {"rnn": ["hidden"], "gru": ["reset", "update", "candidate"]} | dict.fromkeys(
    ("lstm", "peephole", "slstm", "rmslstm"), FOUR
)


def naive_gates(network, x, b, length):
    """(length, H) of each gate of the one layer, in the report's order; of an ungated cell h itself."""
    states = naive_states(network, x, b, length)
    kind, w = network.shape.cell, naive.layer_weights(network.parameters.export(), network.shape, 0)
    rows = []
    for t in range(length):
        h = states[t][0]
        a, q = x[t, b] @ w["w_ih"].T + w["b_ih"], h @ w["w_hh"].T + w["b_hh"]
        if kind == "rnn":
            rows.append([states[t + 1][0]])
        elif kind == "gru":
            (a_r, a_z, a_n), (q_r, q_z, q_n) = np.split(a, 3), np.split(q, 3)
            r = naive.sigmoid(a_r + q_r)
            rows.append([r, naive.sigmoid(a_z + q_z), np.tanh(a_n + r * q_n)])
        elif kind == "peephole":
            (i, f, g, o), (p_i, p_o, p_f) = np.split(a + q, 4), np.split(w["weight_ch"], 3)
            c, after = states[t][1], states[t + 1][1]
            gates = naive.sigmoid(i + p_i * c), naive.sigmoid(f + p_f * c), np.tanh(g), naive.sigmoid(o + p_o * after)
            rows.append([*gates])
        elif kind == "slstm":
            i, f, z, o = np.split(a + q, 4)
            m, after = states[t][3], states[t + 1][3]
            keeps = np.exp(np.log(naive.sigmoid(f)) + m - after) if t else np.zeros(H)
            rows.append([np.exp(i - after), keeps, np.tanh(z), naive.sigmoid(o)])
        else:
            i, f, g, o = naive.normed(a + q, w) if kind == "rmslstm" else np.split(a + q, 4)
            rows.append([naive.sigmoid(i), naive.sigmoid(f), np.tanh(g), naive.sigmoid(o)])
    return [np.stack(gate) for gate in zip(*rows, strict=True)]


@pytest.mark.parametrize("lengths", [None, RAGGED])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_means_and_ends_are_those_of_the_naive_gates(cell, activation, lengths):
    network = made(cell, activation, scale=1.5)
    changed(network, rnn__weight_ih_l0=lambda w: 6 * w)  # so that gates reach their ends
    if cell == "rmslstm":
        changed(network, rnn__weight_gain_l0=lambda p: p + 3)  # which their inputs alone do not bring about
    x, targets = window(sequences=B)
    second, _ = window(seed=8)
    batches = [(x, lengths), (second, None)]
    report = inspected(network, *[sample_of(network, inputs, targets, ends) for inputs, ends in batches])
    runs = [
        naive_gates(network, inputs, b, n)
        for inputs, ends in batches
        for b, n in enumerate([T] * B if ends is None else ends)
    ]
    assert [row.gate for row in report.gates] == GATES[cell]
    for g, row in enumerate(report.gates):
        values = np.concatenate([run[g] for run in runs])
        assert row.layer == "layer 0"
        assert row.mean == pytest.approx(values.mean(), rel=1e-12)
        if activation in ("relu", "identity"):
            assert (row.low, row.high) == (None, None)
        else:
            signed = row.gate == "candidate" or (cell == "rnn" and activation == "tanh")
            low = values < -0.95 if signed else values < 0.05
            high = values > 0.95
            assert (row.low, row.high) == pytest.approx((low.mean(), high.mean()), rel=1e-12)
            assert min(row.low, row.high) > 0
        assert row.dead_units == ((values == 0).all(axis=0).sum() if activation == "relu" else None)
        assert row.units == H


@pytest.mark.parametrize("lengths", [None, RAGGED])
def test_a_unit_is_dead_that_fires_in_no_step_of_any_batch(lengths):
    network = made("rnn", "relu", scale=0.01)
    nothing = np.zeros(H)
    nothing[:4] = [-100, -100, 0, 0]
    changed(network, rnn__bias_ih_l0=lambda b: nothing, rnn__weight_ih_l0=lambda w: np.abs(w) * [1, 1, 1, 1, 0, 0])
    changed(network, rnn__weight_hh_l0=lambda u: np.zeros_like(u))
    x, targets = window()
    x = -np.abs(x)
    (row,) = inspected(network, sample_of(network, x, targets, lengths)).gates
    assert row.dead_units == H  # nothing but zero and less arrives
    once = x.copy()
    once[0, 3] = 1e-3  # of the shortest sequence the only step, and faintly
    never, fired = (sample_of(network, inputs, targets, lengths) for inputs in (x, once))
    for order in ((never, fired), (fired, never)):
        (row,) = inspected(network, *order).gates
        assert row.dead_units == 4  # units 2 and 3 fire once
    beyond = x.copy()
    beyond[-1, 3] = 5.0  # where only the whole sequence still runs
    (row,) = inspected(network, sample_of(network, beyond, targets, lengths)).gates
    assert row.dead_units == (4 if lengths is None else H)


def test_every_layer_and_direction_speaks_for_itself():
    network = made("gru", layers=2, bidirectional=True, pooling="mean")
    x, targets = window()
    report = inspected(network, sample_of(network, x, targets[:1], RAGGED))
    names = ["layer 0", "layer 0 backward", "layer 1", "layer 1 backward"]
    assert [row.layer for row in report.gates] == [name for name in names for _ in range(3)]
    weights = network.parameters.export()
    backward = []
    for b, n in enumerate(RAGGED):
        h, w = np.zeros(H), naive.layer_weights(weights, network.shape, 0, "_reverse")
        for row in x[:n, b][::-1]:
            a, q = row @ w["w_ih"].T + w["b_ih"], h @ w["w_hh"].T + w["b_hh"]
            backward.append(naive.sigmoid(a + q)[H : 2 * H])
            (h,) = naive.gru(row, (h,), w)
    assert report.gates[4].gate == "update"
    assert report.gates[4].mean == pytest.approx(np.mean(backward), rel=1e-12)


def test_a_decoder_is_heard_up_to_the_end_of_each_target():
    pairs = Pairs(pair_shape("rnn", "dot"))
    pairs.model.pack()
    report = inspected(pairs.model, Sample(pairs.work, pairs.targets, pairs.count))
    assert [row.layer for row in report.gates] == ["encoder layer 0", "encoder layer 0 backward", "decoder layer 0"]
    h = pairs.work.decoder.layers[0].h[1:]
    wanted = np.concatenate([h[:span, b] for b, span in enumerate(SPANS)])
    assert report.gates[2].mean == pytest.approx(wanted.mean(), rel=1e-12)
    assert wanted.mean() != pytest.approx(h.mean(), rel=1e-3)
