"""tune with Optuna: a study is repeated, interrupted, shared and killed, and goes on; what it says is true."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_runs import PATIENCE, Result, Stops, ended, environment, metrics, model_sha256, run, start
from conftest import CHAR, SALES, TEXT

from rnncli.training.tuned import Outcome
from rnncli.workflows.tune_study import Study

pytestmark = pytest.mark.tune

TRIALS = 5
OVER = ["--over", "training.learning_rate=1e-3..5e-2:log", "--over", "model.cell=gru,lstm"]
SEARCH = ["tune", "char.yaml", "--trials", str(TRIALS), "--set", "training.threads=1", *OVER]


def write_inputs(folder: Path) -> Path:
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    (folder / "char.yaml").write_text(CHAR, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with a study that one worker has finished, and what it said. Read only."""
    folder = write_inputs(tmp_path_factory.mktemp("searched"))
    return folder, run(*SEARCH, "-f", "json", cwd=folder).ok()


@pytest.fixture
def copied(searched: tuple[Path, Result], tmp_path: Path) -> Path:
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def study(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.out)
    return found


def without_clock(found: Any) -> Any:
    """A study without what the clock decided."""
    if isinstance(found, dict):
        return {key: without_clock(value) for key, value in found.items() if key != "seconds"}
    return [without_clock(one) for one in found] if isinstance(found, list) else found


def best(folder: Path) -> bytes:
    """The config of the winner, without the folder that its data are in."""
    return (folder / "runs/char-tune/best.yaml").read_bytes().replace(bytes(folder), b"")


def test_a_study_ends_with_its_trials_in_order_and_the_best_two_from_three_seeds(
    searched: tuple[Path, Result],
) -> None:
    folder, result = searched
    found = study(result)
    trials = found["trials"]
    assert sorted(one["trial"] for one in trials) == list(range(TRIALS))
    came = [len(one["outcomes"]) for one in trials]
    assert came == sorted(came, reverse=True)
    assert came.count(3) >= 2
    ends = [one["validation"] for one in trials if len(one["outcomes"]) == 3]
    assert ends == sorted(ends)
    assert [len(one["validation"]) for one in found["seeds"]] == [3, 3]
    assert [one["trial"] for one in found["seeds"]] == [one["trial"] for one in trials[:2]]
    assert "over 3 seeds trials" in found["sentence"]
    assert found["score"]["split"] == "validation"
    assert found["baseline"]["value"] == found["score"]["floors"][found["baseline"]["name"]]
    assert f"next: rnncli train {Path('runs/char-tune/best.yaml')}" in result.err
    for one in trials:
        assert min(line["valid_loss"] for line in metrics(folder / one["run"])) == pytest.approx(
            one["validation"], rel=1e-6
        )


def test_the_winner_is_what_train_makes_of_its_config(copied: Path) -> None:
    found = json.loads(run(*SEARCH, "-f", "json", "-q", cwd=copied).ok().out)
    run("train", "runs/char-tune/best.yaml", "-o", "again", "-q", cwd=copied).ok()
    assert model_sha256(copied / "again") == model_sha256(copied / f"runs/char-tune/trial-{found['best']['trial']:03}")


def test_one_worker_repeats_exactly(searched: tuple[Path, Result], tmp_path: Path) -> None:
    folder, result = searched
    again = run(*SEARCH, "-f", "json", cwd=write_inputs(tmp_path)).ok()
    assert without_clock(study(again)) == without_clock(study(result))
    assert best(tmp_path) == best(folder)


def test_a_study_that_is_over_only_tells_again(searched: tuple[Path, Result], copied: Path) -> None:
    again = run(*SEARCH, "-f", "json", cwd=copied).ok()
    assert study(again) == study(searched[1])
    assert again.err.splitlines()[0] == "trial 0 is the config as it is"


