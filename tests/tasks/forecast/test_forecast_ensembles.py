"""Several networks trained as one are the same networks trained alone."""

from dataclasses import replace

import numpy as np
import pytest
from forecasts import member_of, panel_features

from rnncli.kernels import jit
from rnncli.nn.ensemble import Ensemble
from rnncli.nn.segments import SegmentNetwork
from rnncli.tasks.forecast.baselines import last_value
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.decoders import Direct, Segments, Sizes
from rnncli.tasks.forecast.learner import WindowLearner
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Windowing
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import Plan
from rnncli.training.side_by_side import SideBySide

POOL = ThreadPool(1)
HORIZON, C = 4, 2
CONTEXTS, SCALINGS = (6, 8, 6), ("standard", "mean", "standard")
FEATURES = panel_features(np.random.default_rng(4), rows=40)
KINDS = {"direct": Direct, "segments": Segments, "recursive": Recursive}


def alone(kind, k, seed=5, valid=None):
    """Learner k of an ensemble, its weights not yet set."""
    how = Windowing(CONTEXTS[k], HORIZON, 2, SCALINGS[k], last_value, (np.zeros((2, C)), np.ones((2, C))))
    segment = 2 if kind == "segments" else None
    model = ForecastModelConfig(cell="gru", hidden_size=5, num_layers=2, segment=segment, dropout=0.2)
    member = member_of(KINDS[kind], model, Sizes(CONTEXTS[k], HORIZON, C), how, POOL, "mae", np.float32)
    train = np.concatenate([how.origins(0, 30), how.origins(40, 70, 40)])
    valid = np.concatenate([how.origins(30, 40), how.origins(70, 80, 40)]) if valid is None else valid
    return WindowLearner(member, FEATURES, train, valid, batch_size=8, seed=seed + k)


def joined(learners):
    return SideBySide(learners, Ensemble([learner.network for learner in learners]))


def together(kind, count=3):
    made = joined([alone(kind, k) for k in range(count)])
    made.network.initialise("orthogonal", 1.0, 5)
    shake(made.network)
    return made


def shake(network):
    """A head that says something, the same for every network."""
    for spec in network.parameters.declared:
        if spec.name.endswith("head.weight"):
            view = network.parameters.view(spec.name)
            view[...] = np.random.default_rng(view.size).normal(0, 0.3, view.shape)
    network.pack()


def trained(learner, updates, clip=None):
    optimizer = Optimizer("adam", learner.network, clip, POOL)
    for update in range(updates):
        learner.gradient(update)
        optimizer.update(1e-2, optimizer.gradient_norms())
    return learner


@pytest.mark.parametrize(("kind", "clip"), [*((kind, None) for kind in KINDS), ("direct", 0.05)])
def test_members_train_as_they_would_alone_with_seeds_that_follow(kind, clip):
    """Bit for bit, dropout, order of windows and clipping included."""
    whole, parts = together(kind), [alone(kind, k) for k in range(3)]
    for k, part in enumerate(parts):
        part.network.initialise("orthogonal", 1.0, 5 + k)
        shake(part.network)
    loss, count = whole.gradient(0)
    alone_said = [part.gradient(0) for part in parts]
    assert (loss, count) == (sum(loss for loss, _ in alone_said), sum(count for _, count in alone_said))
    gradients = [part.network.parameters.gradient for part in parts]
    assert np.array_equal(whole.network.parameters.gradient, np.concatenate(gradients))
    assert all(gradient.any() for gradient in gradients)
    first = [part.network.parameters.weights.copy() for part in parts]
    trained(whole, 7, clip)
    for part in parts:
        trained(part, 7, clip)
    weights = [part.network.parameters.weights for part in parts]
    assert np.array_equal(whole.network.parameters.weights, np.concatenate(weights))
    assert not any(np.array_equal(*pair) for pair in zip(first, weights, strict=True))
    for learner, part in zip(whole.learners, parts, strict=True):  # packed as well: they say the same
        assert learner.validate() == part.validate()
    assert whole.validate() == tuple(map(sum, zip(*(part.validate() for part in parts), strict=True)))


def test_each_member_is_clipped_by_the_norm_of_its_own_gradient():
    whole, parts = together("direct"), [alone("direct", k) for k in range(3)]
    norms = []
    for k, part in enumerate(parts):
        part.network.initialise("orthogonal", 1.0, 5 + k)
        shake(part.network)
        part.gradient(0)
        norms.append(np.linalg.norm(part.network.parameters.gradient))
    whole.gradient(0)
    optimizer = Optimizer("sgd", whole.network, min(norms) / 2, POOL)
    assert optimizer.gradient_norms() == pytest.approx(norms, rel=1e-5)
    before = whole.network.parameters.weights.copy()
    optimizer.update(1.0, optimizer.gradient_norms())
    moved = np.split(whole.network.parameters.weights - before, 3)
    assert [np.linalg.norm(part) for part in moved] == [pytest.approx(min(norms) / 2, rel=1e-3)] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_ensemble_ends_with_the_same_bytes(kind):
    def loop():
        made = together(kind)
        plan = Plan(updates=8, evaluations=2, learning_rate=1e-2, schedule="cosine", patience=None)
        return TrainingLoop(made, Optimizer("adam", made.network, 1.0, POOL), plan)

    straight, halted, resumed = loop(), loop(), loop()
    list(straight.run())
    list(halted.run(stop=lambda: halted.position.update == 3))
    arrays = {name: array.copy() for name, array in halted.arrays().items()}
    resumed.restore(arrays, replace(halted.snapshot()))
    list(resumed.run())
    assert resumed.position.update == 8
    assert resumed.parameters.weights.tobytes() == straight.parameters.weights.tobytes()
    assert resumed.best.tobytes() == straight.best.tobytes()


def test_a_member_without_validation_windows_is_passed_over():
    """One that looks back further may find no room where another does."""
    first, second = alone("direct", 0), alone("direct", 1, valid=np.zeros(0, int))
    made = joined([first, second])
    made.network.initialise("orthogonal", 1.0, 5)
    assert made.validate() == first.validate()
    total, count = joined([second]).validate()
    assert np.isnan(total)
    assert count == 0


@pytest.mark.skipif(not jit.enabled(), reason="the same code, slowly")
def test_a_change_of_the_common_buffer_is_heard_once_it_is_packed():
    made = together("segments")
    assert all(isinstance(member, SegmentNetwork) for member in made.network.members)
    before = [learner.validate() for learner in made.learners]
    for spec in made.network.parameters.declared:
        if spec.name.startswith("1."):
            made.network.parameters.view(spec.name)[...] *= 0.5
    made.network.pack()
    after = [learner.validate() for learner in made.learners]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True]
