"""Coverage checks of intervals are told with a forecast, and so are the rows that no check is of."""

import numpy as np
import pytest
from experiments import csv, reloaded, rows, shaken, trainee_of

from rnncli.notes import noting
from rnncli.tasks.forecast.calibration import Receipt
from rnncli.tasks.forecast.forecast_notes import note_coverage
from rnncli.tasks.task import Asked

Y = 5000 + np.random.default_rng(5).normal(0, 2, 160).cumsum()
UNCHECKED = "intervals: the validation split has too few windows to check the coverage of "


@pytest.mark.parametrize(
    ("checked", "wanted", "told"),
    [
        ([], 1, "row 1"),
        ([], 12, "rows 1 to 12"),
        ([(1, 12)], 12, None),
        ([(1, 12)], 5, None),
        ([(1, 12)], 13, "row 13"),
        ([(13, 24)], 12, "rows 1 to 12"),
        ([(13, 24)], 5, "rows 1 to 5"),
        ([(13, 24)], 18, "rows 1 to 12"),
        ([(13, 24)], 24, "rows 1 to 12"),
        ([(13, 24)], 40, "rows 1 to 12 and rows 25 to 40"),
        ([(1, 12), (13, 24)], 24, None),
        ([(25, 48), (1, 12)], 48, "rows 13 to 24"),
        ([(1, 3), (5, 8)], 10_000, "row 4 and rows 9 to 10,000"),
    ],
)
def test_rows_that_no_check_is_of_are_named_wherever_they_lie(checked, wanted, told):
    notes = []
    with noting(notes.append):
        note_coverage([Receipt(asked, 79.0, 30, *ends) for asked in (80, 95) for ends in checked], (80,), wanted)
    assert [note for note in notes if note.startswith(UNCHECKED)] == ([UNCHECKED + told] if told else [])
    assert len(notes) - bool(told) == sum(first <= wanted for first, _ in checked)


def test_a_single_group_of_validation_windows_checks_nothing_within_the_horizon():
    """33 rows for a horizon of 12: no window can be checked by others that share no rows with it."""
    data = {"context": 9, "horizon": 12, "season": 4, "residual": "last-value", "validation": 33 / 160}
    trained = shaken(trainee_of(csv(y=Y), {"loss": "mae", "average": False}, {"decoder": "direct"}, **data), 0.3)
    at_training, with_forecast, further = [], [], []
    with noting(at_training.append):
        trained.score()
    model = reloaded(trained)
    rows(model, 12, (80,), network=True, notes=with_forecast)
    rows(model, 24, (80,), network=True, notes=further)
    assert {receipt.first for receipt in model.validated.calibrations["network"].receipts} == {13}
    assert all(UNCHECKED + "rows 1 to 12" in notes for notes in (at_training, with_forecast, further))


@pytest.mark.parametrize("how", [{"horizon": 1}, {"horizon": 1, "sum": True}, {"follow": True}])
@pytest.mark.parametrize("levels", [(), (80,)])
def test_every_answer_with_the_intervals_of_rows_tells_what_they_held(how, levels, tmp_path):
    data = {"context": 9, "horizon": 4, "season": 4, "residual": "last-value", "validation": 0.4}
    trained = shaken(trainee_of(csv(y=Y), {"loss": "mae", "average": False}, {"decoder": "direct"}, **data), 0.3)
    trained.score()
    following, notes = tmp_path / "new.csv", []
    following.write_text("y\n5000\n")
    asked = Asked(str(following) if "follow" in how else None, {}, {**how, "levels": levels, "network": True}, print)
    with noting(notes.append):
        assert list(reloaded(trained).predict(asked).rows)
    told = [note for note in notes if note.startswith("intervals: asked 80%, got ")]
    assert [note.rpartition("(")[2] for note in told] == ["rows 1 to 4) on validation"] * len(levels)
