"""What the display of a search says of a trial."""

from __future__ import annotations

import pytest

from rnncli.training.reports import Progress
from rnncli.training.tuned import FINISHED, PAUSED, Begun, Ended, Outcome, Trial, Tuned
from rnncli.ui.tuning_view import TuningView, write_tuned

SETTINGS = {"training.learning_rate": 0.0034}


def trial(state: str, update: int) -> Trial:
    return Trial(2, "study/trial-002", SETTINGS, state, (Outcome("MAE", 1.5, False, 1.5, update, 148, 3.0),))


def test_where_a_trial_is_comes_before_its_settings_which_a_narrow_terminal_cuts_off() -> None:
    shown: list[str] = []
    view = TuningView(shown.append, quiet=False)
    view.show(Begun(trial(PAUSED, 37), 1.0, seed=3))
    for update in (74, 148):
        view.show(Progress(update, 148, 1, 0.25, 1.0, 0.1, 100.0))
    assert shown == [
        "trial 2 from seed 3  training.learning_rate=0.0034",
        "trial 2 from seed 3  update 74/148  loss 0.250  training.learning_rate=0.0034",
        "trial 2 from seed 3  update 148/148  now scored  training.learning_rate=0.0034",
    ]


def test_of_counts_updates_alone(capsys: pytest.CaptureFixture[str]) -> None:
    view = TuningView(print, quiet=False)
    view.show(Ended(trial(PAUSED, 37), 0.25))
    view.show(Ended(trial(FINISHED, 148), 1.0))
    assert capsys.readouterr().err.splitlines() == [
        "trial 2  MAE 1.500 after 37 of 148 updates  3.0s  training.learning_rate=0.0034",
        "trial 2  MAE 1.500  3.0s  training.learning_rate=0.0034",
    ]


def test_a_narrow_terminal_leaves_columns_out_and_breaks_no_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = (trial(FINISHED, 148), trial(PAUSED, 37))
    found = Tuned("study", trials, (1.0,), "MAE", False, 2, "best.yaml", baseline=("last-value", 2.5))
    heads = {}
    for width in range(1, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        write_tuned(found, "table", quiet=True)
        lines = capsys.readouterr().out.splitlines()
        heads[width] = next(line.split() for line in lines if "trial" in line)
        words = " ".join(lines).split()
        assert words.count("1.500") == words.count("0.0034") == 2
    assert heads[99] == ["rank", "trial", "validation", "baseline", "came", "to", "learning_rate"]
    assert heads[50] == ["rank", "trial", "validation", "came", "to", "learning_rate"]
    assert heads[40] == ["trial", "validation", "to", "learning_rate"]  # below "came"
    assert heads[1] == ["trial", "validation", "learning_rate"]
