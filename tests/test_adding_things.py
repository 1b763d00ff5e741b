"""A cell, a task, a config key and a loss, each written here and registered by one line, work through the commands.

What stands here is what a real one would be: a cell's file, a task's folder, a field, a kernel and its reading.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import Field
from windows import Window, error, small_shape

from rnncli.config.data_section import DataConfig
from rnncli.config.sections import Config
from rnncli.data.source import Source, read_source
from rnncli.data.splits import Splits
from rnncli.errors import DataError, UsageError
from rnncli.kernels import forecast_losses
from rnncli.kernels.cells import CELLS
from rnncli.kernels.cells.cell import Cell, Hidden
from rnncli.kernels.cells.recurrence import add_recurrent, recurrent_grad
from rnncli.kernels.elementary import exp, log1p, tanh
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks import sizes
from rnncli.tasks.answers import Table
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.losses import ForecastLoss
from rnncli.tasks.headers import config_in
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Asked, Context, Experiment, Predictor, Task
from rnncli.training.backpropagation import SQUARED_ERROR, Backpropagation, Loss, Runner, Sample, ThreadPool
from rnncli.training.batches import Batches, Stateless, by_length, place_sequences
from rnncli.training.reports import Score
from tests.cli.cli_runs import run

# A cell: h_t = (h_{t−1} + tanh(x_t·W + b + h_{t−1}·U)) / 2.


@jit
def forward(arrays, weights, active, low, high):  # type: ignore[no-untyped-def]
    h, a = arrays.h, arrays.a
    half = a.dtype.type(0.5)
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            for j in range(h.shape[2]):
                a[t, b, j] = tanh(a[t, b, j])
                h[t + 1, b, j] = half * (h[t, b, j] + a[t, b, j])


@jit
def backward(arrays, gradients, weights, active, low, high):  # type: ignore[no-untyped-def]
    a, dh = arrays.a, gradients.h
    one, half = a.dtype.type(1), a.dtype.type(0.5)
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        for b in range(low, last):
            for j in range(dh.shape[2]):
                dh[t, b, j] += half * dh[t + 1, b, j]
                a[t, b, j] = half * dh[t + 1, b, j] * (one - a[t, b, j] * a[t, b, j])
        recurrent_grad(a, arrays.h, dh, weights, t, low, last)


class HalfwayArrays(NamedTuple):
    h: np.ndarray
    a: np.ndarray


HALFWAY = Cell(
    name="halfway",
    arrays=HalfwayArrays,
    states=Hidden,
    saved={"a": 1},
    gate_names=("candidate",),
    initial_bias=(0.0,),
    chrono=(0,),
    forward=forward,
    backward=backward,
)


def halfway(x: np.ndarray, state: tuple[np.ndarray, ...], p: Mapping[str, np.ndarray], activation: str) -> Any:
    """Its naive twin."""
    (h,) = state
    return ((h + np.tanh(x @ p["w_ih"].T + p["b_ih"] + h @ p["w_hh"].T + p["b_hh"])) / 2,)


# A task: the last number of each line is the answer to those before it. Its own key is data.unit.


class AnswersConfig(DataConfig):
    unit: str = Field(default="", description="What the answers are counted in.")


class LinesConfig(Config):
    data: AnswersConfig = AnswersConfig()


class Lines:
    def __init__(self, name: str, rows: list[np.ndarray]):
        self.name, self.rows = name, rows

    @classmethod
    def read(cls, source: Source) -> Lines:
        try:
            return cls(
                source.name,
                [np.array(line.split(), np.float32) for line in source.content.decode().split("\n") if line],
            )
        except ValueError as wrong:
            raise DataError(f"{source.name}: {wrong}; write numbers with blanks between them") from None

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, chosen: Any) -> Lines:
        return Lines(self.name, [self.rows[i] for i in chosen])


def network_of(config: Config, context: Context) -> Network:
    model = config.model
    shape = NetworkShape(model.cell, 1, model.hidden_size, model.num_layers, 1, False, pooling="last")
    return Network(shape, context.dtype)


def filled(network: Network, rows: list[np.ndarray]) -> Any:
    """A window of these inputs (n,), longest first."""
    lengths = np.array([len(x) for x in rows])
    work = network.workspace(int(lengths[0]), len(rows), 1, training=True).ragged(lengths)
    work.clear_state()
    place_sequences([x[:, None] for x in rows], work.x)
    return work


class LinesLearner(Stateless):
    loss = SQUARED_ERROR

    def __init__(self, network: Network, train: Lines, valid: Lines, config: Config, pool: ThreadPool):
        self.network, self.train, self.valid = network, train.rows, valid.rows
        self.batches = Batches([len(x) for x in self.train], config.training.batch_size, config.training.seed)
        self.updates_per_epoch = self.batches.per_epoch
        self.backpropagation = Backpropagation(network, self.loss, pool)

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        return self._of([self.train[i] for i in self.batches.of_update(update)])

    def _of(self, rows: list[np.ndarray]) -> Sample:
        answers = np.array([row[-1] for row in rows], self.network.dtype)[None, :, None]
        return Sample(filled(self.network, [row[:-1] for row in rows]), answers, len(rows))

    def gradient(self, update: int) -> tuple[float, int]:
        sample = self.sample(update)
        return self.backpropagation.gradient(sample.work, sample.targets, sample.count), sample.count

    def validate(self) -> tuple[float, int]:
        if not self.valid:
            return math.nan, 0
        samples = [self._of([self.valid[i] for i in some]) for some in by_length([len(x) for x in self.valid], 8)]
        return sum(self.backpropagation.evaluate(one.work, one.targets) for one in samples), len(self.valid)


class LinesExperiment(Experiment):
    def __init__(self, config: LinesConfig, source: Source, context: Context):
        splits = Splits(config, Lines.read(source), Lines.read, Lines.pick)
        self.held_out = splits.held_out.get("validation", Lines(source.name, []))
        config = sizes.completed(config, "numbers", len(splits.train), len(self.held_out))
        self.config, self.train, self.pool = config, splits.train, context.pool
        self.network = network_of(config, context)
        set_first_weights(self.network, config)
        self.learner = LinesLearner(self.network, self.train, self.held_out, config, context.pool)
        self.facts = (("data", f"{len(self.train)} lines"),)

    def header(self) -> dict[str, Any]:
        config = self.config.model_dump()
        return {"task": "lines", "data": {"unit": config["data"]["unit"]}, "model": config["model"]}

    def hold_out(self, source: Source, changes: Mapping[str, Any]) -> None:
        self.held_out = Lines.read(source)

    def score(self) -> Score | None:
        if not len(self.held_out):
            return None
        right, mean = (np.array([row[-1] for row in part.rows]) for part in (self.held_out, self.train))
        said = np.array(answers(self.network, self.held_out.rows, self.pool, ended=True))
        unit = f"absolute error in {self.config.data.unit}"
        baselines = (("mean", float(np.abs(mean.mean() - right).mean())),)
        return Score("validation", unit, float(np.abs(said - right).mean()), baselines)


def answers(network: Network, rows: list[np.ndarray], pool: ThreadPool, *, ended: bool) -> list[float]:
    said = []
    for row in rows:
        work = filled(network, [row[:-1] if ended else row])
        Runner(network, pool).forward(work)
        said.append(float(work.outputs[0, 0, 0]))
    return said


class LinesPredictor(Predictor):
    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.config = config_in(header, LinesConfig)
        self.pool = ThreadPool(1)
        self.network = network_of(self.config, Context(self.pool))
        self.network.load(arrays)

    def predict(self, asked: Asked) -> Table:
        if asked.data is None:
            raise UsageError("name a file of lines")
        said = answers(self.network, Lines.read(read_source(asked.data)).rows, self.pool, ended=False)
        rows = [{"answer": one, "unit": self.config.data.unit} for one in said]
        return Table(rows, rows)


class LinesTask(Task):
    name = "lines"
    config = LinesConfig
    options = {"predict": frozenset(), "evaluate": frozenset()}

    def experiment(self, config: Any, source: Source, context: Context, learnt: Mapping[str, Any] | None) -> Experiment:
        return LinesExperiment(config, source, context)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        return LinesPredictor(header, arrays)


# A loss of forecasts: ln cosh(p − y), a smooth absolute error.


def log_cosh(p, y, scale):  # type: ignore[no-untyped-def]
    error = np.float64(p[0]) - np.float64(y)
    size = abs(error)
    return size + log1p(exp(-2.0 * size)) - math.log(2.0), (tanh(error),)


LOG_COSH = ForecastLoss(Loss(forecast_losses.kernel_of(1, log_cosh), "ln cosh", 1e15), 1, lambda p: p[..., 0] * 1.0)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything above, registered."""
    import naive

    monkeypatch.setitem(CELLS, "halfway", HALFWAY)
    monkeypatch.setitem(naive.CELLS, "halfway", halfway)
    monkeypatch.setitem(naive.STATES, "halfway", "h")
    monkeypatch.setitem(TASKS, "lines", LinesTask())
    monkeypatch.setitem(FORECAST_LOSSES, "log-cosh", LOG_COSH)
    return None


