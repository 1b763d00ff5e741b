"""Forecasts from the command line: backtests that scripts can rely on, intervals, pictures, and streams."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cli_runs import COMMAND, Result, in_shell, run, together
from conftest import SALES, Shelf, write_inputs

from rnncli.nn import model_file

HEADER, *ROWS = SALES.splitlines()
LATER = [f"2011-{month:02d},{80 + 20 * math.sin(month * math.tau / 12):.2f}" for month in range(1, 13)]


@pytest.fixture(scope="module")
def folder(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained forecast beside its data."""
    path = tmp_path_factory.mktemp("forecast")
    write_inputs(path)
    run("train", "forecast.yaml", "-q", "-o", "run", cwd=path).ok()
    return path


# evaluate


def test_a_backtest_stands_beside_five_baselines(folder: Path) -> None:
    report = json.loads(run("evaluate", "run", "-f", "json", cwd=folder).ok().out)["backtest"]
    names = [one["name"] for one in report["forecasters"]]
    assert names == ["network", "last-value", "seasonal-naive", "seasonal-growth", "drift", "theta"]
    assert all(one["mase"] > 0 and one["verdict"] == "cannot tell, 3 groups" for one in report["forecasters"][1:])
    assert report["independent"] == 3
    assert (report["windows"], report["step"], report["horizon"]) == (21, 1, 4)
    assert set(report["coverage"]) == {"80", "95"}
    text = run("evaluate", "run", cwd=folder).ok().out
    assert all(word in text for word in ("MAE", "RMSE", "sMAPE", "MASE", "RMSSE", "theta", "bootstrap", "got"))
    assert "so few groups cannot tell; hold out more with data.test" in text
    told = f"weighted quantile loss of the network at 0.1 to 0.9: {report['wql']:.4f}\n"
    assert f"{told}  of quantiles calibrated on these rows\n" in text
    assert report["wql_in_sample"]
    best = min(report["forecasters"][1:], key=lambda one: one["wql"])
    assert f"  of {best['name'].replace('-', ' ')}, the best baseline by this, as a point: {best['wql']:.4f}\n" in text
    row = next(line for line in text.splitlines() if line.startswith("drift"))
    assert float(row.split()[6]) == pytest.approx(report["forecasters"][4]["owa"], rel=1e-3)


def test_levels_of_the_quantile_loss_may_be_chosen(folder: Path) -> None:
    chosen, bad = together(
        partial(run, "evaluate", "run", "--levels", "0.5,0.95", "-f", "json", cwd=folder),
        partial(run, "evaluate", "run", "--levels", "80,95", cwd=folder),
    )
    assert json.loads(chosen.ok().out)["backtest"]["wql_levels"] == [0.5, 0.95]
    twice = run("evaluate", "run", "--levels", "0.5,0.95,0.5", "-f", "json", cwd=folder)
    assert twice.ok().out == chosen.out
    assert (
        "'80,95' are no levels from 0.005 to 0.995; write them as in 0.1,0.5,0.9, or 0.025,0.1,0.9,0.975 for the ends "
        "of intervals in percent, as predict takes them" in bad.failed(2)
    )
    run("evaluate", "run", "--levels", "0.025,0.1,0.9,0.975", cwd=folder).ok()


def test_train_and_evaluate_say_the_same_words_in_every_form(folder: Path) -> None:
    config = ["forecast.yaml", "--set", "data.horizon=1", "--set", "data.validation=0.4"]
    trained = json.loads(run("train", *config, "-f", "json", "-o", "ones", cwd=folder).ok().out.splitlines()[-1])
    text = run("evaluate", "ones", cwd=folder).ok().out
    report = json.loads(run("evaluate", "ones", "-f", "json", cwd=folder).ok().out)
    assert report["verdicts"] == trained["score"]["verdicts"]
    words = {one["name"].replace("-", " "): one["verdict"] for one in report["backtest"]["forecasters"][1:]}
    assert words == report["verdicts"]
    assert words["last value"] == "better"
    lines = [line.strip() for line in text.splitlines()]
    for name, verdict in words.items():
        score, row = (line for line in lines if line.startswith(name))
        assert score.endswith(f": {verdict}")
        assert row.endswith(verdict)
    run("evaluate", "ones", "--must-beat", "last-value", cwd=folder).ok()


