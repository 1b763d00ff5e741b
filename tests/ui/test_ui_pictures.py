"""Pictures that matplotlib draws: what stands in them, and the same bytes for the same input."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from gradient_reports import layer, powers, report

from rnncli.errors import MachineError, UsageError
from rnncli.inspection.reports import Compared
from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.training.curves import Curve
from rnncli.training.reports import Confusion
from rnncli.ui.pictures import canvas, confusion, curves, forecast, gradients, inline
from rnncli.ui.pictures.dates import date_labels

HOSTILE = "a\x1b[31m$\\frac{1}{0}$ <b> & \n\u202e\ufffe"
DAY = 86_400


def series(title: str = "sales", first: int = 1_700_000_000, **changes: Any) -> ForecastChart:
    values = [100 + 20 * math.sin(i / 2) for i in range(30)]
    ahead = values[20:]
    bands = tuple(
        (level, tuple(value - width for value in ahead), tuple(value + width for value in ahead))
        for level, width in ((80, 6.0), (95, 12.0))
    )
    made: dict[str, Any] = {
        "title": title,
        "history": tuple((str(i), None if i == 3 else values[i]) for i in range(20)),
        "forecast": tuple((str(20 + i), value) for i, value in enumerate(ahead)),
        "bands": bands,
        "target": "sold",
        "seconds": tuple(first + DAY * i for i in range(30)),
    }
    return ForecastChart(**{**made, **changes})


CURVE = Curve("runs/a", (1, 2, 3), (3.0, 2.0, 1.0), (4.0, 3.0, 3.5), ("accuracy", (0.5, 0.75, 1.0)), 1)
DECAYING = report(layer(powers(0.5, 20)))
PICTURES: dict[str, Callable[[], Any]] = {
    "forecast": lambda: forecast.draw([series()]),
    "many": lambda: forecast.draw([series(f"shop {i}") for i in range(40)]),
    "hostile": lambda: forecast.draw([series(HOSTILE, target=HOSTILE)]),
    "gradients": lambda: gradients.draw(DECAYING),
    "curve": lambda: curves.draw([CURVE]),
    "curves": lambda: curves.draw([CURVE, replace(CURVE, name=HOSTILE, figure=None)]),
    "confusion": lambda: confusion.draw(Confusion(("a", HOSTILE), ((0, 0, 5), (0, 1, 3), (1, 1, 1234)))),
    "labels": lambda: confusion.draw(Confusion(tuple(f"label {i}" for i in range(40)), ((3, 39, 7), (5, 5, 2)))),
    "compared": lambda: gradients.draw_compared([Compared("rnn", DECAYING), Compared(HOSTILE, DECAYING)]),
}
pytestmark = pytest.mark.plots


def words(draw: Callable[[], Any]) -> list[str]:
    """All that is written in a picture."""
    root = ElementTree.fromstring(inline.inline_svg(draw))
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "many"])
def test_the_same_input_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    for form in canvas.FORMATS:
        paths = [tmp_path / f"{i}.{form}" for i in range(2)]
        for path in paths:
            canvas.save(PICTURES[name], path)
        first, second = (path.read_bytes() for path in paths)
        assert first == second
        assert len(first) > 1000
        assert b"dc:date" not in first
        assert b"CreationDate" not in first


def test_a_forecast_has_dates_bands_and_the_numbers_of_the_data() -> None:
    written = words(lambda: forecast.draw([series()]))
    assert {"Forecast: sales", "sold", "history", "forecast", "95% interval", "80%", "Nov 2023", "Dec 2023"} <= set(
        written
    )
    small = series(history=(), bands=(), decimal=",", seconds=(), forecast=(("a", 0.25), ("b", 1.5), ("c", 0.75)))
    assert {"0,50", "1,25", "a", "b", "c"} <= set(words(lambda: forecast.draw([small])))


def test_a_forecast_says_its_unit_and_one_of_a_page_has_its_legend_in_one_line() -> None:
    assert "sold, €" in words(lambda: forecast.draw([series(unit="€")]))
    assert "€" in words(lambda: forecast.draw([series(target="sales", unit="€")]))
    svg = inline.inline_svg(lambda: forecast.draw([series()]))
    entries = re.findall(r' y="([0-9.]+)"[^>]*>(history|95% interval|80%|forecast)<', svg)
    assert len(entries) == 4
    assert len({y for y, _ in entries}) == 1


def test_a_picture_of_a_page_is_short_and_draws_the_same_lines(tmp_path: Path) -> None:
    """It has all words, and all points of its lines, that the file of the same size has."""
    svg = inline.inline_svg(PICTURES["forecast"])
    assert len(svg.encode()) < 8000
    assert not re.search(r">\s+<|rotate\(-?0 | id=\"(figure|axes|line2d|text)_", svg)
    line = re.search(r'<path d="([^"]*)" clip-path="[^"]*" style="fill:none;stroke:var\(--ink\);stroke-width:1.4', svg)
    assert line is not None
    assert len(re.findall(r"[ML]-?[0-9.]+ -?[0-9.]+", line[1])) == len(series().history) - 1  # one is missing


def test_what_came_true_is_drawn_beside_the_forecast() -> None:
    assert "actual" in words(lambda: forecast.draw([series(actual=(120.0, None, *[100.0] * 8))]))
    assert "actual" not in words(PICTURES["forecast"])


@pytest.mark.parametrize("history", [(), (("2024-09", 110.0), ("2024-10", None))])
def test_the_interval_of_a_single_row_is_drawn_and_its_time_written(history: Any) -> None:
    ends = (80, (93.0,), (108.0,)), (95, (90.0,), (112.0,))
    seconds = tuple(1_700_000_000 + 30 * DAY * k for k in range(len(history) + 1))
    one = series(history=history, forecast=(("2024-11", 100.0),), bands=ends, seconds=seconds)
    (axes,) = forecast.draw([one]).axes
    heights = [{y for segment in bar.get_segments() for _, y in segment} for bar in axes.collections]
    assert heights[:2] == [{90.0, 112.0}, {93.0, 108.0}]
    assert all(bar.get_linewidth()[0] > 1 for bar in axes.collections[:2])
    if not history:
        assert "2024-11" in words(lambda: forecast.draw([one]))


def test_years_that_no_calendar_has_are_drawn_as_numbers() -> None:
    assert {"4", "20"} <= set(words(lambda: forecast.draw([series(first=-62_100_000_000)])))


def test_many_series_are_cut_and_counted() -> None:
    written = words(PICTURES["many"])
    assert {"Forecasts of 40 series, the first 24", "shop 23"} <= set(written)
    assert "shop 24" not in written


def test_text_from_data_is_shown_and_never_parsed() -> None:
    written = words(PICTURES["hostile"])
    assert f"Forecast: {canvas.plain(HOSTILE)}" in written
    assert "$\\frac{1}{0}$ <b> & \\n" in canvas.plain(HOSTILE)
    assert not {"\x1b", "\u202e", "\ufffe"} & set("".join(written))


def test_gradients_fall_on_a_logarithmic_axis() -> None:
    assert {"100%", "1%", "0.01%", "lag: steps back from the loss"} <= set(words(PICTURES["gradients"]))


def test_networks_that_are_compared_are_named() -> None:
    networks = [Compared(f"model.hidden_size={size}", DECAYING) for size in (8, 9)]
    assert {"hidden_size=8", "hidden_size=9"} <= set(words(lambda: gradients.draw_compared(networks)))


def test_each_panel_names_the_layer_that_remembers_most_there_and_a_network_keeps_its_line() -> None:
    def network(at: str, most: int) -> Any:
        return report(*(layer(powers(0.9 if i == most else 0.5, 20), i) for i in range(3)), at=at)

    before = [Compared(name, network("init", 0)) for name in ("diverged", "lstm")]
    figure = gradients.draw_compared([*before, Compared("lstm", network("best", 2))])
    legends = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert legends == [["diverged, layer 0", "lstm, layer 0"], ["lstm, layer 2"]]
    (diverged, lstm, _), (trained, _) = (axes.lines for axes in figure.axes)  # the last is that of one percent
    assert lstm.get_color() == trained.get_color() != diverged.get_color()
    assert lstm.get_linestyle() == trained.get_linestyle() != diverged.get_linestyle(), "one would hide the other"


LONG = [replace(CURVE, name=f"runs/a long name of a run {i}", figure=None) for i in range(5)]
LEGENDS: dict[str, Callable[[], Any]] = {
    "5 runs": lambda: curves.draw(LONG),
    "5 short ones": lambda: curves.draw([replace(curve, name=f"runs/number {i}") for i, curve in enumerate(LONG)]),
    "layers": lambda: gradients.draw(
        report(
            *(
                layer(powers(0.9, 20), i, part="encoder", reverse=True, half_life=None, half_life_above=123_456)
                for i in range(3)
            )
        )
    ),
    "windows": lambda: forecast.draw([series(actual=(120.0,) * 10)] * 2, "The windows that were forecast worst"),
}


@pytest.mark.parametrize("inches", [5.6, 8.0])
@pytest.mark.parametrize("name", LEGENDS)
def test_no_entry_of_a_legend_is_cut_off(name: str, inches: float) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn: list[Any] = []
    canvas.content_of(lambda: drawn.append(LEGENDS[name]()) or drawn[0], "png", {"figure.figsize": (inches, inches)})
    (figure,) = drawn
    FigureCanvasAgg(figure).draw()
    legends = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
    assert legends
    for legend in legends:
        extent = legend.get_window_extent()
        assert extent.x0 >= -1
        assert extent.x1 <= figure.bbox.x1 + 1, [text.get_text() for text in legend.get_texts()]


def test_losses_that_are_not_comparable_on_one_axis_are_told() -> None:
    one, other = (
        replace(CURVE, loss="forecast (mae)", basis={"split": ("0.1",), "data": ("0a",)}),
        replace(CURVE, basis={"split": ("0.2",), "data": ("0b",)}, figure=("f", (1.0,) * 3)),
    )
    said = "Losses are not comparable: the runs differ in split and data"
    assert said in " ".join(words(lambda: curves.draw([one, other])))
    unlike = words(lambda: curves.draw([one, other]))
    assert not {"accuracy", "f"} & set(unlike), "figures that are not alike have no axis in common"
    assert unlike.count("updates") == 1
    alike = words(lambda: curves.draw([one, replace(one, name="runs/b"), replace(CURVE, basis={})]))
    assert not [text for text in alike if text.startswith("Losses are not")], "of one nothing is known"
    assert "accuracy" in alike


def test_losses_on_a_logarithmic_axis_have_plain_numbers() -> None:
    steep = replace(CURVE, train=(1000.0, 10.0, 0.1), valid=(1000.0, 10.0, 0.1))
    written = words(lambda: curves.draw([steep]))
    assert {"1000", "10", "0.1"} <= set(written)
    low = replace(CURVE, train=(0.7, 0.2, 0.02), valid=(0.7, 0.2, 0.02))
    for drawn in ([steep], [low], [low, low]):
        assert not [text for text in words(lambda drawn=drawn: curves.draw(drawn)) if "$" in text]


def test_what_is_not_drawn_is_not_on_the_axis() -> None:
    falls = replace(CURVE, train=(90.0, 2.0, 0.001), valid=(3.0, 2.0, 1.0))
    assert "50" in words(lambda: curves.draw([falls]))
    assert not {"0.001", "50", "90"} & set(words(lambda: curves.draw([falls, falls])))


def test_a_last_mean_over_few_updates_is_not_drawn() -> None:
    last = {"train": (3.0, 2.0, 0.001), "valid": (3.0, 2.0, 2.0)}
    assert "0.001" in words(lambda: curves.draw([replace(CURVE, **last, steps=(10.0, 20.0, 30.0))]))
    assert "0.001" not in words(lambda: curves.draw([replace(CURVE, **last, steps=(10.0, 20.0, 24.0))]))


@pytest.mark.parametrize(
    ("first", "step", "labels"),
    [
        ("2025-12-13", timedelta(days=4), ["13\nDec 2025", "17", "21", "25", "29", "2\nJan 2026"]),
        ("2025-12-31", timedelta(hours=8), ["00:00\n31 Dec 2025", "08:00", "16:00", "00:00\n1 Jan 2026"]),
        ("2026-01-01", timedelta(minutes=5), ["00:00\n1 Jan 2026", "00:05"]),
    ],
)
def test_dates_say_what_they_are_in_at_the_first_and_where_it_changes(
    first: str, step: timedelta, labels: list[str]
) -> None:
    assert date_labels([datetime.fromisoformat(first) + k * step for k in range(len(labels))]) == labels


def test_a_month_that_ends_at_the_next_tick_is_not_named_as_its_name_would_be_covered() -> None:
    days = [datetime(2024, 1, 29), datetime(2024, 2, 1), datetime(2024, 2, 5), datetime(2024, 2, 9)]
    assert date_labels(days) == ["29", "1\nFeb 2024", "5", "9"]
    assert date_labels(days[1:]) == ["1\nFeb 2024", "5", "9"]
    hours = [datetime(2024, 1, 29, 21), *(datetime(2024, 1, 30, hour) for hour in (0, 3, 6))]
    assert date_labels(hours) == ["21:00", "00:00\n30 Jan 2024", "03:00", "06:00"]
    apart = [datetime(2024, month, 15) for month in (1, 2, 3)]
    assert date_labels(apart) == ["15\nJan 2024", "15\nFeb 2024", "15\nMar 2024"]


def test_months_are_of_years() -> None:
    months = [datetime(2025, 11, 1), datetime(2025, 12, 1), datetime(2026, 1, 1)]
    assert date_labels(months) == ["Nov\n2025", "Dec", "Jan\n2026"]
    assert date_labels([datetime(year, 1, 1) for year in (1999, 2000)]) == ["1999", "2000"]


def test_the_line_of_one_percent_and_what_comes_with_depth_are_always_in_the_picture() -> None:
    short = report(layer(powers(0.9, 5), own_left_by_lag=powers(0.8, 5)))
    written = words(lambda: gradients.draw(short))
    assert {"1%", "layer 0, with depth"} <= set(written)
    assert "layer 0, with depth" not in words(PICTURES["gradients"])


def test_a_curve_names_its_losses_and_the_weights_that_were_kept() -> None:
    written = {"Training of runs/a", "training", "validation", "kept: 3", "accuracy", "updates"}
    assert written <= set(words(PICTURES["curve"]))
    assert {"loss", "forecast (mae)"} <= set(words(lambda: curves.draw([replace(CURVE, loss="forecast (mae)")])))
    in_nats = replace(CURVE, loss="tag", unit="nats per token")
    assert {"loss, nats per token", "tag"} <= set(words(lambda: curves.draw([in_nats])))
    assert {"validation loss, nats per token", "tag"} <= set(words(lambda: curves.draw([in_nats, in_nats])))
    unlike = words(lambda: curves.draw([in_nats, replace(in_nats, loss="classify", unit="nats per sequence")]))
    assert "validation loss" in unlike
    assert "tag" not in unlike
    assert {"runs/a", canvas.plain(HOSTILE), "Training of 2 runs"} <= set(words(PICTURES["curves"]))


def test_a_confusion_matrix_has_its_counts_and_of_many_labels_those_confused_most() -> None:
    written = words(PICTURES["confusion"])
    assert {"predicted", "actual", "5", "3", "1,234", "a"} <= set(written)
    many = words(PICTURES["labels"])
    assert {"Confusion matrix, the 25 labels confused most", "label 3", "label 39"} <= set(many)
    assert "label 38" not in many


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"folder\.svg"):
        canvas.save(PICTURES["forecast"], tmp_path / "folder.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_drawing_changes_nothing_of_matplotlib_itself() -> None:
    import matplotlib

    before = dict.copy(matplotlib.rcParams)
    svg = inline.inline_svg(PICTURES["forecast"])
    assert svg.startswith("<svg")
    assert dict.copy(matplotlib.rcParams) == before


def test_what_cannot_be_drawn_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canvas.require_picture("--plot", str(tmp_path / "a.PNG"))
    for odd in ("a.gif", "a", "png"):
        with pytest.raises(UsageError, match=r"ends in \.png, \.svg or \.pdf"):
            canvas.require_picture("--plot", odd)
    with pytest.raises(MachineError, match="cannot write: no folder"):
        canvas.require_picture("--plot", str(tmp_path / "none" / "a.svg"))
    monkeypatch.setattr(canvas, "is_installed", lambda: False)
    with pytest.raises(UsageError, match=r"pip install 'rnncli\[plots\]'"):
        canvas.require_picture("--plot", str(tmp_path / "a.png"))


def test_matplotlib_is_loaded_when_something_is_drawn_and_not_before() -> None:
    code = (
        "import sys\nfrom rnncli.ui.pictures import canvas, forecast, gradients\n"
        "canvas.require_picture('--plot', 'a.png')\nsys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
