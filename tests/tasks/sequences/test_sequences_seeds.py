"""Networks of several seeds: each is trained as it would be alone, and what they answer is the mean of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import naive
import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError
from rnncli.inspection.reports import BEST
from rnncli.nn import memory
from rnncli.nn.ensemble import Ensemble
from rnncli.notes import noting
from rnncli.tasks.answers import Pieces
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.sequences import readers
from rnncli.tasks.sequences.spans import scheme_of
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import BY_FIGURE, Plan
from rnncli.workflows.evaluate import Request as Evaluating
from rnncli.workflows.evaluate import evaluate
from rnncli.workflows.inspect_grads import Request as Inspecting
from rnncli.workflows.inspect_grads import inspect_grads
from rnncli.workflows.opening import open_model
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request

POOL = ThreadPool(1)
SEED = 7
RANDOM = np.random.default_rng(3)
WORDS = {"Ann": "B-who", "Lee": "I-who", "sings": "O", "ask": "O", "Oslo": "B-place", "far": "I-place"}
SENTENCES = [["Ann", "Lee", "sings"], ["ask", "Ann"], ["Oslo", "far", "sings", "ask"], ["sings", "Oslo"]] * 4
NUMBERS = RANDOM.normal(size=(20, 4)).round(3)


def table(labels: list[str]) -> str:
    rows = zip(labels, NUMBERS.tolist(), strict=True)
    return "label,a,b,c,d\n" + "".join(f"{label},{','.join(map(str, row))}\n" for label, row in rows)


TAGGED = "\n\n".join("\n".join(f"{word}\t{WORDS[word]}" for word in words) for words in SENTENCES) + "\n"
DATA: dict[str, tuple[str, str, str, dict[str, Any]]] = {  # task, name, content, and keys of the model
    "a label": ("classify", "d.csv", table(["up" if row.sum() > 0 else "down" for row in NUMBERS]), {"dropout": 0.3}),
    "sets of labels": (
        "classify",
        "d.txt",
        "".join(f"__label__{'ab'[n % 2]} {'__label__c ' if n % 3 == 0 else ''}text {n}\n" for n in range(20)),
        {},
    ),
    "a number": ("regress", "d.csv", table([f"{3 * row.sum() + 9:.3f}" for row in NUMBERS]), {}),
    "tags": ("tag", "d.conll", TAGGED, {"head": "softmax", "character_size": 3, "affix_size": 0}),
    "a chain of tags": ("tag", "d.conll", TAGGED, {"head": "crf", "character_size": 0, "affix_size": 0}),
}
KINDS = pytest.mark.parametrize("kind", DATA)


def config_of(kind: str, seed: int, seeds: int, **data: Any) -> dict[str, Any]:
    task, name, _, model = DATA[kind]
    alone = {"residual": "none"} if kind == "a label" else {}  # networks that differ as they would by themselves
    return {
        "task": task,
        "data": {"path": name, "validation": 0.0, "folds": 0, "group": "none", **alone, **data},
        "model": {"cell": "gru", "hidden_size": 5, "num_layers": 1, **model},
        "training": {"seed": seed, "seeds": seeds, "batch_size": 4, "threads": 1, "epochs": 3, "learning_rate": 0.05},
    }


def prepared(kind: str, seed: int = SEED, seeds: int = 1, **data: Any) -> Any:
    task, name, content, _ = DATA[kind]
    config = config_from_mapping(config_of(kind, seed, seeds, **data))
    with noting(lambda text: None):
        return TASKS[task].prepare(config, Source(name, content.encode()), Context(POOL))


def updated(experiment: Any, updates: int = 12, clip: float = 5.0) -> Any:
    optimizer = Optimizer("adam", experiment.network, clip, POOL)
    for update in range(updates):
        experiment.learner.gradient(update)
        optimizer.update(0.05, optimizer.gradient_norms())
    return experiment


def model_of(experiment: Any) -> Any:
    header = json.loads(json.dumps(experiment.header()))
    return TASKS[experiment.config.task].load(header, experiment.arrays())


def answers(model: Any, path: Path) -> list[dict[str, Any]]:
    found = model.predict(Asked(str(path), {}, {}))
    return [piece.nested for some in found.lists for piece in some] if isinstance(found, Pieces) else found.nested


@KINDS
def test_networks_learn_side_by_side_what_each_learns_alone(kind: str) -> None:
    """Bit for bit, order of batches, dropout and clipping included."""
    whole = updated(prepared(kind, seeds=2), clip=0.5)
    parts = [updated(prepared(kind, SEED + k), clip=0.5) for k in range(2)]
    assert isinstance(whole.network, Ensemble)
    arrays = {f"{k}.{name}": array for k, part in enumerate(parts) for name, array in part.arrays().items()}
    assert whole.arrays().keys() == arrays.keys()
    assert all(whole.arrays()[name].tobytes() == array.tobytes() for name, array in arrays.items())
    assert not all(np.array_equal(array, arrays[f"1.{name}"]) for name, array in parts[0].arrays().items())


@pytest.mark.parametrize("kind", ["a label", "sets of labels", "a number"])
def test_the_answer_is_the_mean_of_those_of_each_alone(kind: str, tmp_path: Path) -> None:
    _, name, content, _ = DATA[kind]
    whole, parts = updated(prepared(kind, seeds=2)), [updated(prepared(kind, SEED + k)) for k in range(2)]
    (tmp_path / name).write_text(content, encoding="utf-8")
    found, *alone = (answers(model_of(one), tmp_path / name) for one in (whole, *parts))
    apart = 0.0
    for answer, *others in zip(found, *alone, strict=True):
        values, *each = (list(one.get("probabilities", {"": one.get("label")}).values()) for one in (answer, *others))
        assert values == pytest.approx(np.mean(each, axis=0), rel=1e-5, abs=1e-6)
        apart = max(apart, np.abs(np.diff(each, axis=0)).max())
        if kind == "a label":
            assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert apart > 0.05


@pytest.mark.parametrize("kind", ["tags", "a chain of tags"])
def test_a_tag_has_the_mean_of_its_probabilities_and_the_scheme_is_kept(kind: str, tmp_path: Path) -> None:
    whole = prepared(kind, seeds=3)
    weights = whole.network.parameters.weights
    weights += np.random.default_rng(3).normal(0, 1, weights.size)  # so that the best tags of steps do not fit together
    whole.network.pack()
    odd, tags, sentences = 0, whole.answers.tags, whole.splits.train
    inputs = readers.encode(whole.reader, sentences)
    each = [learner.outputs(inputs) for learner in whole.learners]
    (tmp_path / "d.conll").write_text(TAGGED, encoding="utf-8")
    listed = [one["steps"] for one in answers(model_of(whole), tmp_path / "d.conll")]
    found = {tuple(step["word"] for step in steps): steps for steps in listed}
    for words, *outputs in zip(sentences.words, *each, strict=True):
        steps, wanted = found[tuple(words)], np.zeros((len(words), len(tags)))
        for network, output in zip(whole.networks, outputs, strict=True):
            chain = [np.zeros((len(tags), len(tags))), np.zeros(len(tags)), np.zeros(len(tags))]
            if network.crf:
                chain = [one.value for one in network.crf.declared]
            paths, logs = naive.tag_chances(output.astype(float), *(one.astype(float) for one in chain))
            for t, k in np.ndindex(wanted.shape):
                wanted[t, k] += np.exp(logs[paths[:, t] == k]).sum() / 3
        numbers = [tags.index(step["tag"]) for step in steps]
        chances = [step["probability"] for step in steps]
        assert chances == pytest.approx(wanted[np.arange(len(words)), numbers], rel=1e-4)
        good = [scheme_of([[tags[k] for k in path]]) is not None for path in paths]
        products = np.prod(wanted[np.arange(len(words)), paths], axis=1)
        assert np.prod(chances) == pytest.approx(products[good].max(), rel=1e-4)
        odd += products[good].max() < 0.999 * products.max()
        assert scheme_of([[step["tag"] for step in steps]])
    assert odd > 3


def test_one_seed_is_one_network_as_ever() -> None:
    made = prepared("a label")
    assert "training" not in made.header()
    assert {"head.weight", "head.bias"} < made.arrays().keys()
    assert not any(name[0].isdigit() for name in made.arrays())
    assert not isinstance(made.network, Ensemble)


def test_the_figure_of_validation_is_that_of_the_mean() -> None:
    made = updated(prepared("a number", seeds=3, validation=0.3))
    held_out = made.splits.held_out["validation"]
    outputs = [learner.outputs(readers.encode(made.reader, held_out)) for learner in made.learners]
    mean = np.mean(outputs, axis=0)[:, 0] * made.answers.scale + made.answers.centre
    wanted = np.sqrt(((mean - np.array(held_out.labels, float)) ** 2).mean())
    assert made.learner.figure().value == pytest.approx(wanted, rel=1e-5)
    each = [made.answers.figure(held_out, output).value for output in outputs]
    assert wanted < np.mean(each)
    losses = [learner.validate() for learner in made.learners]
    assert made.learner.validate() == (pytest.approx(sum(loss for loss, _ in losses)), 3 * len(held_out))


def test_a_resumed_run_ends_with_the_same_bytes() -> None:
    def loop() -> TrainingLoop:
        made = prepared("a label", seeds=2, validation=0.3)
        plan = Plan(12, 4, 0.05, "cosine", None, BY_FIGURE)
        return TrainingLoop(made.learner, Optimizer("adam", made.network, 1.0, POOL), plan)

    straight, halted, resumed = loop(), loop(), loop()
    list(straight.run())
    list(halted.run(stop=lambda: halted.position.update == 5))
    resumed.restore({name: array.copy() for name, array in halted.arrays().items()}, halted.snapshot())
    list(resumed.run())
    assert resumed.position.update == 12
    assert resumed.parameters.weights.tobytes() == straight.parameters.weights.tobytes()
    assert resumed.best.tobytes() == straight.best.tobytes()


def test_a_run_is_evaluated_predicted_with_and_inspected(tmp_path: Path) -> None:
    _, name, content, _ = DATA["a label"]
    (tmp_path / name).write_text(content, encoding="utf-8")
    config = config_of("a label", SEED, 2)
    config["data"] |= {"validation": 0.2, "test": 0.3}
    (tmp_path / "c.yaml").write_text(json.dumps(config), encoding="utf-8")
    train(Request(str(tmp_path / "c.yaml"), out=str(tmp_path / "run")), lambda report: None)
    (tmp_path / "new.csv").write_text(content, encoding="utf-8")
    score = evaluate(Evaluating(str(tmp_path / "run"), (str(tmp_path / "new.csv"),)), lambda report: None).score
    model = open_model(str(tmp_path / "run"))
    found = answers(model.task.load(model.header, model.arrays), tmp_path / "new.csv")
    actual = [line.split(",")[0] for line in content.splitlines()[1:]]
    right = np.mean([one["label"] == label for one, label in zip(found, actual, strict=True)])
    assert score.network == pytest.approx(right)

    notes: list[str] = []
    with noting(notes.append):
        report = inspect_grads(Inspecting(str(tmp_path / "run")), lambda text: None)
    assert "of 2 networks only the first is shown" in notes
    assert report.at == BEST
    first = {name.removeprefix("0."): array for name, array in model.arrays.items() if name.startswith("0.")}
    norms = {row.name: row.weight_norm for row in report.parameters}
    assert norms.keys() == first.keys()
    assert all(norms[name] == pytest.approx(np.linalg.norm(array), rel=1e-5) for name, array in first.items())


def test_frozen_vectors_stay_frozen_in_every_network(tmp_path: Path) -> None:
    vectors = tmp_path / "v.txt"
    vectors.write_text("".join(f"{word} {n} 1 {-n}\n" for n, word in enumerate(WORDS)), encoding="utf-8")
    made = updated(prepared("tags", seeds=2, vectors=str(vectors), freeze_vectors=True))
    for k in range(2):
        assert (made.arrays()[f"{k}.embedding.weight"][1:, 1] == 1).all()


def test_each_fold_of_a_cross_validation_has_the_first_network_alone() -> None:
    def folds(seeds: int) -> tuple[Any, list[Any]]:
        whole = prepared("a label", seeds=seeds, validation=None, folds=3)
        return whole, whole.folds()

    together = CrossValidation(*folds(2))
    assert len(together.network.networks) == 3
    assert together.share_of_time == pytest.approx(3 / (3 + 2 * 1.5))
    assert ", each by one network, 3 folds" in together.score().detail
    assert "each by one" not in CrossValidation(*folds(1)).score().detail
    updated(together, clip=0.5)
    alone = [updated(fold, clip=0.5) for fold in folds(1)[1]]
    for fold, other in zip(together.each, alone, strict=True):
        assert fold.arrays().keys() == other.arrays().keys()
        assert all(fold.arrays()[name].tobytes() == array.tobytes() for name, array in other.arrays().items())
    figures = [fold.learner.figure() for fold in alone]
    right = sum(one.value * one.count for one in figures)
    assert together.learner.figure().value == pytest.approx(right / sum(one.count for one in figures))


def test_memory_is_counted_for_all_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 0)
    with pytest.raises(ConfigError, match=r"^3 networks of model\.hidden_size 5 × 1 .*lower training\.seeds"):
        prepared("a label", seeds=3)
    with pytest.raises(ConfigError, match=r"^model\.hidden_size 5 × 1 .*; lower model\.hidden_size"):
        prepared("a label")


def test_seeds_beyond_the_largest_are_refused() -> None:
    config = config_of("a label", 2**63 - 2, 3)
    with pytest.raises(ConfigError, match=r"training\.seeds is 3; must leave room for the seeds that follow"):
        config_from_mapping(config)
    config["training"]["seeds"] = 2
    assert config_from_mapping(config).networks == 2