def test_a_network_that_is_not_used_is_scored_and_it_is_said_who_answers(folder: Path) -> None:
    """Too small a learning rate leaves the network at the last value, which is worse than the season."""
    config = ["forecast.yaml", "--set", "training.fallback=true", "--set", "data.residual=last-value"]
    trained = run("train", *config, "--set", "training.learning_rate=1e-9", "-o", "unused", cwd=folder).ok()
    report = json.loads(run("evaluate", "unused", "-f", "json", cwd=folder).ok().out)
    used = report["used"]
    assert used in ("seasonal-naive", "seasonal-growth", "theta")
    assert report["network"] > report["floors"][used.replace("-", " ")]
    sentence = f"predict gives {used.replace('-', ' ')}, no worse on validation; see predict --network"
    assert sentence in trained.out
    assert sentence in run("evaluate", "unused", cwd=folder).ok().out
    assert "was at least as good as the network" in run("predict", "unused", cwd=folder).ok().err
    for given, by in (((), used), (("--network",), "network")):
        rows = json.loads(run("predict", "unused", "-f", "json", *given, cwd=folder).ok().out)
        assert {row["forecast_by"] for row in rows} == {by}
    assert json.loads(run("evaluate", "run", "-f", "json", cwd=folder).ok().out)["used"] == "network"


def test_windows_and_steps_are_counted_from_the_end(folder: Path) -> None:
    out = run("evaluate", "run", "--windows", "3", "--step", "4", "-f", "csv", cwd=folder).ok().rows()
    assert len(out) == 3 * 4
    assert sorted({row["cutoff"] for row in out}) == ["2009-12", "2010-04", "2010-08"]
    assert [row["month"] for row in out if row["cutoff"] == "2010-08"] == ["2010-09", "2010-10", "2010-11", "2010-12"]
    actual = dict(line.split(",") for line in ROWS)
    assert all(float(row["actual"]) == float(actual[row["month"]]) for row in out)
    assert all(float(row["last-value"]) == float(actual[row["cutoff"]]) for row in out)
    assert all(float(row["lo_95"]) <= float(row["lo_80"]) <= float(row["hi_80"]) <= float(row["hi_95"]) for row in out)


def test_a_script_can_ask_for_a_check(folder: Path) -> None:
    passed, failed, mistaken, unknown = together(
        *(
            partial(run, "evaluate", "run", *arguments, cwd=folder)
            for arguments in (
                ["--fail-if", "mase > 100", "--fail-if", "coverage_80 < 0", "--windows", "3", "-q"],
                ["--must-beat", "last-value", "--fail-if", "mase < 100", "--fail-if", "coverage_80 >= 0"],
                ["--windows", "500"],
                ["--must-beat", "thetta"],
            )
        )
    )
    told = ", of intervals made from these rows, of which they hold about what they promise; hold out data.test"
    assert re.fullmatch(
        rf"rnncli: --fail-if 'coverage_80 < 0': coverage_80 is [0-9.]+{told}, or name new data\n", passed.ok().err
    )
    assert "--must-beat last-value: the network is not shown to be better: cannot tell, 3 groups" in failed.failed(7)
    assert 'is no baseline of a forecast; did you mean "theta"?' in unknown.failed(2)
    assert "--fail-if 'mase < 100': mase is" in failed.failed(7)
    assert "coverage_80 is" in failed.failed(7)
    assert "theta" in failed.out  # the backtest is shown all the same
    assert "21 origins, 1 row apart, fit into what was held out" in mistaken.failed(2)


