"""Progress of a training in a program: on a terminal, in a notebook, on a stream that is no file; never in a pipe."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rich.console

import rnncli

CONFIG = {
    "task": "forecast",
    "data": {"horizon": 2, "context": 4},
    "model": {"cell": "rnn", "hidden_size": 2, "num_layers": 1},
    "training": {"epochs": 2, "threads": 1},
}
SERIES = [float(i % 5) for i in range(60)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Cell(io.StringIO):
    """Standard error of a notebook, which is neither a file nor a terminal."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook shows, which rich thinks that it is in."""
    shown: list[str] = []
    display = ModuleType("IPython.display")
    display.display = lambda *parts, **_: shown.extend(part.data["text/plain"] for part in parts)  # type: ignore[attr-defined]

    class Renderable:
        def __init__(self, html: str, text: str):
            self.data = {"text/plain": text}

    monkeypatch.setattr("rich.jupyter.JupyterRenderable", Renderable)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    return shown


def trained(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    rnncli.train(CONFIG, SERIES, **options)
    return stream.getvalue()


def test_a_notebook_without_widgets_shows_a_line_for_each_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = notebook(monkeypatch)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr("rnncli.ui.training_view.find_spec", lambda name: None)
    assert trained(Cell(), monkeypatch) == ""
    assert sum(text.startswith("epoch") for text in shown) == len(rnncli.Run("runs/forecast").metrics)


def test_a_terminal_has_a_bar_and_a_pipe_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    on_terminal = trained(Terminal(), monkeypatch)
    assert "\x1b[" in on_terminal
    assert "ETA" in on_terminal
    assert "epoch   2" in on_terminal
    assert trained(Cell(), monkeypatch) == ""
    assert trained(Terminal(), monkeypatch, progress=False) == ""
    written = trained(Cell(), monkeypatch, progress=True)
    assert "\x1b[" not in written
    assert "epoch   2" in written


def test_a_process_without_standard_error_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert rnncli.train(CONFIG, SERIES, progress=True).metrics
