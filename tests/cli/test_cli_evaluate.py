"""evaluate: the score that training ended with, on what it held out, or another on new data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_runs import environment, run, scores
from conftest import SALES, Shelf, write_inputs
from test_cli_classify import CONFIG, REVIEWS


@pytest.fixture(scope="module")
def folder(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf's runs beside their data, and a classifier."""
    path = tmp_path_factory.mktemp("evaluate")
    write_inputs(path)
    (path / "reviews.csv").write_text(REVIEWS)
    (path / "reviews.yaml").write_text(CONFIG)
    run("train", "reviews.yaml", "-q", "-o", "reviews", cwd=path).ok()
    for name in ("char", "forecast"):
        run("train", f"{name}.yaml", "-q", "-o", name, cwd=path).ok()
    return path


@pytest.mark.parametrize("name", ["char", "forecast"])
def test_says_what_training_said(name: str, folder: Path, shelf: Shelf) -> None:
    said = run("evaluate", name, cwd=folder).ok().out
    assert said.split("\n\n")[0].strip() == shelf.trained[name].out.strip()


def test_labels_are_shown_with_their_confusions(folder: Path) -> None:
    score = json.loads(run("evaluate", "reviews", "-f", "json", cwd=folder).ok().out)
    assert score["confusion"]["labels"] == ["bad", "good"]
    counts = score["confusion"]["counts"]
    assert sum(map(sum, counts)) == 12
    assert (counts[0][0] + counts[1][1]) / 12 == score["network"]
    assert "how often each (a row) was predicted" in run("evaluate", "reviews", cwd=folder).ok().out


def test_new_data_take_the_place_of_the_test_part(folder: Path) -> None:
    (folder / "new.csv").write_text("label,said\ngood,a fine book\nbad,a dull book\nbad,a fine film\n")
    out = run("evaluate", "reviews", "new.csv", cwd=folder).ok().out
    assert "\ntest score, accuracy (3 sequences" in out
    assert scores(out)["network"] == pytest.approx(2 / 3, abs=1e-4)
    (folder / "later.csv").write_text("month,sales\n" + "".join(f"2011-{m:02d},{80 + m}\n" for m in range(1, 13)))
    score = json.loads(run("evaluate", "forecast", "later.csv", "-f", "json", cwd=folder).ok().out)
    assert {"last value", "seasonal naive", "theta"} < set(score["floors"])
    assert score["split"] == "test"
    # Nine origins, horizon 4: the last value is off by 1, 2, 3 and 4, but where it is the old series' own.
    before = float(SALES.split(",")[-1])
    at_first = sum(abs(80 + m - before) for m in range(1, 5)) / 4
    assert score["floors"]["last value"] == pytest.approx((at_first + 8 * 2.5) / 9, rel=1e-6)
    text = run("evaluate", "char", "-", cwd=folder, stdin="The fox saw the hen by the well.\n").ok().out
    assert "\ntest score, nats per token (33 tokens" in text


def test_fewer_new_rows_than_the_horizon_are_scored_as_far_as_the_mend_says(folder: Path) -> None:
    """The context is that of the training data, so that a file of one new row is enough."""
    (folder / "month.csv").write_text("month,sales\n2011-01,90\n")
    said = run("evaluate", "forecast", "month.csv", cwd=folder).refused(3)
    assert "has 1 row to score, too few for a horizon of 4; score 1 ahead with --horizon 1, or give it more" in said
    score = json.loads(run("evaluate", "forecast", "month.csv", "--horizon", "1", "-f", "json", cwd=folder).ok().out)
    first = run("predict", "forecast", cwd=folder).ok().out.splitlines()[1]
    assert score["network"] == pytest.approx(abs(90 - float(first.split(",")[1])), abs=0.01)
    assert score["floors"]["last value"] == pytest.approx(90 - float(SALES.split(",")[-1]))
    assert score["split"] == "test"
    assert score["detail"].startswith("1 rolling origins, horizon 1")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["char/model.safetensors"], 2, "which only a run directory knows"),
        (["nowhere"], 2, "no such run"),
        (["forecast", "sales.csv"], 3, "sales.csv"),
        (["reviews", "reviews.csv", "--set", "data.nonsense=1"], 2, "nonsense"),
        (["reviews", "--set", "training.seed=2"], 2, "--set training.seed=2: a run is scored as it was trained"),
        (["reviews", "--decimal", ","], 2, "options for reading are for DATA"),
        (["forecast", "few.csv"], 3, "few.csv: has 2 rows to score, too few for a horizon of 4"),
        (["char", "few.txt"], 3, "few.txt: has too few tokens"),
    ],
)
def test_mistakes(folder: Path, arguments: list[str], code: int, said: str) -> None:
    (folder / "odd.csv").write_text("label,said\ngood,a fine book\nugly,a dull book\n")
    (folder / "few.csv").write_text("month,sales\n2011-01,5\n2011-02,6\n")
    (folder / "few.txt").write_text("")
    assert said in run("evaluate", *arguments, cwd=folder).failed(code)