def test_a_config_is_trained_and_backtested_in_one_go(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    out = run("evaluate", "forecast.yaml", "--windows", "2", "--step", "12", "-f", "json", cwd=folder).ok().out
    report = json.loads(out)["backtest"]
    assert (report["split"], report["windows"], report["step"]) == ("test", 2, 12)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_other_models_have_no_windows(shelf: Shelf, tmp_path: Path) -> None:
    write_inputs(tmp_path)
    shutil.copytree(shelf / "char", tmp_path / "char")
    assert "--windows: is for forecast, and this is a language-model" in run(
        "evaluate", "char", "--windows", "2", cwd=tmp_path
    ).failed(2)


# predict


def test_intervals_have_columns_and_a_receipt(folder: Path) -> None:
    result = run("predict", "run", "--levels", "80,95", cwd=folder).ok()
    assert run("predict", "run", "--levels", "80,95,80", cwd=folder).ok() == result
    ends = [f"sales_{end}_{level}" for level in (80, 95) for end in ("lo", "hi")]
    for row in result.rows():
        assert list(row) == ["month", "sales", *ends]
        low95, low80, high80, high95 = (float(row[f"sales_{end}"]) for end in ("lo_95", "lo_80", "hi_80", "hi_95"))
        assert low95 < low80 < high80 < high95
    assert "asked 80%, got" in result.err


def test_a_forecast_is_explained_in_columns_after_the_usual_ones(folder: Path) -> None:
    result = run("predict", "run", "--explain", "--levels", "80", cwd=folder).ok()
    plain = run("predict", "run", "--levels", "80", cwd=folder).ok()
    columns = ["month", "sales", "sales_lo_80", "sales_hi_80"]
    for row, usual in zip(result.rows(), plain.rows(), strict=True):
        assert list(row) == [*columns, "sales_baseline", "sales_network"]
        assert {name: row[name] for name in columns} == usual
        assert Decimal(row["sales_baseline"]) + Decimal(row["sales_network"]) == Decimal(row["sales"])
    assert "explained: " in result.err


def test_new_rows_are_appended_to_the_old_ones(folder: Path) -> None:
    (folder / "later.csv").write_text("\n".join([HEADER, *LATER[:3], ""]))
    (folder / "whole.csv").write_text("\n".join([HEADER, *ROWS, *LATER[:3], ""]))
    appended = run("predict", "run", "later.csv", cwd=folder).ok()
    assert appended.rows()[0]["month"] == "2011-04"
    assert "goes on where the training data end" in appended.err
    assert appended.out == run("predict", "run", "whole.csv", cwd=folder).ok().out


def test_one_new_row_is_enough(folder: Path) -> None:
    (folder / "one.csv").write_text("\n".join([HEADER, LATER[0], ""]))
    (folder / "and_one.csv").write_text("\n".join([HEADER, *ROWS, LATER[0], ""]))
    assert run("predict", "run", "one.csv", cwd=folder).ok().out == run("predict", "run", "and_one.csv", cwd=folder).out


def test_a_forecast_can_be_seen(folder: Path) -> None:
    shown = run("predict", "run", "-f", "plot", cwd=folder).ok().out
    assert "2011-04" in shown
    assert "forecast" in shown
    assert "95%" in shown


@pytest.mark.plots
def test_a_forecast_is_drawn_into_a_file_beside_its_rows(folder: Path) -> None:
    drawn, plain = run("predict", "run", "--plot", "sales.svg", cwd=folder).ok(), run("predict", "run", cwd=folder).ok()
    assert plain.rows()
    assert drawn.out == plain.out  # the intervals are in the picture alone
    assert "<!-- Forecast: sales -->" in (folder / "sales.svg").read_text(encoding="utf-8")
    for name, code, said in (("s.gif", 2, "ends in .png, .svg or .pdf"), ("nowhere/s.svg", 5, "cannot write")):
        message = run("predict", "run", "--plot", name, cwd=folder).refused(code)
        assert message.startswith(f"--plot {name}: ")
        assert said in message


def test_what_this_model_cannot_do(folder: Path) -> None:
    cases = {
        ("--levels", "0"): "no percents",
        ("--levels", "80,x"): "no percents",
        ("--sum", "--samples", "5"): "--sum: is one row for each series",
        ("--sum", "--explain"): "--sum: is one row for each series",
        ("--follow", "--sum"): "does not go with --follow",
        ("--future", "sales.csv"): "has no known covariates",
        ("--state", "s"): "--state: is for --follow",
        ("--strict",): "--strict: is for --follow",
        ("--follow", "--horizon", "3"): "does not go with --follow",
        ("--follow", "--explain"): "--explain: does not go with --follow",
        ("--explain", "--samples", "5"): "--explain: does not go with --samples",
        ("--explain", "-f", "plot"): "a plot has none",
        (
            "--horizon",
            "201",
        ): "--horizon 201: is more than 50 times the 4 rows that this model was trained to forecast; "
        "lower it, or train with --set data.horizon=5 or more",
    }
    results = together(*(partial(run, "predict", "run", *arguments, cwd=folder) for arguments in cases))
    for said, result in zip(cases.values(), results, strict=True):
        assert said in result.failed(2)


# predict --follow


def followed(folder: Path, lines: list[str], *arguments: str, name: str = "run", unread: int = 0) -> Result:
    """What follows the lines; unread: how many of them cannot be read, which is told at the end."""
    result = run("predict", name, "-", "--follow", *arguments, cwd=folder, stdin="\n".join([*lines, ""]))
    assert result.code == (3 if unread else 0), result
    others = {1: "this line, of ", 2: "this line and 1 other, of "}
    assert not unread or others[unread] in result.errors[-1]
    return result


def follow(folder: Path, lines: list[str], *arguments: str, name: str = "run") -> list[dict[str, str]]:
    return followed(folder, lines, *arguments, name=name).rows()


def all_followed(folder: Path, *streams: list[str]) -> list[Result]:
    """Side by side."""
    return together(*(partial(followed, folder, lines) for lines in streams))


def test_each_row_is_answered_with_the_forecast_of_the_next(folder: Path) -> None:
    rows = follow(folder, [HEADER, *LATER], "--levels", "80")
    assert [row["month"] for row in rows] == [line.split(",")[0] for line in LATER]
    assert rows[0]["next_month"] == "2011-02"
    for k, row in enumerate(rows):
        (folder / "so_far.csv").write_text("\n".join([HEADER, *ROWS, *LATER[: k + 1], ""]))
        if k in (0, 11):
            after = run("predict", "run", "so_far.csv", "--levels", "80", cwd=folder).ok().rows()[0]
            names = {"next_sales": "sales", "next_sales_lo_80": "sales_lo_80", "next_sales_hi_80": "sales_hi_80"}
            for ours, theirs in names.items():
                assert float(row[ours]) == pytest.approx(float(after[theirs]), rel=1e-6)


def test_a_strange_row_has_a_high_score(folder: Path) -> None:
    calm, wild = (
        result.rows()
        for result in all_followed(folder, [HEADER, *LATER], [HEADER, *LATER[:6], "2011-07,400.0", *LATER[7:]])
    )
    assert float(wild[6]["score"]) > 10 * float(calm[6]["score"]) > 0
    assert wild[5] == calm[5]  # what came before does not know of it


def test_a_stream_goes_on_from_its_state(folder: Path) -> None:
    whole = follow(folder, [HEADER, *LATER], "--state", "whole.state")
    first = follow(folder, [HEADER, *LATER[:5]], "--state", "half.state")
    second = follow(folder, LATER[5:], "--state", "half.state")  # without a header
    assert first + second == whole
    assert (folder / "half.state").read_bytes() == (folder / "whole.state").read_bytes()
    assert "is no state of predict --follow" in run(
        "predict", "run", "-", "--follow", "--state", "run/model.safetensors", cwd=folder, stdin=HEADER + "\n"
    ).failed(4)
    (folder / "notes.txt").write_text("my notes\n" * 20)
    told = run("predict", "run", "-", "--follow", "--state", "notes.txt", cwd=folder, stdin=HEADER + "\n").failed(4)
    assert told.startswith("notes.txt: is no state of predict --follow: ")
    assert told.endswith("; name another file")
    assert (folder / "notes.txt").read_text() == "my notes\n" * 20


def test_what_a_producer_repeats_is_left_out_with_one_note(folder: Path) -> None:
    whole = followed(folder, [HEADER, *LATER]).out
    again = followed(folder, [HEADER, *ROWS, *LATER])
    assert again.out == whole
    assert '120 rows up to "2010-12", the end of the model\'s data, left out' in again.err
    first = followed(folder, [HEADER, *LATER[:5]], "--state", "again.state").out
    second = followed(folder, [HEADER, *ROWS, *LATER], "--state", "again.state")
    assert first + second.out.partition("\n")[2] == whole
    assert '125 rows up to "2011-05", the end of the state, left out' in second.err


def test_a_missing_row_and_a_missing_value_are_stepped_over(folder: Path) -> None:
    gap, empty = (
        result.rows()
        for result in all_followed(
            folder, [HEADER, *LATER[:2], *LATER[3:]], [HEADER, *LATER[:2], "2011-03,", *LATER[3:]]
        )
    )
    assert [row["month"] for row in gap] == [line.split(",")[0] for line in LATER if "2011-03" not in line]
    assert empty[2]["score"] == ""
    assert empty[3:] == gap[2:]


def test_rows_that_come_late_are_left_out_and_the_stream_goes_on(folder: Path) -> None:
    strays = [*LATER[:3], LATER[1], LATER[2], "2011-13,5", "2011-04-02,5", *LATER[3:]]
    told = followed(folder, [HEADER, *strays], unread=2)
    calm, gap = all_followed(folder, [HEADER, *LATER], [HEADER, *LATER[:2], LATER[6]])
    answers = told.rows()
    assert answers[:3] + answers[7:] == calm.rows()
    stands = {"sales": "", "score": "", "next_month": "2011-04"}
    for answer, stamp in zip(answers[3:7], ["2011-02", "2011-03", "", ""], strict=True):
        assert answer == answers[2] | stands | {"month": stamp}
    for line, stamp, why in (
        (5, "2011-02", "comes after"),
        (6, "2011-03", "has been already"),
        (7, "2011-13", "is no time of this series"),
        (8, "2011-04-02", "is no time"),
    ):
        assert f'<stdin>:{line}: "{stamp}" {why}' in told.err
    assert "4 rows are missing before" in gap.err


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("2011-02,abc", '<stdin>:3: column 2 "sales": "abc" is not a number; taken for a missing value'),
        ("2011-02,unavailable", '<stdin>:3: column 2 "sales": "unavailable" is a missing value'),
        ("2011-02,3,4", "<stdin>:3: 3 fields, the others have 2; left out"),
    ],
)
def test_a_stream_goes_on_after_a_bad_row(folder: Path, bad: str, told: str) -> None:
    rows = [HEADER, "2011-01,100", bad, "2011-03,120"]
    result = followed(folder, rows, unread=int("left out" in told))
    assert told in result.err
    missing = run(
        "predict", "run", "-", "--follow", cwd=folder, stdin="\n".join([HEADER, rows[1], "2011-02,", rows[3], ""])
    )
    assert result.rows()[-1] == missing.ok().rows()[-1]  # as if the value were missing
    assert [row["month"] for row in result.rows()] == ["2011-01", "" if "left out" in told else "2011-02", "2011-03"]


