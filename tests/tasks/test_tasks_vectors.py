"""Models whose words start with vectors from a file."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError
from rnncli.inspection.check import check
from rnncli.inspection.parameters import ParameterNorms
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

POOL = ThreadPool(2)
TEXT = "red sky at night\nblue sky at noon\n" * 6
TAGGED = "red A\nsky N\nat P\nnight N\n\nblue A\nsky N\nat P\nnoon N\n\n"
LABELLED = "label,text\n" + "up,red sky\ndown,blue sea\n" * 8
NUMBERED = "label,text\n" + "1,red sky\n2,blue sea\n" * 8
DATA = {
    "language-model": ("t.txt", TEXT, {"tokens": "word"}),
    "classify": ("t.csv", LABELLED, {"tokens": "word", "residual": "none"}),
    "regress": ("t.csv", NUMBERED, {"tokens": "word", "residual": "none"}),
    "tag": ("t.conll", TAGGED * 8, {}),
}
VECTORS = {"red": [1.5, -2, 0.25], "sky": [0, 4, 8], "zebra": [1, 1, 1]}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "v.txt").write_text("".join(f"{w} {' '.join(map(str, v))}\n" for w, v in VECTORS.items()))
    return str(tmp_path / "v.txt")


def prepared(task, dtype=np.float32, model=None, training=None, notes=None, **data):
    name, content, own = DATA[task]
    config = config_from_mapping(
        {
            "task": task,
            "data": {**own, "validation": 0.0, **data},
            "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1, "dropout": 0.0, **(model or {})},
            "training": {"batch_size": 4, **({"seeds": 1} if task == "regress" else {}), **(training or {})},
        }
    )
    with noting(([] if notes is None else notes).append):
        return TASKS[task].prepare(config, Source(name, content.encode()), Context(POOL, np.dtype(dtype)))


def words_of(experiment):
    return experiment.vocabulary if hasattr(experiment, "vocabulary") else experiment.reader.vocabulary


def trained(experiment, optimizer, updates=3):
    made = Optimizer(optimizer, experiment.network, 5.0, POOL)
    for update in range(updates):
        experiment.learner.gradient(update)
        made.update(0.1, made.gradient_norms())
    return made


@pytest.mark.parametrize("task", DATA)
def test_words_start_with_their_vectors_and_others_as_they_would(task, file):
    notes = []
    experiment = prepared(task, vectors=file, notes=notes)
    plain = prepared(task, model={"embedding_size": 3})
    assert experiment.config.model.embedding_size == 3
    tokens = words_of(experiment).tokens
    table, usual = (one.network.parameters.view("embedding.weight") for one in (experiment, plain))
    for number, token in enumerate(tokens):
        assert table[number].tolist() == VECTORS.get(token, usual[number].tolist())
    assert f"{file}: has vectors of 2 of {len(tokens) - 1} words; the others start at random" in notes
    for one, other in zip(experiment.network.parameters.declared, plain.network.parameters.declared, strict=True):
        assert one.name == "embedding.weight" or np.array_equal(one.value, other.value)


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_frozen_vectors_stay_and_all_else_is_trained(task, optimizer, file):
    for frozen in (True, False):
        experiment = prepared(task, vectors=file, freeze_vectors=frozen)
        before = experiment.network.parameters.export()
        trained(experiment, optimizer)
        for name, array in experiment.network.parameters.export().items():
            assert np.array_equal(array, before[name]) == (frozen and name == "embedding.weight"), name


def test_the_norm_is_of_what_is_trained(file):
    experiment = prepared("language-model", vectors=file, freeze_vectors=True)
    experiment.learner.gradient(0)
    gradients = experiment.network.parameters.export_gradients()
    assert (gradients["embedding.weight"] != 0).any()
    del gradients["embedding.weight"]
    wanted = np.sqrt(sum((array.astype(float) ** 2).sum() for array in gradients.values()))
    optimizer = Optimizer("sgd", experiment.network, 0.5 * wanted, POOL)
    assert optimizer.gradient_norms() == [pytest.approx(wanted, rel=1e-9)]
    before = experiment.network.parameters.view("head.weight").copy()
    optimizer.update(1.0, optimizer.gradient_norms())  # clipped to half
    moved = before - experiment.network.parameters.view("head.weight")
    assert moved == pytest.approx(0.5 * gradients["head.weight"].T, rel=1e-4, abs=1e-7)


def test_a_frozen_parameter_within_others(file):
    """A bias in the middle of the buffer: what is before it and behind it is trained as if it alone stood still."""
    experiments = [prepared("tag", vectors=file) for _ in range(2)]
    for experiment, frozen in zip(experiments, (True, False), strict=True):
        experiment.network.parameters.named("head.weight").frozen = frozen
        experiment.learner.gradient(0)
        Optimizer("adam", experiment.network, None, POOL).update(0.1, [1.0])
    arrays = [experiment.network.parameters.export() for experiment in experiments]
    for name in arrays[0]:
        assert np.array_equal(arrays[0][name], arrays[1][name]) == (name != "head.weight")


def test_gradients_are_inspected_with_frozen_vectors(file):
    experiment = prepared("language-model", np.float64, vectors=file, freeze_vectors=True)
    pool = ThreadPool(1)
    sample = experiment.learner.sample(0)
    assert check(experiment.learner.backpropagation, sample).worst.error < 1e-6
    norms = ParameterNorms(Optimizer("adamw", experiment.network, 5.0, pool), 0.1)
    experiment.learner.backpropagation.gradient(sample.work, sample.targets, sample.count)
    norms.take()
    rows = {row.name: row for row in norms.report()}
    assert rows["embedding.weight"].update_ratio == 0
    assert rows["embedding.weight"].grad_norm > 0
    assert rows["head.weight"].update_ratio > 0
    whole = np.sqrt(sum(row.grad_norm**2 for name, row in rows.items() if name != "embedding.weight"))
    assert norms.clipping().mean_norm == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("task", DATA)
def test_another_size_is_refused(task, file):
    with pytest.raises(ConfigError, match=r"model\.embedding_size: is 8, and the vectors in .*v\.txt have 3 numbers"):
        prepared(task, vectors=file, model={"embedding_size": 8})
    assert prepared(task, vectors=file, model={"embedding_size": 3}).config.model.embedding_size == 3


def test_vectors_stand_beside_characters(file):
    experiment = prepared("tag", vectors=file, model={"character_size": 2})
    table = experiment.network.words.table.value
    assert table[words_of(experiment).tokens.index("sky")].tolist() == VECTORS["sky"]


@pytest.mark.parametrize("task", ["seq2seq", "caption", "forecast"])
def test_other_tasks_have_no_such_key(task):
    with pytest.raises(ConfigError, match=r"data\.vectors"):
        config_from_mapping({"task": task, "data": {"vectors": "v.txt"}})


def test_freezing_needs_vectors():
    with pytest.raises(ConfigError, match=r"freeze_vectors is true; needs data\.vectors"):
        config_from_mapping({"task": "tag", "data": {"freeze_vectors": True}})


def test_a_model_file_needs_the_vectors_no_more(file):
    experiment = prepared("classify", vectors=file, freeze_vectors=True)
    model = TASKS["classify"].load(experiment.header(), experiment.network.parameters.export())
    assert np.array_equal(model.networks[0].parameters.weights, experiment.network.parameters.weights)
    assert file not in str(experiment.header())