@pytest.fixture
def folder(added: None, tmp_path: Path) -> Path:
    """A folder with something for every task."""
    random = np.random.default_rng(0)
    rows = [random.normal(0, 1, int(n)).round(2) for n in random.integers(2, 6, 120)]
    lines = [" ".join(map(str, [*row, round(float(row.mean()), 3)])) for row in rows]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "asked.txt").write_text("1 1 1\n-1 -1\n")
    (tmp_path / "lines.yaml").write_text(
        "task: lines\ndata: {path: lines.txt, unit: metres, validation: 0.2}\n"
        "model: {cell: gru, hidden_size: 8, num_layers: 1}\ntraining: {epochs: 30, learning_rate: 0.02}\n"
    )
    (tmp_path / "text.txt").write_text(
        "she sells sea shells by the sea shore\nthe shells she sells are sea shells\n" * 15
    )
    (tmp_path / "rows.csv").write_text("month,sales\n" + "".join(f"{n},{n % 5 + n / 50}\n" for n in range(1, 90)))
    (tmp_path / "rows.yaml").write_text(
        "task: forecast\ndata: {path: rows.csv, horizon: 3, context: 6, season: 5, validation: 0.2}\n"
        "model: {hidden_size: 6, num_layers: 1}\ntraining: {epochs: 2, loss: log-cosh}\n"
    )
    return tmp_path


