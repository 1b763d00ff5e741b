"""What may be wrong with the data is told, to those who asked for quiet too."""

import numpy as np
import pytest
from panels import days, read

from rnncli.notes import Doubt, doubt, note, noting
from rnncli.training.reports import Note
from rnncli.ui.training_view import TrainingView

RANDOM = np.random.default_rng(1)


def told(values, **data):
    rows = "".join(f"{day},{value}\n" for day, value in zip(days(30), values, strict=True))
    notes = []
    read(f"date,v\n{rows}", notes, **data)
    return [text for text in notes if isinstance(text, Doubt)]


def with_code(code, count):
    values = np.round(RANDOM.normal(50, 5, 30), 2).tolist()
    for k in range(count):
        values[4 + 5 * k] = code
    return values


@pytest.mark.parametrize(("code", "written"), [(-999, "-999"), (1e20, "1e+20"), (-99.9, "-99.9"), (9999, "9999")])
def test_a_number_that_may_mean_a_missing_value_is_told_with_a_mend_that_works(code, written):
    values = with_code(code, 4)
    (text,) = told(values)
    assert text == (
        f'the column "v" is {written} in 4 rows, and far from it in all others; if that means a missing value, '
        f"leave these cells empty, or train with --set data.na_values={written}"
    )
    assert told(values, na_values=[written], missing="mask") == []


@pytest.mark.parametrize(
    "values",
    [
        with_code(-999, 2),  # may be an accident
        with_code(0, 5),  # a day without sales
        np.round(RANDOM.normal(50, 5, 30)).tolist(),
        [5] * 29 + [6],
        [1, 2, 1000] * 10,
    ],
)
def test_other_numbers_are_no_codes(values):
    assert [text for text in told(values) if "na_values" in text] == []


def test_what_is_left_out_and_rows_to_forecast_are_doubts():
    notes = []
    rows = "".join(f"{day},{k if k < 27 else ''},x{k % 3}\n" for k, day in enumerate(days(30)))
    read(f"date,v,word\n{rows}", notes)
    assert [text for text in notes if isinstance(text, Doubt)] == [
        "columns left out because they are not numbers: word",
        "the last 3 rows have a time and no value: they are taken for the rows to forecast",
    ]


def test_quiet_tells_doubts_and_no_other_notes(capsys):
    texts = []
    with noting(texts.append):
        note("a note")
        doubt("a doubt")
    for quiet, wanted in ((True, "rnncli: a doubt\n"), (False, "rnncli: a note\nrnncli: a doubt\n")):
        view = TrainingView(quiet=quiet)
        for text in texts:
            view.show(Note(text))
        assert capsys.readouterr().err == wanted


@pytest.mark.parametrize("missing", ["mask", "ffill", "interpolate", "zero"])
@pytest.mark.parametrize(
    ("targets", "ends", "mend"),
    [
        (["u", "v"], ",7", "--set data.target=u, and --set data.known_covariates=v"),
        (["u", "v", "w"], ",7,", "--set data.target='[u, w]', and --set data.known_covariates=v"),
        (["u", "v"], "5,7", None),
        (["u", "v"], ",", None),
    ],
)
def test_targets_that_end_before_others_are_doubted_with_what_is_likely_meant(missing, targets, ends, mend):
    notes, rows = [], []
    for series in "ab":
        values = [",".join(str(k + c) for c in range(len(targets))) for k in range(9)]
        rows += [f"{series},{day},{one}" for day, one in zip(days(11), [*values, ends, ends], strict=True)]
    text = "\n".join([f"id,ds,{','.join(targets)}", *rows, ""])
    read(text, notes, id="id", target=targets, missing=missing)
    doubts = [text for text in notes if isinstance(text, Doubt) and "values of" in text]
    if mend is None:
        assert doubts == []
    else:
        (doubt,) = doubts
        assert doubt.startswith('the last 4 rows have values of "v", and none of "u"')
        assert doubt.endswith(f"train with {mend} if that is known ahead")
