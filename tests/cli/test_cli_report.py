"""report: a page on runs, one file that loads nothing, the same bytes for the same run."""

from __future__ import annotations

import errno
import fcntl
import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cli_runs import run
from conftest import SALES, Shelf, write_inputs

from rnncli import safe_files
from rnncli.errors import MachineError
from rnncli.tasks.forecast.reports import BacktestReport, Covered, ForecastChart
from rnncli.tasks.page import Page as Shown
from rnncli.training.curves import Curve
from rnncli.training.reports import Confusion
from rnncli.ui.page.html import Markup
from rnncli.ui.page.room import Part, articles_for
from rnncli.ui.page.runs import page_of
from rnncli.workflows.plot import curve_of_run

CHROMIUM = shutil.which("chromium")
FORECAST = [
    *("task=forecast", "data.horizon=4", "data.context=12", "data.validation=0.2", "data.test=0.2"),
    *("model.hidden_size=4", "training.epochs=1"),
]


@pytest.fixture(scope="module")
def folder(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a text and one of a series whose name is hostile, beside their data."""
    path = tmp_path_factory.mktemp("report")
    write_inputs(path)
    shutil.copytree(shelf / "char", path / "char")
    (path / "sales.csv").write_text(SALES.replace("sales", "<script>alert(1)</script>"))
    run(
        "train", "sales.csv", "-q", "-o", "sales", *(part for key in FORECAST for part in ("--set", key)), cwd=path
    ).ok()
    return path


class Page(HTMLParser):
    """The tags of a page, in order, and its text."""

    def __init__(self, content: str):
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}, (tag, attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(folder: Path, *runs: str, name: str = "report.html") -> str:
    result = run("report", *runs, "-o", name, cwd=folder).ok()
    assert result.out == ""
    assert result.err.endswith(f"rnncli: written to {name}\n")
    return (folder / name).read_text(encoding="utf-8")


def test_a_page_begins_with_the_verdict_and_loads_nothing(folder: Path) -> None:
    content = page(folder, "sales", name="sales.html")
    assert len(content.encode()) < 300_000
    assert not re.findall(r"(?<!xmlns=\")(?<!xlink=\")https?://", content)
    assert "url(" not in content.replace("url(#", "")
    read = Page(re.sub(r' xlink:href="#[^"]*"', "", content))
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    order = ["strongest baseline", "Score beside its baselines", "Training", "Config", "Where it comes from"]
    places = [read.text.index(words) for words in order]
    assert places == sorted(places)
    assert "<script>alert(1)</script>" in read.text
    assert "lower is better" in read.text
    assert "seasonal naive" in read.text
    report = json.loads((folder / "sales" / "report.json").read_text())
    assert f"<h1>{Path(report['data']['path']).name}: forecast</h1>" in content
    assert "run sales" in read.text
    kept = curve_of_run(str(folder / "sales")).kept
    assert f", of loss {kept:.4g}." in read.text


@pytest.mark.parametrize("name", ["char", "sales"])
def test_the_page_measures_gradients_as_inspect_grads_does(folder: Path, name: str) -> None:
    """Both look at as many batches, and tell the same intervals."""
    content = page(folder, name, name="reach.html")
    rows = content[content.index("half-life</th>") :].partition("<tbody>")[2]
    half_life, memory = map(html.unescape, re.findall(r'<td class="number">(.*?)</td>', rows)[:2])
    assert "(" in half_life + memory
    shown = run("inspect-grads", name, "-f", "table", "-q", cwd=folder).ok().out
    assert re.search(rf" {re.escape(half_life)} +{re.escape(memory)} ", shown)


@pytest.mark.plots
def test_pictures_of_a_forecast_stand_in_the_page_and_take_its_colours(folder: Path) -> None:
    content = page(folder, "sales", name="drawn.html")
    assert content.count("<svg ") == 1 + content.count("Forecast: ") + 1
    for words in (
        "What comes next",
        "What intervals promised and held",
        "The windows that were forecast worst",
        "How far the gradient reaches back",
    ):
        assert f"<h2>{words}</h2>" in content
    assert not re.search("#[0-9a-f]{6}", content.partition("</style>")[2].replace("&#", ""))


def test_coverage_of_the_rows_that_intervals_were_made_from_is_told_to_be_that(folder: Path) -> None:
    report = json.loads((folder / "sales" / "report.json").read_text())
    words = "These intervals were made from the errors on these very rows"
    for in_sample in (True, False):
        covered = tuple(Covered(asked, 85.1, 792, 1, 12, 7.0, in_sample) for asked in (80, 95))
        tested = BacktestReport("validation", 66, 1, 12, 3, 2, (), 0.1, covered)
        assert (words in page_of([Shown("sales", report, backtest=tested)])) == in_sample


@pytest.mark.plots
def test_a_page_draws_twelve_of_many_series_with_their_unit(folder: Path) -> None:
    report = json.loads((folder / "sales" / "report.json").read_text())
    charts = tuple(ForecastChart(f"shop {k}", (), (("1", 4.0), ("2", 5.0)), (), unit="€") for k in range(14))
    content = page_of([Shown("sales", report, forecasts=charts)])
    assert content.count('<figure class="half">') == content.count(">€<") == 12
    assert "The first 12 of 14 series" in content
    assert len(content.encode()) < 300_000


def test_a_section_within_a_section_of_the_config_has_its_own_lines(folder: Path) -> None:
    report = json.loads((folder / "sales" / "report.json").read_text())
    report["config"] = {"task": "transcribe", "data": {"features": {"bands": 40, "rate": None}, "path": "a b"}}
    assert "task: transcribe\ndata:\n  features:\n    bands: 40\n  path: a b</pre>" in page_of([Shown("sales", report)])


@pytest.mark.thorough
def test_the_same_run_gives_the_same_bytes(folder: Path) -> None:
    assert page(folder, "sales", "char", name="a.html") == page(folder, "sales", "char", name="b.html")


def test_several_runs_are_compared_first(folder: Path) -> None:
    read = Page(re.sub(r' xlink:href="#[^"]*"', "", page(folder, "char", "sales", name="both.html")))
    assert read.tags.index("table") < read.tags.index("article")
    assert read.text.index("2 runs compared") < read.text.index("best baseline") < read.text.index("Config")


def test_a_classifiers_page_has_its_surest_wrong_answers(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i * i % 3 % 2]},{'xyz'[i % 3]}{i % 5}\n" for i in range(60))
    (tmp_path / "marks.csv").write_text("label,text\n" + rows)
    keys = ("task=classify", "data.validation=0.3", "training.epochs=1", "model.hidden_size=4", "training.threads=1")
    run(
        "train", "marks.csv", "-q", "-o", "marks", *(part for key in keys for part in ("--set", key)), cwd=tmp_path
    ).ok()
    text = Page(re.sub(r' xlink:href="#[^"]*"', "", page(tmp_path, "marks"))).text
    assert "Not shown" not in text
    assert "The surest wrong answers to the held-out data" in text
    assert re.search(r"marks\.csv:\d+", text)


def test_what_is_missing_is_told_in_the_page(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "sales", tmp_path / "moved")
    config = tmp_path / "moved" / "config.yaml"
    config.write_text(re.sub(r"path: .*", "path: gone.csv", config.read_text()))
    said = Page(re.sub(r' xlink:href="#[^"]*"', "", page(tmp_path, "moved"))).text
    assert "Not shown, the worst windows and what intervals held and the gradient by lag: " in said


def test_a_page_says_once_what_cannot_be_told_and_that_the_split_chose_the_weights(folder: Path) -> None:
    told = Page(re.sub(r' xlink:href="#[^"]*"', "", page(folder, "char", name="chosen.html"))).text
    assert "Weights were chosen by this split" in told
    score = {
        "split": "test",
        "unit": "MAE of sales",
        "network": 13_788.4,
        "floors": {"drift": 13_900.0, "mean": 99_000.0},
        "higher_is_better": False,
        "strongest": "drift",
        "verdicts": {"drift": "cannot tell, 1 group", "mean": "better"},
        "detail": "",
        "headline": None,
    }
    report = json.loads((folder / "char" / "report.json").read_text())
    text = Page(page_of([Shown("sales", {**report, "score": score})])).text
    assert text.count("cannot be told") == text.count("cannot tell") == 1  # the verdict, and the table
    assert "cannot be told from 1 group: MAE of sales 13,788, beside 13,900 of drift" in text
    assert text.count("13,788") == 2
    assert "chosen by this split" not in text


def test_a_page_says_that_the_network_over_fits(folder: Path) -> None:
    report = json.loads((folder / "char" / "report.json").read_text())
    over = {"text": "the network over-fits: <so>"}
    assert "The network over-fits: <so>." in Page(page_of([Shown("char", report | {"fit": over})])).text
    assert "The network" not in Page(page_of([Shown("char", report | {"fit": None})])).text


MATRIX = Confusion(tuple(f"label {i}" for i in range(25)), tuple((i, k, 9) for i in range(25) for k in range(25)))


@pytest.mark.thorough
@pytest.mark.parametrize("count", [1, pytest.param(8, marks=pytest.mark.plots), 9, 400])
def test_no_page_is_larger_than_promised_and_what_is_left_out_is_told(count: int, folder: Path) -> None:
    report = json.loads((folder / "char" / "report.json").read_text())
    steps = tuple(range(5000))
    curve = Curve("x", steps, tuple(1 + i * 7919 % 100 / 100 for i in steps), tuple(2.0 for _ in steps))
    pages = [Shown(f"runs/{'&' * 60}{i}", report, curve, MATRIX) for i in range(count)]
    content = page_of(pages)
    assert len(content.encode()) < 300_000
    text = Page(re.sub(r' xlink:href="#[^"]*"', "", content)).text
    assert f"runs/{'&' * 60}0" in text
    if count > 1:
        assert ("Left out, so that the page stays below 300 kB: " in text) == (count in (8, 400))
        assert re.search(
            r"(are in the page of this run alone|none has its pictures here): rnncli report 'runs/&{60}", text
        )
    if count == 400:
        assert re.search(r"The first \d+ of these runs follow", text)


def test_parts_that_matter_least_are_left_out_first() -> None:
    parts = [
        Part(Markup("<h1>a</h1>")),
        Part(Markup("x" * 5_000), 1, "Verdict", "it"),
        Part(Markup("y" * 9_000), 2, "", "y"),
    ]
    (whole,) = articles_for([parts], ["command"], 40_000)
    assert "y" * 9_000 in whole
    (less,) = articles_for([parts], ["command"], 8_400 + 6_000)
    assert "y" not in less.partition("Left out")[0]
    assert "x" * 5_000 in less
    assert len([*articles_for([parts, parts], ["c", "d"], 8_800 + 15)]) == 1  # there is room for one beginning alone


def test_some_of_several_parts_that_are_left_out_are_counted() -> None:
    parts = [Part(Markup("<h1>a</h1>")), *(Part(Markup("z" * 5_000), 9, "Next", "forecasts") for _ in range(3))]
    (some,) = articles_for([parts], ["command"], 8_400 + 11_000)
    assert "below 300 kB: forecasts (1 of 3)<" in some
    (none,) = articles_for([parts], ["command"], 8_400 + 1_000)
    assert "below 300 kB: forecasts<" in none


def ordinary(number: int) -> ForecastChart:
    """A forecast as of a year of months, with its intervals, after three years."""
    history = tuple((f"{2020 + i // 12}-{i % 12 + 1:02}", 100 + i * 7919 % 89 + number) for i in range(36))
    forecast = tuple((f"2023-{i + 1:02}", 120.0 + i) for i in range(12))
    bands = tuple((level, (80.0,) * 12, (160.0,) * 12) for level in (80.0, 95.0))
    months = np.arange("2020-01", "2024-01", dtype="datetime64[M]").astype("datetime64[s]").astype(int)
    return ForecastChart(f"shop {number}", history, forecast, bands, "sold", tuple(months.tolist()))


@pytest.mark.plots
def test_three_ordinary_runs_keep_all_their_pictures(folder: Path) -> None:
    report = json.loads((folder / "sales" / "report.json").read_text())
    curve = Curve("x", tuple(range(0, 1500, 5)), tuple(1 + i * 79 % 100 / 100 for i in range(300)), (0.5,) * 300)
    charts = tuple(map(ordinary, range(8)))
    worst = tuple(replace(chart, actual=(130.0,) * 12) for chart in charts[:3])
    content = page_of([Shown(f"runs/{i}", report, curve, forecasts=charts, worst=worst) for i in range(3)])
    assert "Left out" not in content
    assert content.count("<svg") == 1 + 3 * (8 + 3 + 1)
    assert len(content.encode()) < 300_000


def test_only_a_page_is_written_and_never_over_data(folder: Path, tmp_path: Path) -> None:
    before = (folder / "sales.csv").read_bytes()
    for path in ("sales.csv", "/dev/null", "", "-", "char/model.safetensors"):
        assert "ends in .html" in run("report", "char", "-o", path, cwd=folder).refused(2)
    assert (folder / "sales.csv").read_bytes() == before
    (tmp_path / "page.html").write_text("")
    (tmp_path / "link.html").symlink_to(tmp_path / "page.html")
    run("report", "char", "-o", str(tmp_path / "link.html"), cwd=folder).ok()
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_link_at_the_usual_name_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bashrc").write_text("mine")
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "report.html").symlink_to("../bashrc")
    run("report", str(folder / "char"), cwd=tmp_path / "stranger").ok()
    assert (tmp_path / "bashrc").read_text() == "mine"
    assert not (tmp_path / "stranger" / "report.html").is_symlink()


def test_what_is_no_finished_run_is_one_line_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    for name in ("running", "unfinished", "broken"):
        shutil.copytree(folder / "char", tmp_path / name)
    (tmp_path / "unfinished" / "report.json").unlink()
    (tmp_path / "broken" / "report.json").write_text("{")
    (tmp_path / "empty").mkdir()
    cases = {
        "nowhere": (2, "is no run directory"),
        "empty": (2, "holds no run"),
        "unfinished": (2, "rnncli train -o unfinished --resume"),
        "broken": (4, "is damaged"),
        "running": (75, "is being trained"),
    }
    with open(tmp_path / "running" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, (code, said) in cases.items():
            assert said in run("report", str(folder / "char"), name, cwd=tmp_path).refused(code)
    assert not list(tmp_path.glob("**/*.html"))


WRITERS = {
    ("report", "char", "-o"): "page.html",
    ("plot", "char", "-o"): "curves.png",
    ("evaluate", "sales", "--confusion"): "matrix.csv",
    ("evaluate", "sales", "--plot"): "worst.svg",
    ("predict", "sales", "--plot"): "next.pdf",
    ("inspect-grads", "sales", "--plot"): "lags.png",
    ("init", "sales.csv", "-o"): "sales.yaml",
}
"""Commands that write a file of the name that is given, one of each kind."""


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_missing_folder_is_named_and_free_space_is_not_asked_for(command: tuple[str, ...], folder: Path) -> None:
    if WRITERS[command].endswith((".png", ".svg", ".pdf")):
        pytest.importorskip("matplotlib")
    said = run(*command, f"nowhere/{WRITERS[command]}", cwd=folder).failed(5)
    assert f" nowhere/{WRITERS[command]}: cannot write: no " in said
    assert "space" not in said


def test_a_full_disk_asks_for_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="cannot write: No space left on device; free some space"):
        safe_files.replace(tmp_path / "page.html", b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_shows_the_page_on_a_phone_and_on_paper(folder: Path, tmp_path: Path) -> None:
    content = page(folder, "sales", name="shown.html")
    probe = "<script>document.title = document.documentElement.scrollWidth + ' ' + document.images.length</script>"
    (tmp_path / "shown.html").write_text(content.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    address = (tmp_path / "shown.html").as_uri()
    dumped = subprocess.run(
        [*browser, "--window-size=500,900", "--dump-dom", address], capture_output=True, timeout=120, check=True
    )
    title = re.search(r"<title>(\d+) 0</title>", dumped.stdout.decode())
    assert title is not None
    assert int(title[1]) <= 500  # nothing is wider than the screen
    subprocess.run(
        [*browser, f"--print-to-pdf={tmp_path / 'p.pdf'}", address], capture_output=True, timeout=120, check=True
    )
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
