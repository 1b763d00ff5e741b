"""Outputs of long recordings: in pieces they are those of the whole, and memory does not grow with a recording."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.transcribe import learner
from rnncli.tasks.transcribe.learner import outputs_of
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.whole_sequences import Windows

LONG = np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32)


def network(*, both: bool) -> Network:
    made = Network(
        NetworkShape(
            cell="gru",
            input_size=3,
            hidden_size=4,
            num_layers=2,
            output_size=5,
            token_input=False,
            activation="tanh",
            dropout=0.0,
            bidirectional=both,
        )
    )
    made.initialise("orthogonal", 1.0, 1, None)
    return made


@pytest.mark.parametrize("both", [False, True])
def test_pieces_answer_as_the_whole(both: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net, pool = network(both=both), ThreadPool(1)
    (whole,) = outputs_of(net, [LONG], pool)
    monkeypatch.setattr(learner, "LONG", 1000)
    monkeypatch.setattr(learner, "PIECE", 500)
    pieces, beside = outputs_of(net, [LONG, LONG[:20]], pool)
    assert np.abs(pieces - whole).max() <= (1e-5 if both else 0.0)
    assert np.array_equal(beside, outputs_of(net, [LONG[:20]], pool)[0])


def test_fewer_at_once_answer_alike_in_less_room(monkeypatch: pytest.MonkeyPatch) -> None:
    net, pool, steps = network(both=True), ThreadPool(1), []
    filled = Windows.filled
    monkeypatch.setattr(
        Windows,
        "filled",
        lambda self, inputs, *rest, **named: (
            steps.append(len(inputs) * max(map(len, inputs))) or filled(self, inputs, *rest, **named)
        ),
    )
    monkeypatch.setattr(learner, "LONG", 1000)
    monkeypatch.setattr(learner, "PIECE", 200)
    (wide,) = outputs_of(net, [LONG], pool)
    monkeypatch.setattr(learner, "_TOGETHER", 2000)
    wider, steps[:] = max(steps), []
    (narrow,) = outputs_of(net, [LONG], pool)
    assert np.array_equal(wide, narrow)
    assert max(steps) <= 2000 < wider <= 1 << 13