def test_a_study_that_is_stopped_goes_on_to_the_same_end(
    searched: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, result = searched
    stops = Stops(monkeypatch)
    write_inputs(tmp_path)
    after, stopped = 7, 0
    while True:
        stops.set(after)
        done = run(*SEARCH, "-f", "json", cwd=tmp_path)
        if done.code == 0:
            break
        message = done.failed(128 + signal.SIGINT)
        assert message.startswith("stopped; the study is saved in runs/char-tune; go on with: rnncli tune char.yaml")
        assert message.endswith(" --format=json")
        stopped += 1
        after += 11
        assert stopped < 50
    assert stopped >= 3
    assert without_clock(study(done)) == without_clock(study(result))
    assert best(tmp_path) == best(folder)


def test_a_study_that_ends_each_time_before_a_run_is_in_its_journal_comes_to_the_same_end(
    searched: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, result = searched
    came_to, last = Study.came_to, (-1, 0)

    def interrupted(study: Study, number: int, outcomes: Sequence[Outcome]) -> None:
        nonlocal last
        if last != (number, len(outcomes)):
            last = number, len(outcomes)
            raise KeyboardInterrupt
        came_to(study, number, outcomes)

    monkeypatch.setattr(Study, "came_to", interrupted)
    write_inputs(tmp_path)
    codes = []
    while (done := run(*SEARCH, "-f", "json", cwd=tmp_path)).code == 130 and len(codes) < 50:
        codes.append(done.code)
    assert len(codes) >= TRIALS
    assert without_clock(study(done.ok())) == without_clock(study(result))
    assert best(tmp_path) == best(folder)


def test_more_trials_join_a_study_that_is_over(copied: Path) -> None:
    found = study(run(*SEARCH, "--trials", "7", "-f", "json", cwd=copied).ok())
    assert sorted(one["trial"] for one in found["trials"]) == list(range(7))


def test_two_processes_share_a_study_and_one_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    longer = [*SEARCH, "--set", "training.epochs=8", "-f", "json"]
    journal = tmp_path / "runs/char-tune/journal.jsonl"
    with start(*longer, cwd=tmp_path) as killed, start(*longer, cwd=tmp_path) as other:
        began = time.monotonic()
        while not (tmp_path / "runs/char-tune/trial-001/state.safetensors").exists():
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.02)
        killed.kill()
        killed.wait()
        result = ended(other)
    found = study(result.ok())
    assert sorted(one["trial"] for one in found["trials"]) == list(range(TRIALS))
    assert {one["state"] for one in found["trials"]} <= {"finished", "paused"}
    workers = {json.loads(line).get("worker_id") for line in journal.read_text(encoding="utf-8").splitlines()}
    assert len(workers - {None}) >= 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "model.hidden_size=9"], 2, "model.hidden_size is 9, and the study began with 8; put that back"),
        (["--seed", "2"], 2, "seed is 2, and the study began with 1"),
        (
            ["--over", "model.num_layers=1,2"],
            2,
            "--over model.num_layers is 1,2, and the study began without it",
        ),
    ],
)
def test_another_search_in_a_study_is_refused_by_key(arguments: list[str], code: int, words: str, copied: Path) -> None:
    assert words in run(*SEARCH, *arguments, cwd=copied).refused(code)


def test_other_data_in_a_study_are_refused(copied: Path) -> None:
    (copied / "text.txt").write_text(TEXT + "more\n", encoding="utf-8")
    assert "the data changed since the study runs/char-tune began" in run(*SEARCH, cwd=copied).refused(3)


def test_a_study_knows_its_space(searched: tuple[Path, Result], copied: Path) -> None:
    without = SEARCH[: -len(OVER)]
    assert study(run(*without, "-f", "json", cwd=copied).ok()) == study(searched[1])


