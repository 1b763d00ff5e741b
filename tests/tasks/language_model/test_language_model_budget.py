"""The network of a language model by the size of its text and the time that training is to fill."""

import pytest

from rnncli.data.source import Source
from rnncli.kernels import register_tile
from rnncli.notes import noting
from rnncli.tasks.language_model.budget import OF_WORDS, ROWS, row_for
from rnncli.tasks.language_model.config import completed
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)


def chosen(size, **training):
    return completed(config_from_mapping({"task": "language-model", "training": training}), size)


@pytest.mark.parametrize(("rows", "words"), [(ROWS, False), (OF_WORDS, True)])
def test_every_row_is_the_choice_for_something_and_rows_are_in_order(rows, words):
    assert [row_for(int(min(row.size, 1e9)) - 1, row.seconds, words=words) for row in rows] == list(rows)
    assert list(rows) == sorted(rows, key=lambda row: (row.size, row.seconds))
    assert {row.size for row in rows if row.seconds == 0} == {row.size for row in rows}


@pytest.mark.parametrize("size", [1000, 100_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("training", [{}, {"epochs": 3, "max_time": "2h"}, {"updates": 70}, {"max_time": "5m"}])
def test_what_fills_no_time_has_the_network_of_five_minutes(size, training):
    model = chosen(size, **training).model
    row = row_for(size, 300)
    assert (model.cell, model.num_layers, model.hidden_size, model.dropout) == row[2:3] + row[4:5] + row[3:4] + row[5:6]


def test_more_time_makes_a_larger_network_with_more_dropout():
    models = [chosen(1_000_000, max_time=time).model for time in ("1m", "5m", "10m", "1h")]
    sizes = [model.hidden_size for model in models]
    assert sizes == sorted(set(sizes))
    assert [model.dropout for model in models] == sorted(model.dropout for model in models)


def test_a_time_to_fill_has_as_many_epochs_as_help_and_no_patience():
    training = chosen(1_000_000, max_time="10m").training
    assert training.epochs == row_for(1_000_000, 600).most_epochs
    assert (training.max_time, training.patience) == ("10m", None)


@pytest.mark.parametrize(
    ("training", "pays", "wanted"),
    [
        ({"max_time": "5m"}, True, "bfloat16"),
        ({"max_time": "5m"}, False, "float32"),
        ({"max_time": "5m", "precision": "float32"}, True, "float32"),
        ({"max_time": "5m", "epochs": 3}, True, "float32"),
        ({}, True, "float32"),
    ],
)
def test_a_time_to_fill_is_filled_in_the_faster_precision(training, pays, wanted, monkeypatch):
    monkeypatch.setattr(register_tile, "pairs_pay", lambda: pays)
    assert chosen(1_000_000, **training).training.precision == wanted


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"max_time": "1m", "precision": "float32"}, ", for 900 bytes in 1m"),
        ({"max_time": "1m", "precision": "bfloat16"}, ", in bfloat16, for 900 bytes in 1m"),
        ({"precision": "bfloat16"}, ", in bfloat16"),
        ({}, ""),
    ],
)
def test_it_is_said_that_the_time_chose_the_network(training, said):
    config = config_from_mapping({"task": "language-model", "training": {"threads": 1, **training}})
    with noting(lambda text: None):
        experiment = TASKS["language-model"].prepare(config, Source("a.txt", b"some words. " * 75), Context(POOL))
    assert dict(experiment.facts)["model"].endswith(f"parameters{said}")


@pytest.mark.parametrize(
    ("data", "model", "wanted"),
    [
        ({}, {}, (True, True)),
        ({"tokens": "byte"}, {"cell": "peephole"}, (True, True)),
        ({}, {"cell": "gru"}, (True, False)),
        ({}, {"activation": "relu"}, (True, False)),
        ({"tokens": "word"}, {}, (False, True)),
        ({"tokens": "bpe"}, {}, (False, True)),
        ({}, {"embedding_size": 8}, (False, True)),
        ({}, {"tied_embeddings": True}, (False, True)),
        ({}, {"cell": "lstm", "skip_connections": False, "cap_input_gate": False}, (False, False)),
        ({"tokens": "word"}, {"skip_connections": True}, (True, True)),
    ],
)
def test_skips_are_for_one_hot_tokens_and_the_cap_for_cells_that_have_it(data, model, wanted):
    config = config_from_mapping({"task": "language-model", "data": data, "model": model})
    found = completed(config, 1_000_000).model
    assert (found.skip_connections, found.cap_input_gate) == wanted


@pytest.mark.parametrize(("given", "wanted"), [({}, None), ({"dropout": 0.25}, 0.0), ({"output_dropout": 0.0}, 0.0)])
def test_what_the_head_reads_is_dropped_as_between_the_layers_where_both_are_open(given, wanted):
    config = completed(config_from_mapping({"task": "language-model", "model": given}), 1_000_000)
    assert config.model.output_dropout == (config.model.dropout if wanted is None else wanted)
    assert config.training.weight_averaging == 0.999


@pytest.mark.parametrize(
    ("data", "model", "wanted"),
    [
        ({"tokens": "word"}, {}, (True, 0.4)),
        ({"tokens": "whitespace"}, {"dropout": 0.1}, (True, 0.0)),
        ({"tokens": "word"}, {"embedding_size": 64}, (False, 0.4)),
        ({"tokens": "word", "vectors": "v.txt"}, {}, (False, 0.4)),
        ({"tokens": "word"}, {"skip_connections": True}, (False, 0.4)),
        ({"tokens": "word"}, {"tied_embeddings": False, "input_dropout": 0.2}, (False, 0.2)),
        ({}, {}, (False, 0.0)),
        ({"tokens": "bpe"}, {}, (False, 0.0)),
    ],
)
def test_words_have_tied_vectors_and_drop_of_them(data, model, wanted):
    found = completed(config_from_mapping({"task": "language-model", "data": data, "model": model}), 1_000_000).model
    assert (found.tied_embeddings, found.input_dropout) == wanted