@pytest.mark.thorough
def test_a_cell_is_a_file_and_a_line(folder: Path) -> None:
    window = Window(small_shape("halfway", "tanh", 2), lengths=[6, 4, 1])
    for name, gradient in window.run_backward().items():
        assert error(gradient, window.central_differences(window.variables()[name])) < 1e-7, name
    cell, quiet = ["--set", "model.cell=halfway", "--set", "model.hidden_size=8"], ["-q", "--set", "training.epochs=3"]
    run("train", "text.txt", *cell, *quiet, "-o", "words", cwd=folder).ok()
    text = run("generate", "words", "-n", "20", "--seed", "1", cwd=folder).ok().out
    assert len(text.rstrip("\n")) == 20
    report = json.loads(run("inspect-grads", "words", "text.txt", "--check", "-f", "json", cwd=folder).ok().out)
    assert report["check"]["passed"]
    run("train", "rows.yaml", *cell, *quiet, "-o", "rows", cwd=folder).ok()
    assert len(run("predict", "rows", cwd=folder).ok().rows()) == 3
    assert json.loads(run("evaluate", "rows", "-f", "json", cwd=folder).ok().out)["floors"]


def test_a_task_is_a_folder_and_a_line(folder: Path) -> None:
    run("train", "lines.yaml", "-q", "-o", "run", cwd=folder).ok()
    score = json.loads(run("evaluate", "run", "-f", "json", cwd=folder).ok().out)
    assert score["unit"] == "absolute error in metres"
    assert score["network"] < score["floors"]["mean"] / 2
    above, below = run("predict", "run", "asked.txt", cwd=folder).ok().rows()
    assert float(above["answer"]) > 0.5
    assert float(below["answer"]) < -0.5
    report = json.loads(run("inspect-grads", "run", "lines.txt", "--check", "-f", "json", cwd=folder).ok().out)
    assert report["check"]["passed"]
    assert run("predict", "run", "--top", "3", cwd=folder).failed(2).startswith("--top: is for language-model, and")
    (folder / "bad.txt").write_text("1 two 3\n")
    assert "write numbers with blanks between them" in run("predict", "run", "bad.txt", cwd=folder).failed(3)


def test_a_config_key_is_a_field(folder: Path) -> None:
    run("train", "lines.yaml", "-q", "-o", "run", "--set", "data.unit=feet", cwd=folder).ok()
    assert "  unit: feet\n" in (folder / "run/config.yaml").read_text()
    assert {row["unit"] for row in run("predict", "run", "asked.txt", cwd=folder).ok().rows()} == {"feet"}
    message = run("train", "rows.yaml", "--set", "data.unit=feet", cwd=folder).failed(2)
    assert "data.unit: is for lines, and a forecast has no use for it" in message
    assert "must be text" in run("train", "lines.yaml", "--set", "data.unit=[1]", cwd=folder).failed(2)


def test_a_loss_is_a_kernel_and_a_line(folder: Path) -> None:
    x = np.array([[[0.3], [-700.0]]])
    losses = np.zeros((1, 2))
    LOG_COSH.loss.kernel(x, np.zeros((1, 2, 1)), losses, 1.0, 0, 2)
    assert losses[0] == pytest.approx([math.log(math.cosh(0.3)), 700 - math.log(2)], rel=1e-12)
    assert x.ravel() == pytest.approx([math.tanh(0.3), -1.0], rel=1e-12)
    out = run("train", "rows.yaml", "-o", "rows", cwd=folder).ok()
    assert "losses in ln cosh" in out.err
    assert len(run("predict", "rows", cwd=folder).ok().rows()) == 3
    assert json.loads(run("evaluate", "rows", "-f", "json", cwd=folder).ok().out)["floors"]
    report = json.loads(run("inspect-grads", "rows", "rows.csv", "--check", "-f", "json", cwd=folder).ok().out)
    assert report["check"]["passed"]
