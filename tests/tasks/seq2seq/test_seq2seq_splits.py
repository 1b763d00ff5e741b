"""Which pairs are trained on: equal inputs stay together, every label is in training, rare tokens are unknown."""

from __future__ import annotations

import pytest

from rnncli.data.source import Source
from rnncli.errors import DataError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
COLOURS = "colour,count,text\n" + "".join(f"{'red' if i % 2 else 'blue'},{i},go {i % 3}\n" for i in range(30))


def prepared(task, name, content, notes=None, seed=1, **data):
    config = config_from_mapping(
        {"task": task, "data": data, "model": {"hidden_size": 3, "num_layers": 1}, "training": {"seed": seed}}
    )
    with noting(([] if notes is None else notes).append):
        return TASKS[task].prepare(config, Source(name, content.encode()), Context(POOL))


@pytest.mark.parametrize("seed", range(4))
def test_equal_sources_stay_in_one_split(seed):
    lines = [f"source {i % 20}\ttarget {i}\n" for i in range(60)]
    both = []
    for group in (None, "none"):
        notes = []
        splits = prepared(
            "seq2seq",
            "d.tsv",
            "".join(lines),
            notes,
            seed,
            validation=0.2,
            test=0.2,
            group=group,
        ).splits
        split = [set(pairs.prompts) for pairs in (splits.train, *splits.held_out.values())]
        assert sum(len(pairs) for pairs in (splits.train, *splits.held_out.values())) == 60
        both.append(sum(len(some & other) for i, some in enumerate(split) for other in split[:i]))
        told = "40 of 60 sequences have the input or group of an earlier one; they are in the same split"
        assert (told in notes) == (group is None)
    assert both[0] == 0
    assert both[1] > 10


def test_pairs_of_a_group_stay_together():
    content = "source,who,target\n" + "".join(f"s{i},p{i % 7},t{i}\n" for i in range(70))
    splits = prepared("seq2seq", "d.csv", content, validation=0.3, group="who").splits
    assert splits.train.prompts[0][0].startswith("s")
    assert not set(splits.train.groups) & set(splits.held_out["validation"].groups)
    tsv = content.partition("\n")[2].replace(",", "\t")
    splits = prepared("seq2seq", "d.tsv", tsv, validation=0.3, group="2", source=1, target=3).splits
    assert not set(splits.train.groups) & set(splits.held_out["validation"].groups)
    caption = prepared("caption", "d.csv", content.replace("source", "tone"), validation=0.3, group="who")
    assert caption.splits.train.columns.prompts == ("tone",)


@pytest.mark.parametrize("seed", range(5))
def test_a_label_that_occurs_once_is_trained_on(seed):
    notes = []
    experiment = prepared("caption", "d.csv", COLOURS + "green,4,go 1\n", notes, seed, validation=0.5, test=0.4)
    assert ("green", "4") in experiment.splits.train.prompts
    columns = experiment.prompts.columns
    assert columns[0]["labels"] == ["blue", "green", "red"]
    assert "labels" not in columns[1]


def test_a_label_of_another_file_alone_is_read_as_none_of_the_known_ones(tmp_path):
    (tmp_path / "v.csv").write_text("colour,count,text\nred,1,go 1\npink,2,go 2\npink,3,go 1\n")
    notes = []
    experiment = prepared("caption", "d.csv", COLOURS, notes, validation=str(tmp_path / "v.csv"))
    assert notes == [
        f'{tmp_path}/v.csv:3: the colour "pink" does not occur in the training split, as 2 labels of 3 held-out pairs '
        "do not; they are read as none of those that do"
    ]
    sources = experiment.learner.valid.sources
    assert sources[0][:2].tolist() == [0, 1]
    assert [source[:2].tolist() for source in sources[1:]] == [[0, 0], [0, 0]]
    assert experiment.score().detail.startswith("3 pairs")
    with pytest.raises(DataError, match='x:1: the colour "pink" does not occur in the training split'):
        experiment.prompts.encode([("pink", "2")], ["x:1"])


def test_a_column_of_labels_may_begin_with_a_number():
    content = "colour,text\n" + "".join(f"{label},go\ngreen,stay\n" for label in ("1", "red", "blue"))
    experiment = prepared("caption", "d.csv", content, validation=0.0, tokens="word")
    assert experiment.prompts.columns[0]["labels"] == ["1", "blue", "green", "red"]


def test_rare_tokens_of_sources_and_targets_are_unknown():
    lines = "".join(f"a b s{i}\tc d e t{i}\n" for i in range(20))
    notes = []
    experiment = prepared("seq2seq", "d.tsv", lines, notes, validation=0.0, tokens="word", min_count=2)
    assert experiment.prompts.vocabulary.tokens == ("<unk>", "a", "b")
    assert experiment.target.tokens == ("<unk>", "c", "d", "e")
    assert notes == [
        "20 of 60 tokens of the sources (33.3%) are <unk>: its vocabulary keeps 2 of 22 words",
        "20 of 80 tokens of the targets (25.0%) are <unk>: its vocabulary keeps 3 of 23 words",
    ]
    assert prepared("seq2seq", "d.tsv", lines, tokens="word", vocabulary_size=2).target.tokens == ("<unk>", "c", "d")
