"""classify with several labels: the figures of its score, the threshold, the first weights, and the way to a file."""

import json
import math

import numpy as np
import pytest
from naive import sigmoid
from test_sequences_classify import prepared

from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS
from rnncli.tasks.sequences import readers

COLOURS = ["red", "green", "blue"]


def labels_of(k):
    return [name for i, name in enumerate(COLOURS) if k >> i & 1]


TEXTS = "label,text\n" + "".join(f"{';'.join(labels_of(k % 8))},{' '.join(labels_of(k % 8))} {k}\n" for k in range(80))
NUMBERS = "label,a,b\n" + "".join(f"{';'.join(labels_of(k % 8))},{k % 8},{(k * k) % 5}\n" for k in range(80))
WORDS = {"label_separator": ";", "tokens": "word", "test": 0.1}


def trained(made, updates=30):
    """Return the same with other weights."""
    weights = made.network.parameters.weights
    for update in range(updates):
        made.learner.gradient(update)
        weights -= 0.5 * made.network.parameters.gradient
        made.network.pack()
    return made


@pytest.mark.parametrize(("content", "data"), [(TEXTS, WORDS), (NUMBERS, {"label_separator": ";"})])
def test_a_loaded_model_answers_as_the_trained_one(content, data):
    made = trained(prepared("classify", content, data=data))
    split = made.splits.held_out["validation"]
    outputs = made.learner.outputs(readers.encode(made.reader, split))
    header = json.loads(json.dumps(made.header()))
    model = TASKS["classify"].load(TASKS["classify"].renewed(header), made.network.parameters.export())
    rows = content.splitlines()
    again = "\n".join([rows[0], *(rows[line - 1] for line in split.lines)]) + "\n"
    nested, flat = model.answers_to(Source("new.csv", again.encode()), model.config.data)
    assert len({tuple(one["probabilities"].values()) for one in nested}) > 4
    for output, one, row in zip(outputs, nested, flat, strict=True):
        chances = dict(zip(["blue", "green", "red"], sigmoid(output.astype(float)), strict=True))
        assert dict(one["probabilities"]) == pytest.approx(chances, abs=1e-6)
        wanted = sorted((name for name, p in chances.items() if p >= 0.5), key=lambda name: -chances[name])
        assert [label["label"] for label in one["labels"]] == wanted
        assert [label["probability"] for label in one["labels"]] == pytest.approx(
            [chances[n] for n in wanted], abs=1e-6
        )
        assert row == {"id": one["id"], "labels": ";".join(wanted)} | {
            f"p({n})": one["probabilities"][n] for n in chances
        }


def test_the_threshold_chooses_and_may_be_one_that_is_reached_exactly():
    answers = prepared("classify", TEXTS, data=WORDS).answers
    output = np.array([0.0, -2.0, 3.0], np.float32)  # of blue, green, red
    for threshold, wanted in ((0.5, "red;blue"), (0.1, "red;blue;green"), (0.96, ""), (0.0, "red;blue;green")):
        _, [row] = answers.asked({"threshold": threshold}).answer(None, 0, output)
        assert row["labels"] == wanted
    with pytest.raises(UsageError, match="--confusion: several labels have no such matrix"):
        answers.asked({"confusion": "x.csv"})
    with pytest.raises(UsageError, match="--threshold: is for several labels"):
        prepared("classify", "label,text\n" + "a,x\nb,y\n" * 9).answers.asked({"threshold": 0.5})


def test_the_score_is_that_of_the_answers():
    made = trained(prepared("classify", TEXTS, data=WORDS), 5)
    split = made.splits.held_out["test"]
    outputs = np.stack(made.learner.outputs(readers.encode(made.reader, split))).astype(float)
    P, A = sigmoid(outputs) >= 0.45, np.array([[n in one for n in ("blue", "green", "red")] for one in split.sets])
    score = made.evaluate({"threshold": 0.45}).score
    assert 0 < (P & A).sum() < (P | A).sum()
    assert score.network == pytest.approx(2 * (P & A).sum() / (P.sum() + A.sum()))
    assert (score.split, score.unit, score.detail) == ("test", "micro-F1", "8 sequences, threshold 0.45")
    # Every label is on half of the texts: all three are right in half of their places.
    counts = A.sum()
    assert dict(score.baselines)["best constant"] == pytest.approx(2 * counts / (24 + counts))
    assert dict(score.baselines)["naive Bayes"] > 0.8
    figures = dict(score.figures)
    assert figures["exact match"] == (P == A).all(axis=1).mean()
    assert figures["Hamming loss"] == pytest.approx((P != A).mean())
    assert figures["precision@1"] == np.take_along_axis(A, outputs.argmax(axis=1)[:, None], axis=1).mean()
    assert (figures["recall@3"], figures["precision@3"]) == (1.0, pytest.approx(A.mean()))
    assert "precision@5" not in figures  # of three labels
    assert [(one.label, one.support) for one in score.labels] == list(
        zip(("blue", "green", "red"), A.sum(axis=0), strict=True)
    )


