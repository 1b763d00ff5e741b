"""A forecast as a picture: read back cell by cell from its text, and its SVG file as XML."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.ui.forecast_chart import TimeAxis, draw, write_charts

NAMES = [f"2024-{month:02}" for month in range(1, 13)]
HOSTILE = "a\x1b[31m[bold]b[/x]\n\u202e\ufffe"


def numbered(values: list[float | None], start: int = 1) -> tuple[tuple[str, float | None], ...]:
    return tuple((str(number), value) for number, value in enumerate(values, start))


def of(
    history: list[float | None], forecast: list[float], *bands: tuple[int, list[float], list[float]], title: str = "y"
) -> ForecastChart:
    return ForecastChart(
        title,
        numbered(history),
        numbered(forecast, len(history) + 1),  # type: ignore[arg-type]
        tuple((level, tuple(lows), tuple(highs)) for level, lows, highs in bands),
    )


def seasonal(title: str = "sales") -> ForecastChart:
    values = [100 + 20 * math.sin(i / 2) for i in range(80)]
    ahead = values[60:]
    return of(
        list(values[:60]),
        ahead,
        (95, [value - 12 for value in ahead], [value + 12 for value in ahead]),
        (80, [value - 6 for value in ahead], [value + 6 for value in ahead]),
        title=title,
    )


def plot(chart: ForecastChart, width: int = 80, height: int = 20) -> list[str]:
    """The cells right of the axis, row by row."""
    lines = draw(chart, width, height).plain.split("\n")
    bottom = next(row for row, line in enumerate(lines) if "└" in line)
    left = lines[bottom].index("└")
    return [line[left + 1 :] for line in lines[1:bottom]]


def dots(text: str) -> bool:
    return any("\u2801" <= character <= "\u28ff" for character in text)


def columns(rows: list[str]) -> list[str]:
    return ["".join(cells) for cells in zip(*rows, strict=True)]


def test_the_highest_value_is_in_the_top_row_and_the_lowest_in_the_bottom_row() -> None:
    rows = plot(of([3.0, 9.0, 4.0, -5.0, 2.0, 2.0], [3.0, 2.0]))
    tops, bottoms = ([x for x, cell in enumerate(row) if dots(cell)] for row in (rows[0], rows[-1]))
    rule = rows[0].index("┊")
    # Six rows stand evenly before the rule: the second of them at 1/5, the fourth at 3/5.
    assert max(abs(x / rule - 1 / 5) for x in tops) < 0.05
    assert max(abs(x / rule - 3 / 5) for x in bottoms) < 0.05


def test_a_forecast_may_be_the_highest() -> None:
    rows = plot(of([0.0] * 30, [0.0] * 9 + [50.0]))
    assert dots(rows[0][-1])
    assert not dots("".join(row[:40] for row in rows[:-1]))


def test_a_straight_line_rises_without_a_gap() -> None:
    rows = plot(of([float(i) for i in range(10)], [10.0, 11.0]))
    assert all(dots(column) for column in columns(rows))
    assert all(dots(row) for row in rows)


def test_ticks_stand_beside_their_values() -> None:
    lines = draw(of([0.0, 63.0], [31.0, 32.0]), 80, 20).plain.split("\n")
    # 16 rows of 4 dots below the title: 63 is dot 0, so that 60 is dot 3, 40 dot 23, 20 dot 43 and 0 dot 63.
    assert [lines.index(line) for line in lines if "┤" in line] == [1 + 0, 1 + 5, 1 + 10, 1 + 15]
    assert [line.split()[0] for line in lines if "┤" in line] == ["60", "40", "20", "0"]


@pytest.mark.parametrize("at", [0, 1234, 9998])
def test_a_spike_among_ten_thousand_rows_is_seen(at: int) -> None:
    rows = plot(of([7.0 if i == at else math.sin(i) for i in range(10_000)], [0.0] * 20))
    seen = [x for x, cell in enumerate(rows[0]) if dots(cell)]
    rule = rows[1].index("┊")
    assert len(seen) == 1
    assert abs(seen[0] - at / 10_000 * rule) <= 1


def test_bands_fill_the_rows_between_low_and_high_and_stay_under_the_line() -> None:
    ahead = [50.0] * 20
    rows = plot(of([0.0, 100.0, 50.0], ahead, (95, [25.0] * 20, [75.0] * 20)))
    assert len(rows) == 16
    # 64 dots from 100 to 0: 75 is dot 15.75 and 25 dot 47.25; the centre of row r is dot 4 r + 1.5, so that rows
    # 4 to 11 are inside. 50 is dot 31.5, of row 7 or 8.
    for column in columns(rows)[-8:]:
        assert column[:4] + column[12:] == " " * 8
        assert column[4:12].count("░") == 7
        assert dots(column[7:9])


def test_the_narrower_band_lies_upon_the_wider_whatever_their_order() -> None:
    ahead = [50.0] * 20
    wide, narrow = (95, [0.0] * 20, [100.0] * 20), (80, [25.0] * 20, [75.0] * 20)
    one, other = (of([50.0, 50.0], ahead, *bands) for bands in ((wide, narrow), (narrow, wide)))
    assert draw(one, 80, 20).plain == draw(other, 80, 20).plain
    for column in columns(plot(one))[-8:]:
        assert column[:4] + column[12:] == "░" * 8
        assert column[4:12].count("▒") == 7
    assert draw(one, 80, 20).plain.split("\n")[-1].split() == [
        "⠒⠒",
        "history",
        "┊⠒⠒",
        "forecast",
        "▒▒",
        "80%",
        "░░",
        "95%",
    ]


def test_an_endless_band_reaches_the_edges_and_leaves_the_axis_alone() -> None:
    rows = plot(of([0.0, 100.0], [50.0] * 20, (95, [-math.inf] * 20, [math.inf] * 20)))
    assert rows[0][-1] + rows[-1][-1] == "░░"
    assert dots(rows[0])


def test_missing_values_leave_a_gap() -> None:
    values: list[float | None] = [float(i) for i in range(60)]
    values[20:40] = [None] * 20
    rows = plot(of(values, [60.0, 61.0]))
    rule = next(row.index("┊") for row in rows if "┊" in row)
    drawn = [dots(column) for column in columns(rows)]
    runs = "".join("#" if seen else " " for seen in drawn[:rule]).split()
    assert len(runs) == 2
    assert abs(sum(not seen for seen in drawn[:rule]) / rule - 20 / 60) < 0.05


def test_a_value_between_two_missing_ones_is_a_dot() -> None:
    rows = plot(of([1.0, None, 3.0, None, 1.0], [1.0, 1.0]))
    assert sum(dots(cell) for cell in rows[0]) == 1


def test_the_first_and_last_label_of_the_history_and_the_last_of_the_forecast_are_named() -> None:
    chart = ForecastChart(
        "sales", tuple((name, 1.0) for name in NAMES[:8]), tuple((name, 1.0) for name in NAMES[8:]), ()
    )
    lines = draw(chart, 80, 20).plain.split("\n")
    assert lines[0] == "sales"
    assert lines[-2].split() == ["2024-01", "2024-08", "2024-12"]
    assert len(lines[-2]) == 80
    # The label of the last known row ends where the forecast begins.
    assert lines[-2].index("2024-08") + len("2024-08") == lines[-3].index("┴")


def test_labels_without_room_beside_each_other_stand_on_lines_of_their_own() -> None:
    stamps = [f"2024-01-{day:02}T12:00:00+00:00" for day in range(1, 11)]
    chart = ForecastChart("y", tuple((s, 1.0) for s in stamps[:8]), tuple((s, 2.0) for s in stamps[8:]), ())
    lines = draw(chart, 40, 15).plain.split("\n")
    assert [line.strip() for line in lines[-4:-1]] == [stamps[0], stamps[7], stamps[9]]
    assert len(lines) == 15


@pytest.mark.parametrize("width", [40, 57, 80, 120, 200])
@pytest.mark.parametrize("height", [10, 20, 30])
def test_it_fits_the_width_and_fills_the_height(width: int, height: int) -> None:
    chart = seasonal("千" * 150)
    text = draw(chart, width, height)
    lines = text.split("\n")
    assert len(lines) == height
    assert max(line.cell_len for line in lines) == width
    assert lines[0].plain.endswith("…")


def test_plain_text_shows_where_the_forecast_begins() -> None:
    chart = seasonal()
    lines = draw(chart, 80, 20).plain.split("\n")
    at = next(line for line in lines if "┴" in line).index("┴")
    assert sum(line[at] == "┊" for line in lines[1:-3]) > 10
    assert "┊⠒⠒ forecast" in lines[-1]
    shaded = [x for line in lines[1:-3] for x, cell in enumerate(line) if cell in "░▒"]
    assert min(shaded) > at


def test_a_long_history_leaves_the_forecast_a_quarter_of_the_width() -> None:
    assert TimeAxis(100, 1000, 10).rule == 75
    assert TimeAxis(100, 51, 50).rule == 50  # otherwise both have one scale
    assert [TimeAxis(100, 51, 50).of_history(i) for i in (0, 50)] == [0, 99]
    assert [TimeAxis(100, 51, 50).of_forecast(i) for i in (0, 49)] == [101, 199]


@pytest.mark.parametrize(
    ("history", "forecast"),
    [
        ([5.0] * 20, [5.0] * 5),
        ([5.0], [5.0]),
        ([], [1.0, 2.0]),
        ([None, None], [1.0]),
        ([-1.7e308, 1.7e308], [0.0, 1.0]),
        ([5e-324, 0.0], [5e-324]),
        ([-3e-9, -2e-9], [-1e-9]),
        ([1.0, math.nan, math.inf, 2.0], [math.nan, 1.0]),
    ],
)
def test_any_series_can_be_drawn(history: list[float | None], forecast: list[float]) -> None:
    rows = plot(of(history, forecast, (80, forecast, forecast)))
    assert dots("".join(rows))
    assert any("┊" in row for row in rows)


def test_text_from_data_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    write_charts([ForecastChart(HOSTILE, ((HOSTILE, 1.0), ("2", 2.0)), (("3", 3.0),), ())])
    lines = capsys.readouterr().out.split("\n")
    shown = r"a\x1b[31m[bold]b[/x]\n\u202e" + "\ufffe"
    assert lines[0] == shown
    assert any(line.lstrip().startswith(shown) for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_charts_are_written_as_wide_as_asked_with_an_empty_line_between(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "40")
    write_charts([seasonal("north"), seasonal("south")])
    lines = capsys.readouterr().out.split("\n")
    assert [line.strip() for line in lines[:1] + lines[15:17]] == ["north", "", "south"]
    assert max(map(len, lines)) == 60


def test_rich_is_loaded_when_something_is_drawn_and_not_before() -> None:
    code = "import sys, rnncli.ui.forecast_chart; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
