"""The lines of a training: those of a short one are all there, those of a long one are ever further apart."""

import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from rnncli.training.reports import Evaluated, Memory, Progress, Started
from rnncli.ui import training_view
from rnncli.ui.numbers import loss
from rnncli.ui.training_view import FIRST, SECONDS, TrainingView


def evaluated(step, count=0):
    """An evaluation, the last of `count`."""
    reason = "finished" if step == count else "scheduled"
    return Evaluated(step, step, step, 1.0, 2.0, 1.5, 0.1, 1.0, 100.0, True, reason)


def shown_of(count, capsys):
    view = TrainingView()
    for step in range(1, count + 1):
        view.show(evaluated(step, count))
    return [int(step.replace(",", "")) for step in re.findall(r"update +([\d,]+)", capsys.readouterr().err)]


@pytest.mark.parametrize(("count", "most"), [(1, 1), (FIRST, FIRST), (200, 50), (2000, 60), (20_000, 75)])
def test_evaluations_of_a_short_run_all_have_a_line_and_those_of_a_long_one_ever_fewer(count, most, capsys):
    shown = shown_of(count, capsys)
    assert shown[:FIRST] == list(range(1, min(count, FIRST) + 1))
    assert shown[-1] == count
    assert len(shown) <= most
    apart = [b - a for a, b in itertools.pairwise(shown[:-1])]  # the end comes when it comes
    assert apart == sorted(apart)


@pytest.mark.parametrize("best", [5, 60, 66, 67, 68, 69, 399, 400])
def test_the_best_evaluation_has_a_line_wherever_it_falls(best, capsys):
    view = TrainingView()
    for step in range(1, 401):
        view.show(replace(evaluated(step, 400), improved=step <= best))
    lines = [line for line in capsys.readouterr().err.splitlines() if "update" in line]
    steps = [int(re.search(r"update +([\d,]+)", line)[1]) for line in lines]
    assert len(steps) == len(set(steps))
    assert [step for step, line in zip(steps, lines, strict=True) if " best" in line][-1] == best
    assert 400 in steps[-2:]


def test_a_new_training_in_one_view_begins_its_lines_anew(capsys):
    view = TrainingView()
    for _ in range(2):
        view.show(Started((), 0, 500, "nats", False))
        for step in range(1, 501):
            view.show(evaluated(step))
    lines = capsys.readouterr().err.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


@pytest.mark.parametrize(("hours", "most"), [(0.01, 3), (1, 30), (24, 80)])
def test_hours_of_progress_make_some_lines(hours, most, capsys, monkeypatch):
    now = itertools.count(0.0, 1.0)
    monkeypatch.setattr(training_view, "time", SimpleNamespace(monotonic=lambda: next(now)))
    view = TrainingView()
    for update in range(int(3600 * hours)):
        view.show(Progress(update, 10**6, 1, 2.0, 1.0, 0.1, 100.0))
    seen = [int(one.replace(",", "")) + 1 for one in re.findall(r"update ([\d,]+)/", capsys.readouterr().err)]
    assert seen[0] == SECONDS[0]
    assert len(seen) <= most
    assert max(b - a for a, b in itertools.pairwise([0, *seen, 3600 * hours])) <= SECONDS[1]


def test_names_of_layers_end_at_one_column(capsys):
    names = ("layer 0", "layer 0 backward")
    memory = tuple(Memory(name, 63, 2.0, 7, 0.5, "healthy") for name in names)
    TrainingView().show(replace(evaluated(1), memory=memory))
    _, *lines = capsys.readouterr().err.splitlines()
    assert [line.partition("  1% of")[0] for line in lines] == [name.rjust(16) for name in names]
    TrainingView().show(replace(evaluated(1), memory=memory[:1]))
    assert capsys.readouterr().err.splitlines()[1].startswith("    layer 0  1% of")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.6434e-6, "3.6e-06"),
        (9.4e-4, "0.00094"),
        (0.001, "0.0010"),
        (0.0, "0.0000"),
        (-1.25, "-1.2500"),
        (-2e-5, "-2e-05"),
    ],
)
def test_a_small_loss_keeps_significant_digits(value, shown, capsys):
    TrainingView().show(replace(evaluated(1), train_loss=value, valid_loss=value))
    assert f"train {shown} valid {shown} best" in capsys.readouterr().err
    assert f"loss {loss(value, 3)} valid" in training_view.status(Progress(1, 2, 1, value, 1.0, 0.1, 1.0), " valid")


def test_the_best_is_marked_where_there_is_a_loss_to_judge_by(capsys):
    TrainingView().show(evaluated(1))
    judged = capsys.readouterr().err
    assert "valid 1.5000 best" in judged
    line = Evaluated(1, 1, 1, 1.0, 2.0, None, 0.1, 1.0, 100.0, True, "scheduled", averaged=True)
    TrainingView().show(line)
    alone = capsys.readouterr().err
    assert "valid none  " in alone
    assert not {"best", "avg"} & set(alone.split())