def test_the_loss_of_a_batch_is_a_mean_of_sums_and_its_gradient_that_of_the_logits():
    made = prepared("classify", NUMBERS, data={"label_separator": ";"}, model={"dropout": 0.0})
    total, count = made.learner.gradient(0)
    chosen = made.learner.batches.of_update(0)
    split = made.splits.train
    inputs = readers.encode(made.reader, split)
    outputs = np.stack(made.learner.outputs([inputs[i] for i in chosen])).astype(float)
    A = np.array([[n in split.sets[i] for n in ("blue", "green", "red")] for i in chosen])
    p = sigmoid(outputs)
    assert count == len(chosen) == 8
    assert total == pytest.approx(-(A * np.log(p) + (1 - A) * np.log(1 - p)).sum(), rel=1e-5)
    gradient = made.network.parameters.export_gradients()["head.bias"]
    assert gradient == pytest.approx((p - A).mean(axis=0), abs=1e-5)


def test_training_starts_at_the_log_odds_of_each_label():
    rows = "".join(f"{'rare;often' if k == 3 else 'often' if k % 4 else ''},text {k}\n" for k in range(40))
    made = prepared("classify", "label,text\n" + rows, data=WORDS | {"validation": 0.0, "test": None})
    bias = made.network.parameters.export()["head.bias"]
    assert made.answers.labels == ["often", "rare"]
    assert bias == pytest.approx([math.log(30.5 / 10.5), math.log(1.5 / 39.5)], rel=1e-6)


def test_labels_that_training_never_saw_are_told_and_cost_recall():
    made = prepared("classify", TEXTS, data=WORDS)
    notes = []
    with noting(notes.append):
        made.hold_out(Source("new.csv", b"label,text\nred,red 1\nred;pink,red 2\n,nothing 3\n"), {})
    assert notes == [
        '1 of 3 sequences of the test split have an answer that training never saw, "pink" the first (new.csv:3); it '
        "is scored as wrong"
    ]
    by_label = {one.label: one for one in made.score().labels}
    assert (by_label["pink"].recall, by_label["pink"].support) == (0, 1)
    assert by_label["red"].support == 2


@pytest.mark.parametrize("seed", range(1, 6))
def test_training_sees_every_label(seed):
    rows = "".join(f"often{';rare' + str(k // 2) if k < 12 else ''},text {k}\n" for k in range(60))
    made = prepared(
        "classify", "label,text\n" + rows, data=WORDS | {"group": None, "validation": 0.4}, training={"seed": seed}
    )
    assert {label for one in made.splits.train.sets for label in one} == {"often", *(f"rare{k}" for k in range(6))}


@pytest.mark.parametrize(
    ("content", "sections", "error", "said"),
    [
        (
            TEXTS,
            {"data": WORDS | {"residual": "naive-bayes"}},
            ConfigError,
            "data.residual: naive-bayes is for one label",
        ),
        (
            TEXTS,
            {"data": WORDS, "training": {"class_weights": "balanced"}},
            ConfigError,
            "training.class_weights: balanced is for one label each, and d.csv has several an example; remove it",
        ),
        ("label,text\n" + "a,x\n,y\n" * 9, {"data": WORDS}, DataError, "d.csv: the examples have 1 kinds of labels"),
    ],
)
def test_what_cannot_be_learnt_is_refused(content, sections, error, said):
    with pytest.raises(error, match=said):
        prepared("classify", content, **sections)


def test_the_config_says_what_separates_labels():
    lines = "".join(f"__label__a {'__label__b ' if k % 2 else ''}text {k}\n" for k in range(20))
    made = prepared("classify", lines, name="d.txt", data={"format": None, "validation": 0.0})
    assert made.config.data.label_separator == " "
    assert made.answers.fact() == ("answers", '2 labels, 1.5 a sequence: "__label__a" 20, "__label__b" 10')
