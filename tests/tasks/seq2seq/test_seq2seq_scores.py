"""What is scored is what is written: metrics and baselines compare lines as they stand in the file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq import candidates
from rnncli.tasks.seq2seq.scores import line
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
PIECES = "".join(f"s{i}\tnew@@ est{i % 3} <sep> $5\n" for i in range(10))


def prepared(content, tokens, **data):
    config = config_from_mapping(
        {
            "task": "seq2seq",
            "data": {"tokens": tokens, "validation": 0.3, **data},
            "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1},
        }
    )
    notes = []
    with noting(notes.append):
        return TASKS["seq2seq"].prepare(config, Source("p.tsv", content.encode()), Context(POOL)), notes


def scored(content, tokens, monkeypatch, answers=None):
    """The score of one that writes `answers`, by default the targets, as well as its tokens can."""
    experiment, _ = prepared(content, tokens)
    lines = answers or experiment.splits.held_out["validation"].targets
    tokens = [experiment.target.encode(one) for one in lines]
    found = [[SimpleNamespace(tokens=numbers, places=0 * numbers, score=0.0)] for numbers in tokens]
    monkeypatch.setattr(candidates, "write", lambda *arguments, **options: found)
    return experiment.score()


@pytest.mark.parametrize(
    ("tokens", "exact"), [("word", 0.0), ("whitespace", 1.0), ("char", 1.0), ("byte", 1.0)], ids=str
)
def test_lines_that_are_not_written_as_they_stand_are_wrong(tokens, exact, monkeypatch):
    score = scored(PIECES, tokens, monkeypatch)
    assert score.network == exact
    assert score.baselines[0] == ("copy", 0.0)


def test_the_most_frequent_target_is_written_as_it_stands(monkeypatch):
    same = "".join(f"s{i}\tnew@@ est\n" for i in range(10))
    assert dict(scored(same, "word", monkeypatch).baselines)["most frequent"] == 1.0


def test_a_space_in_the_wrong_place_is_an_edit(monkeypatch):
    content = "".join(f"{i}\ta b@@ c{'de'[i % 2]}\n" for i in range(10))
    assert "mean edit distance 2.000 words" in scored(content, "word", monkeypatch).detail  # "@ @" for "@@ "
    assert "mean edit distance 0.000 tokens" in scored(content, "whitespace", monkeypatch).detail


def test_a_first_word_that_is_missing_is_one_edit(monkeypatch):
    content = "".join(f"{i}\tone two three\n" for i in range(10))
    assert "mean edit distance 1.000 words" in scored(content, "word", monkeypatch, ["two three"] * 3).detail
    assert "mean edit distance 2.000 words" in scored(content, "word", monkeypatch, ["three"] * 3).detail


@pytest.mark.parametrize(
    ("target", "tokens", "written", "mend"),
    [
        ("new@@ est", "word", "new @@est", "whitespace"),
        ("a  b", "word", "a b", "char"),
        ("a  b", "whitespace", "a b", "char"),
        ("a b ", "whitespace", "a b", "char"),
    ],
)
def test_targets_that_cannot_be_written_are_counted(target, tokens, written, mend):
    content = "9\tplain\n" + "".join(f"{i}\t{target}\n" for i in range(4))
    _, notes = prepared(content, tokens, validation=0.0)
    assert (
        f"4 of 5 targets to train on cannot be written as they stand, and score as wrong; the first (p.tsv:2) is "
        f'"{target}", and is written "{written}"; set data.tokens: {mend}'
    ) in notes


def test_nothing_is_said_where_all_targets_can_be_written():
    for tokens in ("char", "byte", "whitespace"):
        assert not [note for note in prepared(PIECES, tokens)[1] if "cannot be written" in note]
    assert not [
        note for note in prepared("a\tthe hen, “so”.\nb\tDon't!\n", "word", validation=0.0)[1] if "cannot" in note
    ]


def test_unk_in_a_text_is_a_token_that_is_written():
    experiment, notes = prepared("a\tthe <unk> sat\nb\tthe hen sat\n", "whitespace", validation=0.0)
    numbers = experiment.target.encode("the <unk> sat dog")
    assert [n > 0 for n in numbers] == [True, True, True, False]
    assert line(experiment.target.decode(numbers[:3]), "whitespace") == "the <unk> sat"
    assert not [note for note in notes if "cannot" in note]
