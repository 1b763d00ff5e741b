"""The linear model of texts for numbers: by the formula, left out, in a model file, and corrected by a network."""

import json
from itertools import pairwise

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.sequences import linear, ridge
from rnncli.tasks.sequences.naive_bayes import PAIR
from rnncli.tasks.sequences.readers import encode
from rnncli.tasks.sequences.ridge import Ridge
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

RANDOM = np.random.default_rng(5)
WORDS = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "koala", "lynx"]
TEXTS = [" ".join(WORDS[k] for k in RANDOM.integers(0, 12, RANDOM.integers(2, 9))) for _ in range(60)]
ASKED = [*TEXTS[:3], "bee cat never", "never", "bee bee bee"]
ADDED = {word: 10.0 * k for k, word in enumerate(WORDS)}
SUMS = np.array([sum(ADDED[word] for word in set(text.split())) for text in TEXTS])
OF_PAIRS = np.array(  # where a word stands before one that comes after it in the alphabet
    [10.0 * sum(one < other for one, other in set(pairwise(text.split()))) for text in TEXTS]
)
POOL = ThreadPool(1)


def dense(texts, places):
    bags = linear.Bags.of(texts, places, "word")
    made = np.zeros((len(bags), bags.size))
    made[bags.rows, bags.columns] = 1
    return made[:, 1:]


def by_formula(texts, numbers, asked, weighing, pairs):
    """Ridge regression with a penalty of 0.7 in dense arrays; of ones, one more stands for what all texts have."""
    places = linear.places_of(TEXTS, "word")
    kept = [pairs or PAIR not in feature for feature in places]
    x, other, whole = (dense(some, places)[:, kept] for some in (texts, asked, TEXTS))
    if weighing == "of length 1":
        idf = 1 + np.log((1 + len(whole)) / (1 + whole.sum(axis=0)))
        x, other = (one * idf / np.maximum(np.linalg.norm(one * idf, axis=1), 1e-30)[:, None] for one in (x, other))
    else:
        x, other = (np.hstack([one, np.ones((len(one), 1))]) for one in (x, other))
    w = np.linalg.solve(x.T @ x + 0.7 * np.eye(x.shape[1]), x.T @ (numbers - numbers.mean()))
    return numbers.mean() + other @ w


@pytest.fixture
def exactly(monkeypatch):
    monkeypatch.setattr(ridge, "_PENALTIES", (0.7,))
    monkeypatch.setattr(linear, "_TOLERANCE", 1e-12)
    monkeypatch.setattr(linear, "_EPOCHS", 5000)


@pytest.mark.parametrize(
    ("weighing", "numbers", "pairs"),
    [("each as one", SUMS, False), ("each as one", OF_PAIRS, True), ("of length 1", OF_PAIRS, True)],
)
@pytest.mark.usefixtures("exactly")
def test_numbers_are_by_the_formula(weighing, numbers, pairs, monkeypatch):
    monkeypatch.setattr(ridge, "_WEIGHINGS", {weighing: ridge._WEIGHINGS[weighing]})
    found = Ridge.of(TEXTS, numbers, "word")
    assert found.answers(ASKED) == pytest.approx(by_formula(TEXTS, numbers, ASKED, weighing, pairs), abs=1e-6)
    again = Ridge.from_header(json.loads(json.dumps(found.to_header())))
    assert np.array_equal(again.answers(ASKED), found.answers(ASKED))
    left_out = found.answers_left_out(TEXTS, numbers)
    for learnt, fold in linear.folds_of(len(TEXTS), 10):
        texts, asked = ([TEXTS[i] for i in some] for some in (learnt, fold))
        assert left_out[fold] == pytest.approx(by_formula(texts, numbers[learnt], asked, weighing, pairs), abs=1e-6)


def test_what_features_add_is_found_where_numbers_are_sums():
    assert Ridge.of(TEXTS, SUMS, "word").weighing == "each as one"


def test_answers_left_out_are_of_few_texts_where_there_are_too_many(monkeypatch):
    found = Ridge.of(TEXTS, SUMS, "word")
    whole = found.answers_left_out(TEXTS, SUMS)
    monkeypatch.setattr(linear, "_MOST", sum(map(len, TEXTS)) * linear.TYPICAL * 10 // 2)
    half = found.answers_left_out(TEXTS, SUMS)
    assert not np.array_equal(half, whole)
    assert np.abs(half - SUMS).mean() < np.abs(SUMS - SUMS.mean()).mean()


def prepared(seeds=1, **data):
    rows = "".join(f"{text},{number:.0f}\n" for text, number in zip(TEXTS, SUMS, strict=True))
    config = {
        "task": "regress",
        "data": {"text": "text", "label": "price", "tokens": "word", "validation": 0.2, **data},
        "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1},
        "training": {"epochs": 2, "seeds": seeds},
    }
    source = Source("offers.csv", f"text,price\n{rows}".encode())
    with noting(lambda _: None):
        return TASKS["regress"].prepare(config_from_mapping(config), source, Context(POOL))


def test_the_network_corrects_the_linear_model_from_its_answers_on():
    experiment = prepared()
    assert experiment.config.data.residual == "linear"
    score = experiment.score()  # of an untrained network
    assert score.network == pytest.approx(dict(score.baselines)["linear model"], rel=1e-6)
    assert score.network < dict(score.baselines)["mean"]
    model = TASKS["regress"].load(json.loads(json.dumps(experiment.header())), experiment.network.parameters.export())
    assert model.answers.bases(experiment.splits.train, own=False) is not None


@pytest.mark.parametrize("data", [{"residual": "none"}, {"tokens": "char"}])
def test_nothing_is_corrected_where_that_is_asked_or_of_characters(data):
    assert not prepared(**data).answers.corrects(0)


def test_series_have_no_linear_model():
    rows = "".join(f"{i},{k + i},{i}\n" for i in range(30) for k in range(4))
    data = {"id": "i", "inputs": "x", "label": "y", "residual": "linear"}
    with pytest.raises(ConfigError, match=r"data\.residual: is linear, and s\.csv has numbers; take none"):
        TASKS["regress"].prepare(
            config_from_mapping({"task": "regress", "data": data}),
            Source("s.csv", f"i,x,y\n{rows}".encode()),
            Context(POOL),
        )


def test_of_several_networks_every_second_one_corrects_and_held_out_texts_weigh_them():
    experiment = prepared(seeds=None)
    answers = experiment.answers
    assert experiment.config.training.seeds == 2
    assert experiment.config.data.residual == "linear-half"
    assert [answers.corrects(number) for number in range(4)] == [True, False, True, False]
    experiment.choose()
    held_out = experiment.splits.held_out["validation"]
    linear_model = answers.corrected.answers(held_out.texts) - answers.values(held_out)
    other = answers.compared(held_out, experiment._outputs_of_each(experiment._validation)[1])
    errors = {k / 20: ((k / 20 * linear_model + (1 - k / 20) * other) ** 2).mean() for k in range(1, 20)}
    best = min(errors, key=errors.get)
    assert answers.share == best > 0.5
    assert experiment.score().network == pytest.approx(errors[best] ** 0.5, rel=1e-5)
    header = json.loads(json.dumps(experiment.header()))
    assert header["validated"] == {"share": best}
    model = TASKS["regress"].load(header, experiment.network.parameters.export())
    assert model.answers.share == best
    found = [piece.nested["price"] for piece in model.pieces(held_out, encode(model.reader, held_out), POOL)]
    wanted = best * linear_model + (1 - best) * other
    assert np.array(found) - answers.values(held_out) == pytest.approx(wanted, abs=1e-3)