def test_training_data_that_changed_are_noticed(folder: Path) -> None:
    shutil.copytree(folder / "reviews", folder / "moved")
    other = folder / "other.csv"
    first, *rest = REVIEWS.splitlines()
    other.write_text("\n".join([first, *reversed(rest)]) + "\n")  # the same words, the same labels
    said = run("evaluate", "moved", "--set", f"data.path={other}", cwd=folder).failed(3)
    assert "is not what moved was trained on; restore it, or train again" in said


def test_a_score_on_what_was_trained_on_is_doubted(folder: Path) -> None:
    doubt = "has what the model was trained on, so that the score flatters it"
    assert f"reviews.csv: {doubt}" in run("evaluate", "reviews", "reviews.csv", cwd=folder).ok().err
    assert doubt not in run("evaluate", "reviews", "new.csv", cwd=folder).ok().err


def test_nothing_held_out_needs_data(folder: Path) -> None:
    run("train", "reviews.yaml", "-q", "-o", "whole", "--set", "data.validation=0", cwd=folder).ok()
    assert "nothing was held out" in run("evaluate", "whole", cwd=folder).failed(2)
    assert "\ntest score" in run("evaluate", "whole", "reviews.csv", cwd=folder).ok().out


@pytest.mark.long
def test_written_answers_by_other_metrics(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "abcdef" for b in "abcdef"))
    (tmp_path / "c.yaml").write_text(
        "task: seq2seq\ndata: {path: pairs.tsv, validation: 0.2}\nmodel: {hidden_size: 8}\ntraining: {epochs: 3}\n"
    )
    run("train", "c.yaml", "-q", "-o", "run", cwd=tmp_path).ok()
    for metric, unit in (("exact", "exact match"), ("chrf", "chrF"), ("bleu", "BLEU")):
        score = json.loads(run("evaluate", "run", "--metric", metric, "-f", "json", cwd=tmp_path).ok().out)
        assert score["unit"] == unit
        assert set(score["floors"]) == {"copy", "most frequent", "change of ending"}
    (tmp_path / "sacrebleu.py").write_text("raise ImportError")  # python -m puts this folder on the path
    message = run("evaluate", "run", "--metric", "chrf", cwd=tmp_path, env=environment()).failed(2)
    assert message == "--metric chrf: is measured by sacrebleu, which is not installed; pip install 'rnncli[metrics]'"


def test_a_metric_for_written_answers_is_refused_elsewhere(folder: Path) -> None:
    message = run("evaluate", "reviews", "--metric", "bleu", cwd=folder).failed(2)
    assert message == "--metric: is for seq2seq, caption, and this is a classify; leave it out"


@pytest.mark.plots
def test_what_went_wrong_is_drawn_into_a_file(folder: Path) -> None:
    drawn = {
        "reviews": "Confusion matrix",
        "forecast": "The windows that were forecast worst",
        "char": "How surprising the text was",
    }
    for name, title in drawn.items():
        run("evaluate", name, "--plot", f"{name}.svg", cwd=folder).ok()
        assert f"<!-- {title} -->" in (folder / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "baseline", "noun"), [("reviews", "majority", "4 groups"), ("char", "interpolated 5-gram", "block")]
)
def test_every_task_must_be_shown_to_be_better(folder: Path, name: str, baseline: str, noun: str) -> None:
    score = json.loads(run("evaluate", name, "-f", "json", cwd=folder).ok().out)
    verdict = score["verdicts"][baseline]
    assert score["independent"] > 0
    baseline = baseline.replace(" ", "-")
    done = run("evaluate", name, "--must-beat", baseline, cwd=folder)
    assert f": {verdict}\n" in done.out
    if verdict == "better":
        done.ok()
    else:
        assert f"--must-beat {baseline}: the network is not shown to be better: {verdict}" in done.failed(7)
    assert verdict == "better" or noun in verdict
    assert "no such baseline" in run("evaluate", name, "--must-beat", "luck", cwd=folder).failed(2)
    rows = run("evaluate", name, "-f", "csv", cwd=folder).ok().out.splitlines()
    assert rows[0] == "name,score,unit,split,verdict"


@pytest.mark.parametrize("name", ["char", "word", "pairs"])
def test_a_text_in_cp1252_is_read_as_training_would(name: str, shelf: Shelf, tmp_path: Path) -> None:
    text = "please stay at home .\nplease stay at the café .\n" * 20
    (tmp_path / "new.txt").write_text(text, encoding="utf-8")
    (tmp_path / "west.txt").write_text(text, encoding="cp1252")
    evaluated = ["evaluate", shelf / name, "-f", "json"]
    west, new = (run(*evaluated, file, cwd=tmp_path).ok() for file in ("west.txt", "new.txt"))
    assert json.loads(west.out)["network"] == json.loads(new.out)["network"]
    assert "west.txt:2: is not UTF-8, so the file is read as cp1252" in west.err
    assert "read as" not in new.err.replace("scored as", "")
    refused = run(*evaluated, "west.txt", "--encoding", "utf-8", cwd=tmp_path).refused(3)
    assert refused == "west.txt:2:23: byte 0xE9 is not UTF-8; pass --encoding latin-1"
