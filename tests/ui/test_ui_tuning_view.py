"""What the display of a search says of a trial."""

from __future__ import annotations

import pytest

from rnncli.training.reports import Progress
from rnncli.training.tuned import FINISHED, PAUSED, Begun, Ended, Outcome, Trial
from rnncli.ui.tuning_view import TuningView

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
