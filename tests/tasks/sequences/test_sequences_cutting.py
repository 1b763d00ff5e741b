"""data.max_length: which steps are kept, the same ones in training and in prediction, told with their count."""

import numpy as np
import pytest
from test_sequences_classify import prepared

from rnncli.data.cutting import Cut
from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError
from rnncli.nn import memory
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq.seq2seq import load as load_pairs
from rnncli.tasks.seq2seq.seq2seq import prepare as prepare_pairs
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.train import memory_keys

KEPT = {"end": "abcde", "start": "cdefg", "middle": "abcfg"}
TEXTS = "label,text\n" + "".join(f"{'pq'[i % 2]},{'ba'[i % 2]}{'cdefg'[: i % 6]}\n" for i in range(60))


@pytest.mark.parametrize("truncate", KEPT)
def test_what_is_kept(truncate):
    notes, cut = [], Cut(5, truncate)
    found = [cut.of_all([np.frombuffer(text, np.uint8)], "steps", str)[0] for text in (b"abcdefg", b"abcde", b"ab")]
    assert [bytes(x).decode() for x in found] == [KEPT[truncate], "abcde", "ab"]
    with noting(notes.append):
        cut.tell("d", "steps")
        cut.tell("d", "steps")
    ends = {"end": "first 5", "start": "last 5", "middle": "first 3 and last 2"}[truncate]
    assert notes == [f"d: cut 1 of 3 sequences to the {ends} steps, the longest from 7"]


def test_values_are_cut_by_steps():
    (found,) = Cut(2, "middle").of_all([np.arange(8).reshape(4, 2)], "steps", str)
    assert found.tolist() == [[0, 1], [6, 7]]


def test_a_long_sequence_is_refused_by_its_line():
    with pytest.raises(
        DataError, match=r"d\.csv:6: 5 char tokens, and data.max_length is 4; shorten it, or train with"
    ):
        prepared("classify", TEXTS, data={"max_length": 4, "truncate": "refuse"})


@pytest.mark.parametrize("truncate", KEPT)
def test_a_model_answers_for_a_long_text_as_for_what_is_kept_of_it(truncate):
    notes = []
    made = prepared("classify", TEXTS, notes, data={"max_length": 5, "truncate": truncate})
    assert max(len(x) for x in made.learner.train.inputs) == 5
    assert any("of 60 sequences to the" in text and "char tokens, the longest from 6" in text for text in notes)
    for update in range(3):
        made.learner.gradient(update)
    model = TASKS["classify"].load(made.header(), made.network.parameters.export())
    nested, _ = model.answers_to(Source("n.csv", f"text\nabcdefg\n{KEPT[truncate]}\n".encode()), model.config.data)
    assert nested[0]["probabilities"] == nested[1]["probabilities"]


def test_sources_are_cut_and_targets_are_not(tmp_path):
    pairs = "".join(f"{'abc'[i % 3] * (1 + i % 9)}\t{'xy' * (1 + i % 4)}\n" for i in range(40))
    config = config_from_mapping(
        {
            "task": "seq2seq",
            "data": {"encoding": "utf-8", "max_length": 3, "truncate": "start"},
            "model": {"hidden_size": 4, "num_layers": 1},
        }
    )
    made = prepare_pairs(config, Source("d.tsv", pairs.encode()), Context(ThreadPool(1)), None)
    assert max(map(len, made.learner.train.sources)) == 3
    assert max(map(len, made.learner.train.targets)) == 8
    assert "".join(made.prompts.tokens(("cabacab",))) == "cab"  # what is copied is of what is left
    writer = load_pairs(made.header(), made.network.parameters.export())
    (tmp_path / "new.txt").write_text("cabacab\ncab\n")
    notes = []
    with noting(notes.append):
        ((long, short),) = writer.predict(Asked(str(tmp_path / "new.txt"), {}, {})).lists
    assert long.nested["outputs"] == short.nested["outputs"]
    assert any("cut 1 of 2 sequences to the last 3 source tokens, the longest from 7" in text for text in notes)


def test_tag_takes_no_length():
    with pytest.raises(ConfigError, match=r"data\.max_length: a tag has an answer for every step, so none is cut off"):
        config_from_mapping({"task": "tag", "data": {"max_length": 5}})


@pytest.mark.parametrize("task", ["classify", "regress", "seq2seq"])
def test_truncated_backpropagation_is_refused_with_a_key_that_is_taken(task):
    with pytest.raises(ConfigError, match=f"training.bptt: a {task} reads whole sequences; remove it, .*max_length"):
        config_from_mapping({"task": task, "training": {"bptt": 5}})
    assert config_from_mapping({"task": task, "data": {"max_length": 5}}).data.truncate == "end"


def test_a_sequence_that_alone_does_not_fit_is_to_be_cut(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 5_000_000)
    long = TEXTS + "p," + "a" * 60_000 + "\n"
    data = {"validation": 0.0}
    with pytest.raises(
        ConfigError, match=r"one sequence of 60,000 steps takes so much; cut it with data\.max_length, or"
    ):
        prepared("classify", long, data=data)
    prepared("classify", long, data=data | {"max_length": 100})


@pytest.mark.parametrize("task", TASKS)
def test_what_is_to_be_lowered_when_memory_runs_out_are_keys_of_the_task(task):
    named = memory_keys(config_from_mapping({"task": task})).replace(" or ", ", ").split(", ")
    assert named[-2:] == ["model.hidden_size", "training.batch_size"]
    for section, _, key in (name.partition(".") for name in named):
        config = config_from_mapping({"task": task, section: {key: 7}})
        assert getattr(getattr(config, section), key) == 7
    assert ("training.bptt" in named) == (task in ("language-model", "forecast"))
