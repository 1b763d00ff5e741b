"""classify and regress: splits, weights, baselines and metrics by hand, and the way through a model file."""

import json

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.sequences import baselines, echo_state, readers
from rnncli.tasks.sequences.classify import Labels
from rnncli.tasks.sequences.echo_state import EchoState
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.label_scores import accuracy, macro_f1
from rnncli.tasks.sequences.naive_bayes import NaiveBayes, best_scale
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

ROWS = [(f"{'aab'[i % 3] * (1 + i % 4)}", "yes" if "b" in "aab"[i % 3] else "no") for i in range(60)]
TEXTS = "label,text\n" + "".join(f"{label},{text}\n" for text, label in ROWS)
NUMBERS = "y,a,b,c\n" + "".join(f"{i % 7 + (i * 3) % 5},{i % 7},{(i * 3) % 5},1\n" for i in range(60))


def prepared(task, content, notes=None, name="d.csv", **sections):
    config = config_from_mapping(
        {
            "task": task,
            "data": {"format": "csv", "validation": 0.2, "group": "none", **sections.pop("data", {})},
            "model": {"cell": "gru", "hidden_size": 8, "num_layers": 1, **sections.pop("model", {})},
            "training": {"batch_size": 8, **sections.pop("training", {})},
        }
    )
    pool = ThreadPool(1)
    with noting(([] if notes is None else notes).append):
        return TASKS[task].prepare(config, Source(name, content.encode()), Context(pool))


def test_a_constant_column_is_not_divided_by_its_rounding():
    made = prepared(
        "classify",
        "label,a,b\n" + "".join(f"{'pq'[i % 2]},0.1,{i}\n" for i in range(60)),
        data={"inputs": ["a", "b"], "id": "b"},
    )
    assert made.reader.scale[0] == 1.0
    assert made.reader.scale[1] > 10


def examples(labels, texts=None, values=None):
    numbers = list(range(1, len(labels) + 1))
    values = None if values is None else [np.array(v, float)[:, None] for v in values]
    return Examples("d", Columns("lines"), [str(n) for n in numbers], numbers, labels, texts, values)


def test_parts_are_drawn_by_the_seed_and_share_nothing():
    made = prepared("classify", TEXTS, data={"test": 0.1})
    parts = [made.splits.train.lines, made.splits.held_out["validation"].lines, made.splits.held_out["test"].lines]
    assert [len(part) for part in parts] == [42, 12, 6]
    assert sorted(line for part in parts for line in part) == list(range(2, 62))
    assert made.splits.held_out["test"].lines != list(range(56, 62))
    assert prepared("classify", TEXTS, data={"test": 0.1}).splits.train.lines == parts[0]
    assert prepared("classify", TEXTS, data={"test": 0.1}, training={"seed": 2}).splits.train.lines != parts[0]


def test_scale_and_vocabulary_come_from_the_training_part_alone():
    made = prepared("regress", NUMBERS)
    steps = np.concatenate(made.splits.train.values)
    assert made.reader.centre == pytest.approx(steps.mean(axis=0))
    assert made.reader.scale == pytest.approx(steps.std(axis=0))
    odd = TEXTS.replace("label,text\n", "label,text\n" + "no,a~\n")
    vocabularies = {prepared("classify", odd, training={"seed": s}).reader.vocabulary.tokens for s in range(12)}
    assert {("<unk>", "a", "b"), ("<unk>", "a", "b", "~")} == vocabularies


def test_balanced_weights_make_every_label_count_alike():
    labels = Labels(["no", "yes"], [30, 10])
    balanced = config_from_mapping({"task": "classify", "training": {"class_weights": "balanced"}})
    outputs, targets = np.zeros((1, 2, 2), np.float32), np.array([[0, 1]], np.int32)
    per_step = np.zeros((1, 2))
    labels.loss(balanced).kernel(outputs, targets, per_step, np.float32(1), 0, 2)
    assert per_step[0] == pytest.approx(np.log(2) * np.array([40 / 60, 40 / 20]))
    assert outputs[0] == pytest.approx(np.array([[-1 / 3, 1 / 3], [1, -1]]))


def test_metrics_by_hand():
    right, predicted = ["a", "a", "a", "b", "c"], ["a", "a", "b", "b", "a"]
    assert accuracy(predicted, right) == 3 / 5
    assert macro_f1(predicted, right) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)


