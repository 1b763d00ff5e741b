"""How often a verdict is wrong, and how often it finds a difference, where the truth is known: simulated backtests.

    python tests/bench/verdicts.py [--draws 1000] [--json]

The rows of eight series in one table have a shock of their own and one of each forecaster. Shocks are correlated
between series (rho) and from row to row (phi), normal or with heavy tails. The network's are as large as the
baseline's, larger, or smaller. Every row of the held-out ones is an origin, so that windows overlap. "better" must be
said in at most 5% of the draws where it is wrong; 2.5% is what the bootstrap aims for.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from rnncli.tasks.forecast.backtest import NETWORK, Backtest

HORIZON, SERIES = 6, 8
BURN_IN = 100  # rows, until shocks have forgotten that they began
WORDS = ("better", "worse", "cannot tell")


@dataclass(frozen=True)
class Setting:
    """groups: of 2·HORIZON origins each. size: of the network's own shocks, the baseline's being 1. tail: the degrees
    of freedom of Student's t, 0 for a normal distribution.
    """

    groups: int
    rho: float
    phi: float
    tail: int = 0
    size: float = 1.0

    def backtest(self, random: np.random.Generator) -> Backtest:
        """One draw of a backtest of two forecasters, the network and the last value by name."""
        rows = 2 * HORIZON * self.groups + HORIZON - 1
        shock, network, baseline = (self._shocks(random, rows) for _ in range(3))
        firsts = np.arange(rows - HORIZON + 1)
        origins = (np.arange(SERIES)[:, None] * rows + firsts).ravel()
        ahead = origins + np.arange(HORIZON)[:, None]
        actual, *made = (one.T.ravel()[ahead][:, :, None] for one in (shock, -self.size * network, -baseline))
        return Backtest(
            origins=origins,
            series=np.repeat(np.arange(SERIES), len(firsts)),
            actual=actual,
            forecasts=dict(zip((NETWORK, "last-value"), made, strict=True)),
            scales=(np.ones((SERIES, 1)), np.ones((SERIES, 1))),
            zeros=np.arange(SERIES) * rows,
        )

    def _shocks(self, random: np.random.Generator, rows: int) -> np.ndarray:
        """Shocks (rows, SERIES) with an autocorrelation of phi and a correlation between series of rho."""
        shape = BURN_IN + rows, SERIES + 1
        fresh = random.standard_t(self.tail, shape) if self.tail else random.standard_normal(shape)
        fresh = np.sqrt(self.rho) * fresh[:, :1] + np.sqrt(1 - self.rho) * fresh[:, 1:]
        made = fresh.copy()
        for t in range(1, len(made)):
            made[t] = self.phi * made[t - 1] + np.sqrt(1 - self.phi**2) * fresh[t]
        return made[BURN_IN:]

    def said(self, draws: int, seed: int) -> Counter[str]:
        """How often each verdict is given, without the number of groups."""
        random = np.random.default_rng(seed)
        verdicts = (self.backtest(random).verdicts["last-value"][1] for _ in range(draws))
        return Counter(words.partition(",")[0] for words in verdicts)


GROUPS = (5, 6, 10, 20, 60)
EQUAL = [
    Setting(groups, rho, phi, tail)
    for rho, phi, tail in ((0.3, 0.5, 0), (0.9, 0.5, 0), (0.6, 0.9, 0), (0.6, 0.5, 3), (0.3, 0.9, 3), (0.9, 0.5, 2))
    for groups in GROUPS
]
WORSE = [Setting(groups, 0.6, 0.5, size=1.04) for groups in GROUPS]  # by 2%
BETTER = [Setting(groups, 0.3, 0.5, size=0.787) for groups in GROUPS]  # by 10%
TRUTHS = {"equal": EQUAL, "2% worse": WORSE, "10% better": BETTER}


def measured(draws: int) -> Iterator[dict[str, Any]]:
    for truth, settings in TRUTHS.items():
        for setting in settings:
            said = setting.said(draws, seed=1)
            shares = {words: round(100 * said[words] / draws, 1) for words in WORDS}
            yield {"truth": truth, **vars(setting), **shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    arguments = parser.parse_args()
    rows = list(measured(arguments.draws))
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    columns = ("truth", "groups", "rho", "phi", "tail", *WORDS)
    table = Table(*columns, title=f"percent of {arguments.draws:,} draws", box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    Console().print(table)


if __name__ == "__main__":
    main()
