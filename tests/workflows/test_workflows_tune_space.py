"""The words of a search space: what they mean, that they survive being written, and what is refused."""

from __future__ import annotations

import pytest

from rnncli.config.problems import Place
from rnncli.errors import ConfigError
from rnncli.tasks.registry import config_from_mapping
from rnncli.workflows.tune_space import Choice, Range, given_space, read_space, texts, usual_space, written

CONFIG = config_from_mapping(
    {
        "task": "language-model",
        "data": {"path": "a.txt"},
        "model": {"cell": "lstm", "hidden_size": 80, "num_layers": 2, "dropout": 0.3},
        "training": {"epochs": 2, "batch_size": 4, "learning_rate": 2e-3},
    }
)


def read(*over):
    return read_space(*_swapped(*given_space(over)))


def _swapped(given, place_of):
    return given, CONFIG, place_of


@pytest.mark.parametrize(
    ("over", "meant"),
    [
        ("training.learning_rate=5e-4..1e-2:log", Range(5e-4, 1e-2, False, log=True)),
        ("training.learning_rate=1..2", Range(1.0, 2.0, False)),  # ends as they are written, values as the key has them
        ("model.hidden_size=32..256:log", Range(32, 256, True, log=True)),
        ("model.hidden_size = 32 .. 256 : step=16", Range(32, 256, True, step=16)),
        ("model.dropout=0..0.5:step=0.1", Range(0.0, 0.5, False, step=0.1)),
        ("model.cell=gru,lstm", Choice(("gru", "lstm"))),
        ("model.cell=[gru, lstm]", Choice(("gru", "lstm"))),
        ("model.dropout=0,0.2, 0.5", Choice((0, 0.2, 0.5))),
        ("training.clip_norm=1..2:step=1e-5", Range(1.0, 2.0, False, step=1e-5)),
        ("training.clip_norm=null,1", Choice((None, 1))),
        ("model.skip_connections=true,false", Choice((True, False))),
    ],
)
def test_words_mean_what_they_say_and_are_written_so_that_they_mean_it_again(over, meant):
    key = over.partition("=")[0].strip()
    space = read(over)
    assert space == {key: meant}
    assert read_space(texts(space), CONFIG, Place) == space
    if isinstance(meant, Range):
        assert isinstance(space[key].low, int) == meant.whole


def test_a_list_of_a_config_is_a_choice_and_its_text_a_range():
    given = {"model.cell": ["gru", "lstm"], "training.learning_rate": "5e-4..1e-2:log"}
    assert read_space(given, CONFIG, Place) == read("model.cell=gru,lstm", "training.learning_rate=5e-4..1e-2:log")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("training.lerning_rate=1e-3..1e-2", 'unknown key "lerning_rate"; did you mean "learning_rate"?'),
        ("hidden_size=16..32", 'unknown key "hidden_size"; hidden_size belongs under model:'),
        ("model.cell=gru,lstn", 'model.cell is "lstn"; expected one of'),
        ("model.cell=1..3", "model.cell is 1; expected one of"),
        ("model.hidden_size=0..64", "model.hidden_size is 0; must be at least 1"),
        ("model.hidden_size=1e1..1e2", "model.hidden_size is 10.0; must be a whole number"),
        ("model.dropout=0..1", "model.dropout is 1; must be less than 1"),
        ("data.horizon=1..3", "data.horizon: is for forecast, and a language-model has no use for it"),
        ("data.path=a.txt,b.txt", "data.path decides what is learnt from and scored on"),
        ("data.tokens=char,word", "data.tokens decides what is learnt from and scored on"),
        ("training.seed=1..9", "training.seed is the same for all trials"),
        ("training.threads=1,2", "training.threads does not decide what is learnt"),
        ("training.max_time=1m,2m", "training.max_time is the time of each trial"),
        ("tune.trials=1..3", "tune.trials is the same for all trials"),
        ("task=classify,tag", "task"),
        ("model.hidden_size", "not of the form KEY=VALUES"),
        ("model.hidden_size=", "not of the form KEY=VALUES"),
        ("model.hidden_size=64", "model.hidden_size has one value, 64"),
        ("model.hidden_size=64,64", "model.hidden_size has 64 twice"),
        ("model.hidden_size=64..32", "ends where it begins, or before"),
        ("model.hidden_size=64..64", "ends where it begins, or before"),
        ("model.hidden_size=small..large", "is no range of numbers"),
        ("model.hidden_size=1..2..3", "is no range of numbers"),
        ("model.hidden_size=..64", "is no range of numbers"),
        ("model.dropout=0..inf", "is no range of numbers"),
        ("model.dropout=0..0.5:log", "a range that is :log begins above 0"),
        ("model.dropout=0..0.5:step=0", "step=0 does not go with 0..0.5"),
        ("model.dropout=0..0.5:step=9", "step=9 does not go with 0..0.5"),
        ("model.hidden_size=16..64:log:step=2", "does not go with 16..64"),
        ("model.hidden_size=16..64:lin", "lin does not go with 16..64"),
        ("model.cell=gru,,lstm", "is not what can be searched"),
        ("model.cell=[gru]", "model.cell has one value, [gru]"),
        ("model.cell=[]", "is not what can be searched"),
        ("model.cell=[gru, lstm", 'model.cell is "[gru"; expected one of'),
        ("training.clip_norm=1..1.00000000001:step=1e-22", "has more than 1,000,000 steps; leave :step=1e-22 out"),
        ("training.clip_norm=1e-300..1e300:step=1e-300", "has more than 1,000,000 steps"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_place(over, words):
    with pytest.raises(ConfigError) as refused:
        read(over)
    problem = refused.value.problems[0]
    assert problem.startswith(f"--over {over}: ") or over.partition("=")[0] in problem
    assert words in problem


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ConfigError) as refused:
        read("model.cel=gru,lstm", "training.seed=1..9", "model.dropout=0..2")
    assert len(refused.value.problems) == 3


def test_a_key_twice_is_refused():
    with pytest.raises(ConfigError, match="is searched twice"):
        read("model.cell=gru,lstm", "model.cell=gru,rnn")


def test_without_words_a_config_suggests_what_to_search():
    layers = usual_space(CONFIG)
    assert texts(layers) == {
        "training.learning_rate": "0.0005..0.008:log",
        "model.hidden_size": "40..160:log",
        "model.dropout": "0.0..0.5",
    }
    single = usual_space(CONFIG.changed(model={"num_layers": 1}))
    assert "model.dropout" not in single
    assert single["model.num_layers"] == Choice((1, 2))
    assert read_space(texts(layers), CONFIG, Place) == layers


def test_a_short_number_stays_within_its_range():
    within = Range(0.00123456, 0.00999999, False)
    assert written(0.00534567, within) == 0.00535
    assert written(0.00123456, within) == 0.00123456
    assert written(0.00999999, within) == 0.00999999
    assert written(0.1 + 2 * 0.1, Range(0.1, 0.5, False, step=0.1)) == 0.3
    assert written(37, Range(16, 64, True)) == 37
    assert written("gru", Choice(("gru", "lstm"))) == "gru"
