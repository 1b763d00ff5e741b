"""check: all mistakes of a config and its data at once, each with its line and a mark, or else the plan of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import run
from conftest import Shelf

from rnncli.tasks.registry import TASKS

CONFIG = """\
task: forecast
data:
  path: sales.csv
  target: slaes
  time: [month, day]
  horizon: 500
  tokens: word
  season: 012
model:
  cell: lstn
  hiden_size: 8
  dropout: yes
training:
  lerning_rate: 1e-3
  bptt: "3"
  max_time: 3 parsecs
  seed: -1
  seed: 2
"""

# Ten mistakes in the file, and three that only the data know.
MISTAKES = """\
rnncli: error: c.yaml:4:11: no column "slaes" in sales.csv; did you mean "sales"? columns: "month", "sales"
    4 |   target: slaes
      |           ^^^^^
rnncli: error: c.yaml:5:17: no column "day" in sales.csv; columns: "month", "sales"
    5 |   time: [month, day]
      |                 ^^^
rnncli: error: c.yaml:6:12: sales.csv: has 120 rows; 1 row before + horizon 500 needs 501; lower data.horizon
    6 |   horizon: 500
      |            ^^^
rnncli: error: c.yaml:7:3: data.tokens: is for language-model, classify, regress, seq2seq, caption, \
transcribe, and a forecast \
has no use for it; remove it
    7 |   tokens: word
      |   ^^^^^^
rnncli: error: c.yaml:8:11: 012 has a leading zero, which YAML 1.1 would read as octal 10; write 12, or "012" in \
quotes if it is text
    8 |   season: 012
      |           ^^^
rnncli: error: c.yaml:10:9: model.cell is "lstn"; expected one of rnn, gru, lstm, peephole, slstm, rmslstm; \
did you mean "lstm"?
   10 |   cell: lstn
      |         ^^^^
rnncli: error: c.yaml:11:3: unknown key "hiden_size"; did you mean "hidden_size"?
   11 |   hiden_size: 8
      |   ^^^^^^^^^^
rnncli: error: c.yaml:12:12: model.dropout is "yes"; must be a number
   12 |   dropout: yes
      |            ^^^
rnncli: error: c.yaml:14:3: unknown key "lerning_rate"; did you mean "learning_rate"?
   14 |   lerning_rate: 1e-3
      |   ^^^^^^^^^^^^
rnncli: error: c.yaml:15:9: training.bptt is "3"; must be a whole number
   15 |   bptt: "3"
      |         ^^^
rnncli: error: c.yaml:16:13: training.max_time is "3 parsecs"; must be a duration such as 8s, 10m or 1h30m
   16 |   max_time: 3 parsecs
      |             ^
rnncli: error: c.yaml:17:9: training.seed is -1; must be at least 0
   17 |   seed: -1
      |         ^
rnncli: error: c.yaml:18:3: key "seed" is already set on line 17; delete one of them
   18 |   seed: 2
      |   ^^^^
