"""Networks of several seeds that write together: each is trained as it would be alone."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.nn.ensemble import Ensemble
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq.scores import METRICS
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

POOL = ThreadPool(1)
SEED = 7
LINES = [f"{n % 7}{n % 3}\t{n % 3}{n % 2} {n}" for n in range(24)]
DATA = {
    "seq2seq": ("p.tsv", "".join(f"{line}\n" for line in ["source\ttarget", *LINES]), {"tokens": "word"}),
    "caption": ("p.csv", "kind,size,target\n" + "".join(f"k{n % 3},{n}.5,{n % 3}{n}\n" for n in range(24)), {}),
}
TASK = pytest.mark.parametrize("task", DATA)


def prepared(task: str, seed: int = SEED, seeds: int = 1, **data: Any) -> Any:
    name, content, own = DATA[task]
    config = {
        "task": task,
        "data": {"validation": 0.0, "folds": 0, "target": "target", **own, **data},
        "model": {"cell": "gru", "hidden_size": 5, "num_layers": 1, "dropout": 0.2},
        "training": {"seed": seed, "seeds": seeds, "batch_size": 6, "teacher_forcing": 0.5, "epochs": 2},
    }
    with noting(lambda text: None):
        return TASKS[task].prepare(config_from_mapping(config), Source(name, content.encode()), Context(POOL))


def updated(experiment: Any) -> Any:
    optimizer = Optimizer("adam", experiment.network, 1.0, POOL)
    for update in range(8):
        experiment.learner.gradient(update)
        optimizer.update(0.05, optimizer.gradient_norms())
    return experiment


@TASK
def test_networks_learn_side_by_side_what_each_learns_alone(task: str) -> None:
    """Bit for bit, with the order of batches, dropout, sampling of own predictions and words seen as unknown."""
    whole, parts = updated(prepared(task, seeds=2)), [updated(prepared(task, SEED + k)) for k in range(2)]
    assert isinstance(whole.network, Ensemble)
    arrays = {f"{k}.{name}": array for k, part in enumerate(parts) for name, array in part.arrays().items()}
    assert whole.arrays().keys() == arrays.keys()
    assert all(whole.arrays()[name].tobytes() == array.tobytes() for name, array in arrays.items())
    assert not np.array_equal(arrays["0.head.weight"], arrays["1.head.weight"])
    assert "training" not in parts[0].header()


def test_what_is_predicted_is_what_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    made = updated(prepared("seq2seq", seeds=2, validation=0.3))
    pairs = made.splits.held_out["validation"]
    header = json.loads(json.dumps(made.header()))
    assert header["training"] == {"seeds": 2}
    model = TASKS["seq2seq"].load(header, made.arrays())
    sources = "".join(f"{prompt[0]}\n" for prompt in pairs.prompts)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(sources.encode()))))  # type: ignore[arg-type]
    with noting(lambda text: None):
        found = [piece.nested["outputs"][0] for some in model.predict(Asked("-", {}, {})).lists for piece in some]
        score = made.score()
    predicted = [one["text"] for one in found]
    assert score.network == METRICS["exact"][1](predicted, pairs.targets)
    alone = TASKS["seq2seq"].load(
        {key: value for key, value in header.items() if key != "training"},
        {name.removeprefix("0."): array for name, array in made.arrays().items() if name.startswith("0.")},
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(sources.encode()))))  # type: ignore[arg-type]
    with noting(lambda text: None):
        first = [piece.nested["outputs"][0] for some in alone.predict(Asked("-", {}, {})).lists for piece in some]
    assert first != found
