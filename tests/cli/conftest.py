"""Small models, trained once for all command tests, each by the command itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_runs import Result, run, together

ANIMALS, DOINGS, PLACES = ("fox", "hen", "old crow"), ("saw", "fed", "left"), ("well", "barn", "long road", "field")
TEXT = "".join(
    f"The {ANIMALS[i % 3]} {DOINGS[(i // 2) % 3]} the {ANIMALS[(i // 5) % 3]} by the {PLACES[(i * i) % 4]}.\n"
    for i in range(26)
)
ADVICE = "please stay at home .\nplease work at home .\nplease wait here .\nthey play at school .\n" * 40
ODD = "a\x1b[31m[/x]é\u202eb\n" * 30  # an escape sequence, rich markup, a letter beyond ASCII, a bidi override
MONTHS = [f"{year}-{month:02d}" for year in range(2001, 2011) for month in range(1, 13)]
SALES = "month,sales\n" + "".join(
    f"{stamp},{50 + 20 * math.sin(i * math.tau / 12) + i / 4 + (i * 7 % 5):.2f}\n" for i, stamp in enumerate(MONTHS)
)

CHAR = """\
task: language-model
data: {path: text.txt, validation: 0.1}
model: {cell: lstm, hidden_size: 8, num_layers: 2, dropout: 0.2}
training: {epochs: 2, batch_size: 4, bptt: 16, learning_rate: 1e-2}
"""
WORD = """\
task: language-model
data: {path: advice.txt, tokens: word}
model: {cell: gru, hidden_size: 16, num_layers: 1}
training: {epochs: 8, batch_size: 4, bptt: 16, learning_rate: 2e-2}
"""
FORECAST = """\
task: forecast
data: {path: sales.csv, horizon: 4, context: 12, validation: 0.2}
model: {cell: gru, hidden_size: 8, num_layers: 1}
training: {epochs: 2, batch_size: 16, fallback: false}
"""


def write_inputs(folder: Path) -> None:
    """The data and configs of the shared models, in `folder`."""
    files = {
        "text.txt": TEXT,
        "advice.txt": ADVICE,
        "odd.txt": ODD,
        "sales.csv": SALES,
        "char.yaml": CHAR,
        "word.yaml": WORD,
        "forecast.yaml": FORECAST,
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8", newline="")


@dataclass(frozen=True)
class Shelf:
    """A folder with inputs and trained runs, and what `train` said. Read only."""

    folder: Path
    trained: dict[str, Result]

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The runs char (bare of options), word, byte, odd, pairs (bpe) and forecast."""
    folder = tmp_path_factory.mktemp("shelf")
    write_inputs(folder)
    commands = {
        "char": ["char.yaml"],
        "word": ["word.yaml"],
        "byte": ["char.yaml", "odd.txt", "--set", "data.tokens=byte"],
        "odd": ["char.yaml", "odd.txt"],
        "pairs": ["char.yaml", "odd.txt", "--set", "data.tokens=bpe"],
        "forecast": ["forecast.yaml"],
    }
    jobs = [lambda name=name, rest=rest: run("train", *rest, "-o", name, cwd=folder) for name, rest in commands.items()]
    return Shelf(folder, dict(zip(commands, together(*jobs), strict=True)))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the inputs, to write in."""
    write_inputs(tmp_path)
    return tmp_path