"""


def test_ten_mistakes_and_three_of_the_data_at_once(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "sales.csv").write_bytes((shelf / "sales.csv").read_bytes())
    said = run("check", "c.yaml", cwd=tmp_path)
    assert said.err == MISTAKES
    assert (said.code, said.out) == (2, "")
    alike = run("train", "c.yaml", "--dry-run", cwd=tmp_path)
    assert (alike.err, alike.code) == (MISTAKES, 2)
    found = run("check", "c.yaml", "-f", "json", cwd=tmp_path)
    assert (found.err, found.code) == (MISTAKES, 2)
    assert json.loads(found.out) == {"config": "c.yaml", "ok": False, "problems": found.errors, "plan": None}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "sales.csv"]


def test_an_override_is_named_in_place_of_the_line_that_it_replaces(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: forecast\ndata:\n  target: sales\n", encoding="utf-8")
    data = str(shelf / "sales.csv")
    said = run("check", "c.yaml", data, "--set", "data.target=slaes", "--set", "model.cell=x", cwd=tmp_path)
    assert sorted(line.partition(":")[0] for line in said.errors) == ["--set data.target=slaes", "--set model.cell=x"]
    assert said.err.count("\n") == 2  # no line of the file is quoted


def test_a_quote_is_one_line_whatever_is_on_it(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: forecast\nmodel: {cell: a\x0cb\x0b\u2028}\n", encoding="utf-8")
    lines = run("check", "c.yaml", cwd=tmp_path).err.splitlines()
    assert lines[0].startswith("rnncli: error: c.yaml:2:")
    assert lines[1].startswith(r"    2 | model: {cell: a\x0cb\x0b")
    assert len(lines) == 3


def test_training_with_a_bad_config_says_one_line_each_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: forecast\nmodel:\n  cell: x\n  hiden_size: 3\n", encoding="utf-8")
    run("train", "c.yaml", "d.csv", cwd=tmp_path).refused(2, mistakes=3)  # there is no d.csv


@pytest.mark.parametrize(
    ("keys", "code", "count"),
    [
        ("data: {time: dat, target: salez, known_covariates: prize}", 2, 3),
        ("data: {time: day, contxt: 3, target: salez}\nmodel: {hidden_size: 0}", 2, 3),
        ("data: {horizon: 999}", 3, 1),
        ("data: {target: sales, horizon: 2}\ntraining: {optimiser: adam}", 2, 1),
    ],
)
def test_training_names_all_mistakes_that_check_names_and_writes_nothing(
    keys: str, code: int, count: int, tmp_path: Path
) -> None:
    rows = "".join(f"2024-01-{day:02},{day % 7},{day % 3}\n" for day in range(1, 32))
    (tmp_path / "d.csv").write_text("day,sales,price\n" + rows, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(f"task: forecast\n{keys}\n", encoding="utf-8")
    checked = run("check", "c.yaml", "d.csv", cwd=tmp_path)
    trained = run("train", "c.yaml", "d.csv", "-o", "run", "-q", cwd=tmp_path)
    assert (checked.code, trained.code) == (code, code)
    if (code, count) == (3, 1):  # of the data, which have a place of their own
        assert checked.errors == [f"c.yaml:2:17: {trained.errors[0]}"]
    else:
        assert trained.errors == checked.errors
    assert len(trained.errors) == count
    assert not (tmp_path / "run").exists()


def test_training_whose_data_come_from_a_pipe_names_the_mistake_that_it_met(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: forecast\ndata: {time: dat, target: salez}\n", encoding="utf-8")
    rows = "".join(f"2024-01-{day:02},{day % 7}\n" for day in range(1, 32))
    said = run("train", "c.yaml", "-", "-o", "run", "-q", cwd=tmp_path, stdin="day,sales\n" + rows)
    assert "in <stdin>; did you mean" in said.failed(2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["a: [", "", "- 3", "task: forecast\n\tx: 3\n", "a: &x 3\n"])
def test_what_is_no_config_is_refused_whole(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    assert run("check", "c.yaml", cwd=tmp_path).code == 2


def test_the_plan_is_that_of_training(shelf: Shelf) -> None:
    found = json.loads(run("check", "forecast.yaml", "-f", "json", cwd=shelf.folder).ok().out)["plan"]
    report = json.loads((shelf / "forecast/report.json").read_text(encoding="utf-8"))
    assert found["updates"] == report["steps"]
    assert found["epochs"] == report["config"]["training"]["epochs"]
    told = shelf.trained["forecast"].err
    assert f"{found['parameters']:,} parameters" in told
    assert all(text in told for label, text in found["facts"].items() if label != "run")
    assert 0 < found["memory_bytes"] < 10**9
    assert found["seconds"] > 0
    lines = run("check", "forecast.yaml", cwd=shelf.folder).ok().out
    assert f"       plan  {found['updates']:,} updates" in lines


def test_a_config_that_names_no_data_is_checked_alone(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: tag\n", encoding="utf-8")
    said = run("check", "c.yaml", cwd=tmp_path).ok()
    assert said.out == "c.yaml is sound, and names no data; name them after it to check both\n"
    found = json.loads(run("check", "c.yaml", "-f", "json", cwd=tmp_path).ok().out)
    assert found == {"config": "c.yaml", "ok": True, "plan": None}


def test_the_schema_is_all_of_standard_output_and_its_line_makes_a_config(tmp_path: Path) -> None:
    said = run("check", "--schema", cwd=tmp_path).ok()
    assert json.loads(said.out)["properties"]["task"]["enum"] == list(TASKS)
    line = said.err.splitlines()[-1]
    assert line == "# yaml-language-server: $schema=rnncli.schema.json"
    (tmp_path / "c.yaml").write_text(f"{line}\ntask: tag\n", encoding="utf-8")
    run("check", "c.yaml", cwd=tmp_path).ok()


def test_the_next_command_has_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr("rnncli.ui.output.say_next", lambda *command: told.append(command))
    (tmp_path / "a.yaml").write_text("task: forecast\n", encoding="utf-8")
    given = ("--set", "data.horizon=3", "--set", "model.cell=gru", "--delimiter", ";")
    run("check", "a.yaml", *given, cwd=tmp_path).ok()
    assert told == [("check", "a.yaml", "DATA", *given)]


@pytest.mark.parametrize("command", ["check", "train", "train --dry-run", "init", "inspect-grads"])
def test_what_is_offered_for_several_tasks_begins_with_the_command_that_was_given(command: str, tmp_path: Path) -> None:
    rows = "".join(f"{'abc'[k % 3]},{k % 7}.5\n" for k in range(60))
    (tmp_path / "shops.csv").write_text(f"shop,sold\n{rows}", encoding="utf-8")
    message = run(*command.split(), "shops.csv", cwd=tmp_path).refused(2)
    assert message.partition("choose one: ")[2].startswith(f"rnncli {command} shops.csv --set task=forecast (")
