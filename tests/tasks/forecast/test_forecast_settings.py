"""What a forecast's config must not ask for, and what it leaves open."""

import numpy as np
import pytest
from experiments import csv, trainee_of

from rnncli.errors import ConfigError

Y = 30 + np.random.default_rng(0).normal(0, 1, 60)
SIZES = {"context": 8, "horizon": 3, "season": 4}


@pytest.mark.parametrize(
    ("training", "model", "data", "why"),
    [
        ({}, {"decoder": "recursive"}, {"residual": "seasonal-growth"}, "cannot correct step by step"),
        ({"with_baseline": True}, {}, {"residual": "none"}, "there is no baseline"),
        ({"seed": 2**63 - 1, "seeds": 2}, {}, {}, "too large for training.seeds"),
    ],
)
def test_what_does_not_go_together_is_refused(training, model, data, why):
    with pytest.raises(ConfigError, match=why):
        trainee_of(csv(y=Y), training, model, **SIZES, **data)


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_gradients_flow_through_all_that_is_read_unless_told_otherwise(decoder):
    made = trainee_of(csv(y=Y, k=Y), {}, {"decoder": decoder}, **SIZES, target="y", known_covariates=["k"])
    its = made.members.first.decoder
    assert its.bptt == its.T == (11 if decoder == "direct" else 10)
