"""How long a forecast of 100,000 rows × 5 columns takes until its first update is done, kernels being compiled already.

    python tests/bench/forecast_start.py

One JSON line: seconds for imports, for reading and windowing, for the first update, each the median of five processes.
"""

from __future__ import annotations

import datetime
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path


def write_table(path: Path) -> None:
    """Hourly random walks."""
    source, values, start = random.Random(1), [10.0, 20.0, 30.0, 40.0], datetime.datetime(2010, 1, 1)
    with path.open("w", encoding="ascii") as file:
        file.write("time,a,b,c,d\n")
        for hour in range(100_000):
            values = [value + source.gauss(0, 1) for value in values]
            stamp = (start + datetime.timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M")
            file.write(",".join([stamp, *(f"{value:.3f}" for value in values)]) + "\n")


def once(path: str) -> list[float]:
    """Seconds of each phase in this process."""
    moments = [time.perf_counter()]

    from rnncli.data.source import read_source
    from rnncli.tasks.forecast.experiment import ForecastExperiment
    from rnncli.tasks.registry import config_from_mapping
    from rnncli.tasks.task import Context
    from rnncli.training.backpropagation import ThreadPool

    moments.append(time.perf_counter())
    model = {"cell": "gru", "hidden_size": 32, "num_layers": 1}
    config = config_from_mapping(
        {"task": "forecast", "data": {"path": path, "encoding": "utf-8", "validation": 0.2}, "model": model}
    )
    experiment = ForecastExperiment(config, read_source(path), Context(ThreadPool(2)))
    moments.append(time.perf_counter())
    experiment.learner.gradient(0)
    moments.append(time.perf_counter())
    return [after - before for before, after in pairwise(moments)]


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(once(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        write_table(table)
        command = [sys.executable, __file__, str(table)]
        runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(6)]
    phases = zip(("imports", "read_and_windowed", "first_update"), zip(*runs[1:], strict=True), strict=True)
    print(json.dumps({name: round(statistics.median(seconds), 2) for name, seconds in phases}))


if __name__ == "__main__":
    main()
