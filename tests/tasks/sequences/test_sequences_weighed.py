"""Networks that correct an echo state network beside networks that do not: who reads what, and how much each counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.sequences import readers
from rnncli.tasks.sequences.averages import best_share, softmax_of, weights_of
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

POOL = ThreadPool(1)
RANDOM = np.random.default_rng(4)
WAVES = [np.sin((1 + k % 2) * np.arange(12) / 2 + RANDOM.uniform(0, 6)) + RANDOM.normal(0, 0.5, 12) for k in range(40)]
SERIES = "id,label,x\n" + "".join(f"{k},{'uv'[k % 2]},{v:.3f}\n" for k, wave in enumerate(WAVES) for v in wave)


def prepared(content: str = SERIES, **sections: Any) -> Any:
    config = config_from_mapping(
        {
            "task": "classify",
            "data": {"id": "id", "format": "csv", **sections.pop("data", {})},
            "model": {"cell": "gru", "hidden_size": 6, "num_layers": 1},
            "training": {"batch_size": 8, **sections.pop("training", {})},
        }
    )
    with noting(lambda text: None):
        return TASKS["classify"].prepare(config, Source("d.csv", content.encode()), Context(POOL))


def updated(experiment: Any, updates: int = 30) -> Any:
    optimizer = Optimizer("adam", experiment.network, 5.0, POOL)
    for update in range(updates):
        experiment.learner.gradient(update)
        optimizer.update(0.03, optimizer.gradient_norms())
    return experiment


def share_by_hand(folds: CrossValidation) -> float:
    chances: list[list[float]] = [[], []]
    for fold in folds.each:
        labels, held_out = fold.answers.labels, fold.splits.held_out["validation"]
        for k, outputs in enumerate(fold._outputs_of_each(fold._validation)):
            for output, label in zip(outputs, held_out.labels, strict=True):
                if label in labels:
                    chances[k].append(float(softmax_of(output)[labels.index(label)]))
    shares, (correcting, others) = np.arange(1, 20) / 20, np.array(chances)
    fits = [np.log([*share * correcting + (1 - share) * others, share, 1 - share]).sum() for share in shares]
    return float(shares[np.argmax(fits)])


HALF = {"data": {"residual": "echo-state-half", "folds": 3}, "training": {"seeds": 3, "epochs": 2}}


def test_the_share_is_that_by_which_what_was_held_out_is_most_probable() -> None:
    """The best share is where a derivative is 0: that of 2 log(0.1 + 0.8 s) + log(0.9 - 0.8 s) + log(s) + log(1 - s) at
    s = 0.601, without its second term at s = 0.729."""
    some, others = np.array([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]], np.float32)
    assert best_share(some, others) == pytest.approx(0.6)
    assert best_share(others, some) == pytest.approx(0.4)
    assert best_share(some[:2], others[:2]) == pytest.approx(0.75)
    assert best_share(np.zeros(40), np.ones(40)) == pytest.approx(0.05)
    assert best_share(some[:0], others[:0]) == 0.5


@pytest.mark.parametrize(
    ("count", "weights"), [(1, [1]), (2, [0.8, 0.2]), (3, [0.4, 0.2, 0.4]), (4, [0.4, 0.1, 0.4, 0.1])]
)
def test_networks_of_one_kind_count_alike(count: int, weights: list[float]) -> None:
    assert weights_of(0.8, count) == pytest.approx(weights)


def test_every_second_network_corrects_nothing() -> None:
    made = prepared(**HALF)
    given = made.learners[0].train
    each = made._outputs_of_each(given)
    for outputs in each[::2]:  # which have learnt nothing
        assert np.array_equal(outputs, given.bases)
    assert made.learners[1].train.bases is None
    assert np.abs(made.networks[1].parameters.named("head.weight").value).max() > 0
    alone = prepared(data={"residual": "none", "folds": 3}, training={"seed": 2, "epochs": 2})
    assert np.array_equal(each[1], alone.learner.outputs(given.inputs))


def test_the_folds_choose_the_share_and_the_answer_and_the_model_file_have_it(tmp_path: Path) -> None:
    whole = prepared(**HALF)
    folds = CrossValidation(whole, whole.folds())
    assert [len(fold.networks) for fold in folds.each] == [2, 2, 2]
    updated(folds)
    folds.choose()
    share = whole.answers.share
    assert share == pytest.approx(share_by_hand(folds))
    assert share != 0.5
    assert {fold.answers.share for fold in folds.each} == {share}
    assert ", each by 2 networks, 3 folds" in folds.score().detail

    updated(whole)
    header = json.loads(json.dumps(whole.header()))
    assert header["validated"] == {"share": share}
    model = TASKS["classify"].load(header, whole.arrays())
    (tmp_path / "d.csv").write_text(SERIES, encoding="utf-8")
    found = [
        p.nested["probabilities"]["u"]
        for some in model.predict(Asked(str(tmp_path / "d.csv"), {}, {})).lists
        for p in some
    ]
    train = whole.splits.train
    inputs, bases = readers.encode(whole.reader, train), whole.answers.bases(train, own=False)
    each = [learner.outputs(inputs, None if k == 1 else bases) for k, learner in enumerate(whole.learners)]
    wanted = [
        sum(w * softmax_of(output)[0] for w, output in zip((share / 2, 1 - share, share / 2), outputs, strict=True))
        for outputs in zip(*each, strict=True)
    ]
    assert found == pytest.approx(wanted, abs=1e-5)

    again = prepared(**HALF)
    again.recall(header, {})
    assert again.answers.share == share
    assert {**again.header(), "validated": None} == {**whole.header(), "validated": None}


def test_a_label_that_training_never_saw_tells_nothing_of_the_share() -> None:
    """It is the first in the alphabet, so that those of the fold that lacks it have other numbers."""
    content = "".join(row.replace("u", "a") if row.startswith("0,") else row for row in SERIES.splitlines(True))
    whole = prepared(content, **{**HALF, "data": {**HALF["data"], "group": "none"}})
    folds = CrossValidation(whole, whole.folds())
    assert sorted(len(fold.answers.labels) for fold in folds.each) == [2, 3, 3]
    updated(folds)
    folds.choose()
    assert whole.answers.share == pytest.approx(share_by_hand(folds))


@pytest.mark.parametrize(
    ("sections", "residual"),
    [
        ({}, "echo-state-half"),
        ({"training": {"seeds": 1}}, "echo-state"),
        ({"training": {"epochs": 3}}, "echo-state"),  # and one network
        ({"data": {"validation": 0.2}}, "echo-state"),
        ({"data": {"residual": "echo-state"}}, "echo-state"),
    ],
)
def test_few_series_that_are_cross_validated_by_several_networks_weigh_both_kinds(
    sections: dict[str, Any], residual: str
) -> None:
    assert prepared(**sections).config.data.residual == residual