def test_a_folder_of_others_is_no_study(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear\n", encoding="utf-8")
    assert run(*SEARCH, "-o", "mine", cwd=tmp_path).refused(2) == "mine: exists and is no study; choose another -o"
    assert {entry.name for entry in (tmp_path / "mine").iterdir()} == {"letter.txt"}


@pytest.mark.parametrize("name", ["journal.jsonl", ".lock"])
def test_a_link_in_the_place_of_a_file_is_not_followed(name: str, copied: Path) -> None:
    target = copied / "victim"
    target.write_text("{}\n", encoding="utf-8")
    planted = copied / "runs/char-tune" / name
    planted.unlink()
    planted.symlink_to(target)
    assert "is a link" in run(*SEARCH, cwd=copied).refused(5)
    assert target.read_text(encoding="utf-8") == "{}\n"


def test_a_link_in_the_place_of_a_run_is_not_followed(copied: Path) -> None:
    trial = copied / "runs/char-tune/trial-001"
    trial.rename(copied / "elsewhere")
    trial.symlink_to(copied / "elsewhere")
    message = run(*SEARCH, cwd=copied).refused(5)
    assert message == "runs/char-tune/trial-001: is a link, and in a study none is followed; remove it"


@pytest.mark.parametrize("line", ['{"op_code":99}', '{"op_code":5,"trial_id":0}', '{"op_code":4}', "{}"])
def test_a_journal_that_is_none_is_one_line(line: str, copied: Path) -> None:
    journal = copied / "runs/char-tune/journal.jsonl"
    journal.write_text(line + "\n" + journal.read_text(encoding="utf-8"), encoding="utf-8")
    assert "is no journal of a study" in run(*SEARCH, cwd=copied).refused(4)


def test_a_journal_whose_numbers_are_beyond_those_of_any_is_one_line(copied: Path) -> None:
    journal = copied / "runs/char-tune/journal.jsonl"
    lines = list(map(json.loads, journal.read_text(encoding="utf-8").splitlines()))
    first = next(line for line in lines if "distribution" in line)
    whole = {"name": "IntDistribution", "attributes": {"log": False, "step": 1, "low": 1, "high": float("inf")}}
    first |= {"distribution": json.dumps(whole), "param_value_internal": 2}
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert "is no journal of a study (OverflowError" in run(*SEARCH, cwd=copied).refused(4)


def edited(folder: Path, **changes: Any) -> Result:
    """The search after an edit of the journal, in which trial 1 is `unfinished`, its outcomes or its settings are
    others, or all that came of trials is gone but their `state`."""
    journal, lines = folder / "runs/char-tune/journal.jsonl", []
    for line in map(json.loads, journal.read_text(encoding="utf-8").splitlines()):
        code, attribute = line["op_code"], line.get("user_attr", {})
        if "state" in changes:
            if "outcomes" in attribute:
                continue
            if code == 6:
                line |= {"state": changes["state"], "values": [1.0] if changes["state"] == 1 else None}
        elif line.get("trial_id") == 1:
            if "settings" in changes and (code in (6, 7) or "outcomes" in attribute):
                continue
            if "settings" in attribute:
                attribute["settings"] = changes.get("settings", attribute["settings"])
            for outcome in attribute.get("outcomes", []):
                outcome |= changes
        lines.append(json.dumps(line))
    journal.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return run(*SEARCH, cwd=folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": 4}, "trial 0 is paused at rung 0 of 3"),
        ({"state": 1}, "datetime_complete"),
        ({"settings": {"model.cell": "gru"}}, "trial 1 has no value, or one too many, of what is searched"),
        ({"settings": [1]}, '"settings": input should be an object'),
        ({"figure": float("nan")}, "an outcome has a number that is not finite"),
        ({"figure": 10**400}, ""),
        ({"figure": "0.5"}, "input should be a valid number"),
        ({"loss": float("inf")}, "an outcome has a number that is not finite"),
        ({"seconds": float("nan")}, "an outcome has a number that is not finite"),
        ({"update": -1}, "an outcome has counts that no run has"),
        ({"updates": True}, "input should be a valid integer"),
        ({"higher_is_better": True}, "more is better in one outcome, and less in another"),
    ],
)
def test_what_no_study_writes_is_one_line(changes: dict[str, Any], words: str, copied: Path) -> None:
    message = edited(copied, **changes).refused(4)
    assert "runs/char-tune/journal.jsonl: is no journal of a study" in message
    assert words in message


def test_a_space_of_another_form_is_one_line(copied: Path) -> None:
    journal = copied / "runs/char-tune/journal.jsonl"
    edited_text = journal.read_text(encoding="utf-8").replace('"gru,lstm"', '["gru","lstm"]')
    journal.write_text(edited_text, encoding="utf-8")
    assert '"over.model.cell": input should be a valid string' in run(*SEARCH[: -len(OVER)], cwd=copied).refused(4)