def test_a_bad_line_is_answered_in_json_lines(folder: Path) -> None:
    for form in ("json", "jsonl"):
        out = followed(folder, [HEADER, LATER[0], "2011-01,3", "?", LATER[1]], "-f", form, unread=1).out
        first, late, bad, last = map(json.loads, out.splitlines())
        assert late == first | {"sales": None, "score": None}
        assert bad == late | {"month": None}
        assert [row["forecast_by"] for row in (first, last)] == ["network"] * 2


def test_a_stream_without_the_column_is_refused(folder: Path) -> None:
    result = run("predict", "run", "-", "--follow", cwd=folder, stdin="month,profit\n2011-01,3\n")
    assert 'no column "sales"' in result.failed(2)


def test_answers_do_not_wait_for_the_end(folder: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "predict", "run", "-", "--follow", "-f", "jsonl", "--state", "live.state"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{HEADER}\n")
        for line in LATER[:3]:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["month"] == line.split(",")[0]
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert follow(folder, LATER[3:], "--state", "live.state") == follow(folder, [HEADER, *LATER])[3:]


def test_a_reader_that_goes_away_leaves_a_state_to_go_on_from(folder: Path) -> None:
    lines = "".join(f"{line}\\n" for line in [HEADER, *LATER])
    said = in_shell(
        f"printf '{lines}' | (while read -r line; do echo \"$line\"; sleep 0.2; done) "
        "| rnncli predict run - --follow --state gone.state | head -n 3",
        folder,
    )
    assert said.out.splitlines() == followed(folder, [HEADER, *LATER[:2]]).out.splitlines()
    assert "Traceback" not in said.err
    assert "the end of the state, left out" in followed(folder, [HEADER, *LATER], "--state", "gone.state").err


def test_after_a_long_outage_a_stream_begins_anew_and_again(folder: Path) -> None:
    months = [f"{year}-{month:02d}" for year in range(2015, 2040) for month in range(1, 13)]
    values = [f"{stamp},{70 + 20 * math.sin(i * math.tau / 12):.2f}" for i, stamp in enumerate(months)]
    first, second = values[:39], values[120:159]  # years apart; three are kept, and read before anything is said
    rows = follow(folder, [HEADER, *LATER[:2], *first, *second])
    assert [bool(row["next_sales"]) for row in rows] == [True] * 2 + ([False] * 35 + [True] * 4) * 2
    assert rows[-4:] == follow(folder, [HEADER, *second])[-4:]


def test_a_state_behind_a_link_of_the_users_is_kept_there_and_what_a_kill_left_is_removed(folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "latest").symlink_to(folder / "kept" / "linked.state")
    (folder / "kept" / ".linked.state.0123456789abcdef.tmp").touch()
    (folder / "kept" / ".linked.state.2024").touch()  # which is the user's
    follow(folder, [HEADER, *LATER[:5]], "--state", "latest")
    assert (folder / "latest").is_symlink()
    assert {path.name for path in (folder / "kept").iterdir()} == {"linked.state", ".linked.state.2024"}
    (folder / "run" / "planted").symlink_to(folder / "elsewhere")
    follow(folder, [HEADER, *LATER[:5]], "--state", "run/planted")
    assert not (folder / "elsewhere").exists()
    (folder / "run" / "planted").unlink()


def test_a_state_without_what_its_model_makes_is_damaged(folder: Path) -> None:
    follow(folder, [HEADER, *LATER[:2]], "--state", "whole.made")
    arrays, header = model_file.read(folder / "whole.made")
    header = {key: value for key, value in header.items() if key not in ("format", "sha256")}
    flags = np.ones((3, 7))
    edits = [({"made": arrays["made"][:0]}, {}), ({"warm_up": flags, "warm_up_known": flags}, {"warm_up": "2012-01"})]
    for change, more in edits:
        model_file.write(folder / "edited.made", {**arrays, **change}, header | more)
        arguments = ("predict", "run", "-", "--follow", "--state", "edited.made")
        said = run(*arguments, cwd=folder, stdin=f"{LATER[2][:-2]}?\n{LATER[3]}\n").failed(4)
        assert said == "edited.made: is damaged; remove it, and begin again"


def test_a_state_of_another_model_is_refused(folder: Path) -> None:
    follow(folder, [HEADER, *LATER[:2]], "--state", "one.state")
    run("train", "forecast.yaml", "-q", "-o", "other", "--set", "training.seed=2", cwd=folder).ok()
    arguments = ("predict", "other", "-", "--follow", "--state", "one.state")
    assert "is the state of another model" in run(*arguments, cwd=folder, stdin=f"{LATER[2]}\n").failed(4)


def test_a_recursive_network_carries_its_state(folder: Path) -> None:
    config = (folder / "forecast.yaml").read_text().replace("validation: 0.2", "validation: 0.2, scaling: none")
    (folder / "carry.yaml").write_text(config.replace("hidden_size: 8", "hidden_size: 8, decoder: recursive"))
    run("train", "carry.yaml", "-q", "-o", "carry", cwd=folder).ok()
    stdin = "\n".join([HEADER, *LATER, ""])
    whole = run("predict", "carry", "-", "--follow", "--state", "c.state", cwd=folder, stdin=stdin).ok()
    assert "follows with a carried state" in whole.err
    half = follow(folder, [HEADER, *LATER[:5]], "--state", "d.state", name="carry")
    assert half + follow(folder, LATER[5:], "--state", "d.state", name="carry") == whole.rows()


def test_a_table_with_points_and_commas_is_scored_and_told_as_it_is_read(tmp_path: Path) -> None:
    values = [f"{1000 + 7 * k % 31 + 20 * (k % 12)},5" for k in range(72)]
    lines = [f"{k % 12 + 1:02}.{2015 + k // 12};{value}" for k, value in enumerate(values)]
    (tmp_path / "sales.csv").write_text("\n".join(["Monat;Bonn", *lines, ";", ""]))
    small = (
        "model.hidden_size=4",
        "training.epochs=1",
        "data.horizon=3",
        "data.context=12",
        "data.skip_footer=1",
        "data.decimal=,",
    )
    arguments = [text for key in small for text in ("--set", key)]
    trained = run("train", "sales.csv", *arguments, "-o", "run", cwd=tmp_path).ok()
    assert "left out the last row" in trained.err
    scored = run("evaluate", "run", "-f", "csv", "--windows", "1", cwd=tmp_path).ok()
    header, first, *_ = scored.out.splitlines()
    assert header.startswith("cutoff;Monat;rows_before;target;actual;network;")
    assert first.split(";")[4].endswith(",5")
    assert "left out" not in scored.err  # as training told
    assert not run("evaluate", "run", "-q", cwd=tmp_path).ok().err
    answered = run("predict", "run", "--levels", "80", "-q", cwd=tmp_path).ok()
    assert not answered.err
    assert answered.out.startswith("Monat;Bonn;Bonn_lo_80")
    told = run("predict", "run", "--network", "--levels", "80", cwd=tmp_path).ok().err
    table = run("evaluate", "run", cwd=tmp_path).ok().out
    held = re.search(r"asked 80%, got [0-9.]+%, n = [0-9]+", told)
    assert held is not None
    assert f"intervals: {held[0]}, " in table  # of the same values one number
    assert all(line == line.rstrip() and len(line) <= 80 for line in table.splitlines())
    assert "made from these rows" not in table
    assert "made from these rows" in run("evaluate", "run", "--windows", "2", cwd=tmp_path).ok().out
    later = run("evaluate", "run", "sales.csv", cwd=tmp_path).failed(3)
    assert "sales.csv: has the rows that the model was trained on; a forecast is scored on those after them" in later
    assert "flatters" not in later


def test_names_above_new_rows_are_left_out_for_a_model_whose_data_had_none(place: Path) -> None:
    days = [(date(2001, 1, 1) + timedelta(day)).isoformat() for day in range(80)]
    rows = [f"{day},{10 + i % 7},{5 - i % 3}" for i, day in enumerate(days)]
    write = {"old.csv": rows[:60], "new.csv": rows[60:], "named.csv": ["day,temp,hum", *rows[60:]]}
    for name, lines in write.items():
        (place / name).write_text("\n".join([*lines, ""]))
    run("train", "old.csv", "-o", "run", "--set", "training.updates=2", "--set", "data.horizon=2", cwd=place).ok()
    for command, *options in (["predict"], ["predict", "--follow"], ["evaluate"]):
        bare, named = (run(command, "run", name, *options, cwd=place).ok() for name in ("new.csv", "named.csv"))
        assert named.out == bare.out
        assert 'left out "day,temp,hum", which names columns' in named.err
    for header, row in [("day,temp", "2001-03-02,3"), ("day,temp,hum,wind", "2001-03-02,3,4,5")]:
        (place / "other.csv").write_text(f"{header}\n{row}\n{row}\n")
        assert 'no column "column' in run("predict", "run", "other.csv", cwd=place).failed(2)