def test_floors_by_hand():
    train = examples(["p", "p", "n"], texts=["good good film", "good", "bad film"])
    asked = examples(["p", "n"], texts=["film good unheard", "bad"])
    assert baselines.of_labels(train, asked, ["n", "p"], "word")["majority"] == ["p", "p"]
    # p("good film" | p) = 2/3·(4/7)·(2/7) against 1/3·(1/5)·(2/5); p("bad" | p) = 2/3·1/7 against 1/3·2/5
    assert baselines.naive_bayes(train, asked, ["n", "p"], "word") == ["p", "n"]
    seen = examples(["p", "n"], values=[[0, 1, 2, 3], [3, 2, 1, 0]])
    assert baselines.nearest(seen, examples(["?", "?"], values=[[0, 3], [2, 2, 0]])).tolist() == [0, 1]


SPELT = {"tokens": "word", "residual": "naive-bayes"}
SERIES = "label,a,b,c\n" + "".join(
    f"{'high' if i % 7 > (i * 3) % 5 else 'low'},{i % 7},{(i * 3) % 5},1\n" for i in range(60)
)


@pytest.mark.parametrize(
    ("task", "content", "data", "model"),
    [
        ("classify", TEXTS, {}, {}),
        ("regress", NUMBERS, {}, {}),
        ("classify", TEXTS, SPELT, {"character_size": 3, "word_dropout": 0.3}),
        ("classify", SERIES, {"residual": "echo-state"}, {}),
    ],
)
def test_a_loaded_model_answers_as_the_trained_one(task, content, data, model):
    made = prepared(task, content, data=data, model={"bidirectional": True, "pooling": "attention"} | model)
    for update in range(20):
        made.learner.gradient(update)
    part = made.splits.held_out["validation"]
    outputs = made.learner.outputs(readers.encode(made.reader, part), made.answers.bases(part, own=False))
    model = TASKS[task].load(made.header(), made.network.parameters.export())
    rows = content.splitlines()
    again = "\n".join([rows[0], *(rows[line - 1] for line in part.lines)]) + "\n"
    nested, _ = model.answers_to(Source("new.csv", again.encode()), model.config.data)
    answers = [{key: value for key, value in one.items() if key != "id"} for one in nested]
    assert answers == [made.answers.answer(part, i, output)[0] for i, output in enumerate(outputs)]
    assert answers != answers[:1] * len(answers)


@pytest.mark.parametrize(
    ("task", "content", "changes", "error", "said"),
    [
        ("classify", "label,text\nno,a\nno,b\nno,c\n", {}, DataError, 'every example is labelled "no"'),
        ("regress", "y,a\n1,2\n1,3\n1,4\n", {}, DataError, "every example has the answer 1"),
        (
            "regress",
            "y,a\n1,2\nmany,3\n1,4\n",
            {"data": {"validation": 0.0}},
            DataError,
            'd.csv:3: the answer "many" is not',
        ),
        ("regress", "y,a\n0.1,2\n0.1,3\n0.1,4\n", {}, DataError, "every example has the answer 0.1"),
        ("classify", TEXTS, {"data": {"test": 0.8, "validation": 0.3}}, ConfigError, "leave nothing to train on"),
        ("classify", TEXTS, {"data": {"residual": "last-value"}}, ConfigError, 'data.residual is "last-value"'),
        ("classify", TEXTS, {"data": {"residual": "echo-state"}}, ConfigError, "has texts; take naive-bayes"),
        ("classify", SERIES, {"data": {"residual": "naive-bayes"}}, ConfigError, "has numbers; take echo-state"),
        ("classify", TEXTS, {"model": {"character_size": 4}}, ConfigError, "are for data.tokens: word"),
        ("classify", TEXTS, {"training": {"bptt": 5}}, ConfigError, "training.bptt: a classify reads whole sequences"),
        ("classify", TEXTS, {"data": {"scaling": "robust"}}, ConfigError, 'data.scaling is "robust"'),
        ("regress", NUMBERS, {"training": {"class_weights": "balanced"}}, ConfigError, "class_weights"),
        ("classify", "label,text\nno,a\nyes,b\n", {"data": {"validation": 0.6}}, DataError, "1 examples to train on"),
    ],
)
def test_what_cannot_be_learnt_is_refused(task, content, changes, error, said):
    with pytest.raises(error, match=said):
        prepared(task, content, **changes)


def alone_in(labels):
    return [(label,) for label in labels]


def test_naive_bayes_leaves_each_of_its_own_texts_out():
    texts, labels = ["good good film", "good plot", "bad film", "bad bad"], [0, 0, 1, 1]
    whole = NaiveBayes.of(texts, alone_in(labels), 2, "word")
    left_out = whole.scores_left_out(texts, labels)
    for i, text in enumerate(texts):
        rest = [j for j in range(4) if j != i]
        # One difference: every feature of the whole is among the kinds that are counted once more than they were seen.
        counts = {}
        for j in rest:
            for word in texts[j].split():
                counts.setdefault(word, np.zeros(2))[labels[j]] += 1
        totals = np.sum(list(counts.values()), axis=0) + len(whole.features)
        words = [word for word in text.split() if word in counts]
        wanted = np.log(np.bincount([labels[j] for j in rest], minlength=2)) + sum(
            np.log((counts[word] + 1) / totals) for word in words
        )
        assert left_out[i] == pytest.approx(wanted)


