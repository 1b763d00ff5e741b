"""A followed stream: every line is answered, what is known already is left out, and nothing that comes stops it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from experiments import csv as csv_of
from experiments import reloaded, shaken, trainee_of

from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.forecast import stream_places
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.members import Average
from rnncli.tasks.forecast.stream_lines import StreamLines
from rnncli.tasks.forecast.validated import Validated
from rnncli.tasks.task import Asked
from rnncli.ui.results import as_csv

N, CONTEXT = 60, 8
RANDOM = np.random.default_rng(5)
DAYS = [str(day) for day in np.datetime64("2024-01-01") + np.arange(400)]
A = np.round(30 + 5 * np.sin(np.arange(400) * 2 * np.pi / 7) + RANDOM.normal(0, 1, 400), 1)
B = np.round(3 * A + RANDOM.normal(0, 3, 400), 1)
HEADER = "ds,a"
LINES = [f"{day},{a}" for day, a in zip(DAYS, A, strict=True)]
OLD, NEW = LINES[:N], LINES[N : N + 12]


def model_of(model=None, **data):
    columns = data.pop("columns", {"a": A[:N]})
    times = data.pop("times", DAYS)
    content = csv_of(**({"ds": times[:N]} if times else {}), **columns)
    sizes = {"context": CONTEXT, "horizon": 3, "season": 7, "validation": 0.4, "residual": "last-value"}
    experiment = shaken(trainee_of(content, {"fallback": False}, model, **sizes, **data))
    with noting(lambda text: None):
        experiment.score()  # calibrates
    return lambda: reloaded(experiment)


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture(scope="module")
def pair():
    return model_of(columns={"a": A[:N], "b": B[:N]})


class Stream:
    """A model that is asked to follow lines; each call is a stream of its own."""

    def __init__(self, folder, model, header=HEADER, **options):
        self.path, self.model, self.header, self.options = folder / "stream.csv", model, header, options
        self.told = []
        self.unread = ""

    def __call__(self, *lines, header=True, reading=None, **options):
        """The rows that answer, beside which `told` has the messages, and `unread` the error at the end, if any."""
        whole = [*([self.header] if header else []), *lines, ""]
        self.path.write_bytes("\n".join(whole).encode("utf-8", "surrogateescape"))
        self.told, self.unread, rows = [], "", []
        asked = Asked(str(self.path), reading or {}, {"follow": True, **self.options, **options}, self.told.append)
        with noting(lambda text: None):
            try:
                rows.extend(self.model().predict(asked).rows)
            except DataError as error:
                self.unread = str(error)
        return rows


@pytest.fixture
def stream(tmp_path, model):
    return Stream(tmp_path, model)


# Columns.


def test_old_columns_keep_their_names_and_order_and_new_ones_come_last(tmp_path, stream, pair):
    assert list(stream(NEW[0], levels=(80,))[0]) == [
        *("ds", "a", "score", "next_ds", "next_a", "next_a_lo_80", "next_a_hi_80", "forecast_by")
    ]
    row = Stream(tmp_path, pair, "ds,a,b")(f"{DAYS[N]},{A[N]},{B[N] + 1000}")[0]
    assert list(row) == ["ds", "a", "b", "score", "next_ds", "next_a", "next_b", "score_a", "score_b", "forecast_by"]
    assert row["score"] == row["score_b"] > row["score_a"] > 0


def test_a_column_of_which_a_value_is_missing_has_no_score(tmp_path, pair):
    row = Stream(tmp_path, pair, "ds,a,b")(f"{DAYS[N]},{A[N]},")[0]
    assert row["score_b"] is None
    assert row["score"] == row["score_a"] > 0


def test_scores_are_those_of_each_column_alone(tmp_path, pair):
    """Distances from the middle of the 95% interval of each forecast, in half-widths, their mean over forecasts."""
    model = pair()
    rows = Stream(tmp_path, pair, "ds,a,b")(*(f"{DAYS[N + k]},{A[N + k]},{B[N + k]}" for k in range(2)))
    panel, calibration, windowing = model.panel, model.validated.calibrations["network"], model.members.first.windowing
    made = []
    for k in range(2):
        model.panel = panel
        actual = np.array([A[N + k], B[N + k]])
        found = model.forecasts(network=True)
        made.insert(0, (found.point[:, 0], found.spread[:, 0]))
        scores = []
        for h, (point, spread) in enumerate(made):
            low, high = (calibration.error(h, share) for share in (0.025, 0.975))
            error = (windowing.forward(actual) - windowing.forward(point[h])) / spread[h]
            scores.append(abs(error - (low + high) / 2) / ((high - low) / 2))
        assert [rows[k]["score_a"], rows[k]["score_b"]] == pytest.approx(np.mean(scores, axis=0))
        values = np.concatenate([panel.values, actual[None]])
        panel = replace(panel, values=values[1:])


def test_each_row_says_who_forecast(tmp_path, stream):
    assert {row["forecast_by"] for row in stream(*NEW)} == {"network"}
    walk = np.cumsum(RANDOM.normal(0, 1, N))
    content = csv_of(ds=DAYS[:N], a=walk)
    experiment = shaken(trainee_of(content, context=CONTEXT, horizon=3, validation=0.4, residual="none"), 9.0)
    with noting(lambda text: None):
        experiment.score()
    naive = Stream(tmp_path, lambda: reloaded(experiment))
    assert naive(NEW[0])[0]["forecast_by"] == "last-value"
    assert naive(NEW[0])[0]["next_a"] == A[N]
    assert naive(NEW[0], network=True)[0]["forecast_by"] == "network"


def test_columns_of_the_data_that_are_called_as_ours_keep_their_values(tmp_path):
    columns = {"score": A[:N], "forecast_by": B[:N]}
    row = Stream(tmp_path, model_of(columns=columns), "ds,score,forecast_by")(f"{DAYS[N]},{A[N]},{B[N]}")[0]
    assert (row["score"], row["forecast_by"], row["forecast_by_"]) == (A[N], B[N], "network")
    assert row["score_"] > 0


# Rows that are known already.


def test_training_rows_at_the_beginning_are_left_out_with_one_note(stream):
    alone = as_csv(stream(*NEW))
    for first in (0, N - 3, N - 1):
        assert as_csv(stream(*LINES[first : N + 12])) == alone
        rows = "1 row" if first == N - 1 else f"{N - first} rows"
        assert stream.told == [f'{rows} up to "{DAYS[N - 1]}", the end of the model\'s data, left out']
    assert stream(*OLD) == []
    assert stream.told == [f'{N} rows up to "{DAYS[N - 1]}", the end of the model\'s data, left out; no row came after']


def test_a_few_corrected_values_do_not_make_another_series(stream):
    alone = as_csv(stream(*NEW))
    assert as_csv(stream(*LINES[N - 6 : N - 2], f"{DAYS[N - 2]},99", LINES[N - 1], *NEW)) == alone
    assert len(stream.told) == 1
    assert "1 of them with other values than it has, left out" in stream.told[0]


def test_bad_lines_among_rows_that_are_known_are_left_out_with_them(stream):
    alone = as_csv(stream(*NEW))
    known = [LINES[N - 4], "x", f"{DAYS[N - 3]},abc", "2024-13-01,4", LINES[N - 2], LINES[N - 1]]
    assert as_csv(stream(*known, *NEW)) == alone
    assert stream.told == [f'6 rows up to "{DAYS[N - 1]}", the end of the model\'s data, left out']


@pytest.mark.parametrize("first", ["abc", ""])
def test_a_value_that_comes_after_its_row_was_taken_without_one_is_told(tmp_path, stream, first):
    state = str(tmp_path / "state")
    gone = [LINES[N], f"{DAYS[N + 1]},{first}", LINES[N + 2]]
    stream(*gone, state=state)
    stream(*LINES[N : N + 4], state=state)
    assert stream.told == [
        f'3 rows up to "{DAYS[N + 2]}", the end of the state, 1 of them with a value that it lacks, left out; to have '
        "it read, remove the state and follow all rows again"
    ]
    (tmp_path / "state").unlink()
    again = stream(*LINES[N : N + 4], state=state)
    assert (as_csv(again), stream.told) == (as_csv(stream(*LINES[N : N + 4])), [])
    stream(f"{DAYS[N]},{first}", LINES[N])
    assert stream.told[-1] == f'{stream.path}:3: "{DAYS[N]}" has been already, without a value; left out'


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
@pytest.mark.parametrize("again", [0, 1, 5, N + 5])
def test_a_stream_that_goes_on_from_its_state_repeats_nothing(tmp_path, decoder, again):
    """However many rows are repeated, and wherever it was cut."""
    model = model_of({"decoder": decoder}, scaling="none" if decoder == "recursive" else "standard")
    stream = Stream(tmp_path, model)
    lines = [*LINES[N : N + 4], f"{DAYS[N + 4]},", *LINES[N + 6 : N + 12]]
    whole = as_csv(stream(*lines, state=str(tmp_path / "whole")))
    first = stream(*lines[:5], state=str(tmp_path / "half"))
    before = [*OLD, *lines[:5]]
    second = stream(*before[len(before) - again :], *lines[5:], state=str(tmp_path / "half"))
    assert as_csv([*first, *second]) == whole
    assert (tmp_path / "half").read_bytes() == (tmp_path / "whole").read_bytes()
    told = [f'{again:,} rows up to "{DAYS[N + 4]}", the end of the state, left out'.replace("1 rows", "1 row")]
    assert [text for text in stream.told if "left out" in text] == told * (again > 0)


def test_numbers_are_written_alike_after_a_restart(tmp_path, stream):
    """With the decimals of the training data, not of the rows that the state happens to hold."""
    kept, state = int(stream.model().panel.lengths.max()), str(tmp_path / "s")
    lines = [f"{day},{round(1000 * a)}" for day, a in zip(DAYS[N:], A[N:], strict=True)][: kept + 2]
    whole = as_csv(stream(*lines))
    first = as_csv(stream(*lines[:-1], state=state))
    assert first + as_csv(stream(lines[-1], state=state)).partition("\n")[2] == whole


def test_the_hour_that_summer_time_repeats_is_not_taken_twice(tmp_path):
    zone = {"timezone": "Europe/Berlin"}
    moments = np.datetime64("2023-10-26T11:00") + np.arange(N + 6) * np.timedelta64(1, "h")  # UTC
    late = moments >= np.datetime64("2023-10-29T01:00")
    clock = [str(m + np.timedelta64(1 if winter else 2, "h")) for m, winter in zip(moments, late, strict=True)]
    lines = [f"{stamp},{a}" for stamp, a in zip(clock, A, strict=False)]
    assert clock[N + 1] == clock[N + 2]
    stream = Stream(tmp_path, model_of(times=clock, **zone))
    whole = as_csv(stream(*lines[N:]))
    for cut in range(N + 1, N + 6):
        state = str(tmp_path / f"cut {cut}")
        first = stream(*lines[N:cut], state=state)
        assert as_csv([*first, *stream(*lines[cut - 3 :], state=state)]) == whole


def test_rows_of_other_values_at_these_times_are_another_series(stream):
    other = [f"{day},{b}" for day, b in zip(DAYS, B, strict=True)]
    kept = stream.model().panel.lengths.max()
    rows = stream(*other[N - 10 : N + kept])
    assert stream.told == [
        f'10 rows up to "{DAYS[N - 1]}", the end of the model\'s data, have other values than these: they are of '
        f"another series, and {kept} rows are read before the first answer"
    ]
    assert [row["next_a"] is not None for row in rows] == [False] * (kept - 11) + [True] * 11
    far = [f"{DAYS[200 + k]},{B[N - 10 + k]}" for k in range(kept + 10)]
    anew = stream(*far)
    assert [row["next_a"] for row in anew[kept - 1 :]] == [row["next_a"] for row in rows[kept - 11 :]]


# Lines that cannot be read.


STAND = f"{DAYS[N + 1]},{A[N + 1]}"
BAD = {
    "too few fields": ("2024", "1 field, the others have 2", None),
    "too many fields": (f"{STAND},5", "3 fields, the others have 2", None),
    "no time": ("2024-13-01,5", '"2024-13-01" is no time of this series, whose rows are one day apart', None),
    "no number of days": (f"{DAYS[N + 1]} 12:00,5", "is no time of this series", None),
    "a late time": (LINES[N - 1], f'"{DAYS[N - 1]}" comes after "{DAYS[N]}"', DAYS[N - 1]),
    "the same time again": (f"{DAYS[N]},5", f'"{DAYS[N]}" has been already', DAYS[N]),
    "the header again": (HEADER, '"ds" is no time', None),
    "a byte of another encoding": (f"{STAND}\udce9", ":3:16: byte 0xE9 is not UTF-8; pass --encoding", None),
    "a field without end": (
        f"{DAYS[N + 1]},{'1' * 200_000}",
        "has more than 131,072 characters, the most of a line; break it into several",
        None,
    ),
    "an open quote": (f'"{STAND}', ":1: the quote that opens here is never closed", None),
    "an open quote before the value": (f'{DAYS[N + 1]},"5', ":12: the quote that opens here is never closed", None),
    "text after a quote": (f'{DAYS[N + 1]},"5"6', ":15: text after the closing quote", None),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("header", [True, False])
def test_a_line_without_a_place_is_told_and_answered_and_changes_nothing(stream, name, header):
    line, told, stamp = BAD[name]
    calm = stream(*NEW, levels=(80,))
    rows = stream(NEW[0], line, *NEW[1:], header=header, levels=(80,))
    assert len(stream.told) == 1
    where = f"{stream.path}:{2 + header}:"
    assert stream.told[0].startswith(where)
    assert told.replace(":3:16", f":{2 + header}:16") in stream.told[0]
    assert stream.told[0].endswith("; left out")
    late = "already" in told or "comes after" in told
    unread = f"{where} this line, of {len(NEW) + 1}, could not be read; mend what is named"
    assert stream.unread == ("" if late else unread)
    assert rows[:1] + rows[2:] == calm
    assert rows[1] == calm[0] | {"ds": stamp, "a": None, "score": None}


class Endless:
    """Standard input with a row, a line that goes on for 786 kB, and a row; it counts the pieces that were taken."""

    def __init__(self, sign):
        line = [f"\n{DAYS[N + 1]},".encode(), *(sign * 4096 for _ in range(192))]
        self.pieces, self.given = [NEW[0].encode(), *line, f"9\n{NEW[2]}\n".encode()], 0

    @property
    def buffer(self):
        return self

    def isatty(self):
        return False

    def read1(self, size):
        self.given += 1
        return self.pieces[self.given - 1] if self.given <= len(self.pieces) else b""


@pytest.mark.parametrize("sign", [b"1", b" ", b"\xff"])
def test_a_line_that_never_ends_is_told_once_and_before_its_end(model, monkeypatch, sign):
    stdin, read = Endless(sign), model()
    monkeypatch.setattr(sys, "stdin", stdin)
    arrived = iter(StreamLines("-", read.columns, read.config.data, ","))
    assert next(arrived).stamp == DAYS[N]
    told = next(arrived)
    assert stdin.given < 50
    assert told.where == "<stdin>:2"
    assert told.why
    assert [one.stamp for one in arrived] == [DAYS[N + 2]]


def test_a_strict_stream_ends_at_the_first_line_that_cannot_be_read(stream):
    rows = stream(NEW[0], "2024", *NEW[1:], strict=True)
    assert as_csv(rows) == as_csv(stream(NEW[0]))
    stream(NEW[0], "2024", *NEW[1:], strict=True)
    assert stream.unread.endswith(":3: 1 field, the others have 2; mend it, or leave out --strict")


@pytest.mark.parametrize("value", ["abc", "1e999", "12..5", "0x1F"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_strict_stream_ends_at_the_first_value_that_cannot_be_read(stream, value, place):
    broken = f"{NEW[place].partition(',')[0]},{value}"
    rows = stream(*NEW[:place], broken, *NEW[place + 1 :], strict=True)
    assert len(rows) == place
    assert f":{place + 2}: column 2" in stream.unread
    assert stream.unread.endswith("; mend it, or leave out --strict")
    assert len(stream(*NEW[:place], broken, *NEW[place + 1 :])) == len(NEW)  # where it is a missing value, as told
    assert not stream.unread
    assert any("taken for a missing value" in line for line in stream.told)
    empty = f"{NEW[place].partition(',')[0]},"
    assert len(stream(*NEW[:place], empty, *NEW[place + 1 :], strict=True)) == len(NEW)  # which is one


def test_lines_with_another_number_of_fields_are_skipped_if_asked(stream):
    alone = as_csv(stream(*NEW))
    assert as_csv(stream(NEW[0], "2024", *NEW[1:], reading={"ragged": "skip"})) == alone
    assert stream.told == [f"{stream.path}:3: 1 field, the others have 2; skipped"]
    assert stream.unread == ""


def test_a_row_that_contradicts_the_one_before_is_told(stream):
    stream(NEW[0], NEW[0])
    assert stream.told == [f'{stream.path}:3: "{DAYS[N]}" has been already; left out']
    stream(NEW[0], f"{DAYS[N]},99.5")
    assert stream.told == [f'{stream.path}:3: "{DAYS[N]}" has been already, with another value; left out']


def test_titles_above_the_header_are_left_out_and_nothing_else(stream):
    alone = as_csv(stream(*NEW))
    for header, *lines in ([HEADER, *NEW], ["Report,", HEADER, *NEW], NEW, ["Report", "", HEADER, *NEW]):
        assert as_csv(Stream(stream.path.parent, stream.model, header)(*lines, reading={"skip_rows": 2})) == alone


def test_two_columns_of_one_name_are_refused_as_in_a_file(stream):
    stream(NEW[0] + ",7", header=False)
    stream.header = "ds,a,a"
    assert stream(NEW[0] + ",7") == []
    assert stream.unread == f'{stream.path}:1: columns 2 and 3 are both "a"; rename one'


def test_a_column_without_a_name_is_found_again(tmp_path):
    stream = Stream(tmp_path, model_of(columns={"": A[:N]}), header="ds,")
    assert [row["column2"] for row in stream(*NEW)] == [float(a) for a in A[N : N + len(NEW)]]


@pytest.mark.parametrize("line", ["2024-01", "5", "x,y", "a;b,5"])
def test_a_stream_without_a_header_may_begin_with_a_bad_line(stream, line):
    rows = stream(line, *NEW, header=False)
    assert rows[0]["next_ds"] == DAYS[N]  # the forecast of the first row
    assert rows[1:] == stream(*NEW)


# name: what is told of a cell that is taken for a missing value
UNREADABLE = {
    "abc": 'column 2 "a": "abc" is not a number; taken for a missing value',
    "1e39": 'column 2 "a": values up to 1e39 overflow float32; rescale; taken for a missing value',
    "": None,
    "unavailable": 'column 2 "a": "unavailable" is a missing value',
}


@pytest.mark.parametrize("cell", UNREADABLE)
def test_a_value_that_cannot_be_read_is_missing(stream, cell):
    empty = stream(NEW[0], f"{DAYS[N + 1]},", *NEW[2:])
    assert (empty[1]["ds"], empty[1]["a"], empty[1]["score"]) == (DAYS[N + 1], None, None)
    assert empty[1]["next_ds"] == DAYS[N + 2]
    assert stream(NEW[0], f"{DAYS[N + 1]},{cell}", *NEW[2:]) == empty
    assert [text.partition(":3: ")[2] for text in stream.told] == ([UNREADABLE[cell]] if UNREADABLE[cell] else [])


@pytest.mark.parametrize(
    ("cell", "reading", "value"),
    [
        ("1.105", {"thousands": "."}, None),
        ("1.105", {"thousands": ".", "decimal": ","}, 1105),
        ('"1,105"', {"thousands": ","}, 1105),
        ("1 105", {"thousands": " "}, 1105),
    ],
)
def test_marks_between_thousands_are_an_option(stream, cell, reading, value):
    if value is None:
        with pytest.raises(
            UsageError, match=r'"\.", must differ from data.decimal; .* --decimal "," beside --thousands'
        ):
            stream(f"{DAYS[N]},{cell}", reading=reading)
    else:
        assert float(str(stream(f"{DAYS[N]},{cell}", reading=reading)[0]["a"])) == value
        assert not stream.told


@pytest.mark.parametrize("cell", ["31.125", "1.002", "31.000"])
def test_three_decimals_are_no_thousands(stream, cell):
    row = stream(f"{DAYS[N]},{cell}")[0]
    assert (str(row["a"]), stream.told) == (cell, [])
    assert row["score"] is not None


def test_a_value_that_has_no_transform_is_missing(tmp_path):
    stream = Stream(tmp_path, model_of(transform="log"))
    empty = stream(NEW[0], f"{DAYS[N + 1]},", *NEW[2:])
    assert stream(NEW[0], f"{DAYS[N + 1]},0", *NEW[2:]) == empty
    assert ':3: column 2 "a": data.transform log needs values that are positive, and the lowest is 0' in stream.told[0]
    assert stream.told[0].endswith("; taken for a missing value")


# A warm-up.


def test_a_warm_up_is_told_once_with_its_length_and_its_rows_are_answered(stream):
    kept = int(stream.model().panel.lengths.max())
    lines = [f"{DAYS[200 + k]},{A[k]}" for k in range(kept + 3)]
    rows = stream(*lines)
    assert [text.partition(":2: ")[2] for text in stream.told] == [
        f'"{DAYS[200]}" does not go on after "{DAYS[N - 1]}", the end of the model\'s data; {kept} rows are read '
        "before the first answer"
    ]
    assert [row["a"] for row in rows] == A[: kept + 3].tolist()
    assert [row["next_a"] is None for row in rows] == [True] * (kept - 1) + [False] * 4
    assert [row["forecast_by"] for row in rows] == [None] * (kept - 1) + ["network"] * 4
    assert rows[-1]["next_ds"] == DAYS[203 + kept]
    model = stream.model()
    values = A[:kept, None]
    model.panel = type(model.panel)(**{**vars(model.panel), "values": values, "known": np.ones((kept, 1), bool)})
    assert rows[kept - 1]["next_a"] == pytest.approx(model.forecasts(network=True).point[0, 0, 0])


def test_a_long_warm_up_says_how_far_it_is(stream, monkeypatch):
    monkeypatch.setattr(stream_places, "_MANY", 1)
    kept = int(stream.model().panel.lengths.max())
    stream(*LINES[200 : 200 + kept])
    counts = range(kept // 4, kept, kept // 4)
    assert stream.told[1:] == [f"{count} of {kept} rows read before the first forecast" for count in counts]


def test_bad_lines_and_gaps_within_a_warm_up_do_not_end_the_stream(stream):
    kept = int(stream.model().panel.lengths.max())
    lines = [f"{DAYS[200 + k]},{A[k]}" for k in range(kept + 3)]
    gappy = [*lines[:2], "x", f"{DAYS[202]},abc", lines[1], f"{DAYS[203]},", *lines[6:]]
    rows = stream(*gappy)
    assert len(rows) == len(gappy)
    assert [row["next_a"] is not None for row in rows[-5:]] == [False] + [True] * 4
    assert [text.rpartition(": ")[2].partition("; ")[2] or "missing" for text in stream.told[1:]] == [
        *("left out", "taken for a missing value", "left out", "missing")
    ]
    empty = [*lines[:2], *(f"{DAYS[202 + k]}," for k in range(4)), *lines[6:]]
    assert stream(*empty)[-4:] == rows[-4:]


def test_a_warm_up_waits_for_a_value_of_every_column(tmp_path, pair):
    kept = int(pair().panel.lengths.max())
    lines = [f"{DAYS[200 + k]},{A[k]},{B[k] if k >= kept + 4 else ''}" for k in range(kept + 6)]
    rows = Stream(tmp_path, pair, "ds,a,b")(*lines)
    assert [row["next_b"] is not None for row in rows] == [False] * (kept + 4) + [True] * 2


@pytest.mark.parametrize("far", [100, 300])
def test_one_slip_in_a_time_does_not_end_a_stream(stream, far):
    calm = stream(*NEW)
    rows = stream(*NEW[:4], f"{DAYS[far]},5", *NEW[4:])
    assert [*rows[:4], *rows[5:]] == calm
    assert (rows[4]["ds"], rows[4]["next_a"]) == (DAYS[far], None)
    assert f'goes on after "{DAYS[N + 3]}"; 1 row that did not, left out' in stream.told[1]


def test_a_slip_within_a_warm_up_begins_it_anew(stream):
    kept = int(stream.model().panel.lengths.max())
    lines = [f"{DAYS[200 + k]},{A[k]}" for k in range(kept + 4)]
    rows = stream(*lines[:3], f"{DAYS[399]},5", *lines[3:])
    assert [row["next_a"] is not None for row in rows] == [False] * (kept + 3) + [True] * 2


def test_a_warm_up_goes_on_from_its_state(tmp_path, stream):
    kept = int(stream.model().panel.lengths.max())
    lines = [f"{DAYS[200 + k]},{A[k] if k != 3 else ''}" for k in range(kept + 4)]
    whole = stream(*lines)
    state = str(tmp_path / "state")
    pieces = [stream(*lines[max(0, first - 2) : first + 9], state=state) for first in range(0, len(lines), 9)]
    assert [row for piece in pieces for row in piece] == whole
    assert [text for text in stream.told if "does not go on" in text] == []


# Without times.


def test_without_times_each_line_is_a_row(tmp_path):
    stream = Stream(tmp_path, model_of(times=None), "a")
    rows = stream("31.5", "x", "1,2", "30")
    assert [(row["a"], row["next_a"] is None) for row in rows] == [
        (31.5, False),
        (None, False),
        (None, False),
        (30, False),
    ]
    assert rows[2] == rows[1]
    assert [text.partition(":")[2] for text in stream.told] == [
        '3: column 1 "a": "x" is not a number; taken for a missing value',
        "4: 2 fields, the others have 1; left out",
    ]


@pytest.mark.parametrize("rows", [N, 1005])
@pytest.mark.parametrize("average", [False, True])
def test_theta_in_a_stream_reads_what_it_reads_of_a_whole_file(tmp_path, rows, average):
    days = [str(day) for day in np.datetime64("2020-01-01") + np.arange(rows + 40)]
    values = np.round(30 + 0.05 * np.arange(rows + 40) + RANDOM.normal(0, 2, rows + 40), 1)
    model = {"hidden_size": 3}
    sizes = {"context": CONTEXT, "horizon": 3, "season": 1, "validation": 0.4, "residual": "last-value"}
    experiment = trainee_of(csv_of(ds=days[:rows], a=values[:rows]), {}, model, **sizes)
    with noting(lambda text: None):
        experiment.score()
    share = Average("theta", 0.5) if average else None
    of_network = experiment.validated.calibrations[NETWORK]
    calibrations = {NETWORK: of_network, "theta": of_network}
    experiment.validated = Validated(calibrations, None if average else "theta", average=share)
    lines = [f"{day},{value}" for day, value in zip(days, values, strict=True)]
    followed = Stream(tmp_path, lambda: reloaded(experiment))(*lines[rows:])
    for k in (1, 17, 40):
        (tmp_path / "whole.csv").write_text("\n".join(["ds,a", *lines[: rows + k], ""]))
        whole = reloaded(experiment).predict(Asked(str(tmp_path / "whole.csv"), {}, {}, lambda text: None))
        assert followed[k - 1]["next_a"] == whole.rows[0]["a"]
    state = {"state": str(tmp_path / "s")}
    halves = [Stream(tmp_path, lambda: reloaded(experiment))(*some, **state) for some in (lines[rows:-9], lines[-9:])]
    assert as_csv([*halves[0], *halves[1]]) == as_csv(followed)


def test_a_model_of_several_series_names_the_stream_of_one(tmp_path):
    both = [
        f"{day},{shop},{k * a}" for day, a in zip(DAYS[:N], A[:N], strict=True) for k, shop in ((1, "n e"), (2, "s"))
    ]
    sizes = {"context": CONTEXT, "horizon": 3, "season": 7, "validation": 0.4, "residual": "last-value"}
    content = "\n".join(["ds,shop,a", *both, ""]).encode()
    experiment = shaken(trainee_of(content, {"fallback": False}, None, id="shop", **sizes))
    with noting(lambda text: None):
        experiment.score()
    with pytest.raises(UsageError) as caught:
        Stream(tmp_path, lambda: reloaded(experiment))(*NEW)
    command = "grep -e ds -e 'n e'"
    assert f"train one on the rows of each, and send it those: {command} | rnncli predict" in str(caught.value)
    (tmp_path / "both.csv").write_bytes(content)
    sent = subprocess.run(f"{command} both.csv", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sent.stdout.splitlines() == ["ds,shop,a", *both[::2]]


def test_a_model_that_reads_covariates_is_sent_to_another(tmp_path):
    model = model_of(columns={"a": A[:N], "k": B[:N]}, target="a", past_covariates="k")
    with pytest.raises(UsageError, match=r"reads covariates, .*; train one without, or predict RUN FILE"):
        Stream(tmp_path, model)(*NEW)
