"""Where a seq2seq model looked: weights of every step of its answer, over all of its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq.attention_map import attention_map
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.ui.pictures import attention

POOL = ThreadPool(1)
PAIRS = "source\ttarget\n" + "".join(f"{a}{b}{a}\t{b}{a}\n" for a in "abcd" for b in "abcd")


def predictor(kind: str, **training: Any) -> Any:
    config = config_from_mapping(
        {
            "task": "seq2seq",
            "data": {"validation": 0.0, "folds": 0, "tokens": "char", "residual": "none"},
            "model": {"cell": "gru", "hidden_size": 5, "num_layers": 1, "attention": kind},
            "training": {"epochs": 1, **training},
        }
    )
    with noting(lambda text: None):
        made = TASKS["seq2seq"].prepare(config, Source("p.tsv", PAIRS.encode()), Context(POOL))
    return TASKS["seq2seq"].load(json.loads(json.dumps(made.header())), made.arrays())


@pytest.mark.parametrize("kind", ["dot", "additive"])
def test_each_step_of_the_answer_looks_at_all_of_the_source(kind: str) -> None:
    model = predictor(kind)
    source = model.prompts.encode([("abcab",)], ["here"])[0]
    found = attention_map(model.writers.networks, model.writers.speller, ("abcab",), source, "ba")
    assert found.source == tuple("abcab")
    assert found.target == ("b", "a", "<end>")
    assert found.weights.shape == (3, 5)
    assert found.weights.sum(axis=1) == pytest.approx(1.0)
    # A step's weights do not depend on what is written after it.
    longer = attention_map(model.writers.networks, model.writers.speller, ("abcab",), source, "bacd")
    assert np.array_equal(longer.weights[:3], found.weights)


def test_the_map_of_several_networks_is_their_mean() -> None:
    model = predictor("dot", seeds=2)
    source = model.prompts.encode([("abc",)], ["here"])[0]
    both = [attention_map([one], model.writers.speller, ("abc",), source, "b") for one in model.writers.networks]
    found = attention_map(model.writers.networks, model.writers.speller, ("abc",), source, "b")
    assert found.weights == pytest.approx((both[0].weights + both[1].weights) / 2)
    assert not np.array_equal(both[0].weights, both[1].weights)


def test_aligned_attention_looks_at_one_place_at_a_time(tmp_path: Path) -> None:
    model = predictor("aligned")
    source = model.prompts.encode([("abc",)], ["here"])[0]
    found = attention_map(model.writers.networks, model.writers.speller, ("abc",), source, "abd")
    assert ((found.weights == 0) | (found.weights == 1)).all()
    assert (found.weights.sum(axis=1) <= 1).all()
    assert found.target[:2] == ("copy", "copy")


def test_a_model_without_attention_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("abc\n", encoding="utf-8")
    with pytest.raises(UsageError, match="--plot: this model has no attention"):
        predictor("none").predict(Asked(str(tmp_path / "in.txt"), {}, {"plot": True}))


@pytest.mark.plots
def test_the_answer_to_the_first_input_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("\nabca\ncab\n", encoding="utf-8")
    answers = predictor("dot").predict(Asked(str(tmp_path / "in.txt"), {}, {"plot": True}))
    for _ in answers.lists:
        pass
    (found,) = answers.charts()
    assert found.source == tuple("abca")
    (axes,) = attention.draw(found).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == list("abca")