def test_pairs_of_words_count_where_there_are_two():
    texts = ["not good", "not good at all", "good", "at all"]
    model = NaiveBayes.of(texts, alone_in([0, 0, 1, 1]), 2, "word", pairs=True)
    assert set(model.features) == {"not", "good", "at", "all", "not\0good", "at\0all"}
    scores = model.scores(["good", "not good"])
    assert scores[1, 0] - scores[1, 1] > 2 * (scores[0, 0] - scores[0, 1])
    again = NaiveBayes.from_header(json.loads(json.dumps(model.to_header())))
    assert np.array_equal(again.scores(["not good at"]), model.scores(["not good at"]))


@pytest.mark.parametrize(
    ("content", "residual", "baseline"),
    [(TEXTS, "naive-bayes", "naive Bayes"), (SERIES, "echo-state", "echo state network")],
)
def test_an_untrained_network_on_a_baseline_is_that_baseline(content, residual, baseline):
    made = prepared("classify", content, data={"residual": residual})
    score = made.score()
    assert score.network == dict(score.baselines)[baseline]
    part = made.splits.held_out["validation"]
    (base, *_) = made.answers.bases(part, own=False)
    (output, *_) = made.learner.outputs(readers.encode(made.reader, part), made.answers.bases(part, own=False))
    assert np.array_equal(base, output)


def test_the_echo_state_network_that_is_corrected_is_fitted_once(monkeypatch):
    made = prepared("classify", SERIES, data={"residual": "echo-state"})
    again = EchoState.of(
        made.splits.train.values, np.array([[one == "high", one == "low"] for one in made.splits.train.labels], float)
    )
    monkeypatch.setattr(EchoState, "of", lambda *given: pytest.fail("it is fitted"))
    answers = again.answers(made.splits.held_out["validation"].values)
    wanted = accuracy([("high", "low")[k] for k in answers.argmax(axis=1)], made.splits.held_out["validation"].labels)
    assert dict(made.score().baselines)["echo state network"] == wanted


def waves(level):
    """A table of thirty short waves of two shapes, each at a level of its own that is as large as said."""
    rows = ["id,label,x"]
    for k in range(30):
        at, t = level * ((7 * k) % 11), np.arange(24) + k
        x = at + (np.sin(t), np.sign(np.sin(t)))[k % 2]
        rows += [f"{k},{'uv'[k % 2]},{value:.3f}" for value in x]
    return "\n".join(rows) + "\n"


def test_series_are_scaled_as_the_echo_state_network_reads_them_best():
    chosen = [prepared("classify", waves(level), data={"id": "id"}) for level in (0, 100)]
    assert [made.config.data.scaling for made in chosen] == ["standard", "series"]
    assert [made.reader.by_series for made in chosen] == [False, True]
    given = prepared("classify", waves(100), data={"id": "id", "scaling": "standard", "residual": "none"})
    assert not given.reader.by_series
    assert not given.answers.echo_state.inputs.by_series


def test_few_series_with_a_label_each_correct_an_echo_state_network(monkeypatch):
    assert prepared("classify", SERIES).config.data.residual == "echo-state"
    assert prepared("classify", SERIES, data={"label_separator": ";"}).config.data.residual == "none"
    monkeypatch.setattr(echo_state, "MOST", 20)
    assert prepared("classify", SERIES).config.data.residual == "none"


def test_the_base_of_a_training_series_is_that_without_it():
    made = prepared("classify", SERIES, data={"residual": "echo-state"})
    train = made.splits.train
    targets = np.array([[label == "high", label == "low"] for label in train.labels], float)
    found = EchoState.of(train.values, targets)
    (left_out, own), scale = (made.answers.bases(train, own=own) for own in (True, False)), made.answers.to_header()
    for bases, answers in ((left_out, found.left_out), (own, found.answers(train.values))):
        wanted = scale["scale"] * (answers - answers.max(axis=1, keepdims=True))
        assert np.array(bases) == pytest.approx(wanted, rel=1e-5)
    assert not np.allclose(left_out, own)


def test_the_scale_is_the_one_that_fits_best():
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (4000, 3))
    chances = np.exp(0.5 * scores) / np.exp(0.5 * scores).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(3, p=p) for p in chances], np.int32)
    assert best_scale(scores, labels, [k / 20 for k in range(1, 31)]) == pytest.approx(0.5, abs=0.051)


