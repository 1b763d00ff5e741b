"""What is shown of few labels and of many: readable at 80 columns, the figures first, all of it as JSON and CSV."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from rnncli.tasks.sequences.label_scores import accuracy, by_label, confusion
from rnncli.training.reports import LabelScore, Score
from rnncli.training.score_object import score_object
from rnncli.ui.label_tables import save_confusion
from rnncli.ui.results import rounded
from rnncli.ui.scores import write_score


def score_of(L, N=2000, seed=0, name="label {}"):
    """A score of N examples of L labels, the most of which are right, and the sides that it is made from."""
    random = np.random.default_rng(seed)
    actual = random.integers(0, L, N)
    predicted = np.where(random.random(N) < 0.7, actual, random.integers(0, L, N) ** 2 % L)
    names = [name.format(k) for k in range(L)]
    p, a = [names[k] for k in predicted], [names[k] for k in actual]
    return Score(
        "test",
        "accuracy",
        accuracy(p, a),
        (("majority", 0.1),),
        f"{N:,} sequences",
        higher_is_better=True,
        confusion=confusion(names, p, a),
        labels=by_label([(label,) for label in p], [(label,) for label in a]),
    ), np.histogram2d(actual, predicted, bins=np.arange(L + 1))[0].astype(int)


def written(score, capsys, form="table"):
    write_score(score, form)
    return capsys.readouterr().out


@pytest.mark.parametrize("L", [2, 5, 17, 100, 3000])
def test_a_result_fits_80_columns_with_the_figures_first(L, capsys):
    score, counts = score_of(L, name="a label with a name {}" if L > 2 else "{}")
    lines = written(score, capsys).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 40
    assert lines[0].startswith("test score, accuracy (2,000 sequences)")
    assert lines[1].split() == ["network", f"{score.network:.4f}"]
    text = "\n".join(lines)
    assert ("how often each (a row)" in text) == (L == 2)
    if L == 2:
        return
    wrong = counts - np.diag(counts.diagonal())
    assert f"most frequent confusions, of {(wrong > 0).sum():,} (--confusion FILE has all)" in text
    first = next(line for line in lines[lines.index(next(x for x in lines if x.startswith("count"))) + 1 :])
    i, k = np.unravel_index(wrong.argmax(), wrong.shape)
    assert first.split() == [str(wrong.max()), *f"a label with a name {i}".split(), *f"a label with a name {k}".split()]


def test_few_labels_are_shown_as_a_matrix_and_one_by_one(capsys):
    score, counts = score_of(3, name="l{}")
    lines = [line.split() for line in written(score, capsys).splitlines()]
    at = lines.index(["actual", "l0", "l1", "l2"])
    assert lines[at + 1 : at + 4] == [[f"l{i}", *map(str, row)] for i, row in enumerate(counts)]
    table = lines[lines.index(["label", "precision", "recall", "F1", "support"]) + 1 :]
    for label, precision, recall, f1, support in table:
        k = int(label[1])
        assert float(precision) == pytest.approx(counts[k, k] / counts[:, k].sum(), abs=5e-5)
        assert float(recall) == pytest.approx(counts[k, k] / counts[k].sum(), abs=5e-5)
        assert float(f1) == pytest.approx(2 * counts[k, k] / (counts[k].sum() + counts[:, k].sum()), abs=5e-5)
        assert int(support) == counts[k].sum()
    assert [float(row[3]) for row in table] == sorted(float(row[3]) for row in table)


def test_a_label_of_any_length_fits(capsys):
    score, _ = score_of(4, name="a very long label " * 9 + "{}")
    assert max(map(len, written(score, capsys).splitlines())) <= 80


def test_json_has_the_matrix_of_up_to_a_hundred_labels(capsys):
    score, counts = score_of(100)
    found = json.loads(written(score, capsys, "json"))
    assert list(found)[:7] == ["split", "unit", "network", "floors", "detail", "higher_is_better", "confusion"]
    assert found["confusion"] == {"labels": [f"label {k}" for k in range(100)], "counts": counts.tolist()}
    wrong = counts - np.diag(counts.diagonal())
    assert [one["count"] for one in found["confusions"]] == sorted(wrong[wrong > 0].tolist(), reverse=True)[:100]
    for one in found["confusions"]:
        assert wrong[int(one["actual"].split()[1]), int(one["predicted"].split()[1])] == one["count"]
    assert len(found["labels"]) == 100
    assert set(found["labels"][0]) == {"label", "precision", "recall", "F1", "support"}
    many = json.loads(written(score_of(101)[0], capsys, "json"))
    assert many["confusion"]["counts"] is None
    assert len(many["confusion"]["labels"]) == 101


def test_other_tasks_have_the_keys_that_they_had():
    found = score_object(Score("test", "MAE", 1.0, (("mean", 2.0),)))
    assert list(found) == ["split", "unit", "network", "floors", "detail", "higher_is_better", "confusion", "strongest"]
    assert found["strongest"] == "mean"
    both = Score(
        "test", "MAE", 1.0, (("unreconciled", 0.5), ("theta", 2.0), ("drift", 3.0)), verdicts={"theta": "", "drift": ""}
    )
    assert score_object(both)["strongest"] == "theta"
    assert found["confusion"] is None


@pytest.mark.parametrize("L", [3, 300])
def test_the_whole_matrix_is_written_as_csv(L, tmp_path):
    score, counts = score_of(L, name='"{}", quoted')
    save_confusion(score.confusion, tmp_path / "matrix.csv")
    with (tmp_path / "matrix.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["actual", *score.confusion.labels]
    assert [row[0] for row in rows] == list(score.confusion.labels)
    assert [list(map(int, row[1:])) for row in rows] == counts.tolist()


def test_figures_are_written_with_their_names_kept_whole(capsys):
    figures = tuple((f"figure number {k}", k / 10) for k in range(9))
    labels = (LabelScore("x", 1.0, 0.5, 2 / 3, 4),)
    score = Score("test", "micro-F1", 0.5, (("a", 0.1),), "2 sequences", True, figures=figures, labels=labels)
    lines = written(score, capsys).splitlines()
    assert max(map(len, lines)) <= 80
    joined = " ".join(line.strip() for line in lines[3:])
    assert joined.startswith(
        ", ".join(f"figure number {k} {k / 10:.4f}" if k else "figure number 0 0" for k in range(9))
    )
    assert all(line.rstrip(",")[-6:].startswith("0.") for line in lines[3:5])
    assert json.loads(json.dumps(rounded(score_object(score))))["figures"] == dict(figures)


def test_three_thousand_labels_keep_no_nine_million_counts(capsys):
    score, counts = score_of(3000)
    assert sum(count for *_, count in score.confusion.pairs) == 2000
    assert len(score.confusion.pairs) == (counts > 0).sum()
    assert len(written(score, capsys, "json")) < 1e6


@pytest.mark.parametrize("L", [3, 40])
def test_a_symbol_that_is_a_space_is_seen(L, capsys):
    names = [" ", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[: L - 1]]
    predicted, actual = [*names, "a", "a"], [*names, " ", " "]
    score = replace(score_of(2, name="{}")[0], confusion=confusion(names, predicted, actual), labels=())
    lines = written(score, capsys).splitlines()
    assert any(line.split() in (["\N{OPEN BOX}", "1", "2", "0"], ["2", "\N{OPEN BOX}", "a"]) for line in lines)
    found = json.loads(written(score, capsys, "json"))
    assert " " in found["confusion"]["labels"] if L == 3 else found["confusions"][0]["actual"] == " "


def test_a_narrow_terminal_leaves_columns_out_and_breaks_no_word(capsys, monkeypatch):
    score, _ = score_of(4, name="international news {}")
    whole = set(written(score, capsys).split())
    monkeypatch.setenv("COLUMNS", "40")
    narrow = written(score, capsys)
    tables = narrow[narrow.index("count ") :].splitlines()
    assert max(map(len, tables)) <= 40
    assert set(" ".join(tables).split()) <= whole
    assert ["label", "precision", "recall", "F1"] in [line.split() for line in tables]
    monkeypatch.setenv("COLUMNS", "35")
    assert ["label", "recall", "F1"] in [line.split() for line in written(score, capsys).splitlines()]
