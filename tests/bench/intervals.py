"""Intervals within the trained horizon and beyond it, on forty processes whose futures are known.

    python tests/bench/intervals.py [--decoders direct,recursive,segments] [--losses mae,quantile] [--names walk,...]

Each process is learnt from 600 rows, a quarter of them for validation, and forecast from origins in 600 rows more, as
far as the horizon of 12 rows, twice and four times as far. Printed are the means over processes of what intervals of
80% and 95% held, and how wide the 80% ones were, in widths of the trained rows.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import POOL, csv, trainee_of
from generators import GENERATORS, SEASON

from rnncli.notes import noting
from rnncli.tasks.forecast.report import backtested, report
from rnncli.training.optimizer import Optimizer

HORIZON, TRAINED, TESTED, STEP, UPDATES = 12, 600, 600, 6, 300
LOSSES = ("mae", "mse", "quantile", "gaussian", "student-t", "negative-binomial")
SPANS = ((1, 12), (13, 24), (25, 48))


def learnt(values: np.ndarray, decoder: str, loss: str) -> Any:
    """Return an experiment that was trained and validated on all but the last rows of the series."""
    made = trainee_of(
        csv(y=values),
        {"loss": loss, "batch_size": 32},
        {"decoder": decoder, "hidden_size": 16},
        horizon=HORIZON,
        season=SEASON,
        validation=TRAINED // 4,
        test=TESTED,
    )
    optimizer = Optimizer("adam", made.network, 1.0, POOL)
    for update in range(UPDATES):
        made.learner.gradient(update)
        optimizer.update(3e-3 * min(1.0, 2 * (1 - update / UPDATES)), optimizer.gradient_norms())
    with noting(lambda _: None):
        made.score()
    return made


def held(made: Any) -> list[tuple[float, float, float]]:
    """Return for each span of rows what 80% and 95% held in percent, and how wide the 80% were."""
    with noting(lambda _: None):
        split, tested = backtested(made, None, STEP, 4 * HORIZON)
    covered = {(one.asked, one.first, one.last): one for one in report(split, tested, STEP, HORIZON).coverage}
    return [(covered[(80, *span)].got, covered[(95, *span)].got, covered[(80, *span)].width) for span in SPANS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decoders", default="direct,segments,recursive")
    parser.add_argument("--losses", default=",".join(LOSSES))
    parser.add_argument("--names", default=",".join(GENERATORS))
    parser.add_argument("--draw", type=int, default=7, help="of the processes; what is tuned is tuned on another")
    parser.add_argument("--each", action="store_true")
    arguments = parser.parse_args()
    for decoder in arguments.decoders.split(","):
        for loss in arguments.losses.split(","):
            names = [
                name for name in arguments.names.split(",") if loss != "negative-binomial" or name.startswith("counts")
            ]
            began, found = time.perf_counter(), []
            for name in names:
                seed = list(GENERATORS).index(name)
                values = GENERATORS[name](np.random.default_rng([seed, arguments.draw]), TRAINED + TESTED)
                found.append(held(learnt(values, decoder, loss)))
                if arguments.each:
                    print(f"  {name:20}", *(f"{a:6.1f} {b:6.1f} {w / found[-1][0][2]:5.2f} |" for a, b, w in found[-1]))
            mean = np.mean([[(a, b, w / one[0][2]) for a, b, w in one] for one in found], axis=0)
            seconds = (time.perf_counter() - began) / len(names)
            spans = "  ".join(f"{a:5.1f} {b:5.1f} ×{w:4.2f}" for a, b, w in mean)
            print(f"{decoder:10}{loss:18}{len(names):3}  {spans}  {seconds:.1f} s each", flush=True)


if __name__ == "__main__":
    main()
