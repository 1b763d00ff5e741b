"""The worst answers to what was held out: those that the model was surest of, or that are farthest off."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.wrong_answers import DISTANCE, EDITS, PROBABILITY, WrongAnswer, worst

ROWS = 40
FILES = {
    "classify": "label,text\n" + "".join(f"{'ab'[i % 2]},{'x' * (i % 7 + 1)} {i}\n" for i in range(ROWS)),
    "several": "labels,text\n" + "".join(f"{('a;b', 'b', 'a')[i % 3]},{'x' * (i % 7 + 1)} {i}\n" for i in range(ROWS)),
    "regress": "size,text\n" + "".join(f"{i % 9},{'x' * (i % 7 + 1)} {i}\n" for i in range(ROWS)),
    "tag": "".join(f"the DT\nfox {('NN', 'VB')[i % 2]}\nran{i} VB\n\n" for i in range(ROWS)),
    "seq2seq": "source\ttarget\n" + "".join(f"w{i}\tv{i % 9}\n" for i in range(ROWS)),
}
DATA = {
    "classify": {"text": "text", "label": "label"},
    "several": {"text": "text", "label": "labels", "label_separator": ";"},
    "regress": {"text": "text", "label": "size"},
    "tag": {},
    "seq2seq": {"source": "source", "target": "target"},
}


def experiment(kind: str):
    task = "classify" if kind == "several" else kind
    suffix = {"tag": "conll", "seq2seq": "tsv"}.get(kind, "csv")
    data = {"encoding": "utf-8", "validation": 0.3, **DATA[kind]}
    mapping = {"task": task, "data": data, "model": {"hidden_size": 4, "num_layers": 1}, "training": {"epochs": 1}}
    source = Source(f"some/data.{suffix}", FILES[kind].encode())
    with noting(lambda text: None):
        return TASKS[task].prepare(config_from_mapping(mapping), source, Context(ThreadPool(1)))


@pytest.mark.parametrize("kind", FILES)
def test_wrong_answers_of_every_kind_are_wrong_and_the_worst_come_first(kind: str) -> None:
    made = experiment(kind)
    with noting(lambda text: None):
        found = made.wrong()
    assert found
    assert [one.size for one in found] == sorted((one.size for one in found), reverse=True)
    lines = FILES[kind].splitlines()
    for one in found:
        assert one.by == {"regress": DISTANCE, "seq2seq": EDITS}.get(kind, PROBABILITY)
        assert one.actual != one.predicted
        file, _, number = one.place.rpartition(":")
        assert file.endswith(("data.csv", "data.conll", "data.tsv"))
        word = one.given.partition("[")[2].partition("]")[0] if kind == "tag" else one.given
        assert word in lines[int(number) - 1]
        if one.by == DISTANCE:
            assert one.size == pytest.approx(abs(one.predicted - one.actual))
        else:
            assert str(one.actual) in lines[int(number) - 1]
        if kind in ("classify", "tag"):
            assert one.size >= 1 / 3  # the predicted of two or three labels is the most probable one


def test_the_surest_answers_are_chosen_and_equal_ones_keep_their_order() -> None:
    sizes = np.array([0.5, 0.9, 0.5, 0.7])
    found = [WrongAnswer(str(i), "", "a", "b", PROBABILITY, float(size)) for i, size in enumerate(sizes)]
    assert [one.place for one in worst(found, 3)] == ["1", "3", "0"]
