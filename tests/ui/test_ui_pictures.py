"""Pictures that matplotlib draws: what stands in them, and the same bytes for the same input."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from gradient_reports import layer, powers, report

from rnncli.errors import MachineError, UsageError
from rnncli.inspection.reports import Compared
from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.training.curves import Curve
from rnncli.ui.pictures import canvas, curves, forecast, gradients

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
    "compared": lambda: gradients.draw_compared([Compared("rnn", DECAYING), Compared(HOSTILE, DECAYING)]),
}
pytestmark = pytest.mark.plots


def words(draw: Callable[[], Any]) -> list[str]:
    """All that is written in a picture."""
    root = ElementTree.fromstring(canvas.inline_svg(draw))
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
    assert {"Forecast: sales", "sold", "history", "forecast", "95% interval", "80% interval", "Dec"} <= set(written)
    small = series(history=(), bands=(), decimal=",", seconds=(), forecast=(("a", 0.25), ("b", 1.5), ("c", 0.75)))
    assert {"0,50", "1,25", "a", "b", "c"} <= set(words(lambda: forecast.draw([small])))


def test_what_came_true_is_drawn_beside_the_forecast() -> None:
    assert "actual" in words(lambda: forecast.draw([series(actual=(120.0, None, *[100.0] * 8))]))
    assert "actual" not in words(PICTURES["forecast"])


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


def test_a_curve_names_its_losses_and_the_weights_that_were_kept() -> None:
    written = {"Training of runs/a", "training", "validation", "kept: 3", "accuracy", "updates"}
    assert written <= set(words(PICTURES["curve"]))
    assert {"runs/a", canvas.plain(HOSTILE), "Training of 2 runs"} <= set(words(PICTURES["curves"]))


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"folder\.svg"):
        canvas.save(PICTURES["forecast"], tmp_path / "folder.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_drawing_changes_nothing_of_matplotlib_itself() -> None:
    import matplotlib

    before = dict.copy(matplotlib.rcParams)
    svg = canvas.inline_svg(PICTURES["forecast"])
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