def test_labels_that_training_never_saw_are_told_and_scored_as_wrong():
    rows = [f"{'ab'[k % 2]},{'xy'[k % 2]} {k}" for k in range(40)]
    made = prepared("classify", "label,text\n" + "\n".join(rows) + "\n", data={"tokens": "word"})
    notes = []
    with noting(notes.append):
        made.hold_out(Source("new.csv", b"label,text\na,x 1\nc,x 2\nb,y 3\nd,y 4\n"), {})
    assert notes == [
        '2 of 4 sequences of the test split have an answer that training never saw, "c" the first (new.csv:3); it is '
        "scored as wrong"
    ]
    score = made.score()
    assert score.network <= 0.5
    assert score.confusion.labels == ("a", "b", "c", "d")
    assert [sum(row) for row in score.confusion.rows()] == [1, 1, 1, 1]
    with noting(notes.append):
        made.hold_out(Source("odd.csv", b"label,text\nc,x\n"), {})
    assert made.score().network == 0
    assert notes[-1].endswith("it is scored as wrong; all are: look whether the file is written like that of training")


COPIES = "label,text\n" + "".join(f"{'ab'[(k * 7919) % 13 % 2]},text {k % 50}\n" for k in range(300))


def test_equal_inputs_stay_in_one_split():
    notes = []
    made = prepared("classify", COPIES, notes, data={"group": None, "test": 0.1})
    splits = [made.splits.train, *made.splits.held_out.values()]
    seen = [set(split.texts) for split in splits]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 50
    assert [len(split) for split in splits[1:]] == [60, 30] or [len(split) for split in splits[1:]] == [30, 60]
    assert "250 of 300 sequences have the input or group of an earlier one; they are in the same split" in notes
    numbers = "label,v\n" + "".join(f"{'ab'[k % 2]},{k % 30}\n" for k in range(120))
    made = prepared("classify", numbers, data={"group": None})
    held_out = {one.tobytes() for one in made.splits.held_out["validation"].values}
    assert not held_out & {one.tobytes() for one in made.splits.train.values}


def test_a_column_may_say_what_stays_together():
    rows = "".join(f"{'ab'[k % 2]},text {k},person {k % 20}\n" for k in range(200))
    made = prepared("classify", "label,text,who\n" + rows, data={"group": "who", "text": "text"})
    assert len(made.splits.held_out["validation"]) == 40
    assert len(set(made.splits.held_out["validation"].groups)) == 4
    assert not set(made.splits.held_out["validation"].groups) & set(made.splits.train.groups)


@pytest.mark.parametrize("seed", range(1, 9))
def test_training_sees_every_label(seed):
    rows = [f"{'ab'[k % 2]},text {k}" for k in range(100)] + [f"rare{k},odd {k}" for k in range(6)]
    notes = []
    made = prepared(
        "classify", "label,text\n" + "\n".join(rows) + "\n", notes, data={"group": None}, training={"seed": seed}
    )
    assert set(made.splits.train.labels) == {"a", "b", *(f"rare{k}" for k in range(6))}
    assert len(made.splits.train) + len(made.splits.held_out["validation"]) == 106
    moved = [text for text in notes if "moved to the training split" in text]
    assert bool(moved) == (len(made.splits.held_out["validation"]) < 21)


def test_a_value_beyond_float32_is_named_by_its_line():
    small = "label,a\n" + "".join(f"{'pq'[i % 2]},{i}e-10\n" for i in range(60))
    made = prepared("classify", small)
    model = TASKS["classify"].load(made.header(), made.network.parameters.export())
    with pytest.raises(DataError, match=r"new\.csv:3: a value is too far from those of the training split"):
        model.answers_to(Source("new.csv", b"a\n1e-9\n1e29\n"), model.config.data)


@pytest.mark.parametrize(
    ("tokens", "known"), [("whitespace", {"new@@", "<sep>", "क्या"}), ("word", {"new", "@", "<", "sep", ">", "क्या"})]
)
@pytest.mark.parametrize("residual", [None, "naive-bayes"])
def test_a_text_is_cut_into_the_tokens_asked_for(tokens, known, residual):
    rows = "".join(f"{'pq'[i % 2]},new@@ <sep> क्या\n" for i in range(20))
    made = prepared("classify", "label,text\n" + rows, data={"tokens": tokens, "residual": residual})
    assert set(made.reader.vocabulary.tokens[1:]) == known
    assert made.reader.vocabulary.kind == tokens
    header = json.loads(json.dumps(made.header()))
    assert Labels.from_header(header).kind == tokens
    assert readers.from_header(header["encoder"], made.config.data).vocabulary == made.reader.vocabulary
    if residual:
        features = header["answers"]["naive_bayes"]["features"]
        assert {feature for feature in features if "\0" not in feature} == known
