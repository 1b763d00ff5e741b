"""Sizes, rates and lengths that a config leaves open: chosen by the amount of data, told, kept, and overridden."""

from pathlib import Path

import pytest
import yaml

from rnncli.config.sections import SECTIONS, chosen_keys
from rnncli.data.source import Source
from rnncli.data.text import is_prose
from rnncli.notes import noting
from rnncli.tasks import sizes
from rnncli.tasks.registry import TASKS, config_from_mapping, dump_config, load_config, load_run_config
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
SENTENCES = [f"the {a} of my {b} is here" for a in ("cat", "dog", "fox") for b in ("aunt", "boss", "maid")] * 4
LABELLED = "text,label\n" + "".join(f"{text},{'xy'[k % 2]}\n" for k, text in enumerate(SENTENCES))
SERIES = "id,value,label\n" + "".join(f"{k},{(k * t) % 5},{'ab'[k % 2]}\n" for k in range(30) for t in range(4))
TAGGED = "\n\n".join("\n".join(f"w{(k + t) % 7}\t{'AB'[t % 2]}" for t in range(4)) for k in range(30)) + "\n"
DATA = {
    "language-model": ("d.txt", " ".join(SENTENCES), {}),
    "forecast": ("d.csv", "month,sold\n" + "".join(f"{n},{n % 5 + n / 50}\n" for n in range(1, 121)), {"horizon": 3}),
    "classify": ("d.csv", LABELLED, {}),
    "regress": ("d.csv", SERIES.replace(",a", ",1").replace(",b", ",2"), {"id": "id", "label": "label"}),
    "tag": ("d.conll", TAGGED, {}),
    "seq2seq": ("d.tsv", "".join(f"a{k}\tb{k}\n" for k in range(40)), {}),
    "caption": ("d.csv", "kind,text\n" + "".join(f"{'xyz'[k % 3]},say {k}\n" for k in range(40)), {"target": "text"}),
    "transcribe": ("d.csv", SERIES.replace("label", "text"), {}),
}


def prepared(task, content=None, **sections):
    name, text, data = DATA[task]
    config = config_from_mapping({"task": task, **sections, "data": {**data, **sections.get("data", {})}})
    with noting(lambda text: None):
        return config, TASKS[task].prepare(config, Source(name, (content or text).encode()), Context(POOL)).config


@pytest.mark.parametrize("task", TASKS)
def test_a_prepared_config_says_all_that_was_chosen_and_chooses_it_again(task, tmp_path: Path):
    config, filled = prepared(task)
    chosen = chosen_keys(config, filled)
    wanted = {"cell", "hidden_size", "num_layers", "dropout", "epochs", "max_time", "batch_size"}
    assert wanted | {"learning_rate"} <= chosen.keys()
    assert chosen.keys() & {"validation", "folds"}
    assert chosen["max_time"] == "5m"
    (tmp_path / "config.yaml").write_text(dump_config(filled))
    again = load_config(tmp_path / "config.yaml")
    assert again == filled
    name, content, _ = DATA[task]
    with noting(lambda text: None):
        assert TASKS[task].prepare(again, Source(name, content.encode()), Context(POOL)).config == filled


@pytest.mark.parametrize("task", TASKS)
def test_what_a_config_names_is_kept(task):
    model = {"cell": "lstm", "hidden_size": 7, "num_layers": 2, "dropout": 0.0}
    training = {"epochs": 3, "batch_size": 5, "learning_rate": 0.25}
    _, filled = prepared(task, model=model, training=training, data={"validation": 0.3})
    assert {key: getattr(filled.model, key) for key in model} == model
    assert {key: getattr(filled.training, key) for key in training} == training
    assert filled.data.validation == 0.3
    assert (filled.training.max_time, filled.training.patience) == (None, None)  # so many epochs, and no fewer


@pytest.mark.parametrize("task", TASKS)
def test_an_activation_that_only_one_cell_takes_chooses_that_cell(task):
    assert prepared(task, model={"activation": "relu"})[1].model.cell == "rnn"


