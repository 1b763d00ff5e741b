"""Augmentation: what is drawn for a series, what is left as it is, and when there is any."""

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError
from rnncli.kernels.random import fill_normal
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.sequences import augmentation
from rnncli.tasks.sequences.augmentation import Augmentation
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import BY_FIGURE, Plan

RANDOM = np.random.default_rng(2)
SERIES = [RANDOM.normal(size=(n, 6)).astype(np.float32) for n in (5, 3)]
POOL = ThreadPool(1)


def test_a_series_has_a_factor_for_each_column_and_noise_for_each_number():
    """Two columns of values, two of their differences and two masks."""
    drawn = np.empty(2 * 2 + 8 * 4)
    fill_normal(drawn, 5, augmentation._STREAM + 9)
    found = Augmentation(0.3, 0.2, 2, 4)(SERIES, (5, 9))
    for x, changed, (first, last) in zip(SERIES, found, ((0, 22), (22, 36)), strict=True):
        factors, noise = drawn[first : first + 2], drawn[first + 2 : last].reshape(-1, 4)
        wanted = x[:, :4] * (1 + 0.2 * np.array([*factors, *factors])) + 0.3 * noise
        assert changed[:, :4] == pytest.approx(wanted, abs=1e-6)
        assert np.array_equal(changed[:, 4:], x[:, 4:])
        assert changed.dtype == np.float32
    assert not np.allclose(found[0], Augmentation(0.3, 0.2, 2, 4)(SERIES, (5, 10))[0])


def table(N=20, steps=9, scaling=None, **more):
    data = {"id": "id", "folds": 0, "validation": 0.2, "residual": "none", "scaling": scaling}
    made = {"task": "classify", "data": data, **more}
    rows = "".join(f"{k},{'uv'[k % 2]},{(7 * k + t * t) % 11}\n" for k in range(N) for t in range(steps))
    return made, Source("d.csv", f"id,label,x\n{rows}".encode())


def prepared(training=None, threads=1, **changes):
    config, source = table(training={"epochs": 3, "threads": threads, **(training or {})}, **changes)
    return TASKS["classify"].prepare(config_from_mapping(config), source, Context(ThreadPool(threads)))


@pytest.mark.parametrize(("changes", "size"), [({}, 0.1), ({"steps": 7}, 0.0), ({"scaling": "none"}, 0.0)])
def test_few_labelled_series_are_augmented(changes, size, monkeypatch):
    training = prepared(**changes).config.training
    assert (training.jitter, training.magnitude) == (size, size)
    monkeypatch.setattr(augmentation, "_MOST", 15)
    assert prepared(**changes).config.training.jitter == 0


def test_numbers_are_not_augmented_by_default():
    config = config_from_mapping({"task": "regress", "data": {"id": "id", "label": "y"}})
    rows = "".join(f"{k},{k % 5},{RANDOM.normal()}\n" for k in range(20) for _ in range(9))
    made = TASKS["regress"].prepare(config, Source("d.csv", f"id,y,x\n{rows}".encode()), Context(POOL))
    assert (made.config.training.jitter, made.config.training.magnitude) == (0, 0)


def test_training_alone_sees_changed_series():
    made, plain = (prepared({"jitter": size, "magnitude": size}) for size in (0.5, 0.0))
    inputs = made.learner.train.inputs
    assert made.learner.outputs(inputs)[0].tobytes() == plain.learner.outputs(inputs)[0].tobytes()
    assert made.learner.validate() == plain.learner.validate()
    losses = [[one.learner.gradient(update)[0] for update in (0, 1)] for one in (made, plain)]
    assert abs(losses[0][0] - losses[1][0]) > 1e-4


def test_a_resumed_run_on_two_threads_ends_with_the_same_bytes():
    def loop(threads):
        made = prepared({"jitter": 0.2, "magnitude": 0.2}, threads)
        return TrainingLoop(
            made.learner,
            Optimizer("adam", made.network, 1.0, made.context.pool),
            Plan(12, 4, 0.05, "cosine", None, BY_FIGURE),
        )

    straight, halted, resumed = loop(1), loop(1), loop(2)
    list(straight.run())
    list(halted.run(stop=lambda: halted.position.update == 5))
    resumed.restore({name: array.copy() for name, array in halted.arrays().items()}, halted.snapshot())
    list(resumed.run())
    assert resumed.parameters.weights.tobytes() == straight.parameters.weights.tobytes()


def test_texts_are_not_augmented():
    config = config_from_mapping({"task": "classify", "training": {"jitter": 0.1}})
    text = "label,text\n" + "".join(f"{'uv'[k % 2]},a {k}\n" for k in range(40))
    with pytest.raises(ConfigError, match=r"training\.jitter and training\.magnitude are for numbers"):
        TASKS["classify"].prepare(config, Source("d.csv", text.encode()), Context(POOL))
