"""The file that a run was trained on is another one now: what goes on without it says so, what needs it is left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_runs import run
from conftest import SALES, Shelf

NEXT = "".join(f"2011-{month:02d},{60 + month}\n" for month in range(1, 5))
GROWN, REPLACED = SALES + NEXT, SALES.replace("2005-06,", "2005-06,1")


@pytest.fixture
def sales(shelf: Shelf, place: Path) -> Path:
    """The forecast, of whose data there is a file of its own."""
    shutil.copytree(shelf / "forecast", place / "run")
    config = (place / "run" / "config.yaml").read_text().replace(str(shelf.folder), str(place))
    (place / "run" / "config.yaml").write_text(config)
    return place


def test_predict_without_data_tells_of_a_file_that_has_changed(sales: Path) -> None:
    as_trained = run("predict", "run", "-q", cwd=sales).ok()
    assert as_trained.err == ""
    for content in (GROWN, REPLACED, SALES.replace("2005-06", "2005-07", 1)):  # the last is as long as it was
        (sales / "sales.csv").write_text(content)
        made = run("predict", "run", "-q", cwd=sales).ok()
        assert made.out == as_trained.out
        assert made.err == (
            "rnncli: sales.csv has changed since training, and is not read; name it to forecast after its rows: "
            "rnncli predict run sales.csv\n"
        )
    assert run("predict", "run/model.safetensors", "-q", cwd=sales).ok().err == ""  # which knows of no file
    (sales / "sales.csv").unlink()
    assert run("predict", "run", "-q", cwd=sales).ok().err == ""


def test_it_is_told_too_where_the_file_has_what_is_missing(place: Path) -> None:
    rows = [f"{month},{month % 5},{month % 3}" for month in range(1, 49)]
    (place / "k.csv").write_text("\n".join(["t,y,k", *rows]) + "\n")
    roles = [word for key in ("target=y", "known_covariates=k", "horizon=4") for word in ("--set", f"data.{key}")]
    run("train", "k.csv", "-o", "run", "--set", "training.updates=2", *roles, cwd=place).ok()
    message = run("predict", "run", cwd=place).failed(3)
    assert "are missing; give them to predict by --future FILE or in rows of DATA without a target" in message
    ahead = [f"{month},,1" for month in range(49, 53)]
    (place / "future.csv").write_text("\n".join(["t,y,k", *ahead]) + "\n")
    given = run("predict", "run", "--future", "future.csv", cwd=place).ok().out
    (place / "k.csv").write_text("\n".join(["t,y,k", *rows, *ahead]) + "\n")
    told = run("predict", "run", cwd=place).err
    assert "k.csv has changed since training, and is not read; name it to forecast after its rows" in told
    assert run("predict", "run", "k.csv", cwd=place).ok().out == given


def test_predict_tells_it_of_a_run_that_has_no_report(sales: Path) -> None:
    (sales / "run" / "report.json").unlink()
    assert run("predict", "run", "-q", cwd=sales).ok().err == ""
    (sales / "sales.csv").write_text(REPLACED)
    assert "sales.csv has changed since training" in run("predict", "run", "-q", cwd=sales).ok().err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (REPLACED, "sales.csv: is not what run was trained on; restore it, or train again"),
        (None, "sales.csv"),
    ],
)
def test_a_report_leaves_out_what_needs_data_that_changed(sales: Path, content: str | None, why: str) -> None:
    whole = ("What intervals promised and held", "How far the gradient reaches back")
    run("report", "run", cwd=sales).ok()
    assert all(title in (sales / "report.html").read_text() for title in whole)
    (sales / "sales.csv").unlink()
    if content is not None:
        (sales / "sales.csv").write_text(content)
    made, page = run("report", "run", cwd=sales).ok(), (sales / "report.html").read_text()
    assert not any(title in page for title in whole)
    told = "ot shown, the worst windows and what intervals held and the gradient by lag: "
    assert f"N{told}" in page
    assert f"rnncli: run: n{told}" in made.err
    assert why in made.err


@pytest.mark.plots
def test_a_report_takes_the_beginning_of_a_file_that_has_grown(sales: Path) -> None:
    assert "follows" not in run("report", "run", "-o", "before.html", cwd=sales).ok().err
    (sales / "sales.csv").write_text(GROWN)
    made = run("report", "run", "-o", "after.html", cwd=sales).ok()
    assert "shown" not in made.err
    told = "hat comes next follows the rows of training; sales.csv has changed since. To forecast after its rows: "
    assert f"rnncli: run: w{told}rnncli predict run sales.csv\n" in made.err
    before, after = ((sales / name).read_text() for name in ("before.html", "after.html"))
    first, more, last = after.partition(f'<p class="soft">W{told}rnncli predict run sales.csv</p>\n')
    assert (more != "", first + last) == (True, before)


@pytest.mark.parametrize("state", [True, False])
def test_check_scores_the_beginning_of_a_file_that_has_grown(sales: Path, state: bool) -> None:
    if not state:
        (sales / "run" / "state.safetensors").unlink()
    as_trained = run("check", "run", cwd=sales).ok().out
    (sales / "sales.csv").write_text(GROWN)
    told = f"sales.csv has grown since training; its first {len(SALES):,} bytes are what it was trained on"
    assert told in run("check", "run", cwd=sales).ok().out
    assert run("check", "run", cwd=sales).out.splitlines()[-1] == as_trained.splitlines()[-1]
    (sales / "sales.csv").write_text(REPLACED + NEXT)
    said = run("check", "run", cwd=sales)
    assert "data" in said.failed(7)
    assert "sales.csv is not what it was trained on" in said.out


def test_evaluate_scores_the_rows_after_the_end_of_the_training_data(sales: Path) -> None:
    (sales / "new.csv").write_text(SALES.splitlines(keepends=True)[0] + NEXT)
    scored = run("evaluate", "run", "new.csv", cwd=sales).ok()
    (sales / "whole.csv").write_text(GROWN)
    of_whole = run("evaluate", "run", "whole.csv", cwd=sales).ok()
    assert of_whole.out == scored.out
    assert "whole.csv: the 120 rows up to the end of" in of_whole.err
    assert "are left out, 4 follow it" in of_whole.err
    (sales / "sales.csv").write_text(GROWN)
    assert run("evaluate", "run", "sales.csv", cwd=sales).ok().out == scored.out
    held_out = run("evaluate", "run", cwd=sales).ok()
    assert "sales.csv has grown since training" in held_out.err
    assert held_out.out != scored.out
    (sales / "other.csv").write_text(REPLACED + NEXT)
    odd = run("evaluate", "run", "other.csv", "-q", cwd=sales).ok()
    assert odd.out == scored.out
    assert "other.csv: 1 of 120 values up to the end of" in odd.err
    (sales / "old.csv").write_text(REPLACED)
    assert "old.csv: has no row after the end of" in run("evaluate", "run", "old.csv", cwd=sales).refused(3)


def test_inspect_grads_tells_of_other_data(sales: Path) -> None:
    assert run("inspect-grads", "run", "-q", cwd=sales).ok().err == ""
    (sales / "sales.csv").write_text(GROWN)
    assert "sales.csv has changed since training; " in run("inspect-grads", "run", "-q", cwd=sales).ok().err


def test_a_run_of_changed_data_is_gone_on_with_by_from(sales: Path) -> None:
    (sales / "sales.csv").write_text(GROWN)
    message = run("train", "-o", "run", "--resume", cwd=sales).refused(3)
    command = message.partition("start a new run from its weights: rnncli ")[2]
    assert command.startswith("train --from run ")
    assert command.endswith("sales.csv -o NEW")
    run(*command.split(), "-q", cwd=sales).ok()