@pytest.mark.parametrize("kind", sizes.KINDS)
def test_the_fewer_the_sequences_the_more_epochs_and_there_are_enough_updates(kind):
    task = {"tags of words": "tag", "pairs": "seq2seq", "windows": "forecast"}.get(kind, "classify")
    config, epochs = config_from_mapping({"task": task}), []
    for count in (2, 30, 99, 100, 101, 999, 1001, 4999, 5001, 10**5, 10**7):
        training = sizes.completed(config, kind, count, 1000).training
        epochs.append(training.epochs)
        if count >= 30:
            assert training.epochs * -(-count // training.batch_size) >= 600
        assert 1 <= training.epochs <= 300
    assert epochs[0] == max(epochs)
    assert epochs[-1] == min(epochs)


def test_epochs_are_counted_in_the_batches_that_the_config_names():
    config = config_from_mapping({"task": "classify", "training": {"batch_size": 4}})
    row = sizes.KINDS["numbers"][0]
    filled = sizes.completed(config, "numbers", 80, 0).training
    assert (filled.batch_size, filled.epochs) == (4, row.updates * 4 // 80)


def test_patience_is_for_a_validation_split_that_can_tell():
    config = config_from_mapping({"task": "classify"})
    assert sizes.completed(config, "words", 500, 20).training.patience is None
    assert sizes.completed(config, "words", 5000, 500).training.patience == 10
    slow = sizes.completed(config, "numbers", 150, 150).training
    assert (slow.epochs, slow.patience) == (160, 40)
    assert sizes.completed(config, "numbers", 10**6, 500).training.patience == 10


def test_prose_is_read_in_words_and_codes_in_characters():
    assert is_prose(SENTENCES)
    assert not is_prose(["ACGTTTACGA", "3+5+1", "X-12 B"])
    assert not is_prose(["Ana Berit", "Carlo Dunja"])  # names
    _, words = prepared("classify")
    assert (words.data.tokens, words.data.residual, words.model.embedding_size) == (
        "word",
        "naive-bayes",
        words.model.hidden_size,
    )
    _, codes = prepared("classify", "text,label\n" + "".join(f"X{k},{'xy'[k % 2]}\n" for k in range(40)))
    assert (codes.data.tokens, codes.data.residual, codes.model.embedding_size) == ("char", "none", None)


def test_columns_of_a_long_table_are_series_of_their_own():
    def content(rows, columns):
        lines = [[n, *((n * (c + 3)) % 24 + n % 7 for c in range(columns))] for n in range(1, rows + 1)]
        return "\n".join(["day," + ",".join("abc"[:columns]), *(",".join(map(str, line)) for line in lines), ""])

    _, long = prepared("forecast", content(2100, 3), data={"horizon": 24, "season": 24})
    assert (long.data.channels, long.model.decoder, long.networks) == ("independent", "segments", 1)
    for rows, columns, decoder in ((300, 3, "direct"), (2100, 1, "segments")):
        _, other = prepared("forecast", content(rows, columns), data={"horizon": 12, "season": 12})
        assert (other.data.channels, other.model.decoder) == ("joint", decoder)
    _, kept = prepared("forecast", content(2100, 3), data={"horizon": 24, "season": 24, "context": 50})
    assert (kept.data.context, kept.model.decoder) == (50, "direct")  # which no segments fill
    _, named = prepared("forecast", content(2100, 3), data={"horizon": 24, "season": 24, "channels": "joint"})
    assert (named.data.channels, named.model.decoder) == ("joint", "direct")


SHOPS = "shop,day,sold\n" + "".join(f"{s},{n},{n % 5 + s}\n" for s in range(1, 4) for n in range(40))


@pytest.mark.parametrize(
    ("sections", "networks"),
    [
        ({}, 4),
        ({"training": {"epochs": 3}}, 1),
        ({"training": {"seeds": 2}}, 2),
        ({"training": {"epochs": 3}, "data": {"context": [4, 6, 8]}}, 3),
        ({"training": {"seed": 2**63 - 2}}, 2),
    ],
)
def test_several_series_whose_epochs_are_open_have_several_networks(sections, networks):
    roles = {"id": "shop", "target": "sold"} | sections.get("data", {})
    assert prepared("forecast", SHOPS, **sections | {"data": roles})[1].networks == networks
    assert prepared("forecast")[1].networks == 1  # one series


@pytest.mark.parametrize(("steps", "networks"), [(1, 4), (7_100_000, 4), (7_200_000, 3), (16_000_000, 2), (10**9, 1)])
def test_networks_of_the_same_data_are_as_many_as_there_is_time_for(steps, networks):
    assert sizes.side_by_side(steps) == networks


def test_null_in_an_older_run_means_what_it_meant(tmp_path: Path):
    """A run of words of 0.1 whose `data.residual` is null corrected nothing."""
    written = yaml.safe_load(dump_config(config_from_mapping({"task": "classify", "data": {"tokens": "word"}})))
    for section, _, name in (key.partition(".") for key in TASKS["classify"].before):
        written[section].pop(name)  # which 0.1 did not know
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(written))
    assert load_config(tmp_path / "config.yaml").data.residual is None
    assert load_run_config(tmp_path / "config.yaml").data.residual == "none"


@pytest.mark.parametrize("path", ["2024-02-30", "="])
def test_a_config_that_somebody_edited_is_read_once_and_alike(tmp_path: Path, path: str):
    (tmp_path / "config.yaml").write_text(f"task: classify\ndata:\n  path: {path}\ntraining:\n")
    assert load_run_config(tmp_path / "config.yaml").data.path == str(tmp_path / path)


def test_every_key_that_is_chosen_may_be_null():
    for name in TASKS:
        for section in SECTIONS:
            config = config_from_mapping({"task": name})
            values = getattr(config, section).model_dump()
            assert config_from_mapping({"task": name, section: values}) == config, (name, section)


@pytest.mark.parametrize(
    ("steps", "folds", "networks"), [(10, 5, 4), (2_600_000, 5, 3), (3_500_000, 5, 1), (10**9, 5, 1), (10, 0, 1)]
)
def test_as_many_networks_are_trained_as_there_is_time_for(steps, folds, networks):
    """A network of all the data takes half as long again as that of a fold."""
    assert sizes.networks(steps, folds) == networks
    assert steps * (folds + 1.5 * networks) <= 25e6 or networks == 1


@pytest.mark.parametrize(
    ("changes", "networks"),
    [({}, 4), ({"training": {"epochs": 3}}, 1), ({"training": {"seeds": 2}}, 2), ({"data": {"validation": 0.2}}, 1)],
)
def test_few_series_whose_epochs_are_open_have_several_networks(changes, networks):
    assert prepared("regress", **changes)[1].networks == networks
    assert prepared("classify", **{name: changes[name] for name in changes if name == "data"})[1].networks == 1  # texts


@pytest.mark.parametrize(("training", "networks"), [({}, 4), ({"epochs": 3}, 1), ({"seeds": 2}, 2)])
def test_tags_of_few_series_are_those_of_several_chains_and_tags_of_words_of_one_network(training, networks):
    steps = "id,value,label\n" + "".join(f"{k},{(k * t) % 5},{'ab'[t % 2]}\n" for k in range(30) for t in range(4))
    reading = {"id": "id", "label": "label", "format": "csv"}
    numbers, words = prepared("tag", steps, data=reading, training=training)[1], prepared("tag", training=training)[1]
    assert (numbers.networks, numbers.model.head) == (networks, "crf")
    assert (words.networks, words.model.head) == (training.get("seeds", 1), "softmax")


def test_more_layers_leave_time_for_fewer_networks():
    rows = "".join(f"{k},{(k * t) % 5},{k % 2}\n" for k in range(30) for t in range(250))
    content = f"id,value,label\n{rows}"
    assert [prepared("regress", content, model={"num_layers": layers})[1].networks for layers in (1, 2)] == [4, 1]


def test_networks_by_rule_leave_room_for_their_seeds():
    assert prepared("regress", training={"seed": 2**63 - 2})[1].networks == 2