def test_a_line_cut_in_the_middle_is_left_behind(searched: tuple[Path, Result], copied: Path) -> None:
    with (copied / "runs/char-tune/journal.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"op_code":4,"worker')
    assert study(run(*SEARCH, "-f", "json", cwd=copied).ok()) == study(searched[1])
    assert len(study(run(*SEARCH, "--trials", "6", "-f", "json", cwd=copied).ok())["trials"]) == 6


def test_trials_that_fail_are_told_and_are_not_the_best(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    over = ["--over", "training.learning_rate=1e-2,1e30"]
    command = ["tune", "char.yaml", "--trials", "4", "--set", "training.clip_norm=null", *over, "-f", "json"]
    found = study(run(*command, cwd=tmp_path).ok())
    states = {one["settings"]["training.learning_rate"]: one["state"] for one in found["trials"]}
    assert states[1e30] == "failed"
    assert "diverged" in next(one["why"] for one in found["trials"] if one["state"] == "failed")
    assert len(found["trials"]) == 2  # the config as it is has the first of both


def test_a_trial_that_the_data_are_too_short_for_fails_with_its_reason_and_the_study_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES, encoding="utf-8")
    small = [f"training.{key}" for key in ("epochs=1", "threads=1", "seeds=1")]
    settings = [*small, "model.hidden_size=2", "data.horizon=2", "data.context=6", "data.padding=false"]
    sets = [part for one in settings for part in ("--set", one)]
    command = ["tune", "sales.csv", *sets, "--over", "data.context=6,500", "--trials", "2", "-q", "-f", "json"]
    found = study(run(*command, cwd=tmp_path).ok())
    states = {one["settings"]["data.context"]: (one["state"], one["why"]) for one in found["trials"]}
    assert states[6] == ("finished", "")
    assert states[500][0] == "failed"
    assert "context 500 + horizon 2 needs" in states[500][1]


def test_runs_lists_the_trials(searched: tuple[Path, Result]) -> None:
    rows = run("runs", "runs/char-tune", cwd=searched[0]).ok().rows()
    assert {Path(row["run"]).name for row in rows} >= {f"trial-{number:03}" for number in range(TRIALS)}


def test_a_table_has_the_keys_and_the_baseline_and_a_quiet_one_says_nothing_else(copied: Path) -> None:
    done = run(*SEARCH, "-f", "table", "-q", cwd=copied).ok()
    assert done.err == ""
    header = done.out.splitlines()[1].split()
    assert header == ["rank", "trial", "validation", "baseline", "came", "to", "learning_rate", "cell"]


def test_a_time_that_is_up_ends_a_search(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    command = [*SEARCH[:2], *SEARCH[4:], "--set", "training.epochs=2000", "-f", "json"]
    message = run(*command, "--max-time", "1s", cwd=tmp_path).failed(2)
    assert message.startswith("runs/char-tune: no trial came to a figure; the time is up before")
    assert (tmp_path / "runs/char-tune/trial-000/state.safetensors").exists()


def test_data_that_cannot_be_learnt_from_leave_nothing_and_are_read_as_train_reads_them(tmp_path: Path) -> None:
    days = (date(2022, 1, 1) + timedelta(days) for days in range(300))
    rows = "".join(f"{day:%d.%m.%Y};{day.weekday() + 1},500\n" for day in days)
    (tmp_path / "sales.csv").write_text("Datum;Umsatz\n" + rows, encoding="utf-8")
    message = run("tune", "sales.csv", "--over", "model.hidden_size=2..4", cwd=tmp_path).failed(3)
    assert message.endswith("and if it is the decimal sign, --decimal ,")
    assert [entry.name for entry in tmp_path.iterdir()] == ["sales.csv"]
    small = ["--set", "training.epochs=1", "--set", "model.hidden_size=2", "--trials", "1", "-q", "-f", "json"]
    found = study(run("tune", "sales.csv", "--decimal", ",", *small, cwd=tmp_path).ok())
    assert found["trials"][0]["state"] == "finished"


def test_best_yaml_is_there_before_the_best_two_are_trained_from_other_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rnncli.workflows.tune_worker.Worker._next_seed", interrupted)
    assert run(*SEARCH, cwd=write_inputs(tmp_path)).code == 130
    assert "learning_rate" in best(tmp_path).decode()


def test_a_winner_that_a_time_limited_is_trained_as_long_again(tmp_path: Path) -> None:
    limited = ["--set", "training.epochs=20000", "--set", "training.max_time=2s", "--trials", "1", "-f", "json"]
    command = [*SEARCH[:2], *SEARCH[4:], *limited]
    (one,) = study(run(*command, cwd=write_inputs(tmp_path)).ok())["trials"]
    updates = one["outcomes"][-1]["updates"]
    run("train", "runs/char-tune/best.yaml", "-o", "again", "-q", cwd=tmp_path).ok()
    assert metrics(tmp_path / "again")[-1]["step"] == updates
    for seed in (2, 3):
        assert metrics(tmp_path / f"runs/char-tune/trial-000-seed-{seed}")[-1]["step"] == updates


def test_sqlalchemy_is_never_loaded(copied: Path) -> None:
    code = "import sys; from rnncli.workflows.tune import Request, tune\n"
    code += f"tune(Request('char.yaml', out='runs/char-tune', overrides={SEARCH[5:6]!r}, trials={TRIALS}), print)\n"
    code += "print(sorted({'sqlalchemy', 'scipy', 'sklearn', 'alembic'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copied, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
